"""The loop of a search: trials equal to runs, one look, records, breaks, what fails."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from gradwright.errors import ConfigError, RunError, StateError, TrainingInterrupted
from gradwright.report.study import read_study, write_study_report
from gradwright.train import RunFolder, run_job
from gradwright.tune import Choice, Log, Space
from gradwright.tune import tuning as tuning_module
from gradwright.tune.courses import TIME_UP
from gradwright.tune.job_book import JobBook
from gradwright.tune.plans import SearchSettings, make_plan
from gradwright.tune.search import Found, StudyReporter, search
from gradwright.tune.tuning import SearchFolder, Searching, _ended, resumed, run_search, search_work
from gradwright.tune.workers import LocalPool

from .searching import config, job, run, space, work


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[bool]]:
    """A search with everything, its result, and whether anybody had looked before the winner was trained."""
    folder = tmp_path_factory.mktemp("whole") / "study"
    looked: list[bool] = []
    refit = tuning_module.refit

    def watched(*args: Any, **kwargs: Any) -> Any:
        looked.append((folder.parent / "looks.jsonl").exists())
        return refit(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning_module, "refit", watched)
        result = run(folder, refit=True, baselines=True)
    return folder, result, looked


def test_the_test_part_is_looked_at_once_and_only_by_the_winners_run(whole) -> None:
    folder, result, looked = whole
    assert looked == [False]
    (look,) = _lines(folder.parent / "looks.jsonl")
    assert (look["run"], look["command"]) == ("study-best", "train")
    assert result["refit"]["looks"] == 1
    run_result = json.loads((folder.parent / "study-best" / "result.json").read_text())
    assert result["refit"]["test"] == run_result["test"]
    assert (folder.parent / "study-best" / "report.html").exists()


def test_a_trial_is_what_train_makes_of_its_settings(whole, tmp_path: Path) -> None:
    folder, result, _ = whole
    trials, curves = _lines(folder / "trials.jsonl"), _lines(folder / "curves.jsonl")
    worst = next(t for t in trials if t["number"] != result["best"])
    for trial, home in ((worst, tmp_path / "alone"), (trials[result["best"]], folder.parent / "study-best")):
        if not home.exists():
            with RunFolder(home) as alone:
                run_job(config(**trial["parameters"]), alone.path)
        rows = _lines(home / "metrics.jsonl")
        curve = curves[trial["number"]]
        assert curve["epoch"] == [1, 2, 3]
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(curve[name], [row[name] for row in rows], rtol=2e-6)
        kept = json.loads((home / "result.json").read_text())
        assert trial["score"] == kept["validation"]["accuracy"]
        assert trial["best_epoch"] == kept["best_epoch"]
        assert trial["loss"] == pytest.approx(kept["validation"]["loss"], rel=2e-6)
    assert json.loads((folder.parent / "study-best/config.json").read_text())["lr"] == result["parameters"]["lr"]


def test_the_records_are_what_the_report_and_optuna_read(whole) -> None:
    folder, result, _ = whole
    record = read_study(folder)
    assert (record.kind, record.metric, record.higher_is_better, record.finished, record.notes) == (
        "tune", "accuracy", True, True, (),
    )  # fmt: skip
    assert [t.number for t in record.trials] == [0, 1, 2, 3] == sorted(record.curves)
    assert {n for group in record.groups for n in group["members"]} == {0, 1, 2, 3}
    assert record.strategy["name"] == "random"
    assert list(record.space) == ["lr", "weight_decay"]
    assert write_study_report(folder).stat().st_size > 10_000
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    study = optuna.load_study(study_name="study", storage=optuna.storages.JournalStorage(backend))
    for trial in record.trials:
        theirs = study.trials[trial.number]
        assert theirs.state.name == "COMPLETE"
        assert (theirs.value, theirs.params) == (trial.score, dict(trial.parameters))
        assert (
            list(theirs.intermediate_values.values())
            == record.curves[trial.number].columns["validation_accuracy"].tolist()
        )
    assert study.best_value == result["score"] == max(t.score for t in record.trials)
    best = max((t for t in record.trials), key=lambda t: (t.score, -t.loss))
    assert best.number == result["best"] == result["ranking"][0]


def test_the_result_says_how_many_were_tried_and_what_that_does(whole) -> None:
    _, result, _ = whole
    assert result["tried"] == result["optimism"]["tried"] == 4
    assert "4 configurations were tried" in result["optimism"]["words"]
    assert result["optimism"]["best"] == result["score"]
    assert result["optimism"]["corrected"] <= result["score"]
    assert result["importance"] == {}
    assert "4 complete trials" in result["importance_method"]


def test_baselines_stand_in_the_run_and_in_the_study(whole) -> None:
    folder, result, _ = whole
    beside = {b["name"]: b for b in json.loads((folder.parent / "study-best/baselines.json").read_text())}
    names = ["tuned logistic regression", "tuned nearest neighbours", "tuned gradient boosting"]
    assert [b["name"] for b in result["baselines"]] == names
    for baseline in result["baselines"]:
        assert 1 <= baseline["tried"] <= 4
        assert beside[baseline["name"]]["validation"] == baseline["validation"]
        assert beside[baseline["name"]]["test"] == baseline["test"]
    assert result["budget"]["words"].startswith("searched within the network's own budget: up to 4 configurations each")


class _Breaks(StudyReporter):
    """Breaks a search off after so many epochs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def on_epoch(self, number: int, row: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise TrainingInterrupted("asked to")


@pytest.mark.parametrize("after", [1, 8])
def test_a_search_that_was_broken_off_ends_as_one_that_was_not(whole, tmp_path: Path, after: int) -> None:
    folder = tmp_path / "study"
    with pytest.raises(TrainingInterrupted):
        run(folder, Searching(reporter=_Breaks(after)), refit=after > 6)
    assert not (folder / "result.json").exists()
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
    done = len(list((folder / "jobs").glob("?????.json")))
    assert done == (after > 6)
    kept, varied, settings = resumed(folder)
    with SearchFolder.resume(folder) as place:
        run_search(kept, varied, place, settings)
    assert _lines(folder / "trials.jsonl") == _lines(whole[0] / "trials.jsonl")  # bit for bit
    assert _lines(folder / "curves.jsonl") == _lines(whole[0] / "curves.jsonl")
    assert (tmp_path / "looks.jsonl").exists() == (after > 6)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    study = optuna.load_study(study_name="study", storage=optuna.storages.JournalStorage(backend))
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 4
    with pytest.raises(RunError, match="finished"):
        resumed(folder)


def test_one_cannot_go_on_with_something_else(tmp_path: Path) -> None:
    with pytest.raises(TrainingInterrupted):
        run(tmp_path / "study", Searching(reporter=_Breaks(8)))
    for more, what in (({"base": config(lr=0.5)}, "settings"), ({"trials": 5}, "strategy")):
        with pytest.raises(RunError, match=f"{what} differs"):
            run(tmp_path / "study", **more)
    book, first = tmp_path / "study" / "jobs" / "00000.json", "00000.json"
    kept = json.loads(book.read_text())
    kept["job"]["trials"][0]["parameters"]["lr"] = 0.25
    book.write_text(json.dumps(kept))
    with pytest.raises(StateError, match=first):
        run(tmp_path / "study")
    (tmp_path / "none").mkdir()
    with pytest.raises(RunError, match=r"no study\.json"):
        resumed(tmp_path / "none")


def test_jobs_elsewhere_give_the_same(tmp_path: Path, whole) -> None:
    one = work()
    plan = make_plan(SearchSettings(trials=4, batch=2), space(), epochs=3, seed=3, direction="maximize")

    class Backwards(LocalPool):
        """A pool whose jobs end in another order."""

        def run(self, jobs, on_result=None):
            return super().run(list(jobs)[::-1], on_result)[::-1]

    found = search(plan, one, JobBook(tmp_path / "jobs"), pool=Backwards(one))
    assert found.trials == _lines(whole[0] / "trials.jsonl")
    again = run(tmp_path / "study", Searching(pool=lambda work: nullcontext(LocalPool(work))))
    assert again["trials"] == found.trials
    helper = search_work(config(), space(), SearchSettings(trials=4, batch=2))
    done = helper(job({"name": "straight"}, *(t["parameters"] for t in found.trials[:2])))
    assert done["trials"] == found.trials[:2]


def test_a_trial_that_breaks_down_or_is_refused_is_told_and_the_others_go_on(whole) -> None:
    trials = _lines(whole[0] / "trials.jsonl")
    good = trials[0]["parameters"]
    done = work()(job({"name": "straight"}, good, {"lr": 1e30}, {"lr": -1.0}, trials[1]["parameters"]))
    first, nan, refused, last = done["trials"]
    # in other company (another layout), so up to rounding
    assert (first["score"], first["best_epoch"]) == (trials[0]["score"], trials[0]["best_epoch"])
    assert first["loss"] == pytest.approx(trials[0]["loss"], rel=1e-6)
    assert last["loss"] == pytest.approx(trials[1]["loss"], rel=1e-6)
    for failed, words in ((nan, "stopped being a number in step"), (refused, "lr = -1.0")):
        assert (failed["state"], failed["score"]) == ("failed", None)
        assert words in failed["problem"]
    assert json.loads(json.dumps(done, allow_nan=False)) == done


def test_a_search_without_any_score_says_why(tmp_path: Path) -> None:
    with SearchFolder(tmp_path / "study") as place:
        broken = Space({"lr": Choice([1e30, 1e31])})
        result = run_search(config(), broken, place, SearchSettings("grid"))
    assert result["best"] is None
    assert result["refit"] is None
    assert [t["state"] for t in result["trials"]] == ["failed", "failed"]
    assert not (tmp_path / "looks.jsonl").exists()
    assert not read_study(tmp_path / "study").notes


def test_when_the_time_is_up_trials_end_where_they_stand(tmp_path: Path) -> None:
    one, plan = work(), make_plan(SearchSettings(trials=4, batch=2), space(), epochs=3, seed=3, direction="maximize")
    seen: list[int] = []
    one.hooks.on_epoch = lambda number, row: seen.append(number)
    one.hooks.over = lambda: len(seen) >= 1
    found = search(plan, one, JobBook(tmp_path / "jobs"))
    assert found.ended == "the time was up"
    assert [t["number"] for t in found.trials] == [0, 1]
    assert all(t["state"] == "complete" and 1 <= t["epochs"] < 3 for t in found.trials)
    assert all("the time was up" in t["problem"] for t in found.trials)


def test_a_database_holds_the_trials(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'all.db'}"
    result = run(tmp_path / "study", Searching(storage=url))
    assert not (tmp_path / "study" / "journal.log").exists()
    with pytest.raises(RunError, match="--storage"):
        run(tmp_path / "study")
    study = optuna.load_study(study_name="study", storage=url)
    assert [t.value for t in study.trials] == [t["score"] for t in result["trials"]]


def test_a_database_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot open this storage"):
        run(tmp_path / "study", Searching(storage=f"sqlite:///{tmp_path / 'none' / 'all.db'}"))
    assert not (tmp_path / "study").exists()


def test_time_that_is_up_in_the_middle_is_said(tmp_path: Path) -> None:
    trial = {"problem": f"ended after epoch 2: {TIME_UP}", "epochs": 2}
    found = Found("maximize", trials=[trial, {"problem": None, "epochs": 9}])
    assert _ended(found, 9) == f"{TIME_UP}; 1 of 2 trials ended where they stood, the earliest after 2 of 9 epochs"


def test_what_cannot_be_searched_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for base, varied, settings, words in (
        (config(), None, SearchSettings(), "--lr-sweep"),
        (config(lr="auto"), Space({"dropout": Choice([0.1, 0.2])}), SearchSettings(), "lr = auto"),
        (config(), Space({"momentum": Log(0.1, 0.9)}), SearchSettings(), "momentum"),
        (config(), space(), SearchSettings("lr-sweep"), "leave the space away"),
        (config(), Space({"activation": Choice(["relu", "tanh"])}), SearchSettings("pbt"), "activation"),
    ):
        with pytest.raises(ConfigError, match=words), SearchFolder(tmp_path / "study") as place:
            run_search(base, varied, place, settings)
    assert list(tmp_path.iterdir()) == []
    for wrong in ({"strategy": "best"}, {"trials": 0}, {"nested": 1}, {"timeout": 0.0}, {"interval": 3}, {"eta": 1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            SearchSettings(**wrong)
