"""What the words say: never more than the numbers, and something for every degenerate case."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gradwright.errors import ConfigError
from gradwright.tune.statistics import (
    Comparison,
    TestResult,
    bootstrap_difference,
    compare_seeds,
    corrected_resampled_t,
    detectable_accuracy,
    detectable_difference,
    five_by_two_f,
    five_by_two_t,
    fold_interval,
    mcnemar,
    mcnemar_table,
    repeated_testing,
    summarize_seeds,
)
from gradwright.tune.statistics.words import conclusion, count_of

#: Sentences that a p-value does not allow.
FALSE = ("significan", "probability", "proves", "proven", "chance that", "likely that", "null hypothesis is", "confirm")


def results(shift: float, of: Comparison) -> list[TestResult]:
    rng = np.random.default_rng(0)
    d = shift + 0.01 * rng.standard_normal((5, 2))
    right = rng.random((2, 200)) < [[0.75], [0.75 - shift]]
    b, c = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    return [
        five_by_two_f(d, of=of),
        five_by_two_t(d, of=of),
        corrected_resampled_t(d, 100, 100, of=of),
        mcnemar([[100, b], [c, 20]], of=of),
        bootstrap_difference(*right, of=of),
        compare_seeds(d[:, 0] + 0.8, np.full(5, 0.8), paired=True, of=of),
        compare_seeds(d[:, 0] + 0.8, 0.8 + 0.01 * d[:, 1], paired=False, of=of),
    ]


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("metric", ["accuracy", "rmse", "loss", "r2"])
def test_words_follow_the_numbers(shift: float, metric: str) -> None:
    of = Comparison.by(metric, "wide", "narrow")
    for r in results(shift, of):
        told = r.words.replace("p is not the chance that this is wrong", "").lower()
        assert not [phrase for phrase in FALSE if phrase in told], r.words
        assert "mean mean" not in told
        assert "wide" in r.words
        assert "narrow" in r.words
        ahead = "wide" if (r.difference > 0) == of.higher_is_better else "narrow"
        if r.p is None:
            inside = r.low <= 0 <= r.high
            assert ("do not show" in r.words) == inside
            assert inside or f"{ahead} is ahead" in r.words
        elif r.p < 0.05:
            assert f"with {ahead} ahead" in r.words
            assert "does not show" not in r.words
        else:
            assert f"does not show that {ahead} is better, and it does not show that the two are equal" in r.words
            assert "a true difference below about" in r.words
        assert ("percentage points" in r.words) == (metric == "accuracy")
        record = json.loads(json.dumps(r.to_dict(), allow_nan=False))
        assert set(record) == {"name", "statistic", "p", "df", "difference", "low", "high", "words", "source"}
    # the large shift is seen by most, no shift by few
    seen = sum(r.p is not None and r.p < 0.05 for r in results(shift, of))
    assert seen >= 5 if shift else seen <= 1


def test_degrees_of_freedom_in_a_record() -> None:
    d = np.arange(10.0).reshape(5, 2) ** 2
    assert five_by_two_f(d).to_dict()["df"] == [10.0, 5.0]
    assert five_by_two_t(d).to_dict()["df"] == 5.0
    assert mcnemar([[5, 2], [1, 0]]).to_dict()["df"] is None


def test_the_sentence_on_p() -> None:
    said = conclusion(Comparison(), 0.008, 0.31, alpha=0.05, about="here", interval=(-0.01, 0.026))
    assert said == (
        "A's mean accuracy is 0.8 percentage points higher than B's (higher is better). If the two were equally good, "
        "a difference this large or larger, in either direction, would turn up in about 31 of 100 such comparisons "
        "(p = 0.31). This does not show that A is better, and it does not show that the two are equal. The 95% "
        "interval of A − B: −1 to +2.6 percentage points."
    )
    said = conclusion(Comparison(), 0.0, 0.01, alpha=0.05, about="here")
    assert said.startswith("A and B have the same mean accuracy.")
    assert "ahead" not in said
    said = conclusion(Comparison(), 0.01, 0.06, alpha=0.05, about="here", interval=(0.001, 0.02))
    assert "disagree here" in said
    assert [count_of(p) for p in (0.0099, 0.00996, 0.5, 0.996)] == [
        "about 10 of 1,000",
        "about 1 of 100",
        "about 50 of 100",
        "more than 99 of 100",
    ]


def test_a_difference_below_the_seeds_spread_is_called_that() -> None:
    rng = np.random.default_rng(0)
    a = 0.9 + 0.01 * rng.standard_normal(30)
    near = compare_seeds(a, a - 0.004 + 0.001 * rng.standard_normal(30), paired=True)
    assert near.p < 0.001  # shown beyond doubt, and still less than what a seed does
    assert "smaller than the seeds' spread" in near.words
    far = compare_seeds(a, a - 0.1 + 0.001 * rng.standard_normal(30), paired=True)
    assert "spread (" not in far.words


def test_first_difference_against_the_mean() -> None:
    d = np.full((5, 2), 0.02) + np.array([0.005, -0.005])
    d[0, 0] = -0.01
    assert "does not point the way the mean does" in five_by_two_t(d).words


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (five_by_two_f(np.zeros((5, 2))), "scored the same in all ten halves"),
        (five_by_two_t(np.zeros((5, 2))), "scored the same in all ten halves"),
        (five_by_two_f(np.full((5, 2), 0.1)), "All ten differences are the same"),
        (five_by_two_f(np.full((5, 2), 0.1) + np.arange(5)[:, None] / 10), "The two halves agree in every repeat"),
        (five_by_two_t(np.full((5, 2), 0.3) - 0.2), "All ten differences are the same"),
        (corrected_resampled_t(np.zeros(10), 90, 10), "scored the same on all 10 splits"),
        (corrected_resampled_t(np.array([0.1, 0.3 - 0.2, 0.1]), 90, 10), "no spread to judge them by"),
        (mcnemar([[90, 0], [0, 10]]), "right on the same 90 of 100 rows"),
        (compare_seeds([0.9], [0.8], paired=True), "One seed an arm"),
        (compare_seeds([0.9, 0.8], [0.9, 0.8], paired=True), "Every seed gives the same difference"),
        (compare_seeds([0.9, 0.9], [0.8, 0.8], paired=False), "The seeds make no difference"),
    ],
)
def test_degenerate_results_are_said(result: TestResult, words: str) -> None:
    assert words in result.words
    assert (result.statistic, result.p, result.df, result.low, result.high) == (None,) * 5
    json.dumps(result.to_dict(), allow_nan=False)


def test_one_and_equal_seeds() -> None:
    one = summarize_seeds([0.9])
    assert (one.mean, one.std, one.low) == (0.9, None, None)
    assert "is not known" in one.words
    same = summarize_seeds([0.9, 0.9, 0.9])
    assert (same.std, same.low, same.high) == (0.0, pytest.approx(0.9), pytest.approx(0.9))
    json.dumps([one.to_dict(), same.to_dict()], allow_nan=False)
    # one arm without spread is no obstacle to Welch
    assert compare_seeds([0.9, 0.9], [0.8, 0.81], paired=False).p is not None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: five_by_two_f(np.zeros((2, 5))), r"expected an array of shape \(5, 2\), got \(2, 5\)"),
        (lambda: five_by_two_t([[np.nan] * 2] * 5), r"differences: number \[0, 0\] is nan"),
        (lambda: five_by_two_f([["a", "b"]] * 5), "expected numbers"),
        (lambda: corrected_resampled_t([0.1], 90, 10), "at least 2 numbers, got 1"),
        (lambda: corrected_resampled_t([0.1, np.inf], 90, 10), r"number \[1\] is inf"),
        (lambda: corrected_resampled_t([0.1, 0.2], 0, 10), "train_rows: expected rows of a split, at least 1"),
        (lambda: corrected_resampled_t([0.1, 0.2], 90, [10, 10, 10]), "test_rows"),
        (lambda: corrected_resampled_t([0.1, 0.2], 90, 10, alpha=5), "alpha: expected a number between 0 and 1"),
        (lambda: fold_interval([0.9], 90, 10), "scores: expected at least 2"),
        (lambda: mcnemar([[1, 2, 3]]), "table: expected"),
        (lambda: mcnemar([[1, -2], [3, 4]]), "table: expected"),
        (lambda: mcnemar([[1, 0.5], [3, 4]]), "table: expected"),
        (lambda: mcnemar(np.zeros((2, 2))), "at least one row"),
        (lambda: mcnemar_table([0, 1], [0, 1], [0]), "classes of the same rows"),
        (lambda: compare_seeds([0.9, 0.8], [0.9], paired=True), "the same seeds in both"),
        (lambda: compare_seeds([], [0.9], paired=False), "at least 1"),
        (lambda: summarize_seeds([0.9, None]), r"number \[1\] is nan"),
        (lambda: Comparison.by("auc"), "metric: expected one of accuracy"),
        (lambda: repeated_testing(0), "a count from 1"),
        (lambda: detectable_difference(float("nan")), "standard_error"),
        (lambda: detectable_accuracy(0, 0.1), "at least 1 row"),
    ],
)
def test_what_cannot_be_used_is_named(call: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        call()


def test_repeated_testing_counts() -> None:
    assert "the first comparison" in repeated_testing(1)
    for number, told in ((2, "2nd"), (3, "3rd"), (11, "11th"), (21, "21st"), (112, "112th")):
        assert f"the {told} comparison" in repeated_testing(number)
    assert "up to 50 of 100" in repeated_testing(10)
    assert "possibly all" in repeated_testing(40)
