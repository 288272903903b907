"""How often the tests call equal methods different, by training and scoring equal methods many times."""

from __future__ import annotations

import numpy as np
import pytest

from gradwright.tune.statistics import (
    bootstrap_difference,
    compare_seeds,
    corrected_resampled_t,
    detectable_accuracy,
    detectable_difference,
    five_by_two_f,
    five_by_two_t,
    mcnemar,
)

TIMES = 300
#: 5% and three standard errors of a share of TIMES
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / TIMES)
CRITICAL = 0.05


def differences(rng: np.random.Generator, rows: int, train: np.ndarray) -> np.ndarray:
    """Return the difference in mean squared error of two equally good regressions on every split.

    A sees one column, B another; both columns have the same part in the target, so neither is better. `train` is
    (splits, rows) of 0 and 1.
    """
    x = rng.standard_normal((2, rows))
    y = x.sum(0) + rng.standard_normal(rows)
    slopes = (train @ (x * y).T) / (train @ (x * x).T)  # (splits, 2), least squares through zero
    errors = (y - slopes[:, :, None] * x) ** 2  # (splits, 2, rows)
    test = 1 - train
    scores = (errors * test[:, None]).sum(-1) / test.sum(-1, keepdims=True)
    return scores[:, 0] - scores[:, 1]


def random_splits(rng: np.random.Generator, splits: int, rows: int, test: int) -> np.ndarray:
    order = rng.permuted(np.tile(np.arange(rows), (splits, 1)), axis=1)
    return (order >= test).astype(float)


def folds(rng: np.random.Generator, repeats: int, k: int, rows: int) -> np.ndarray:
    order = rng.permuted(np.tile(np.arange(rows), (repeats, 1)), axis=1) % k
    return np.concatenate([(order != fold).astype(float)[:, None] for fold in range(k)], axis=1).reshape(-1, rows)


def test_the_naive_t_test_overshoots_and_the_corrected_one_does_not() -> None:
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(0)
    naive = corrected = 0
    for _ in range(TIMES):
        d = differences(rng, 60, random_splits(rng, 10, 60, 20))
        naive += ttest_1samp(d, 0.0).pvalue < CRITICAL
        corrected += corrected_resampled_t(d, 40, 20).p < CRITICAL
    # Dietterich's resampled t test: many times the nominal level
    assert naive / TIMES > 3 * CRITICAL
    assert corrected / TIMES <= MOST
    assert corrected > 0


def test_ten_by_ten_folds_keep_the_level() -> None:
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(1)
    naive = corrected = 0
    for _ in range(TIMES // 2):
        d = differences(rng, 50, folds(rng, 10, 10, 50))
        naive += ttest_1samp(d, 0.0).pvalue < CRITICAL
        corrected += corrected_resampled_t(d, 45, 5).p < CRITICAL
    assert naive / (TIMES // 2) > 6 * CRITICAL
    # Bouckaert and Frank measured up to 7%
    assert corrected / (TIMES // 2) <= 0.07 + 3 * np.sqrt(0.07 * 0.93 / (TIMES // 2))


def test_five_by_two_keeps_the_level_and_sees_a_real_difference() -> None:
    rng = np.random.default_rng(2)
    equal, different = np.zeros(2), np.zeros(2)
    for _ in range(TIMES):
        d = differences(rng, 60, folds(rng, 5, 2, 60)).reshape(5, 2)
        equal += [five_by_two_f(d).p < CRITICAL, five_by_two_t(d).p < CRITICAL]
        different += [five_by_two_f(d + 2.0).p < CRITICAL, five_by_two_t(d + 2.0).p < CRITICAL]
    assert (equal / TIMES <= MOST).all()
    # the combined test is the stronger one, which is what it was made for
    assert different[0] > different[1] > 0.2 * TIMES


def test_mcnemar_and_seeds_keep_the_level() -> None:
    rng = np.random.default_rng(3)
    found = np.zeros(3)
    for _ in range(TIMES):
        b, c, both, neither = rng.multinomial(200, [0.06, 0.06, 0.8, 0.08])
        x, y = rng.normal(0.9, 0.01, (2, 5))
        z = rng.normal(0.9, 0.03, 8)
        found += [
            mcnemar([[both, b], [c, neither]]).p < CRITICAL,
            compare_seeds(x, y, paired=True).p < CRITICAL,
            compare_seeds(x, z, paired=False).p < CRITICAL,
        ]
    assert (found / TIMES <= MOST).all()
    assert (found > 0).all()


def test_what_is_called_detectable_is_seen_four_times_in_five() -> None:
    from scipy.stats import chi2

    rng = np.random.default_rng(4)
    delta = detectable_accuracy(400, 0.12)
    assert delta is not None
    b, c, _ = rng.multinomial(400, [(0.12 + delta) / 2, (0.12 - delta) / 2, 0.88], size=4000).T
    seen = np.mean((b - c) ** 2 / (b + c) > chi2.isf(0.05, 1))  # without the correction, as in Connor's equation
    assert seen == pytest.approx(0.8, abs=0.03)
    # Connor's sample size, which it solves
    z1, z2, psi = 1.959963984540054, 0.8416212335729143, 0.12
    n = (z1 * np.sqrt(psi) + z2 * np.sqrt(psi - delta**2)) ** 2 / delta**2
    assert n == pytest.approx(400, rel=1e-9)
    assert detectable_accuracy(5, 0.1) is None
    assert detectable_accuracy(100, 0.0) is None

    d = detectable_difference(1.0, 5) + rng.standard_normal((4000, 6)) * np.sqrt(6)
    t = d.mean(1) / (d.std(1, ddof=1) / np.sqrt(6))
    assert np.mean(np.abs(t) > 2.570581835636314) == pytest.approx(0.8, abs=0.03)


def test_the_words_of_the_f_test_name_what_it_could_see() -> None:
    rng = np.random.default_rng(5)
    d = rng.standard_normal((5, 2)) / 100
    words = five_by_two_f(d).words
    told = float(words.split("a true difference below about ")[1].split(" ")[0]) / 100
    sigma = np.sqrt(((d[:, 0] - d[:, 1]) ** 2).sum() / 2 / 5)
    x = told + sigma * rng.standard_normal((4000, 5, 2))
    f = (x**2).sum((1, 2)) / ((x[:, :, 0] - x[:, :, 1]) ** 2).sum(1)
    assert np.mean(f > 4.735063) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_the_bootstrap_covers(method: str) -> None:
    rng = np.random.default_rng(6)
    covered, times = 0, 120
    for _ in range(times):
        hard = rng.random(80)
        a, b = rng.random((2, 80)) < np.where(hard < 0.3, 0.5, [[0.95], [0.9]])
        truth = 0.7 * 0.05
        r = bootstrap_difference(a, b, draws=400, method=method)
        covered += r.low <= truth <= r.high
    assert 0.89 <= covered / times <= 1.0
