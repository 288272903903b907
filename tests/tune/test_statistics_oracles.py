"""The tests of two methods against mlxtend, scikit-learn's published example, SciPy and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradwright.errors import ConfigError
from gradwright.tune.statistics import (
    bonferroni,
    compare_seeds,
    corrected_resampled_t,
    five_by_two_f,
    five_by_two_t,
    fold_interval,
    holm,
    holm_words,
    leave_one_out_interval,
    mcnemar,
    mcnemar_table,
    summarize_seeds,
)


# --- 5×2cv ---
class Prescribed:
    """An estimator for mlxtend that "scores" what it was told."""

    def __init__(self, scores: Any) -> None:
        self.scores = iter(scores)

    def fit(self, x: Any, y: Any) -> None:
        """Do nothing."""


def by_mlxtend(test: Any, d: np.ndarray) -> tuple[float, float]:
    x, y = np.zeros((20, 1)), np.zeros(20)
    return test(
        Prescribed(d.ravel()), Prescribed(np.zeros(10)), x, y, scoring=lambda e, x, y: next(e.scores), random_seed=0
    )


@pytest.mark.parametrize("seed", range(20))
def test_five_by_two_equals_mlxtend(seed: int) -> None:
    from mlxtend.evaluate import combined_ftest_5x2cv, paired_ttest_5x2cv

    rng = np.random.default_rng(seed)
    d = rng.normal(0.02 * (seed % 3), 0.03, (5, 2))
    for ours, theirs in ((five_by_two_f, combined_ftest_5x2cv), (five_by_two_t, paired_ttest_5x2cv)):
        r = ours(d)
        np.testing.assert_allclose([r.statistic, r.p], by_mlxtend(theirs, d), rtol=1e-12, atol=0)
        assert r.difference == d.mean()


def test_five_by_two_f_published() -> None:
    """The figures that mlxtend's own tests assert: logistic regression and two trees on iris."""
    from mlxtend.data import iris_data
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier

    x, y = iris_data()
    models = [
        LogisticRegression(random_state=1, max_iter=1000),
        DecisionTreeClassifier(random_state=1),
        DecisionTreeClassifier(random_state=1, max_depth=1),
    ]
    rng = np.random.RandomState(1)
    scores = []
    for _ in range(5):
        x1, x2, y1, y2 = train_test_split(x, y, test_size=0.5, random_state=rng.randint(low=0, high=32767))
        for f, g, h, i in ((x1, y1, x2, y2), (x2, y2, x1, y1)):
            scores.append([m.fit(f, g).score(h, i) for m in models])
    linear, tree, stump = np.array(scores).T.reshape(3, 5, 2)
    found = [five_by_two_f(linear - other) for other in (tree, stump)]
    assert [(round(r.statistic, 3), round(r.p, 3)) for r in found] == [(1.14, 0.47), (59.587, 0.0)]


def test_five_by_two_t_is_the_closed_form() -> None:
    # Student's t with 5 degrees of freedom in closed form: Abramowitz and Stegun 26.7.3
    d = np.array([[0.02, 0.04], [0.03, 0.01], [0.02, 0.02], [0.05, 0.01], [0.00, 0.03]])
    # Σ sᵢ² = Σ (dᵢ₁ − dᵢ₂)²/2 = (4 + 4 + 0 + 16 + 9)/20000 = 0.00165
    t = 0.02 / math.sqrt(0.00165 / 5)
    angle = math.atan(t / math.sqrt(5))
    p = 1 - 2 / math.pi * (angle + math.sin(angle) * (math.cos(angle) + 2 / 3 * math.cos(angle) ** 3))
    r = five_by_two_t(d)
    np.testing.assert_allclose([r.statistic, r.p], [t, p], rtol=1e-12)
    # Σ dᵢⱼ² = (4 + 16 + 9 + 1 + 4 + 4 + 25 + 1 + 0 + 9)/10000 = 0.0073
    assert five_by_two_f(d).statistic == pytest.approx(0.0073 / 0.0033, rel=1e-12)


# --- the corrected resampled t test ---
#: scikit-learn's example "Statistical comparison of models using grid search": the ROC AUC of two kernels in 10×10
#: folds of 100 rows of two moons, as scikit-learn 1.9 computes them, in 25ths (a = 0 … z = 25).
RBF = "xstxzzzzyzyzzxvxzzuzuxwxzzwxzzuyvzzzzyxzzxzxztzzzzzvzzzsxzzzxxzzuwzxyzyxvxzzzwxxzxyzszzzztywzsxzyzzv"
LINEAR = "yvtxzyyzxzxyywuyzzuzvyvzzyvwzzvxvzyzzxwzyxzxztzxzzzuyyzryxzzxxzuvwyxyzywuvzyzxxxyzxzrzzzztyxztxzxxzv"


def test_corrected_t_is_the_published_example_of_scikit_learn() -> None:
    rbf, linear = (np.array([ord(c) - ord("a") for c in kernel]) / 25 for kernel in (RBF, LINEAR))
    assert (rbf.mean().round(2), linear.mean().round(2)) == (0.94, 0.93)
    r = corrected_resampled_t(rbf - linear, 90, 10)
    # printed there, p one-sided: corrected t 0.750 and p 0.227, uncorrected t 2.611
    assert (round(r.statistic, 3), round(r.p / 2, 3), r.df) == (0.750, 0.227, (99.0,))
    assert round(r.statistic * math.sqrt((1 / 100 + 1 / 9) / (1 / 100)), 3) == 2.611
    # the ten repeats as a table are the same numbers
    assert corrected_resampled_t((rbf - linear).reshape(10, 10), 90, 10) == r


@given(st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=30, unique=True), st.integers(2, 500), st.integers(1, 500))
@settings(max_examples=30, deadline=None)
def test_corrected_t_by_scipy(values: list[float], train: int, test: int) -> None:
    from scipy.stats import t, ttest_1samp

    d = np.array(values)
    if np.ptp(d) < 1e-6:
        return
    r = corrected_resampled_t(d, train, test)
    plain, n = ttest_1samp(d, 0.0), len(d)
    # the same statistic with the variance of the mean grown from 1/J to 1/J + test/train
    statistic = plain.statistic * math.sqrt(1 / n / (1 / n + test / train))
    np.testing.assert_allclose([r.statistic, r.p], [statistic, 2 * t.sf(abs(statistic), n - 1)], rtol=1e-9, atol=1e-12)
    scale = d.std(ddof=1) * math.sqrt(1 / n + test / train)
    ends = t.interval(0.95, n - 1, d.mean(), scale)
    np.testing.assert_allclose([r.low, r.high], ends, rtol=1e-9, atol=1e-12)
    i = fold_interval(d + 0.9, train, test)
    np.testing.assert_allclose([i.low - 0.9, i.high - 0.9], ends, atol=1e-12)


def test_unequal_folds_are_one_over_k_minus_one() -> None:
    from sklearn.model_selection import KFold

    d = [0.01, 0.03, -0.02]
    sizes = [(len(a), len(b)) for a, b in KFold(3).split(np.zeros(101))]
    r = corrected_resampled_t(d, [a for a, _ in sizes], [b for _, b in sizes])
    assert r.statistic == pytest.approx(np.mean(d) / math.sqrt((1 / 3 + 1 / 2) * np.var(d, ddof=1)), rel=1e-12)


# --- McNemar ---
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 500), st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_mcnemar_equals_mlxtend(b: int, c: int, both: int, neither: int) -> None:
    from mlxtend.evaluate import mcnemar as theirs

    if b + c == 0:
        return
    table = np.array([[both, b], [c, neither]])
    r = mcnemar(table, exact=False)
    np.testing.assert_allclose([r.statistic, r.p], theirs(table), rtol=1e-12, atol=1e-12)
    r = mcnemar(table, exact=True)
    assert r.statistic is None
    np.testing.assert_allclose(r.p, theirs(table, exact=True)[1], rtol=1e-12)
    assert mcnemar(table).p == mcnemar(table, exact=b + c < 25).p
    assert r.difference == (b - c) / table.sum()


@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(2, 5))
@settings(max_examples=20, deadline=None)
def test_mcnemar_table_equals_mlxtend(seed: int, rows: int, classes: int) -> None:
    from mlxtend.evaluate import mcnemar_table as theirs

    target, a, b = np.random.default_rng(seed).integers(0, classes, (3, rows))
    np.testing.assert_array_equal(mcnemar_table(target, a, b), theirs(target, a, b))
    assert mcnemar_table(target.astype(str), a.astype(str), b.astype(str)).sum() == rows


def test_mcnemar_published() -> None:
    # mlxtend's user guide
    r = mcnemar([[9959, 11], [1, 29]], exact=False)
    assert (round(r.statistic, 3), round(r.p, 4)) == (6.75, 0.0094)
    # M. W. Fagerland, S. Lydersen and P. Laake (Statistics in Medicine 33, 2014), complete response before and after
    # therapy, as their R package contingencytables prints it
    table = [[59, 6], [16, 80]]
    assert round(mcnemar(table, exact=True).p, 6) == 0.052479
    corrected = mcnemar(table, exact=False)
    assert (round(corrected.p, 6), round(math.sqrt(corrected.statistic), 3)) == (0.055009, 1.919)
    assert (round(corrected.low, 4), round(corrected.high, 4)) == (-0.1195, -0.0032)


# --- seeds ---
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_seeds_equal_scipy(seed: int, n: int, m: int) -> None:
    from scipy.stats import t, ttest_ind, ttest_rel

    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(0.9, 0.01, n), rng.normal(0.9, 0.02, n), rng.normal(0.9, 0.02, m)
    for r, found in (
        (compare_seeds(x, y, paired=True), ttest_rel(x, y)),
        (compare_seeds(x, z, paired=False), ttest_ind(x, z, equal_var=False)),
    ):
        ends = found.confidence_interval(0.95)
        np.testing.assert_allclose(
            [r.statistic, r.p, r.df[0], r.low, r.high], [found.statistic, found.pvalue, found.df, *ends], rtol=1e-12
        )
    s = summarize_seeds(x)
    ends = t.interval(0.95, n - 1, x.mean(), x.std(ddof=1) / math.sqrt(n))
    np.testing.assert_allclose([s.mean, s.std, s.low, s.high], [x.mean(), x.std(ddof=1), *ends], rtol=1e-12)
    assert (s.smallest, s.largest, s.seeds) == (x.min(), x.max(), n)


def test_paired_seeds_of_students_sleep_data() -> None:
    """Hours of sleep gained with two drugs (Biometrika 6, 1908); R's ``t.test`` prints these figures."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    r = compare_seeds(first, second, paired=True)
    assert (round(r.statistic, 4), r.df, round(r.p, 6)) == (-4.0621, (9.0,), 0.002833)
    assert (round(r.low, 4), round(r.high, 4)) == (-2.4599, -0.7001)
    r = compare_seeds(first, second, paired=False)
    assert (round(r.statistic, 4), round(r.df[0], 3), round(r.p, 5)) == (-1.8608, 17.776, 0.07939)
    assert (round(r.low, 4), round(r.high, 4)) == (-3.3655, 0.2055)


# --- several ---
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
@settings(max_examples=30, deadline=None)
def test_holm_is_the_closed_test_of_bonferroni(p: list[float]) -> None:
    # a hypothesis is rejected when Bonferroni rejects every set of hypotheses that contains it
    m = len(p)
    sets = [[i for i in range(m) if bits >> i & 1] for bits in range(1, 2**m)]
    closed = [max(min(1.0, len(s) * min(p[i] for i in s)) for s in sets if j in s) for j in range(m)]
    np.testing.assert_allclose(holm(p), closed, rtol=1e-12)
    assert (holm(p) <= bonferroni(p)).all()


def test_several_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ConfigError, match=r"from 0 to 1, got 1\.2 at \[1\]"):
        holm([0.1, 1.2])
    with pytest.raises(ConfigError, match=r"p: number \[0\] is nan"):
        bonferroni([float("nan")])
    with pytest.raises(ConfigError, match="names: expected one a p-value"):
        holm_words(["A with B"], [0.1, 0.2])
    assert "Below 0.05: none of them." in holm_words(["A with B", "A with C"], [0.04, 0.03])


def test_leave_one_out_is_wilson() -> None:
    i = leave_one_out_interval([1] * 81 + [0] * 182)  # Newcombe (1998), table I
    assert (round(i.low, 4), round(i.high, 4)) == (0.2553, 0.3662)
    with pytest.raises(ConfigError, match="1 for a row classified rightly"):
        leave_one_out_interval([0.5, 1])
