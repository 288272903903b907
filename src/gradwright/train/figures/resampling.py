"""Intervals by drawing rows again, for figures that are made of sums over rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradwright.train.metrics import Interval

__all__ = ["DRAWS", "sums_interval"]

DRAWS = 2000
_AT_ONCE = 4_000_000  # drawn row numbers in memory


def sums_interval(
    rows: np.ndarray, figure: Callable[[np.ndarray], np.ndarray], of: str = "rows", *, draws: int = DRAWS
) -> Interval:
    """Return a figure with its percentile bootstrap interval.

    Parameters
    ----------
    rows : (n, m) numbers
        What each row adds, such as its hits, misses and false alarms.
    figure : callable
        From sums, shape (draws, m), to figures, shape (draws,); NaN where a figure has nothing to divide by.
    of : str
        What a row is, in the plural: a sentence is drawn whole, because its tokens hang together.
    draws : int
        How often rows are drawn; 0 for the figure alone. The draws are always the same ones.

    Returns
    -------
    Interval
        NaN throughout when the figure itself has no value.

    Examples
    --------
    >>> hits = np.array([[1, 1], [0, 1], [1, 1], [1, 1]])
    >>> i = sums_interval(hits, lambda s: s[:, 0] / s[:, 1])
    >>> i.value, i.low, i.high
    (0.75, 0.25, 1.0)

    References
    ----------
    B. Efron and R. J. Tibshirani, An introduction to the bootstrap (1993), section 13.3.
    """
    rows = np.asarray(rows, np.float64)
    n = len(rows)
    rng = np.random.default_rng(0)  # the interval must not depend on luck
    figures: list[np.ndarray] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(rows.sum(0)[None])[0])
        block = max(1, _AT_ONCE // n)
        for start in range(0, draws, block):
            drawn = rng.integers(0, n, (min(block, draws - start), n))
            figures.append(figure(np.stack([rows[:, j][drawn].sum(1) for j in range(rows.shape[1])], axis=1)))
    found = np.concatenate([*figures, np.empty(0)])
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) and np.isfinite(value) else (np.nan, np.nan)
    return Interval(value, float(low), float(high), f"percentile bootstrap of {of} (2,000 draws), 95%")
