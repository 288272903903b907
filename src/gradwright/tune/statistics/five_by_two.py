"""Tests on five repeats of two-fold cross-validation."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from gradwright.tune.statistics.detectable import detectable_difference, not_seen
from gradwright.tune.statistics.numbers import finite, same_everywhere
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.words import Comparison, conclusion

__all__ = ["five_by_two_f", "five_by_two_t"]

_F = ("combined 5×2cv F test", "E. Alpaydin (Neural Computation 11, 1999)")
_T = ("5×2cv paired t test", "T. G. Dietterich (Neural Computation 10, 1998)")
_ABOUT = "when trained on half of data like these"


def five_by_two_f(differences: Any, *, alpha: float = 0.05, of: Comparison | None = None) -> TestResult:
    """Return the combined 5×2cv F test of two methods.

    Equation: f = Σᵢ Σⱼ dᵢⱼ² / (2·Σᵢ sᵢ²), sᵢ² = (dᵢ₁ − d̄ᵢ)² + (dᵢ₂ − d̄ᵢ)², against F with 10 and 5 degrees of freedom.

    Parameters
    ----------
    differences : (5, 2) numbers
        A's score minus B's, a row a repeat: the data are halved anew, and each half is trained on in turn while the
        other is scored.
    alpha : float
        The share of false alarms that the words accept.
    of : Comparison, optional
        Names and measure for the words.

    Returns
    -------
    TestResult
        `difference` is the mean of all ten. The test has no interval; `corrected_resampled_t` gives one from the same
        ten numbers. Without any spread inside the repeats there is no statistic, and the words say so.

    Raises
    ------
    ConfigError
        For another shape, NaN or infinity.

    Examples
    --------
    >>> d = [[0.02, 0.04], [0.03, 0.01], [0.02, 0.02], [0.05, 0.01], [0.00, 0.03]]
    >>> r = five_by_two_f(d)
    >>> round(r.statistic, 3), round(r.p, 3), round(r.difference, 3)
    (2.212, 0.197, 0.023)

    References
    ----------
    E. Alpaydin (Neural Computation 11, 1999), equation 3.3.
    """
    of = of or Comparison()
    d = finite("differences", differences, shape=(5, 2))
    mean, spread = float(d.mean()), _within(d)
    if spread is None:
        return _without_spread(_F, d, of)
    from scipy.stats import f

    statistic = float((d**2).sum() / (2 * spread))
    p = float(f.sf(statistic, 10, 5))
    words = conclusion(
        of,
        mean,
        p,
        alpha=alpha,
        about=_ABOUT,
        event="ten differences at least this far from zero for their spread",
        detectable=not_seen(of, _detectable_by_f(spread, alpha), "With this spread"),
    )
    return TestResult(_F[0], statistic, p, (10.0, 5.0), mean, None, None, words, _F[1])


def five_by_two_t(differences: Any, *, alpha: float = 0.05, of: Comparison | None = None) -> TestResult:
    """Return the 5×2cv paired t test of two methods.

    Equation: t = d₁₁ / √(Σᵢ sᵢ² / 5), sᵢ² as for the F test, against Student's t with 5 degrees of freedom.

    Only the first of the ten differences stands above the line, so the order of the repeats changes the result; the
    combined F test was made to cure that and is the one to prefer.

    Parameters
    ----------
    differences, alpha, of
        As for `five_by_two_f`.

    Returns
    -------
    TestResult
        `difference` is the mean of all ten, as for the F test; `low` and `high` are None.

    Raises
    ------
    ConfigError
        For another shape, NaN or infinity.

    Examples
    --------
    >>> d = [[0.02, 0.04], [0.03, 0.01], [0.02, 0.02], [0.05, 0.01], [0.00, 0.03]]
    >>> r = five_by_two_t(d)
    >>> round(r.statistic, 3), round(r.p, 3)
    (1.101, 0.321)

    References
    ----------
    T. G. Dietterich (Neural Computation 10, 1998), section 3.5.
    """
    of = of or Comparison()
    d = finite("differences", differences, shape=(5, 2))
    mean, spread = float(d.mean()), _within(d)
    if spread is None:
        return _without_spread(_T, d, of)
    from scipy.stats import t

    error = float(np.sqrt(spread / 5))
    statistic = float(d[0, 0]) / error
    p = float(2 * t.sf(abs(statistic), 5))
    words = conclusion(
        of,
        mean,
        p,
        alpha=alpha,
        about=_ABOUT,
        event="a first difference this far or farther from zero for the spread",
        detectable=not_seen(of, detectable_difference(error, 5, alpha=alpha), "With this spread and this test"),
    )
    if mean * d[0, 0] <= 0:
        words += " The first difference, which this test rests on, does not point the way the mean does."
    words += " The combined F test uses all ten differences and is to be preferred."
    return TestResult(_T[0], statistic, p, (5.0,), mean, None, None, words, _T[1])


@cache
def _noncentrality(alpha: float, power: float) -> float:
    """Return the noncentrality with which F(10, 5) exceeds its critical value with the given power."""
    from scipy.optimize import brentq
    from scipy.stats import f, ncf

    critical = float(f.isf(alpha, 10, 5))
    return float(brentq(lambda x: ncf.sf(critical, 10, 5, x) - power, 1e-6, 1e4))


def _detectable_by_f(spread: float, alpha: float) -> float:
    """Return the mean difference that the F test sees in 80 of 100, were the ten independent and normal."""
    # ten differences of mean δ and variance σ² give a noncentrality of 10·δ²/σ²; Σ sᵢ²/5 estimates σ²
    return float(np.sqrt(_noncentrality(alpha, 0.8) / 10 * spread / 5))


def _within(d: np.ndarray) -> float | None:
    """Return Σ sᵢ², None when the two halves of every repeat gave the same difference."""
    halves = d - d.mean(axis=1, keepdims=True)
    if not d.any() or np.abs(halves).max() <= 1e-9 * np.abs(d).max():
        return None
    return float((halves**2).sum())


def _without_spread(test: tuple[str, str], d: np.ndarray, of: Comparison) -> TestResult:
    mean = float(d.mean())
    if not d.any():
        words = f"{of.a} and {of.b} scored the same in all ten halves: there is nothing to test."
    elif same_everywhere(d.ravel()):
        words = f"{of.gap(mean)} All ten differences are the same, so there is no spread to judge them by."
    else:
        words = f"{of.gap(mean)} The two halves agree in every repeat, so there is no spread to judge by."
    return TestResult(test[0], None, None, None, mean, None, None, words, test[1])
