"""What choosing the best of many does to its score: tables, enumeration, simulation."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradwright.errors import ConfigError
from gradwright.tune.statistics import (
    Comparison,
    best_without_luck,
    expected_best,
    expected_largest,
    one_standard_error,
    score_noise,
    selection_optimism,
)


@pytest.mark.parametrize(
    ("count", "expected"),
    # H. L. Harter (Biometrika 48, 1961), table 1
    [(1, 0), (2, 0.56419), (3, 0.84628), (4, 1.02938), (5, 1.16296), (10, 1.53875), (20, 1.86748), (50, 2.24907)],
)
def test_expected_largest_is_harters_table(count: int, expected: float) -> None:
    assert expected_largest(count) == pytest.approx(expected, abs=6e-6)


def test_expected_largest_by_quadrature_and_bound() -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    for count in (7, 64, 1000, 10**6):
        exact = quad(lambda z, k=count: z * k * norm.pdf(z) * norm.cdf(z) ** (k - 1), -10, 12, limit=200)[0]
        assert expected_largest(count) == pytest.approx(exact, rel=1e-8)
        assert expected_largest(count) <= np.sqrt(2 * np.log(count))


@given(st.lists(st.sampled_from([0.1, 0.4, 0.5, 0.9]), min_size=1, max_size=4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_expected_best_by_enumeration(scores: list[float], higher: bool) -> None:
    """Every way to draw n of the scores with replacement, equal scores among them."""
    found = expected_best(scores, higher_is_better=higher)
    best = max if higher else min
    for n in found.budget:
        bests = [best(drawn) for drawn in itertools.product(scores, repeat=int(n))]
        assert found.expected[n - 1] == pytest.approx(np.mean(bests), rel=1e-12)
        assert found.std[n - 1] == pytest.approx(np.std(bests), rel=1e-9, abs=1e-12)
    assert found.expected[0] == pytest.approx(np.mean(scores))
    json.dumps(found.to_dict(), allow_nan=False)


def optimism_of(count: int, spread: float, shared: float, seed: int) -> np.ndarray:
    """Return the true, estimated and bounding optimism, in standard deviations of the noise, over 200 searches."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(200):
        noise = np.sqrt(shared) * rng.standard_normal() + np.sqrt(1 - shared) * rng.standard_normal(count)
        scores = spread * rng.standard_normal(count) + noise
        o = selection_optimism(scores, 1.0)
        found.append((noise[scores.argmax()], o.estimate, o.bound))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("spread", [0, 0.5, 1, 3])
def test_bound_and_estimate_in_many_searches(spread: float) -> None:
    for count in (16, 64):
        true, estimate, bound = optimism_of(count, spread, 0.0, count)
        assert true <= bound + 3 / np.sqrt(200) * 0.7
        assert 0.8 * true <= estimate <= min(bound, 1.8 * true)
        if spread in (0, 0.5):
            assert estimate == pytest.approx(true, rel=0.2)
    # noise that all scores share chooses none of them: the estimate errs on the large side
    true, estimate, _ = optimism_of(64, spread, 0.8, 1)
    assert true <= 1.15 * estimate


def test_a_lone_winner_and_a_lone_score() -> None:
    o = selection_optimism([0.99, 0.5, 0.5, 0.4], 0.01)
    assert (o.estimate, o.corrected) == (0.0, 0.99)
    o = selection_optimism([0.97], 0.01)
    assert (o.tried, o.bound, o.estimate, o.corrected) == (1, 0.0, 0.0, 0.97)
    o = selection_optimism([1.5, 1.4, 1.6], 0.1, of=Comparison.by("rmse"))
    assert o.best == 1.4
    assert o.corrected is not None
    assert o.corrected > 1.4
    o = selection_optimism([0.9, 0.9, 0.9], 0.01)  # a tie: nothing was chosen
    assert o.estimate == 0.0
    o = selection_optimism([0.9, 0.8], None)
    assert (o.bound, o.corrected) == (None, None)
    json.dumps(o.to_dict(), allow_nan=False)
    for scores, noise, words in (([], 0.1, "at least 1"), ([0.9, np.nan], 0.1, "is nan"), ([0.9], -1, "noise")):
        with pytest.raises(ConfigError, match=words):
            selection_optimism(scores, noise)


def test_score_noise_by_drawing_rows() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.binomial(400, 0.85, 20_000) / 400
    assert score_noise("accuracy", 0.85, 400) == pytest.approx(drawn.std(), rel=0.03)
    errors = np.sqrt((rng.normal(0, 3, (4000, 200)) ** 2).mean(1))
    assert score_noise("rmse", 3.0, 200) == pytest.approx(errors.std(), rel=0.05)
    assert score_noise("accuracy", 1.0, 100) > 0
    assert score_noise("r2", 0.5, 100) is None


def test_best_without_luck_is_the_loop() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.random((6, 30)) < 0.7).astype(float)
    drawn = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=200)
    outside = []
    for counts in drawn:
        chosen = int(np.argmax([sum(c * v for c, v in zip(counts, row, strict=True)) for row in rows]))
        left = [v for c, v in zip(counts, rows[chosen], strict=True) if c == 0]
        outside.append(sum(left) / len(left))
    o = best_without_luck(rows, draws=200, seed=5)
    assert o.corrected == pytest.approx(np.mean(outside), rel=1e-12)
    assert o.estimate == pytest.approx(o.best - o.corrected, rel=1e-12)


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_best_without_luck_finds_the_truth(shared: float) -> None:
    """Thirty equally good classifiers that agree on some rows: the best looks better, corrected it does not."""
    rng = np.random.default_rng(1)
    best, corrected = [], []
    for _ in range(60):
        common = rng.random(150) < 0.8
        own = rng.random((30, 150)) < 0.8
        o = best_without_luck(np.where(rng.random((30, 150)) < shared, common, own), draws=200)
        best.append(o.best)
        corrected.append(o.corrected)
    assert np.mean(best) > 0.82
    assert np.mean(corrected) == pytest.approx(0.8, abs=3 * np.std(corrected) / np.sqrt(60) + 0.005)


def test_best_without_luck_of_errors() -> None:
    rng = np.random.default_rng(2)
    squared = rng.normal(0, 2, (20, 100)) ** 2
    o = best_without_luck(squared, np.sqrt, of=Comparison.by("rmse"))
    assert o.best == pytest.approx(np.sqrt(squared.mean(1)).min())
    assert o.best < 1.9
    assert o.corrected == pytest.approx(2.0, abs=0.15)
    one = best_without_luck(squared[:1], np.sqrt, of=Comparison.by("rmse"))
    assert (one.tried, one.estimate, one.corrected) == (1, 0.0, one.best)
    json.dumps(o.to_dict(), allow_nan=False)
    for rows, words in ((squared[:, :5], "at least 10 rows"), (squared[0], "got shape"), (squared * np.nan, "is nan")):
        with pytest.raises(ConfigError, match=words):
            best_without_luck(rows)


def test_one_standard_error_takes_the_simplest() -> None:
    scores, errors, size = [0.95, 0.94, 0.935, 0.90], [0.02, 0.001, 0.001, 0.1], [5000, 800, 800, 100]
    assert one_standard_error(scores, errors, size) == 1
    assert one_standard_error([-s for s in scores], errors, size, higher_is_better=False) == 1
    assert one_standard_error(scores, [0.0, 0, 0, 0], size) == 0
