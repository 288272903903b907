"""Comparisons: arms on the same rows with the same seeds, tests against mlxtend's, and what is concluded.

Where only the arithmetic after the training is tested, networks are replaced by what they would have said.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlxtend.evaluate import combined_ftest_5x2cv, mcnemar, mcnemar_table
from scipy import stats

from gradwright.errors import ConfigError
from gradwright.report.study import contest_info, read_study, study_summary
from gradwright.train import Config, parse_config
from gradwright.tune import comparison
from gradwright.tune.comparison import compare_configurations
from gradwright.tune.comparison_book import ComparisonBook
from gradwright.tune.folds import Fold
from gradwright.tune.held_out import Scored, Training
from gradwright.tune.members import MemberResult
from gradwright.tune.source import Source


def _arms(*names: str, **more: Any) -> dict[str, Config]:
    base = {"source": "iris", "hidden": [4], "epochs": 3, "eager": True, **more}
    return {name: parse_config({**base, "lr": 0.01 * 3**i}) for i, name in enumerate(names)}


#: From (arm, fold, seed, target) to what a network says.
Says = Callable[[int, Fold, int, np.ndarray], np.ndarray]


def _told(monkeypatch: pytest.MonkeyPatch, says: Says, broken: Sequence[int] = ()) -> None:
    def train(
        source: Source, configs: Sequence[Config], folds: Sequence[Fold], *, seeds: int = 1, **_: Any
    ) -> Training:
        classes = np.unique(np.asarray(source.dataset.target), return_inverse=True)[1]
        scored = []
        for arm in range(len(configs)):
            for fold in folds:
                for seed in range(fold.repeat * seeds, (fold.repeat + 1) * seeds):
                    target = classes[fold.held]
                    said = says(arm, fold, seed, target)
                    rows = [{"epoch": 1, "validation_loss": 1.0}]
                    result = MemberResult(len(scored), rows, 1, "all 1 epochs done", None, {"loss": 1.0})
                    figures = {"loss": 1.0, "accuracy": float((said == target).mean())}
                    if arm in broken:
                        figures = {}
                    scored.append(Scored(arm, seed, fold, result, figures, {}, target, said))
        return Training(scored, [], [])

    monkeypatch.setattr(comparison, "train_on_folds", train)


def _wrong(shares: Sequence[float]) -> Says:
    """Return networks that err on a share of the rows, each arm by its own luck."""

    def says(arm: int, fold: Fold, seed: int, target: np.ndarray) -> np.ndarray:
        random = np.random.default_rng([arm, fold.repeat, fold.fold, seed])
        err = random.random(len(target)) < shares[arm]
        return np.where(err, (target + 1) % 3, target)

    return says


def test_the_f_test_is_mlxtends(monkeypatch: pytest.MonkeyPatch) -> None:
    _told(monkeypatch, _wrong([0.1, 0.3]))
    found = compare_configurations(_arms("a", "b")).result
    a, b = (np.array(arm["scores"]) for arm in found["arms"])
    assert len(a) == 10

    # mlxtend scores by itself, so it is given estimators that return our scores, halves in its order
    class _Told:
        def __init__(self, scores: np.ndarray) -> None:
            # it scores half 2 of each repeat with both estimators first
            self.scores = iter(scores)

        def fit(self, x: Any, y: Any) -> _Told:
            return self

    def score(estimator: _Told, x: Any, y: Any) -> float:
        return float(next(estimator.scores))

    f, p = combined_ftest_5x2cv(_Told(a), _Told(b), np.zeros((20, 1)), np.zeros(20), scoring=score)
    [test] = found["tests"]
    assert (test["statistic"], test["p"]) == pytest.approx((f, p), rel=1e-12)
    assert test["difference"] == pytest.approx((a - b).mean())
    assert "b ahead" not in test["words"]


def test_mcnemar_is_mlxtends(monkeypatch: pytest.MonkeyPatch) -> None:
    _told(monkeypatch, _wrong([0.05, 0.6]))
    outcome = compare_configurations(_arms("a", "b"), test="mcnemar")
    [test] = outcome.result["tests"]
    says = _wrong([0.05, 0.6])
    assert outcome.roles is not None
    with np.load(io.BytesIO(outcome.roles)) as file:
        held = np.flatnonzero(file["roles"][0] == 3)
    target = np.repeat([0, 1, 2], 50)[held]
    first = [says(arm, Fold(0, 0, held, held, held), 0, target) for arm in (0, 1)]
    _, p = mcnemar(mcnemar_table(target, *first), exact=True)
    assert test["p"] == pytest.approx(p, rel=1e-9)
    assert test["difference"] == pytest.approx(outcome.result["arms"][0]["mean"] - outcome.result["arms"][1]["mean"])


@pytest.mark.parametrize(("third", "shown"), [(0.28, 0), (0.36, 2)])  # of the first, one p alone is 0.02
def test_several_arms_are_corrected_and_the_words_agree(
    monkeypatch: pytest.MonkeyPatch, third: float, shown: int
) -> None:
    _told(monkeypatch, _wrong([0.1, 0.16, third]))
    found = compare_configurations(_arms("a", "b", "c"), test="resampled", folds=5, repeats=2).result
    assert [(t["a"], t["b"]) for t in found["tests"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    p = np.array([t["p"] for t in found["tests"]])
    expected = np.empty(3)
    order = np.argsort(p)
    expected[order] = np.maximum.accumulate(np.minimum(1, p[order] * [3, 2, 1]))  # Holm 1979
    assert [t["p_corrected"] for t in found["tests"]] == pytest.approx(expected.tolist())
    for test in found["tests"]:
        assert ("one may conclude" in test["words"]) == (test["p_corrected"] < 0.05)
    assert sum(test["p_corrected"] < 0.05 for test in found["tests"]) == shown
    assert (p < 0.05).any()
    # the intervals are at the level of the correction: wider than the plain ones
    gap = np.array(found["arms"][0]["scores"]) - np.array(found["arms"][1]["scores"])
    plain = stats.t.ppf(0.975, 9) * np.sqrt((1 / 10 + 1 / 4) * gap.var(ddof=1))
    assert found["tests"][0]["high"] - found["tests"][0]["difference"] >= plain * 0.999
    assert "3 comparisons were made at once" in found["words"][0]


def test_a_difference_within_the_seeds_spread_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def says(arm: int, fold: Fold, seed: int, target: np.ndarray) -> np.ndarray:
        wrong = [2, 8, 3, 9][seed] + arm  # seeds differ by far more than arms
        return np.where(np.arange(len(target)) < wrong, (target + 1) % 3, target)

    _told(monkeypatch, says)
    found = compare_configurations(_arms("a", "b"), test="bootstrap", seeds=4).result
    assert "smaller than the seeds' spread" in " ".join(found["words"])
    assert found["arms"][0]["per_seed"] == pytest.approx([1 - w / 23 for w in (2, 8, 3, 9)])
    assert found["arms"][0]["mean"] == pytest.approx(np.mean(found["arms"][0]["per_seed"]))
    assert found["tests"][0]["difference"] == pytest.approx(1 / 23)
    assert found["tests"][0]["p"] is None

    _told(monkeypatch, lambda arm, fold, seed, target: (target + (np.arange(len(target)) < (10 * arm + seed))) % 3)
    found = compare_configurations(_arms("a", "b"), test="mcnemar", seeds=3).result
    assert "larger than the seeds' spread" in " ".join(found["words"])
    assert "first of 3 seeds" in " ".join(found["words"])
    found = compare_configurations(_arms("a", "b"), test="mcnemar").result
    assert "--seeds 5 tells" in " ".join(found["words"])


def test_comparisons_on_the_same_data_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _told(monkeypatch, _wrong([0.1, 0.2, 0.3]))
    book = ComparisonBook(tmp_path)
    assert compare_configurations(_arms("a", "b"), book=book).result["comparisons"] == 1
    with book.path.open("a") as file:
        file.write('{"data": "another", "pairs": 5}\n')
    found = compare_configurations(_arms("a", "b", "c"), book=book, test="mcnemar").result
    assert found["comparisons"] == 4
    assert "4th comparison on the same data" in " ".join(found["words"])
    with book.path.open("ab") as file:  # a torn line counts
        file.write(book.path.read_bytes().splitlines()[0][:-20] + b"\n")
    assert compare_configurations(_arms("a", "b"), book=book).result["comparisons"] == 6


def test_a_broken_arm_is_not_tested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _told(monkeypatch, _wrong([0.1, 0.2]), broken=[1])
    outcome = compare_configurations(_arms("a", "b"))
    assert outcome.result["arms"][1]["mean"] is None
    assert "Not tested: a network of b" in " ".join(outcome.result["words"])
    outcome.write(tmp_path)
    assert read_study(tmp_path).finished


def test_arms_are_trained_on_the_same_rows_with_the_same_seeds(tmp_path: Path) -> None:
    outcome = compare_configurations(_arms("slow", "fast"), seeds=2, test="resampled", folds=2, repeats=1)
    places = [[(t["fold"], t["seed"]) for t in outcome.trials if t["arm"] == arm] for arm in ("slow", "fast")]
    assert places[0] == places[1] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    slow, fast = outcome.result["arms"]
    assert (slow["description"], fast["description"]) == ("lr 0.01", "lr 0.03")
    assert slow["scores"] != fast["scores"] or slow["per_seed"] != fast["per_seed"]
    assert "lr" not in outcome.record["config"]
    outcome.write(tmp_path)
    record = read_study(tmp_path)
    assert (record.kind, record.notes, len(record.trials)) == ("compare", (), 8)
    assert "percentage points" in study_summary(tmp_path)["lead"]
    assert [len(arm.scores) for arm in contest_info(record).arms] == [4, 4]  # a dot for every network
    assert contest_info(record).pairs == 4


def test_arms_that_share_a_program_share_it() -> None:
    arms = {k: c.model_copy(update={"eager": False, "epochs": 1}) for k, c in _arms("slow", "fast").items()}
    outcome = compare_configurations(arms)
    [group] = outcome.record["groups"]
    assert len(group["members"]) == 20


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    arms = _arms("a", "b")
    with pytest.raises(ConfigError, match="two configurations or more"):
        compare_configurations({"a": arms["a"]})
    with pytest.raises(ConfigError, match=r"seed is 0 in a and 1 in b"):
        compare_configurations({"a": arms["a"], "b": arms["b"].model_copy(update={"seed": 1})})
    with pytest.raises(ConfigError, match=r"target is not given in a and colour in b"):
        compare_configurations({"a": arms["a"], "b": arms["b"].model_copy(update={"target": "colour"})})
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare_configurations({"a": arms["a"], "b": arms["a"]})
    with pytest.raises(ConfigError, match="expected one of 5x2cv"):
        compare_configurations(arms, test="t")  # type: ignore[arg-type]
    numbers = {k: c.model_copy(update={"source": "diabetes"}) for k, c in arms.items()}
    with pytest.raises(ConfigError, match="rows that are right or wrong"):
        compare_configurations(numbers, test="mcnemar")


def test_a_default_written_out_is_the_same_setting() -> None:
    a = parse_config({"source": "iris", "hidden": [4]})
    b = parse_config({"source": "iris", "hidden": [4], "dropout": 0.1})
    with pytest.raises(ConfigError, match="a and b are the same settings"):
        compare_configurations({"a": a, "b": b})


def test_by_time_halves_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("day,x,y\n" + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    arms = {k: c.model_copy(update={"source": str(path), "time": "day"}) for k, c in _arms("a", "b").items()}
    with pytest.raises(ConfigError, match="ask for resampled"):
        compare_configurations(arms)


def test_rmse_is_compared_by_squared_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {k: c.model_copy(update={"source": "diabetes", "epochs": 2}) for k, c in _arms("a", "b").items()}
    outcome = compare_configurations(arms, test="bootstrap")
    [test] = outcome.result["tests"]
    a, b = outcome.result["arms"]
    assert test["difference"] == pytest.approx(a["mean"] - b["mean"], rel=1e-6)
    assert "RMSE" in test["words"]
