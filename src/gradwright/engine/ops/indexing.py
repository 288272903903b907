"""Brackets, and picking by index; an index out of range is an error, also where JAX would clamp in silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import jax_modules, namespace
from gradwright.engine.base import TensorBase
from gradwright.engine.op import Op, general, linear, nondifferentiable, shows, sum_to
from gradwright.engine.ops.elementwise import zeros_like
from gradwright.engine.row_sparse import row_gradient
from gradwright.errors import IndexOutOfRangeError, ShapeError

__all__ = ["embedding", "gather", "getitem", "one_hot", "scatter_into", "scatter_sum", "set_at"]


# --- brackets ---------------------------------------------------------------------------------------------------------
def _getitem(xp: Any, x: Any, *, index: Any) -> Any:
    if not _is_basic(index):
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
        xp = namespace(index if isinstance(index, tuple) else (index,))
    if xp is not np and _is_basic(index):
        return _padded(xp, x, index, shape)
    if xp is not np:
        return xp.zeros(shape, x.dtype).at[index].add(x)
    out = np.zeros(shape, x.dtype)
    if _repeats(index):
        np.add.at(out, index, x)
    else:
        out[index] = x  # many times faster
    return out


def _repeats(index: Any) -> bool:
    """Say whether a place may be picked twice: by index arrays, but not by slices and masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, np.ndarray) and p.ndim > 0 and p.dtype != bool for p in parts)


def _padded(xp: Any, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Put ``x`` between zeros, which XLA does faster than a scatter: slices and integers only."""
    parts = list(index if isinstance(index, tuple) else (index,))
    named = len(parts) - sum(p is None or p is Ellipsis for p in parts)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (len(shape) - named)
    else:
        parts += [slice(None)] * (len(shape) - named)
    x = xp.reshape(x, [n for n, p in _lengths(parts, x.shape) if p is not None])
    padding, backwards = [], []
    for axis, (part, n) in enumerate(zip([p for p in parts if p is not None], shape, strict=True)):
        if isinstance(part, slice):
            span = range(n)[part]
            if span.step < 0:
                backwards.append(axis)
                span = span[::-1]
            low, high = (span[0], n - 1 - span[-1]) if span else (0, n)
            padding.append((low, high, span.step - 1 if len(span) > 1 else 0))
        else:
            padding.append((part % n, n - 1 - part % n, 0))
    x = xp.flip(x, backwards) if backwards else x
    return jax_modules().lax.pad(x, xp.zeros((), x.dtype), padding)


def _lengths(parts: list[Any], shape: tuple[int, ...]) -> list[tuple[int, Any]]:
    """For each part of an index the length that it has in the result, 1 for an integer."""
    rest = iter(shape)
    return [(1 if isinstance(p, int) else next(rest), p) for p in parts]


def _arrays_for_lists(index: Any) -> Any:
    """Turn lists of indices into arrays: NumPy takes both, JAX only arrays."""
    if isinstance(index, list):
        return np.asarray(index, None if index else np.int64)
    return tuple(_arrays_for_lists(p) for p in index) if isinstance(index, tuple) else index


def _is_basic(index: Any) -> bool:
    for part in index if isinstance(index, tuple) else (index,):
        if not (isinstance(part, _BASIC) or part is None or part is Ellipsis):
            return False
    return True


_BASIC = (slice, int)


getitem = shows(
    linear("getitem", _getitem, lambda g, x_shape, index: scatter_into(g, index=index, shape=x_shape)),
    lambda meta: _is_basic(meta["index"]),  # indices and masks copy
)
scatter_into: Op = linear("scatter_into", _scatter_into, lambda g, index: getitem(g, index=index))


# --- rows of a table --------------------------------------------------------------------------------------------------
def _embedding(xp: Any, x: Any, *, index: Any, sparse: bool = False, left_out: int | None = None) -> Any:
    if xp is np:  # a constant table may be indexed by what is traced
        xp = namespace([index])
    return x[index] if xp is np else xp.take(xp.asarray(x), index, axis=0, mode="fill")  # NaN for a row that is not


def _embedding_back(g: Any, x_shape: Any, index: Any, sparse: bool, left_out: int | None) -> Any:
    if sparse and not isinstance(g, TensorBase):  # a gradient that is to be differentiated again is a Tensor
        return row_gradient(g, index, x_shape, left_out)
    return scatter_into(g, index=index, shape=x_shape)


#: ``sparse``: the gradient lists rows, without the row ``left_out``, whose upstream gradient has to be 0
embedding: Op = linear("embedding", _embedding, _embedding_back)


# --- brackets that are assigned to ------------------------------------------------------------------------------------
def _set_at(xp: Any, x: Any, value: Any, *, index: Any = (), inner: Any = None) -> Any:
    """Return a copy of ``x`` in which ``value`` stands at ``x[index]``, or at ``x[index][inner]``.

    With ``inner``, ``index`` holds nothing but integers, slices and None.
    """
    index = index if isinstance(index, tuple) else (index,)
    if xp is np:
        xp = namespace((*index, *(inner or ())))
    x = xp.asarray(x)
    try:
        if xp is np:
            out = x.copy()
            if inner is None:
                out[index] = value
            else:
                out[(*index, ...)][inner] = value  # the ellipsis makes a view also of a single element
            return out
        value = xp.asarray(value, x.dtype)
        if inner is not None:
            value = x[index].at[inner].set(value)
        return x.at[index].set(value) if index else xp.broadcast_to(value, x.shape)
    except ValueError:
        place = x[index] if inner is None else x[index][inner]
        raise ShapeError(
            f"a value of shape {np.shape(value)} does not fit into the shape {tuple(place.shape)} that the index picks"
            f" of {tuple(x.shape)}"
        ) from None


def _picked(x: Any, index: Any, inner: Any) -> Any:
    if not (isinstance(index, tuple) and not index):
        x = getitem(x, index=index)
    return x if inner is None else getitem(x, index=inner)


#: where an index is repeated, one of the values stays, but all get the gradient, as PyTorch's do
set_at: Op = general(
    "set_at",
    _set_at,
    vjp=[
        lambda g, index, inner: set_at(g, 0, index=index, inner=inner),
        lambda g, value_shape, index, inner: sum_to(_picked(g, index, inner), value_shape),
    ],
    jvp=[
        lambda t, index, inner: set_at(t, 0, index=index, inner=inner),
        lambda t, ans, index, inner: set_at(zeros_like(ans), t, index=index, inner=inner),
    ],
)


# --- along one axis ---------------------------------------------------------------------------------------------------
def _gather(xp: Any, x: Any, index: Any, *, axis: int, unique: bool = False) -> Any:
    n = x.shape[axis]
    if xp is np and index.ndim == 2 and axis == 1 and len(x) == len(index):  # many times as fast for few numbers
        return np.asarray(x)[np.arange(len(index))[:, None], index]
    x = x[tuple(slice(None) if a == axis else slice(m) for a, m in enumerate(index.shape))]
    if xp is np or index.shape[axis] != 1 or x.dtype.kind == "b":
        return xp.take_along_axis(xp.asarray(x), index, axis)
    # One element of each row: a comparison fuses with its neighbours where XLA's gather on CPUs is a loop of its own.
    out = xp.sum(xp.where(_hot(xp, index, n, axis), x, 0), axis=axis, keepdims=True, dtype=x.dtype)
    return xp.where((index >= 0) & (index < n), out, xp.nan) if x.dtype.kind not in "iu" else out


def _hot(xp: Any, index: Any, n: int, axis: int) -> Any:
    return index == xp.arange(n, dtype=index.dtype).reshape([-1 if a == axis else 1 for a in range(index.ndim)])


def _scatter_sum(xp: Any, x: Any, index: Any, *, axis: int, shape: tuple[int, ...], unique: bool = False) -> Any:
    if xp is np:
        out = np.zeros(shape, x.dtype)
        once = unique or index.shape[axis] == 1
        if once and index.ndim == 2 and axis == 1 and len(index) == len(out):
            out[np.arange(len(index))[:, None], index] = x
            return out
        part = out[tuple(slice(None) if a == axis else slice(m) for a, m in enumerate(index.shape))]
        if once:
            np.put_along_axis(part, index, x, axis)
        else:
            np.add.at(part, grid(np, index, axis), x)
        return out
    x, index = xp.asarray(x), xp.asarray(index)
    if index.shape[axis] == 1 and all(
        a == axis or m == n for a, (m, n) in enumerate(zip(index.shape, shape, strict=True))
    ):
        return xp.where(_hot(xp, index, shape[axis], axis), x, xp.zeros((), x.dtype))
    return xp.zeros(shape, x.dtype).at[grid(xp, index, axis)].add(x, unique_indices=unique)


def grid(xp: Any, index: Any, axis: int) -> tuple[Any, ...]:
    """Return index arrays for brackets: ``index`` along ``axis``, each element's own place along the others."""
    return tuple(
        index if a == axis else xp.arange(n).reshape([-1 if b == a else 1 for b in range(index.ndim)])
        for a, n in enumerate(index.shape)
    )


#: out[i][j][k] = x[i][index[i][j][k]][k] for the middle axis; ``unique``: no place is picked twice
gather: Op = linear(
    "gather",
    _gather,
    lambda g, index, x_shape, axis, unique: scatter_sum(g, index, axis=axis, shape=x_shape, unique=unique),
    None,
)
scatter_sum: Op = linear(
    "scatter_sum",
    _scatter_sum,
    lambda g, index, axis, unique: gather(g, index, axis=axis, unique=unique),
    None,
)

one_hot = nondifferentiable(
    "one_hot",
    lambda xp, x, *, classes, dtype: (xp.expand_dims(x, -1) == xp.arange(classes, dtype=x.dtype)).astype(dtype),
)
