"""Building without numbers: a stranger's network is first built of arrays that take no memory, and counted."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradwright.errors import StateError

__all__ = ["PARTS", "Skeleton", "building", "new_array", "reserve", "skeleton"]

PARTS = 10_000  # modules and tensors, which take time and memory however small they are


class Skeleton:
    """Counts the numbers of what is built, and refuses to count on when they are too many.

    Parameters
    ----------
    limit : int
        How many.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.numbers = 0
        self.parts = 0

    def take(self, size: int) -> None:
        """Count one module, or a tensor of this size."""
        self.numbers += size
        self.parts += 1
        if self.numbers > self.limit:
            raise StateError(f"the network would have more than {self.limit:,} weights, which is refused")
        if self.parts > PARTS:
            raise StateError(f"the network would have more than {PARTS:,} parts and tensors, which is refused")

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Count an array and return one of this shape: one number, shown everywhere."""
        self.take(math.prod(shape))
        return np.broadcast_to(np.zeros((), dtype), shape)


class _Building(threading.local):
    skeleton: Skeleton | None = None
    draws = True  # whether modules draw initial values when they are made


building = _Building()


@contextlib.contextmanager
def skeleton(limit: int) -> Iterator[Skeleton]:
    """Let everything that is made inside be made of arrays without memory, and be counted."""
    before, building.skeleton = building.skeleton, Skeleton(limit)
    try:
        yield building.skeleton
    finally:
        building.skeleton = before


def new_array(make: Callable[..., np.ndarray], shape: tuple[int, ...], *more: Any) -> np.ndarray:
    """Return ``make(shape, *more)``, whose last argument is the dtype, or in a skeleton what stands for it."""
    if building.skeleton is None:
        return make(shape, *more)
    return building.skeleton.array(shape, more[-1])


def reserve(size: int) -> None:
    """Count, in a skeleton, numbers that are about to be made all the same."""
    if building.skeleton is not None:
        building.skeleton.take(size)
