"""Figures that are added up block by block: mean and standard deviation, counts of values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import shown
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RunningCounts", "RunningMoments"]


@dataclass
class RunningMoments:
    """Mean and standard deviation of numbers that come in blocks.

    Blocks are joined by the pairwise update of T. Chan, G. Golub and R. LeVeque, Updating formulae and a pairwise
    algorithm for computing sample variances (1979): the sum of squares about the mean is
    M = M₁ + M₂ + δ² n₁ n₂ / (n₁ + n₂), with δ the difference of the means.

    Examples
    --------
    >>> moments = RunningMoments()
    >>> moments.add(np.array([1.0, np.nan]))
    >>> moments.add(np.array([3.0]))
    >>> moments.count, moments.missing, moments.mean, moments.std
    (2, 1, 2.0, 1.0)
    """

    count: int = 0
    missing: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: NDArray[Any]) -> None:
        """Add a block of numbers; NaN counts as missing."""
        values = np.asarray(values, np.float64)
        gone = np.isnan(values)
        if gone.any():
            values = values[~gone]
        self.missing += int(np.count_nonzero(gone))
        if not values.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean())
            self._join(values.size, mean, float(np.square(values - mean).sum()))
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def _join(self, count: int, mean: float, squares: float) -> None:
        total = self.count + count
        d = mean - self.mean
        self.squares += squares + d * d * (self.count * count / total)
        self.mean += d * (count / total)
        self.count = total

    @property
    def std(self) -> float:
        """The biased standard deviation; 0 where all numbers are equal."""
        return 0.0 if self.low >= self.high else math.sqrt(self.squares / self.count)

    def filled(self, value: float) -> RunningMoments:
        """Return the figures with the missing numbers replaced by one value."""
        whole = RunningMoments(self.count, 0, self.mean, self.squares, self.low, self.high)
        if self.missing:
            whole._join(self.missing, value, 0.0)
            whole.low, whole.high = min(self.low, value), max(self.high, value)
        return whole

    def check(self, what: str) -> None:
        """Raise `DataError` where the figures are beyond float64."""
        if not (math.isfinite(self.mean) and math.isfinite(self.squares)):
            raise DataError(
                f"{what}: its values lie beyond the range of float64 when added up, such as "
                f"{max(abs(self.low), abs(self.high)):g}; divide them, or take their logarithm, first"
            )


@dataclass
class RunningCounts:
    """How often each value comes, as long as there are not more than `limit` different ones."""

    limit: int
    missing: int = 0
    total: int = 0
    counts: dict[Any, int] = field(default_factory=dict)

    def add(self, column: pl.Series) -> None:
        """Add a block of values; nulls count as missing."""
        self.missing += column.null_count()
        self.total += column.len() - column.null_count()
        if self.overflow:
            return
        values, counts = column.drop_nulls().value_counts().get_columns()
        for value, count in zip(values, counts, strict=True):
            self.counts[value] = self.counts.get(value, 0) + int(count)

    @property
    def overflow(self) -> bool:
        """Whether there are more different values than are counted."""
        return len(self.counts) > self.limit

    def sorted(self, what: str) -> list[Any]:
        """The values in order; `DataError` where there are too many."""
        if self.overflow:
            raise DataError(
                f"{what}: it has more than {self.limit:,} distinct values, such as {shown(next(iter(self.counts)))}; a "
                "stream counts no more. Use --task regression for a quantity, or merge the rare ones"
            )
        return sorted(self.counts)
