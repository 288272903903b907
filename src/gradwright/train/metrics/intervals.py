"""How sure a figure is: 95% confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.train.metrics.whole import r2, rmse

__all__ = ["Interval", "r2_interval", "rmse_interval", "wilson"]

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with its 95% confidence interval."""

    value: float
    low: float
    high: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"value": self.value, "low": self.low, "high": self.high, "method": self.method}


def wilson(successes: int, trials: int) -> Interval:
    """Return a proportion with Wilson's score interval, which stays inside [0, 1] and works near its ends.

    Equation: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), z the normal quantile of 97.5%.

    Parameters
    ----------
    successes, trials : int
        0 <= successes <= trials, trials >= 1.

    Examples
    --------
    >>> i = wilson(97, 100)
    >>> round(i.low, 4), round(i.high, 4)
    (0.9155, 0.9897)

    References
    ----------
    E. B. Wilson (JASA 22, 1927), equation 3.
    """
    from scipy.stats import binomtest

    ci = binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    return Interval(successes / trials, float(ci.low), float(ci.high), "Wilson score, 95%")


def _bootstrap(target: np.ndarray, predicted: np.ndarray, figure: Any, value: float) -> Interval:
    rng = np.random.default_rng(0)  # the interval must not depend on luck
    n = len(target)
    figures = []
    for _ in range(2000):
        rows = rng.integers(0, n, n)
        f = figure(target[rows], predicted[rows])
        if f is not None:
            figures.append(f)
    low, high = np.quantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if figures else (np.nan, np.nan)
    return Interval(value, float(low), float(high), "percentile bootstrap of rows (2,000 draws), 95%")


def rmse_interval(target: np.ndarray, predicted: np.ndarray) -> Interval:
    """Return the RMSE with a percentile bootstrap interval over rows."""
    return _bootstrap(target, predicted, rmse, rmse(target, predicted))


def r2_interval(target: np.ndarray, predicted: np.ndarray) -> Interval | None:
    """Return R² with a percentile bootstrap interval over rows; None for a constant target."""
    value = r2(target, predicted)
    return None if value is None else _bootstrap(target, predicted, r2, value)
