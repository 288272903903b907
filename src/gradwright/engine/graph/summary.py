"""An array as plain data: all of its numbers, or what they look like together."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from gradwright.view.values import Values

__all__ = ["summarise"]

_BINS = 16
_FEW = 8  # numbers that say more by themselves than their histogram


@cache
def _name(dtype: np.dtype) -> str:
    return str(dtype)


def summarise(array: Any, largest: int) -> Values:
    """Take an array's numbers, or for more than ``largest`` of them, mean, range and histogram.

    Examples
    --------
    >>> summarise(np.float32([1, 2]), 64).tolist()
    [1.0, 2.0]
    >>> large = summarise(np.arange(100.0), 64)
    >>> large.numbers is None, large.mean, large.low, large.high, large.bins[:4]
    (True, 49.5, 0.0, 99.0, (7, 6, 6, 6))
    """
    array = np.asarray(array)
    dtype = _name(array.dtype)
    if array.size == 1 and array.dtype.kind in "fiub":  # most nodes of a graph of single numbers: no statistics
        number = array.item()
        value = float(number) if math.isfinite(number) else math.nan
        return Values(array.shape, dtype, (number,), value, value, value, (), int(value != value))
    if array.dtype.kind == "V":  # bfloat16, which NumPy can hold and hardly compute with
        array = array.astype(np.float32)
    numbers = tuple(array.ravel().tolist()) if array.size <= largest else None
    wide = (np.abs(array) if array.dtype.kind == "c" else array).astype(np.float64)
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return Values(array.shape, dtype, numbers, np.nan, np.nan, np.nan, (), array.size)
    low, high = float(finite.min()), float(finite.max())
    with np.errstate(over="ignore"):
        mean, room = float(finite.mean()), high - low
    bins: tuple[int, ...] = ()
    if array.size > _FEW and 0 < room < np.inf:
        bins = tuple(np.histogram(finite, _BINS, (low, high))[0].tolist())
    return Values(array.shape, dtype, numbers, mean, low, high, bins, array.size - finite.size)
