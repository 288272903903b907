"""Operations that move elements without changing them; all linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, linear, shows, sum_to
from gradwright.errors import ShapeError

__all__ = ["expand", "permute", "reshape"]

reshape: Op = shows(
    linear("reshape", lambda xp, x, *, shape: x.reshape(shape), lambda g, x_shape: reshape(g, shape=x_shape))
)


def _expand(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x[...]
    try:
        return xp.broadcast_to(x, shape)
    except ValueError:
        raise ShapeError(f"expand: {tuple(x.shape)} cannot be repeated to the shape {tuple(shape)}") from None


expand = shows(linear("expand", _expand, lambda g, x_shape: sum_to(g, x_shape)))
permute: Op = shows(
    linear(
        "permute",
        lambda xp, x, *, axes: x.transpose(axes),
        # axes may count from the end
        lambda g, axes: permute(g, axes=tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))),
    )
)


def swap(x: Any, a: int, b: int) -> Any:
    """Exchange two axes."""
    if type(x) is np.ndarray:  # as rules of every matrix product do
        return x.swapaxes(a, b)
    axes = list(range(x.ndim))
    axes[a], axes[b] = axes[b], axes[a]
    return permute(x, axes=tuple(axes))
