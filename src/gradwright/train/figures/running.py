"""Figures of a part that comes in blocks: what is kept of it does not grow with its rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gradwright.data import Preparation, TargetScale, Task
from gradwright.train.figures.classes import of_confusion
from gradwright.train.figures.quantities import of_quantities
from gradwright.train.figures.resampling import sums_interval
from gradwright.train.metrics import Interval, confusion_matrix, rmse_interval, wilson

__all__ = ["RunningFigures", "running_figures"]

#: Rows of a quantity that are kept as they are, so that their figures are those of a part in memory.
HELD = 100_000
#: Groups into which the rows fall by their number, beyond that; they are drawn for the intervals.
GROUPS = 1_000
_PAIRS = 1_000  # of truth and prediction for the picture


class RunningFigures(Protocol):
    """Takes rows in blocks, and says what `assess` says of all of them."""

    def add(self, target: np.ndarray, predicted: np.ndarray) -> None:
        """Take a block into account: classes int64 (n,), or quantities (n,) in their own unit."""

    def headline(self) -> Interval:
        """Return accuracy or RMSE."""

    def figures(self) -> dict[str, Any]:
        """Return all figures but rows and loss."""


def running_figures(task: Task, preparation: Preparation) -> RunningFigures:
    """Return what adds up a task's figures, of classes or of one quantity."""
    if task.classes is not None:
        return _Classes(list(task.classes))
    scale = preparation.target_scale
    return _Quantity(task.target_name, scale if isinstance(scale, TargetScale) else TargetScale(0.0, 1.0))


class _Classes:
    """Counts of truth and prediction."""

    def __init__(self, classes: list[str]) -> None:
        self._classes = classes
        self._confusion = np.zeros((len(classes), len(classes)), np.int64)

    def add(self, target: np.ndarray, predicted: np.ndarray) -> None:
        """Count."""
        self._confusion += confusion_matrix(target, predicted, len(self._classes))

    def headline(self) -> Interval:
        """Return the accuracy."""
        return wilson(int(self._confusion.trace()), int(self._confusion.sum()))

    def figures(self) -> dict[str, Any]:
        """Return what `of_classes` returns."""
        return of_confusion(self._confusion, self._classes)


class _Quantity:
    """The rows themselves, while they are few; and sums in groups of rows, about the training mean, in its deviations.

    The bootstrap of group sums estimates the same spread as that of rows, since rows fall into groups by their number.
    """

    def __init__(self, name: str, scale: TargetScale) -> None:
        self._name, self._scale = name, scale
        self._held: list[np.ndarray] = []
        self._sums = np.zeros((GROUPS, 4))  # of squared errors, squares, values, ones
        self._rows, self._absolute = 0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, target: np.ndarray, predicted: np.ndarray) -> None:
        """Add up, and keep the rows as long as all of them are kept."""
        t, p = target.astype(np.float64), np.asarray(predicted, np.float64)
        if not self._rows or self._rows + len(t) <= HELD:
            self._held.append(np.stack([t, p]))
        elif len(self._held) > 1:
            self._held = [np.concatenate(self._held, axis=1)[:, :_PAIRS]]
        z, e = (t - self._scale.mean) / self._scale.std, (t - p) / self._scale.std
        group = (self._rows + np.arange(len(t))) % GROUPS
        for i, values in enumerate((e * e, z * z, z, np.ones(len(t)))):
            self._sums[:, i] += np.bincount(group, values, GROUPS)
        self._rows += len(t)
        self._absolute += float(np.abs(t - p).sum())
        self._low, self._high = min(self._low, float(t.min())), max(self._high, float(t.max()))

    def headline(self) -> Interval:
        """Return the RMSE."""
        held = np.concatenate(self._held, axis=1)
        if held.shape[1] == self._rows:
            return rmse_interval(held[0], held[1])
        return sums_interval(self._sums, lambda s: np.sqrt(s[:, 0] / s[:, 3]) * self._scale.std, "groups of rows")

    def figures(self) -> dict[str, Any]:
        """Return what `of_quantities` returns."""
        held = np.concatenate(self._held, axis=1)
        if held.shape[1] == self._rows:
            return of_quantities(held[0], held[1], self._name)
        r2 = sums_interval(self._sums, lambda s: 1 - s[:, 0] / (s[:, 1] - s[:, 2] ** 2 / s[:, 3]), "groups of rows")
        return {
            "rmse": self.headline().to_dict(),
            "r2": r2.to_dict() if self._low < self._high else None,
            "mae": self._absolute / self._rows,
            "target_name": self._name,
            "target": held[0, :_PAIRS].tolist(),
            "prediction": held[1, :_PAIRS].tolist(),
        }
