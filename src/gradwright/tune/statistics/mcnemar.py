"""McNemar's test: two classifiers on the same rows of one split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError
from gradwright.tune.statistics.detectable import detectable_accuracy, not_seen
from gradwright.tune.statistics.numbers import check_share
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.words import Comparison, conclusion

__all__ = ["mcnemar", "mcnemar_table"]

#: Below so many rows on which the two differ, the chi-square distribution is too coarse and the exact one is used.
FEW = 25


def mcnemar_table(target: Any, a: Any, b: Any) -> NDArray[np.int64]:
    """Return how often both, one or neither of two classifiers was right.

    Parameters
    ----------
    target, a, b : (rows,) classes
        The true classes and those that A and B predicted.

    Returns
    -------
    (2, 2) integers
        ``[[both right, A right and B wrong], [A wrong and B right, both wrong]]``.

    Raises
    ------
    ConfigError
        For arrays of different lengths or more dimensions.

    Examples
    --------
    >>> mcnemar_table([0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]).tolist()
    [[2, 1], [1, 0]]
    """
    arrays = [np.asarray(x) for x in (target, a, b)]
    if len({x.shape for x in arrays}) != 1 or arrays[0].ndim != 1:
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ConfigError(f"target, a, b: expected classes of the same rows, one dimension each, got shapes {shapes}")
    right_a, right_b = arrays[0] == arrays[1], arrays[0] == arrays[2]
    cells = [
        (right_a & right_b).sum(),
        (right_a & ~right_b).sum(),
        (~right_a & right_b).sum(),
        (~right_a & ~right_b).sum(),
    ]
    return np.array(cells, np.int64).reshape(2, 2)


def mcnemar(table: Any, *, exact: bool | None = None, alpha: float = 0.05, of: Comparison | None = None) -> TestResult:
    """Return McNemar's test of two trained classifiers on the same rows.

    Equation: with b rows that only A got right and c that only B did, exact: p = min(1, 2·P(X <= min(b, c))),
    X binomial with b + c trials and chance ½; otherwise χ² = (|b − c| − 1)² / (b + c) with one degree of freedom.

    The interval is Bonett and Price's: b and c with one row added to each,
    p̂₁ = (b + 1)/(n + 2), p̂₂ = (c + 1)/(n + 2): p̂₁ − p̂₂ ± z·√((p̂₁ + p̂₂ − (p̂₁ − p̂₂)²)/(n + 2)), cut at ±1.

    It speaks about these two trained networks; how they would differ trained again is not in one split.

    Parameters
    ----------
    table : (2, 2) integers
        From `mcnemar_table`.
    exact : bool, optional
        Which of the two; by default exact below 25 rows on which the classifiers differ.
    alpha : float
        The share of false alarms that the words accept; the interval has level 1 − alpha.
    of : Comparison, optional
        Names for the words.

    Returns
    -------
    TestResult
        `difference` is A's accuracy minus B's. The exact test has no statistic.

    Raises
    ------
    ConfigError
        For anything but four counts with at least one row.

    Examples
    --------
    >>> r = mcnemar([[9945, 25], [15, 15]])
    >>> round(r.statistic, 3), round(r.p, 3), r.difference
    (2.025, 0.155, 0.001)
    >>> round(mcnemar([[59, 6], [16, 80]]).p, 4)
    0.0525

    References
    ----------
    Q. McNemar (Psychometrika 12, 1947); A. L. Edwards (Psychometrika 13, 1948), the correction for continuity;
    D. G. Bonett and R. M. Price (Journal of Educational and Behavioral Statistics 37, 2012), the interval.
    """
    of = of or Comparison()
    check_share("alpha", alpha)
    counts = _counts(table)
    rows, b, c = int(counts.sum()), int(counts[0, 1]), int(counts[1, 0])
    difference = (b - c) / rows
    exact = b + c < FEW if exact is None else exact
    source = "Q. McNemar (Psychometrika 12, 1947)" + ("" if exact else "; A. L. Edwards (Psychometrika 13, 1948)")
    name = "McNemar's test, exact" if exact else "McNemar's test, corrected for continuity"
    if b + c == 0:
        words = f"{of.a} and {of.b} were right on the same {counts[0, 0]:,} of {rows:,} rows: there is nothing to test."
        return TestResult(name, None, None, None, 0.0, None, None, words, source)
    from scipy import stats

    statistic: float | None = None
    if exact:
        p = float(stats.binomtest(min(b, c), b + c, 0.5).pvalue)
    else:
        statistic = float((abs(b - c) - 1.0) ** 2 / (b + c))
        p = float(stats.chi2.sf(statistic, 1))
    only_a, only_b = (b + 1) / (rows + 2), (c + 1) / (rows + 2)
    half = float(stats.norm.ppf(1 - alpha / 2)) * np.sqrt((only_a + only_b - (only_a - only_b) ** 2) / (rows + 2))
    low, high = max(-1.0, float(only_a - only_b - half)), min(1.0, float(only_a - only_b + half))
    smallest = detectable_accuracy(rows, (b + c) / rows, alpha=alpha)
    given = f"With {rows:,} rows, of which only one of the two gets {b + c:,} right"
    words = conclusion(
        of,
        difference,
        p,
        alpha=alpha,
        about="on rows like these",
        event=f"a split as uneven as {b:,} to {c:,}, or more so, among the rows that only one gets right",
        interval=(low, high),
        interval_method="Bonett and Price",
        detectable=f"{given}, no difference could have been relied upon to show."
        if smallest is None
        else not_seen(of, smallest, given),
        figure="",
    )
    words += " This is about the two networks as trained, not about training them again."
    return TestResult(name, statistic, p, None if exact else (1.0,), difference, low, high, words, source)


def _counts(table: Any) -> NDArray[np.int64]:
    counts = np.asarray(table)
    whole = counts.shape == (2, 2) and counts.dtype.kind in "iuf" and bool(np.isfinite(counts).all())
    if not whole or (counts < 0).any() or (counts != np.round(counts)).any() or counts.sum() < 1:
        raise ConfigError(
            "table: expected [[both right, only A right], [only B right, both wrong]] as counts of at least one row, "
            f"got {table!r:.80}"
        )
    return counts.astype(np.int64)
