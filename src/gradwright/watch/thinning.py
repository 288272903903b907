"""A curve of any length in a bounded number of points: neighbours are joined, the extremes kept."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["ThinnedSteps", "finite"]

Bucket = dict[str, Any]


class ThinnedSteps:
    """The loss and the learning rate of every step, in at most ``limit`` buckets of equally many steps.

    When there are too many, each two neighbours become one. A bucket has its last step, the mean, lowest and highest
    loss of its steps, and the last learning rate.

    Parameters
    ----------
    limit : int, even

    Examples
    --------
    >>> steps = ThinnedSteps(limit=2)
    >>> for k, loss in enumerate([4.0, 2.0, 1.0], 1):
    ...     steps.add({"step": k, "loss": loss, "learning_rate": 0.1})
    >>> steps.width, [b["loss"] for b in steps.points()]
    (2, [3.0, 1.0])
    """

    def __init__(self, limit: int = 1200) -> None:
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.width = 1
        self.version = getattr(self, "version", -1) + 1  # goes up whenever points that were given are void
        self._buckets: list[Bucket] = []
        self.epoch_ends: dict[int, int] = {}  # the last step of each epoch

    def add(self, row: dict[str, Any]) -> None:
        """Add a step's line; one that goes back to an earlier step voids what came after it."""
        step, loss = row.get("step"), finite(row.get("loss"))
        if not isinstance(step, int) or isinstance(step, bool):
            return
        if self._buckets and step <= self._buckets[-1]["step"]:
            self.version += 1
            while self._buckets and step <= self._buckets[-1]["step"]:
                self._buckets.pop()
        if not self._buckets or self._buckets[-1]["count"] >= self.width:
            if len(self._buckets) >= self.limit:
                self._halve()
            if not self._buckets or self._buckets[-1]["count"] >= self.width:
                self._buckets.append({"step": step, "count": 0, "known": 0, "sum": 0.0, "low": None, "high": None})
        if isinstance(epoch := row.get("epoch"), int):
            self.epoch_ends[epoch] = step
        _take(self._buckets[-1], step, loss, finite(row.get("learning_rate")))

    def points(self, start: int = 0) -> list[dict[str, Any]]:
        """Return the buckets from ``start`` on."""
        return [
            {
                "step": b["step"],
                "loss": b["sum"] / b["known"] if b["known"] else None,
                "low": b["low"],
                "high": b["high"],
                "learning_rate": b.get("learning_rate"),
            }
            for b in self._buckets[start:]
        ]

    def __len__(self) -> int:
        return len(self._buckets)

    def _halve(self) -> None:
        pairs = zip(self._buckets[::2], [*self._buckets[1::2], None], strict=False)
        self._buckets = [a if b is None else _joined(a, b) for a, b in pairs]
        self.width *= 2
        self.version += 1


def _take(bucket: Bucket, step: int, loss: float | None, rate: float | None) -> None:
    bucket["step"] = step
    bucket["count"] += 1
    bucket["learning_rate"] = rate
    if loss is not None:
        bucket["known"] += 1
        bucket["sum"] += loss
        bucket["low"] = loss if bucket["low"] is None else min(bucket["low"], loss)
        bucket["high"] = loss if bucket["high"] is None else max(bucket["high"], loss)


def _joined(a: Bucket, b: Bucket) -> Bucket:
    lows = [x["low"] for x in (a, b) if x["low"] is not None]
    highs = [x["high"] for x in (a, b) if x["high"] is not None]
    return {
        **b,
        "count": a["count"] + b["count"],
        "known": a["known"] + b["known"],
        "sum": a["sum"] + b["sum"],
        "low": min(lows, default=None),
        "high": max(highs, default=None),
    }


def finite(value: Any) -> float | None:
    """Return a finite number, or None: what a record says need not be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None
