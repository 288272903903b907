"""Brackets, and picking by index; an index out of range is an error, also where JAX would clamp in silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.op import Op, general, linear, nondifferentiable, shows, sum_to
from gradwright.engine.ops.elementwise import zeros_like
from gradwright.errors import IndexOutOfRangeError

__all__ = ["getitem", "one_hot", "scatter_into", "set_at"]


def _getitem(xp: Any, x: Any, *, index: Any) -> Any:
    index = _arrays_for_lists(index)
    if xp is np:  # a constant may be indexed by what is traced
        x = namespace(index if isinstance(index, tuple) else (index,)).asarray(x)
    try:
        return x[index]
    except IndexError as error:
        raise IndexOutOfRangeError(
            f"index {index!r} does not fit a tensor of shape {tuple(x.shape)}: {error}"
        ) from None


def _scatter_into(xp: Any, x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Add ``x`` into zeros of ``shape`` at ``index``; repeated indices add up."""
    index = _arrays_for_lists(index)
    if xp is np:
        out = np.zeros(shape, x.dtype)
        if _is_basic(index):
            out[index] = x  # slices repeat nothing, and assignment is many times faster than add.at
        else:
            np.add.at(out, index, x)
        return out
    return xp.zeros(shape, x.dtype).at[index].add(x)


def _arrays_for_lists(index: Any) -> Any:
    """Turn lists of indices into arrays: NumPy takes both, JAX only arrays."""
    if isinstance(index, list):
        return np.asarray(index, None if index else np.int64)
    return tuple(_arrays_for_lists(p) for p in index) if isinstance(index, tuple) else index


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, int | slice) for p in parts)


getitem = shows(
    linear("getitem", _getitem, lambda g, x_shape, index: scatter_into(g, index=index, shape=x_shape)),
    lambda meta: _is_basic(meta["index"]),  # indices and masks copy
)
scatter_into: Op = linear("scatter_into", _scatter_into, lambda g, index: getitem(g, index=index))


def _set_at(xp: Any, x: Any, value: Any, *, index: Any) -> Any:
    index = _arrays_for_lists(index)
    if xp is not np:
        return xp.asarray(x).at[index].set(value)
    out = x.copy()
    out[index] = value
    return out


def _value_ahead(t: Any, ans: Any, index: Any) -> Any:
    return set_at(zeros_like(ans), t, index=index)


#: ``x`` with ``x[index] = value``: what is written over has slope 0.
set_at: Op = general(
    "set_at",
    _set_at,
    vjp=[
        lambda g, index: set_at(g, 0.0, index=index),
        lambda g, value_shape, index: sum_to(getitem(g, index=index), value_shape),
    ],
    jvp=[lambda t, index: set_at(t, 0.0, index=index), _value_ahead],
)

one_hot = nondifferentiable(
    "one_hot",
    lambda xp, x, *, classes, dtype: (xp.expand_dims(x, -1) == xp.arange(classes, dtype=x.dtype)).astype(dtype),
)
