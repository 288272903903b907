"""The paired bootstrap against SciPy's own and against drawing rows in a loop."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from gradwright.errors import ConfigError
from gradwright.tune.statistics import Comparison, bootstrap_difference, root_mean


@pytest.fixture
def hits() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random(300) < 0.9, rng.random(300) < 0.85


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_is_scipys_of_the_differences(hits: tuple[np.ndarray, np.ndarray], method: str) -> None:
    """For a mean, drawing rows of pairs is drawing their differences."""
    from scipy.stats import bootstrap

    a, b = (x.astype(float) for x in hits)
    r = bootstrap_difference(a, b, method=method, seed=7, draws=2000)
    found = bootstrap(
        (a - b,), np.mean, n_resamples=2000, batch=2_000_000 // 300, method=method, rng=np.random.default_rng(7)
    )
    ends = found.confidence_interval
    np.testing.assert_allclose([r.difference, r.low, r.high], [(a - b).mean(), ends.low, ends.high], rtol=1e-9)
    assert (r.statistic, r.p, r.df) == (None, None, None)


def test_percentile_by_a_loop() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 200)) ** 2 * [[1.0], [1.3]]
    r = bootstrap_difference(a, b, root_mean, method="percentile", draws=4000, of=Comparison.by("rmse"))
    draws = [rng.integers(0, 200, 200) for _ in range(4000)]
    own = [np.sqrt(a[i].mean()) - np.sqrt(b[i].mean()) for i in draws]
    low, high = np.quantile(own, [0.025, 0.975])
    assert r.difference == pytest.approx(np.sqrt(a.mean()) - np.sqrt(b.mean()))
    width = high - low
    np.testing.assert_allclose([r.low, r.high], [low, high], atol=0.06 * width)
    # pairing is what makes it narrow: the same rows are hard for both
    hard = a
    paired = bootstrap_difference(hard, hard * 1.1, root_mean, method="percentile")
    assert paired.high - paired.low < 0.2 * width


def test_any_function_of_rows() -> None:
    rng = np.random.default_rng(2)
    target, a, b = (rng.random((3, 400)) < [[0.3], [0.35], [0.3]]).astype(int)
    a, b = np.where(rng.random(400) < 0.8, target, a), np.where(rng.random(400) < 0.6, target, b)

    def f1(hits: Any, misses: Any, false: Any, axis: int = -1) -> Any:
        return 2 * hits.sum(axis) / (2 * hits.sum(axis) + misses.sum(axis) + false.sum(axis))

    from sklearn.metrics import f1_score

    rows = [(target & p, target & (1 - p), (1 - target) & p) for p in (a, b)]
    r = bootstrap_difference(*rows, f1)
    assert r.difference == pytest.approx(f1_score(target, a) - f1_score(target, b), rel=1e-12)
    assert r.low < r.difference < r.high


def test_a_figure_without_a_value_on_some_draws() -> None:
    positive = np.zeros(20)
    positive[:2] = 1

    def recall(hits: Any, of: Any, axis: int = -1) -> Any:
        return hits.sum(axis) / of.sum(axis)

    r = bootstrap_difference((positive, positive), (positive * 0.5, positive), recall)
    assert r.difference == 0.5
    assert np.isfinite([r.low, r.high]).all()
    assert "the figure has no value" in r.words
    with pytest.raises(ConfigError, match="the difference on all 20 rows is nan"):
        bootstrap_difference((positive * 0, positive * 0), (positive, positive * 0), recall)


def test_degenerate_rows() -> None:
    same = bootstrap_difference([1, 0, 1], [1, 0, 1])
    assert (same.difference, same.low, same.p) == (0.0, None, None)
    assert "did the same on each of 3 rows" in same.words
    always = bootstrap_difference([1.0] * 10, [0.0] * 10)  # BCa has nothing to correct by
    assert (always.low, always.difference, always.high) == (1.0, 1.0, 1.0)
    for a, b, words in (
        ([1, 0], [1, 0, 1], "same rows, got lengths"),
        ([1], [0], "at least 2 numbers"),
        ([1, np.nan], [0, 1], r"a: number \[1\] is nan"),
        (["x", "y"], [0, 1], "expected numbers"),
    ):
        with pytest.raises(ConfigError, match=words):
            bootstrap_difference(a, b)
    with pytest.raises(ConfigError, match="draws: expected at least 100"):
        bootstrap_difference([1, 0], [0, 1], draws=10)
    with pytest.raises(ConfigError, match="method: expected"):
        bootstrap_difference([1, 0], [0, 1], method="basic")


def test_ten_thousand_rows_are_quick_and_the_same_each_time() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((2, 10_000)) < 0.9
    start = time.process_time()
    one = bootstrap_difference(a, b)
    assert time.process_time() - start < 10  # about one second on a quiet core
    assert "BCa" in one.words
    more = rng.random((2, 10_001)) < 0.9
    first, second = (bootstrap_difference(*more) for _ in range(2))
    assert first == second
    assert "percentile" in first.words
