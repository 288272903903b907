"""The difference of two figures on the same rows, with an interval by drawing the rows again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError
from gradwright.tune.statistics.numbers import check_share, finite
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.words import Comparison, percent

__all__ = ["bootstrap_difference", "root_mean"]

_AT_ONCE = 2_000_000  # numbers in memory a batch of draws
_BCA_ROWS = 10_000  # BCa leaves out every row once: rows² numbers are read, a second or two up to here


def root_mean(rows: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return the root of the mean: the RMSE of squared errors."""
    return np.sqrt(np.mean(rows, axis=axis))


def bootstrap_difference(
    a: Any,
    b: Any,
    figure: Callable[..., Any] = np.mean,
    *,
    draws: int = 2000,
    method: Literal["BCa", "percentile"] | None = None,
    seed: int = 0,
    alpha: float = 0.05,
    of: Comparison | None = None,
) -> TestResult:
    """Return a figure of A minus that of B on the same rows, with its paired bootstrap interval.

    Equation: δ* = figure(a[r*]) − figure(b[r*]), r* rows drawn with replacement, the same for both; percentile: the
    α/2 and 1 − α/2 quantiles of δ*; BCa: the same with quantiles moved for bias and skewness.

    Parameters
    ----------
    a, b : (rows,) numbers, or a tuple of such
        What each row adds: hits (0 or 1) for accuracy, squared errors for RMSE, a tuple of (hits, misses, false alarms)
        for F1.
    figure : callable
        From the rows' numbers (one array, or as many as the tuple holds) and ``axis`` to figures: `numpy.mean` for
        accuracy, `root_mean` for RMSE.
    draws : int
        How often rows are drawn, at least 100.
    method : {"BCa", "percentile"}, optional
        By default BCa up to 10,000 rows; above, its time grows with the square of the rows, and percentile is taken.
    seed : int
        Of the draws; the same seed gives the same interval.
    alpha : float
        The interval has level 1 − alpha.
    of : Comparison, optional
        Names and measure for the words.

    Returns
    -------
    TestResult
        With `low` and `high`, without statistic and p: an interval, not a test. The rows' luck is in it, that of
        training is not.

    Raises
    ------
    ConfigError
        For fewer than two rows, different numbers of rows, NaN, or a figure without a value on these rows.

    Examples
    --------
    >>> right_a, right_b = [1, 1, 1, 1, 0, 1, 1, 1], [1, 0, 1, 1, 0, 1, 0, 1]
    >>> r = bootstrap_difference(right_a, right_b, method="percentile")
    >>> r.difference, r.low, r.high
    (0.25, 0.0, 0.625)

    References
    ----------
    B. Efron (Journal of the American Statistical Association 82, 1987), BCa; computed by `scipy.stats.bootstrap`.
    """
    of = of or Comparison()
    check_share("alpha", alpha)
    if draws < 100:
        raise ConfigError(f"draws: expected at least 100 for an interval, got {draws!r}")
    if method not in (None, "BCa", "percentile"):
        raise ConfigError(f'method: expected "BCa" or "percentile", got {method!r}')
    columns_a, columns_b = _columns("a", a), _columns("b", b)
    n = len(columns_a[0])
    if len(columns_a) != len(columns_b) or any(len(c) != n for c in (*columns_a, *columns_b)):
        lengths = [[len(c) for c in columns] for columns in (columns_a, columns_b)]
        raise ConfigError(f"a, b: expected numbers of the same rows, got lengths {lengths[0]} and {lengths[1]}")
    k = len(columns_a)

    def gap(*rows: Any, axis: int = -1) -> Any:
        return figure(*rows[:k], axis=axis) - figure(*rows[k:], axis=axis)

    with np.errstate(divide="ignore", invalid="ignore"):
        difference = float(gap(*columns_a, *columns_b))
    if not np.isfinite(difference):
        raise ConfigError(f"figure: the difference on all {n:,} rows is {difference}, expected a number")
    chosen = method or ("BCa" if n <= _BCA_ROWS else "percentile")
    if all(np.array_equal(x, y) for x, y in zip(columns_a, columns_b, strict=True)):
        return _same_rows(of, n)
    from scipy.stats import bootstrap

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # of a degenerate distribution; that is looked at below
        found = bootstrap(
            (*columns_a, *columns_b),
            gap,
            paired=True,
            vectorized=True,
            n_resamples=draws,
            batch=max(1, _AT_ONCE // n),
            confidence_level=1 - alpha,
            method=chosen,
            rng=np.random.default_rng(seed),
        )
    low, high = (float(x) for x in found.confidence_interval)
    note = ""
    if not (np.isfinite(low) and np.isfinite(high)):
        # a figure without a value on some draws (no positive drawn), or a correction that divides by nothing
        drawn = np.asarray(found.bootstrap_distribution)
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) < draws / 2:
            raise ConfigError(f"figure: it has a value on only {len(drawn):,} of {draws:,} draws of the rows")
        low, high = (float(x) for x in np.quantile(drawn, [alpha / 2, 1 - alpha / 2]))
        chosen = "percentile"
        note = f" On {draws - len(drawn):,} of {draws:,} draws the figure has no value." if len(drawn) < draws else ""
    method_name = f"paired bootstrap of {n:,} rows, {chosen}, {draws:,} draws"
    words = of.gap(difference, "") + " " + of.interval(low, high, 1 - alpha, method_name)
    if low <= 0 <= high:
        words += " It contains zero: these rows do not show that either is better, nor that the two are equal."
    else:
        words += f" It does not contain zero: on rows like these {of.ahead(difference)} is ahead beyond the rows' luck."
    words += note + " This is about the two networks as trained, not about training them again."
    source = "B. Efron (Journal of the American Statistical Association 82, 1987)"
    return TestResult(f"paired bootstrap, {percent(1 - alpha)}", None, None, None, difference, low, high, words, source)


def _columns(name: str, rows: Any) -> tuple[NDArray[np.float64], ...]:
    given = rows if isinstance(rows, tuple) and rows and np.ndim(rows[0]) == 1 else (rows,)
    return tuple(finite(name, column, least=2) for column in given)


def _same_rows(of: Comparison, rows: int) -> TestResult:
    words = f"{of.a} and {of.b} did the same on each of {rows:,} rows: there is nothing to compare."
    source = "B. Efron (Journal of the American Statistical Association 82, 1987)"
    return TestResult("paired bootstrap", None, None, None, 0.0, None, None, words, source)
