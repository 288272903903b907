"""The half-widths that are promised are those that SciPy computes and that a simulation shows."""

import json
import math

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from gradwright.data import Split, Task, size_advice
from gradwright.errors import ConfigError

CLASSES = Task("binary", "as an example", classes=("no", "yes"))
NUMBERS = Task("regression", "as an example")


def parts(test: int, validation: int = 5000) -> Split:
    ends = np.cumsum([100, validation, test])
    return Split(np.arange(100), np.arange(100, ends[1]), np.arange(ends[1], ends[2]))


@pytest.mark.parametrize("n", [20, 270, 1000, 10_000])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 1.0])
def test_of_an_accuracy_it_is_wilsons(n, p):
    interval = binomtest(round(p * n), n).proportion_ci(0.95, method="wilson")
    advice = size_advice(CLASSES, parts(n), expected=round(p * n) / n)
    assert advice.half_width == pytest.approx((interval.high - interval.low) / 2, rel=1e-12)


@pytest.mark.parametrize("n", [270, 1000, 10_000])
def test_of_an_rmse_it_is_near_the_exact_interval_of_normal_errors(n):
    low, high = np.sqrt(n / chi2.ppf([0.975, 0.025], n))
    assert size_advice(NUMBERS, parts(n)).half_width == pytest.approx((high - low) / 2, rel=0.01)
    errors = np.random.default_rng(0).normal(size=(400, n))
    figures = np.sqrt((errors**2).mean(1))
    assert size_advice(NUMBERS, parts(n)).half_width == pytest.approx(1.96 * figures.std(), rel=0.12)


def test_ten_thousand_rows_are_narrow_and_need_no_advice():
    advice = size_advice(CLASSES, parts(10_000))
    assert not advice.small
    assert len(advice.notes) == 1
    assert "±0.6 points wide." in advice.notes[0]
    assert "would give" not in advice.notes[0]
    assert "±1.4% of it wide" in size_advice(NUMBERS, parts(10_000)).notes[0]


@pytest.mark.parametrize(
    ("test", "validation", "small"),
    [(1000, 500, False), (999, 500, True), (1000, 499, True), (0, 5000, False), (0, 300, True)],
)
def test_small_parts_are_named_with_the_remedy(test, validation, small):
    advice = size_advice(CLASSES, parts(test, validation))
    assert advice.small == small
    assert ("k_fold" in advice.notes[-1]) == small
    if small:
        assert ("test (999 rows)" in advice.notes[-1]) == (test == 999)
        assert (f"validation ({validation} rows)" in advice.notes[-1]) == (validation < 500)


def test_without_a_test_part():
    advice = size_advice(CLASSES, parts(0))
    assert math.isnan(advice.half_width)
    assert "no test part" in advice.notes[0]
    assert json.loads(json.dumps(advice.to_dict(), allow_nan=False))["half_width"] is None


@pytest.mark.parametrize("expected", [-0.1, 1.1, float("nan"), "high"])
def test_an_accuracy_is_a_share(expected):
    with pytest.raises(ConfigError, match="expected a number from 0 to 1"):
        size_advice(CLASSES, parts(10), expected=expected)
