"""Figures of predicted numbers: RMSE, MAE, R²."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from gradwright.train.metrics.base import Metric, State
from gradwright.train.metrics.reading import read_numbers

__all__ = ["MAE", "R2", "RMSE"]


class _MeanError(Metric):
    """A mean over rows for each target, kept as mean and weight, so that it neither grows nor loses digits."""

    direction: ClassVar[Literal["max", "min"]] = "min"

    def _names(self) -> tuple[str, ...]:
        return ("total", "mean")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = read_numbers(type(self).__name__, output, target, weight)
        total = rows.weight.sum()
        return {"total": total, "mean": _mean(self._of(rows.output - rows.target), rows.weight, total)}

    def _join(self, a: State, b: State) -> State:
        total = a["total"] + b["total"]
        if b["total"] > 0:
            a["mean"] = a["mean"] + (b["mean"] - a["mean"]) * (b["total"] / total)
        a["total"] = total
        return a

    def _figure(self, state: State) -> Any:
        return self._from(state["mean"]).mean() if state["total"] > 0 else None

    def _of(self, error: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _from(self, mean: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class RMSE(_MeanError):
    """The root of the mean squared error: sqrt(Σ w (ŷ - y)² / Σ w); of several targets the mean of theirs.

    Output and target have one shape, (n,) or (n, targets), and the unit in which the figure shall be.

    Examples
    --------
    >>> m = RMSE()
    >>> m.update([1.0, 2.0], [4.0, 6.0])
    >>> round(m.compute() ** 2, 9)
    12.5
    """

    def _of(self, error: np.ndarray) -> np.ndarray:
        return error**2

    def _from(self, mean: np.ndarray) -> np.ndarray:
        return np.sqrt(mean)


class MAE(_MeanError):
    """The mean absolute error: Σ w |ŷ - y| / Σ w; of several targets the mean of theirs.

    Output and target have one shape, (n,) or (n, targets), and the unit in which the figure shall be.

    Examples
    --------
    >>> m = MAE()
    >>> m.update([1.0, 2.0], [4.0, 6.0])
    >>> m.compute()
    3.5
    """

    def _of(self, error: np.ndarray) -> np.ndarray:
        return np.abs(error)

    def _from(self, mean: np.ndarray) -> np.ndarray:
        return mean


class R2(Metric):
    """The coefficient of determination: 1 - Σ w (y - ŷ)² / Σ w (y - ȳ)².

    Of several targets the mean of theirs, without those that are constant; None when all are. Mean and squared
    deviations are joined as Chan, Golub and LeVeque do, so a large mean costs no digits.

    Examples
    --------
    >>> m = R2()
    >>> m.update([1.0, 2.0], [1.0, 2.0])
    >>> m.update([4.0], [3.0])
    >>> m.compute()
    0.5

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
    (1979), equation 2.1; B. P. Welford (Technometrics 4, 1962).
    """

    def _names(self) -> tuple[str, ...]:
        return ("total", "mean", "squares", "errors", "low", "high")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = read_numbers("R2", output, target, weight)
        y, w, total = rows.target, rows.weight, rows.weight.sum()
        mean = _mean(y, w, total)
        return {
            "total": total,
            "mean": mean,
            "squares": (w * (y - mean) ** 2).sum(0),
            "errors": (w * (y - rows.output) ** 2).sum(0),
            "low": y.min(0, initial=np.inf),
            "high": y.max(0, initial=-np.inf),
        }

    def _join(self, a: State, b: State) -> State:
        total = a["total"] + b["total"]
        if b["total"] > 0:
            apart, share = b["mean"] - a["mean"], b["total"] / total
            a["mean"] = a["mean"] + apart * share
            a["squares"] = a["squares"] + b["squares"] + apart**2 * share * a["total"]
        a["errors"] = a["errors"] + b["errors"]
        a["low"], a["high"] = np.minimum(a["low"], b["low"]), np.maximum(a["high"], b["high"])
        a["total"] = total
        return a

    def _figure(self, state: State) -> Any:
        # asked exactly: the rounded mean of equal numbers need not equal them
        varies = (state["low"] < state["high"]) & (state["squares"] > 0)
        return np.mean(1 - state["errors"][varies] / state["squares"][varies]) if varies.any() else None


def _mean(values: np.ndarray, weight: np.ndarray, total: Any) -> np.ndarray:
    """Return the weighted mean of each column; 0 where there are no rows."""
    return (weight * values).sum(0) / total if total > 0 else np.zeros(values.shape[1])
