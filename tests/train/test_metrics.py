"""The figures of merit against scikit-learn, SciPy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sk_confusion
from sklearn.metrics import precision_recall_fscore_support, r2_score, root_mean_squared_error

from gradwright.errors import ShapeError
from gradwright.train.metrics import (
    accuracy,
    confusion_matrix,
    per_class,
    r2,
    r2_interval,
    rmse,
    rmse_interval,
    wilson,
)


# --- proportions ---
@given(trials=st.integers(1, 2000), share=st.floats(0, 1))
def test_wilson_is_the_formula(trials: int, share: float) -> None:
    hits = round(share * trials)
    i = wilson(hits, trials)
    z, p, n = 1.959963984540054, hits / trials, trials
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert i.value == hits / trials
    np.testing.assert_allclose(
        [i.low, i.high], [(middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)], atol=1e-12
    )
    assert -1e-12 <= i.low <= i.value + 1e-12
    assert i.value - 1e-12 <= i.high <= 1 + 1e-12


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, no continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published(hits: int, trials: int, low: float, high: float) -> None:
    i = wilson(hits, trials)
    assert (round(i.low, 4), round(i.high, 4)) == (low, high)


# --- classes ---
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(2, 6))
def test_confusion_and_per_class_against_sklearn(seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    target, predicted = rng.integers(0, classes, rows), rng.integers(0, classes, rows)
    labels = list(range(classes))
    ours = confusion_matrix(target, predicted, classes)
    np.testing.assert_array_equal(ours, sk_confusion(target, predicted, labels=labels))
    p, r, f, s = precision_recall_fscore_support(target, predicted, labels=labels, zero_division=np.nan)
    for k, row in enumerate(per_class(ours, [str(c) for c in labels])):
        assert row["class"] == str(k)
        assert row["support"] == s[k]
        for mine, theirs in ((row["precision"], p[k]), (row["recall"], r[k]), (row["f1"], f[k])):
            if np.isnan(theirs):
                assert mine is None
            else:
                assert mine == pytest.approx(theirs, abs=1e-12)
    assert accuracy(target, predicted) == pytest.approx(np.trace(ours) / rows)


def test_per_class_has_none_where_there_is_nothing_to_divide_by() -> None:
    never_claimed, never_there, neither = per_class(np.array([[0, 3, 0], [0, 0, 0], [0, 0, 0]]), ["a", "b", "c"])
    assert never_claimed == {"class": "a", "precision": None, "recall": 0.0, "f1": 0.0, "support": 3}
    assert never_there == {"class": "b", "precision": 0.0, "recall": None, "f1": 0.0, "support": 0}
    assert neither == {"class": "c", "precision": None, "recall": None, "f1": None, "support": 0}


# --- quantities ---
@given(st.integers(0, 10_000), st.integers(2, 50))
def test_rmse_and_r2_against_sklearn(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.normal(50, 20, rows)
    predicted = target + rng.normal(0, 5, rows)
    assert rmse(target, predicted) == pytest.approx(root_mean_squared_error(target, predicted), rel=1e-12)
    assert r2(target, predicted) == pytest.approx(r2_score(target, predicted), rel=1e-9)


@pytest.mark.parametrize(("value", "rows"), [(0.0, 5), (3.0, 1), (0.1, 3), (2.3, 11)])
def test_r2_of_a_constant_target_has_no_meaning(value: float, rows: int) -> None:
    target = np.full(rows, value)  # the mean of three times 0.1 is not 0.1
    assert r2(target, target + 1) is None
    assert r2_interval(target, target + 1) is None


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 1\).*\(4,\)"):
        rmse(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(ShapeError):
        r2(np.arange(4.0)[:, None], np.zeros(4))


def test_bootstrap_is_deterministic_and_leaves_the_global_stream_alone() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(0, 1, 40)
    predicted = target + rng.normal(0, 0.3, 40)
    first, state = rmse_interval(target, predicted), np.random.get_state()[1].copy()  # noqa: NPY002
    assert rmse_interval(target, predicted) == first
    assert r2_interval(target, predicted) == r2_interval(target, predicted)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert first.low < first.value < first.high


def test_bootstrap_interval_is_as_wide_as_theory_says() -> None:
    rng = np.random.default_rng(7)
    n, sigma = 4000, 2.0
    i = rmse_interval(rng.normal(0, sigma, n), np.zeros(n))
    # the root of a mean of n squared normal errors has the standard deviation sigma / sqrt(2n)
    assert i.high - i.low == pytest.approx(2 * 1.96 * sigma / np.sqrt(2 * n), rel=0.1)


def test_bootstrap_intervals_cover_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    sigma, rounds = 2.0, 30
    truth_r2 = 1 - sigma**2 / (9 + sigma**2)  # of y = signal + noise, signal with standard deviation 3
    hits_rmse = hits_r2 = 0
    for k in range(rounds):
        signal = rng.normal(0, 3, 100)
        target = signal + rng.normal(0, sigma, 100)
        i = rmse_interval(target, signal)
        hits_rmse += i.low <= sigma <= i.high
        if k < rounds // 2:  # twice as slow
            j = r2_interval(target, signal)
            assert j is not None
            hits_r2 += j.low <= truth_r2 <= j.high
    # binomial(30, 0.95) is 25 or more with probability 0.997; the percentile method runs a little low
    assert hits_rmse >= 25
    assert hits_r2 >= 12
