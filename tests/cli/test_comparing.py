"""`gradwright cv`, `train --seeds` and `compare`: what they print, what they leave, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

QUICK = ("--eager", "--epochs", "2", "--hidden", "4")


@pytest.fixture
def arms(tmp_path: Path) -> Path:
    for name, rate in (("slow", 0.001), ("fast", 0.1)):
        (tmp_path / f"{name}.toml").write_text(f"hidden = [4]\nepochs = 2\neager = true\nlr = {rate}\n")
    return tmp_path


def _study(folder: Path) -> Path:
    [study] = [f for f in (folder / "runs").iterdir() if f.is_dir()]
    for name in ("study.json", "trials.jsonl", "curves.jsonl", "result.json", "report.html"):
        assert (study / name).stat().st_size > 0
    return study


def test_cv_prints_a_table_and_leaves_a_study(here, tmp_path: Path) -> None:
    done = here("cv", "iris", *QUICK, "--folds", "3", "--repeats", "2")
    assert done.returncode == 0, done.stderr
    study = _study(tmp_path)
    assert study.name.startswith("cv-iris-")
    assert "unfinished" not in (study / "report.html").read_text()
    assert "Accuracy on the rows held out, 2 × 3 folds:" in done.stdout
    assert "logistic regression" in done.stdout
    assert "test part (23 rows) stays sealed" in done.stdout
    assert f"Report: runs/{study.name}/report.html" in done.stdout
    assert len((study / "trials.jsonl").read_text().splitlines()) == 6
    assert not (tmp_path / "runs" / "looks.jsonl").exists()


def test_cv_over_all_rows_is_a_look(here, tmp_path: Path) -> None:
    done = here("cv", "iris", *QUICK, "--folds", "2", "--all-rows", "--json", "--out", "deep/study")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["study"] == "deep/study"
    assert sum(row["held_rows"] for row in result["per_fold"]) == 150
    look = json.loads((tmp_path / "deep/looks.jsonl").read_text())
    assert (look["command"], look["run"]) == ("cv", "study")


def test_cv_takes_the_settings_of_train_from_a_file_and_options(here, arms: Path) -> None:
    done = here("cv", "iris", "--config", "slow.toml", "--lr", "0.05", "--folds", "2", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    config = json.loads((_study(arms) / "study.json").read_text())["config"]
    assert (config["hidden"], config["lr"], config["epochs"]) == ([4], 0.05, 2)


def test_cv_that_breaks_down_ends_with_status_1(here, tmp_path: Path) -> None:
    done = here("cv", "iris", *QUICK, "--folds", "2", "--optimizer", "sgd", "--lr", "1e30")
    assert done.returncode == 1
    assert "2 of 2 networks have no score" in done.stdout
    assert _study(tmp_path)


def test_train_with_seeds(here, tmp_path: Path) -> None:
    done = here("train", "iris", *QUICK, "--seeds", "3", "--seed", "5")
    assert done.returncode == 0, done.stderr
    assert "Test accuracy, 3 seeds, 23 rows, look 1 at them:" in done.stdout
    for words in ("mean of the seeds", "seed 5", "seed 7", "logistic regression", "Validation accuracy"):
        assert words in done.stdout
    study = _study(tmp_path)
    assert json.loads((study / "study.json").read_text())["kind"] == "seeds"
    again = here("train", "iris", *QUICK, "--seeds", "2", "--seed", "5", "--out", "runs/again")
    assert "look 2 at them" in again.stdout
    assert "(97.5% interval " in again.stdout
    listed = here("runs")  # studies are no runs, and do not disturb them
    assert listed.returncode == 0, listed.stderr


def test_compare_prints_arms_test_and_words(here, arms: Path) -> None:
    done = here("compare", "slow.toml", "fast.toml", "iris")
    assert done.returncode == 0, done.stderr
    assert "  slow  " in done.stdout
    assert "lr 0.1" in done.stdout
    assert "combined 5×2cv F test: p = " in done.stdout
    assert "This was the first comparison on these data." in done.stdout
    assert len((_study(arms) / "trials.jsonl").read_text().splitlines()) == 20
    second = here("compare", "slow.toml", "fast.toml", "iris", "--test", "mcnemar", "--json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["comparisons"] == 2


def test_errors_name_file_and_setting(here, arms: Path) -> None:
    (arms / "odd.toml").write_text("hidden = [4]\ndropuot = 0.1\n")
    (arms / "other.toml").write_text('target = "petal length (cm)"\nhidden = [8]\n')
    (arms / "broken.toml").write_text("hidden = [4\n")
    for arguments, words in (
        (("slow.toml", "odd.toml", "iris"), "odd.toml: unknown setting 'dropuot'; did you mean 'dropout'?"),
        (("slow.toml", "other.toml", "iris"), "target is not given in slow and petal length (cm) in other"),
        (("slow.toml", "broken.toml", "iris"), "broken.toml: not valid TOML"),
        (("slow.toml", "missing.toml", "iris"), "missing.toml: cannot be read"),
        (("slow.toml", "iris"), "name two TOML files or more"),
        (("slow.toml", "fast.toml"), "slow.toml: no source in it"),
        (("slow.toml", "slow.toml", "iris"), "a file is named twice"),
        (("slow.toml", "fast.toml", "iris", "wine"), "one SOURCE, got iris and wine"),
        (("slow.toml", "fast.toml", "iris", "--test", "t"), "--test t: expected one of 5x2cv, 5x2cv-t, resampled"),
    ):
        done = here("compare", *arguments)
        assert done.returncode == 2
        assert words in done.stderr
    few = arms / "few.csv"
    few.write_text("x,y\n" + "".join(f"{i},{i * 1.5}\n" for i in range(9)))
    for arguments, words in (
        (("cv",), "cv: name a SOURCE"),
        (("cv", str(few), "--target", "y", "--task", "regression", "--folds", "12"), "Ask for fewer folds"),
        (("cv", "iris", "--lr", "auto", "--folds", "2"), "lr = 'auto'"),
        (("train", "iris", "--seeds", "1"), "expected 2 or more"),
        (("train", "iris", "--seeds", "2", "--keep-every", "1"), "leave --keep-every"),
    ):
        done = here(*arguments)
        assert done.returncode == 2
        assert words in done.stderr
    assert not (arms / "runs").exists()


def test_many_notes_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gradwright.cli.population import finish
    from gradwright.tune.outcome import Outcome
    from gradwright.tune.study import StudyFolder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradwright.report.study.write_study_report", lambda path: path / "report.html")
        patch.setattr(Outcome, "write", lambda self, path: None)
        outcome = Outcome({}, [], [], {"notes": [f"note {i}" for i in range(8)]}, "")
        finish(StudyFolder(tmp_path / "study"), lambda folder: outcome, lambda _: [], quiet=False, as_json=False)
    assert "note: note 4\nnote: and 3 more, in " in capsys.readouterr().err
