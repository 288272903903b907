"""Many tensors into one, and one into many: the operations with any number of inputs, or of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.engine.op import Op, general
from gradwright.engine.ops.elementwise import zeros_like
from gradwright.engine.ops.indexing import getitem
from gradwright.engine.ops.shape import reshape
from gradwright.errors import ShapeError

__all__ = ["cat", "narrow", "pad", "split", "stack", "unbind"]

Shape = tuple[int, ...]


def narrow(x: Any, axis: int, start: int, length: int) -> Any:
    """Return ``length`` places along one axis, from ``start`` on."""
    return getitem(x, index=(slice(None),) * axis + (slice(start, start + length),))


# --- cat --------------------------------------------------------------------------------------------------------------
def _left_out(shape: Shape) -> bool:
    # PyTorch's habit from days without empty shapes: an empty vector goes with anything
    return shape == (0,)


def _cat(xp: Any, *xs: Any, axis: int) -> Any:
    joined = [x for x in xs if not _left_out(x.shape)]
    first = joined[0].shape if joined else (0,)
    for k, x in enumerate(xs):
        if _left_out(x.shape):
            continue
        if len(x.shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, x.shape, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"cat: along dim {axis} all other lengths must agree: tensor {k} has shape {tuple(x.shape)}, "
                f"the first {tuple(first)}"
            )
    return xp.concatenate(joined, axis=axis) if joined else xs[0]


def _cat_vjp(g: Any, i: int, xs_shapes: Sequence[Shape], axis: int) -> Any:
    if _left_out(xs_shapes[i]):
        return reshape(narrow(g, axis, 0, 0), shape=(0,))
    start = sum(shape[axis] for shape in xs_shapes[:i] if not _left_out(shape))
    return narrow(g, axis, start, xs_shapes[i][axis])


def _filled(parts: Sequence[Any], shapes: Sequence[Shape]) -> list[Any]:
    """Put zeros where nothing arrived."""
    dtype = next(p.dtype for p in parts if p is not None)
    return [np.zeros(shape, dtype) if p is None else p for p, shape in zip(parts, shapes, strict=True)]


cat: Op = general(
    "cat",
    _cat,
    vjp=[_cat_vjp],
    jvp=[lambda ts, xs_shapes, axis: cat(*_filled(ts, xs_shapes), axis=axis)],
    promotes=True,
)


# --- stack and unbind, each other's transpose -------------------------------------------------------------------------
def _stack(xp: Any, *xs: Any, axis: int) -> Any:
    for k, x in enumerate(xs):
        if x.shape != xs[0].shape:
            raise ShapeError(
                f"stack: all shapes must be the same: tensor {k} has {tuple(x.shape)}, the first {tuple(xs[0].shape)}"
            )
    return xp.stack(xs, axis=axis)


stack: Op = general(
    "stack",
    _stack,
    vjp=[lambda g, i, axis: getitem(g, index=(slice(None),) * axis + (i,))],
    jvp=[lambda ts, xs_shapes, axis: stack(*_filled(ts, xs_shapes), axis=axis)],
    promotes=True,
)


def _unbind_vjp(g: tuple[Any, ...], x_shape: Shape, axis: int) -> Any:
    rest = x_shape[:axis] + x_shape[axis + 1 :]
    return stack(*_filled(g, [rest] * x_shape[axis]), axis=axis)


unbind: Op = general(
    "unbind",
    lambda xp, x, *, axis: tuple([x[(slice(None),) * axis + (i, ...)] for i in range(x.shape[axis])]),
    vjp=[_unbind_vjp],
    jvp=[lambda t, axis: unbind(t, axis=axis)],
)


# --- split, the transpose of cat --------------------------------------------------------------------------------------
def _split(xp: Any, x: Any, *, sizes: Shape, axis: int) -> Any:
    parts, start = [], 0
    for size in sizes:
        parts.append(x[(slice(None),) * axis + (slice(start, start + size),)])
        start += size
    return tuple(parts)


def _split_vjp(g: tuple[Any, ...], x_shape: Shape, sizes: Shape, axis: int) -> Any:
    # a concatenation: adding up padded parts would cost (parts) times the whole
    shapes = [(*x_shape[:axis], size, *x_shape[axis + 1 :]) for size in sizes]
    kept = [k for k, shape in enumerate(shapes) if not _left_out(shape)]
    if not kept:  # empty vectors
        return zeros_like(next(p for p in g if p is not None))
    parts = _filled(g, shapes)
    return cat(*[parts[k] for k in kept], axis=axis)


split: Op = general(
    "split",
    _split,
    vjp=[_split_vjp],
    jvp=[lambda t, sizes, axis: split(t, sizes=sizes, axis=axis)],
)


# --- pad --------------------------------------------------------------------------------------------------------------
def _pad(xp: Any, x: Any, *, widths: tuple[tuple[int, int], ...], value: float = 0) -> Any:
    if xp is not np:
        return jax_modules().lax.pad(x, xp.asarray(value, x.dtype), [(lo, hi, 0) for lo, hi in widths])
    # numpy.pad does the same in many more steps
    out = np.full([n + lo + hi for n, (lo, hi) in zip(x.shape, widths, strict=True)], value, x.dtype)
    out[tuple(slice(lo, lo + n) for n, (lo, _) in zip(x.shape, widths, strict=True))] = x
    return out


#: A constant around the edges; ``widths`` holds (before, after) for each axis, none of them negative.
pad: Op = general(
    "pad",
    _pad,
    vjp=[
        lambda g, x_shape, widths: getitem(
            g, index=tuple(slice(lo, lo + n) for n, (lo, _) in zip(x_shape, widths, strict=True))
        )
    ],
    jvp=[lambda t, widths: pad(t, widths=widths)],
)
