"""Operations that turn, shift, mask and window the elements; all linear in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, linear

__all__ = ["add_sliding", "diagonal", "flip", "put_diagonal", "roll", "sliding", "tril", "triu"]

Shape = tuple[int, ...]

flip: Op = linear("flip", lambda xp, x, *, axes: xp.flip(x, axes), lambda g, axes: flip(g, axes=axes))
roll: Op = linear(
    "roll",
    lambda xp, x, *, shifts, axes: xp.roll(x, shifts, axes),
    lambda g, shifts, axes: roll(g, shifts=tuple(-s for s in shifts), axes=axes),
)
tril: Op = linear(
    "tril", lambda xp, x, *, diagonal: xp.tril(x, diagonal), lambda g, diagonal: tril(g, diagonal=diagonal)
)
triu: Op = linear(
    "triu", lambda xp, x, *, diagonal: xp.triu(x, diagonal), lambda g, diagonal: triu(g, diagonal=diagonal)
)


# --- diagonals --------------------------------------------------------------------------------------------------------
def _put_diagonal(xp: Any, x: Any, *, shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    """Zeros of ``shape`` with ``x`` on a diagonal."""
    n = x.shape[-1]
    rows, columns = np.arange(n) + max(-offset, 0), np.arange(n) + max(offset, 0)
    lead = [s for i, s in enumerate(shape) if i not in (axis1, axis2)]
    size = (*lead, shape[axis1], shape[axis2])
    if xp is np:
        out = np.zeros(size, x.dtype)
        out[..., rows, columns] = x
    else:
        out = xp.zeros(size, x.dtype).at[..., rows, columns].set(x)
    return xp.moveaxis(out, (-2, -1), (axis1, axis2))


diagonal: Op = linear(
    "diagonal",
    lambda xp, x, *, offset=0, axis1=-2, axis2=-1: xp.diagonal(x, offset, axis1, axis2),
    lambda g, x_shape, offset, axis1, axis2: put_diagonal(
        g, shape=x_shape, offset=offset, axis1=axis1 % len(x_shape), axis2=axis2 % len(x_shape)
    ),
)
put_diagonal: Op = linear(
    "put_diagonal",
    _put_diagonal,
    lambda g, offset, axis1, axis2: diagonal(g, offset=offset, axis1=axis1, axis2=axis2),
)


# --- sliding windows --------------------------------------------------------------------------------------------------
def _sliding(xp: Any, x: Any, *, axis: int, size: int, step: int) -> Any:
    if xp is np:
        windows = np.lib.stride_tricks.sliding_window_view(x, size, axis)
        return windows[(slice(None),) * axis + (slice(None, None, step),)]
    starts = np.arange(0, x.shape[axis] - size + 1, step)
    windows = xp.take(x, starts[:, None] + np.arange(size), axis)
    return xp.moveaxis(windows, axis + 1, -1)


def _add_sliding(xp: Any, x: Any, *, length: int, axis: int, size: int, step: int) -> Any:
    """Add windows up where they came from, on an axis of ``length``."""
    count = x.shape[axis]
    x = xp.moveaxis(x, axis, -2)
    shape = (*x.shape[:-2], length)
    if xp is np:
        out = np.zeros(shape, x.dtype)
        # the shorter of the two loops; within one turn no place is met twice
        if size <= count:
            for k in range(size):
                out[..., k : k + (count - 1) * step + 1 : step] += x[..., k]
        else:
            for i in range(count):
                out[..., i * step : i * step + size] += x[..., i, :]
    else:
        places = np.arange(0, length - size + 1, step)[:, None] + np.arange(size)
        out = xp.zeros(shape, x.dtype).at[..., places].add(x)
    return xp.moveaxis(out, -1, axis)


sliding: Op = linear(
    "sliding",
    _sliding,
    lambda g, x_shape, axis, size, step: add_sliding(g, length=x_shape[axis], axis=axis, size=size, step=step),
)
add_sliding: Op = linear(
    "add_sliding", _add_sliding, lambda g, axis, size, step: sliding(g, axis=axis, size=size, step=step)
)
