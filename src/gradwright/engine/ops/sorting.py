"""Where elements stand in order: indices only; the values are gathered by them, which carries the gradient.

Sorting is stable, NaN counts as the largest, and equal elements keep their order also when it is descending.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.engine.op import nondifferentiable

__all__ = ["argsort", "kth_index", "median_index", "mode_index", "searchsorted"]


def _argsort(xp: Any, x: Any, *, axis: int, descending: bool = False) -> Any:
    if not descending:
        return xp.argsort(x, axis=axis, stable=True)
    # backwards twice, so that equal elements keep their order
    return xp.flip(x.shape[axis] - 1 - xp.argsort(xp.flip(x, axis), axis=axis, stable=True), axis)


argsort = nondifferentiable("argsort", _argsort)


def _kth_index(xp: Any, x: Any, *, axis: int, k: int) -> Any:
    order = xp.argsort(x, axis=axis, stable=True)
    return order[(slice(None),) * axis + (slice(k - 1, k),)]


#: of the k-th smallest element; the axis is kept
kth_index = nondifferentiable("kth_index", _kth_index)


def _median_index(xp: Any, x: Any, *, axis: int, ignore_nan: bool = False) -> Any:
    n = x.shape[axis]
    order = xp.argsort(x, axis=axis, stable=True)
    middle = xp.asarray((n - 1) // 2)
    if x.dtype.kind not in "biu":
        nans = xp.isnan(x).sum(axis=axis, keepdims=True)
        # NaN come last in the order, the first of them first
        middle = xp.maximum(n - nans - 1, 0) // 2 if ignore_nan else xp.where(nans > 0, n - nans, middle)
    middle = xp.broadcast_to(middle, [1 if a == axis else m for a, m in enumerate(x.shape)])
    return xp.take_along_axis(order, middle, axis)


#: of the lower of the two elements in the middle, or of the first NaN; the axis is kept
median_index = nondifferentiable("median_index", _median_index)


def _mode_index(xp: Any, x: Any, *, axis: int) -> Any:
    order = xp.argsort(x, axis=axis, stable=True)
    ordered = xp.take_along_axis(x, order, axis)
    start, end = (slice(None),) * axis + (slice(0, 1),), (slice(None),) * axis + (slice(1, None),)
    back = (slice(None),) * axis + (slice(0, -1),)
    new = xp.concatenate([xp.ones_like(ordered[start], bool), ordered[end] != ordered[back]], axis=axis)
    steps = xp.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    starts = xp.where(new, steps, 0)
    starts = np.maximum.accumulate(starts, axis) if xp is np else jax_modules().lax.cummax(starts, axis=axis)
    # the end of the first longest run of equal elements
    return xp.take_along_axis(order, xp.argmax(steps - starts, axis=axis, keepdims=True), axis)


#: the last place of the most frequent value, the smallest of several; the axis is kept
mode_index = nondifferentiable("mode_index", _mode_index)


def _searchsorted(xp: Any, x: Any, y: Any, *, right: bool = False) -> Any:
    side: Any = "right" if right else "left"
    x, y = xp.asarray(x), xp.asarray(y)
    if x.ndim == 1:
        return xp.asarray(xp.searchsorted(x, y, side=side))
    if 0 in y.shape:
        return xp.zeros(y.shape, np.int64)
    values = y.reshape(-1, y.shape[-1])
    rows = x.reshape(len(values), x.shape[-1])
    if xp is np:
        found = [np.searchsorted(row, value, side=side) for row, value in zip(rows, values, strict=True)]
        return np.array(found, np.int64).reshape(y.shape)
    return (
        jax_modules().jax.vmap(lambda row, value: xp.searchsorted(row, value, side=side))(rows, values).reshape(y.shape)
    )


#: where each of y belongs in the sorted x; rows of x and y that have more axes belong together
searchsorted = nondifferentiable("searchsorted", _searchsorted, promotes=True)
