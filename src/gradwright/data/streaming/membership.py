"""Which part a row is in: a hash of seed and row number, so that no list of rows is ever needed.

The hash is the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators,
OOPSLA 2014): the row's number is counted up from the mixed seed in steps of the golden ratio, and mixed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTS", "hashed", "mixed", "part_of"]

PARTS = ("train", "validation", "test")
_GOLDEN = 0x9E3779B97F4A7C15


def hashed(start: int, count: int, *, key: int, purpose: int = 0) -> NDArray[np.uint64]:
    """Hash the row numbers start, start + 1, …: uint64, shape (count,).

    Examples
    --------
    >>> bool((hashed(0, 9, key=1)[4:] == hashed(4, 5, key=1)).all())
    True
    """
    base = mixed(key, purpose)
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        rows = np.uint64(start + 1) + np.arange(count, dtype=np.uint64)
        return _finalized(np.uint64(base) + rows * np.uint64(_GOLDEN))


def mixed(key: int, purpose: int) -> int:
    """Make another key of a key: a number from 0 to 2⁶⁴ − 1, a different one for each purpose."""
    with np.errstate(over="ignore"):
        word = _finalized(np.array([key], np.uint64))
        return int(_finalized(word + np.array([purpose + 1], np.uint64) * np.uint64(_GOLDEN))[0])


def _finalized(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def part_of(start: int, count: int, *, seed: int, validation: float, test: float) -> NDArray[np.uint8]:
    """Say for rows start, start + 1, … in which of `PARTS` they are: uint8, shape (count,).

    A row validates when its hash lies in the first share of all numbers, and tests when it lies in the next.

    Examples
    --------
    >>> np.bincount(part_of(0, 10_000, seed=0, validation=0.1, test=0.2)) / 10_000
    array([0.7045, 0.099 , 0.1965])
    """
    u = (hashed(start, count, key=seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.where(u < validation, 1, np.where(u < validation + test, 2, 0)).astype(np.uint8)
