"""Sums and means over axes; `axis` is None for all, an int, or a tuple."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import general, linear, nondifferentiable
from gradwright.engine.ops.elementwise import cast, eq

__all__ = ["amax", "argmax", "argmin", "logsumexp", "sum"]


def _sum(xp: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    # bool and small integers add up in int64, as in PyTorch; XLA's widest integer is its own default
    dtype = np.dtype(np.int64) if xp is np and x.dtype.kind in "bui" else None
    return x.sum(axis=axis, keepdims=keepdims, dtype=dtype)


def restore(g: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """Give a reduced array its axes back, so that it broadcasts against what was reduced."""
    from gradwright.engine.ops.shape import reshape

    if not keepdims and axis is not None:
        axes = (axis,) if isinstance(axis, int) else axis
        axes = {a % len(x_shape) for a in axes}
        g = reshape(g, shape=tuple(1 if i in axes else n for i, n in enumerate(x_shape)))
    elif not keepdims:
        g = reshape(g, shape=(1,) * len(x_shape))
    return g


def _sum_transpose(g: Any, x_shape: tuple[int, ...], axis: Any = None, keepdims: bool = False) -> Any:
    from gradwright.engine.ops.shape import expand

    return expand(restore(g, x_shape, axis, keepdims), shape=x_shape)


sum = linear("sum", _sum, _sum_transpose)


def _amax_rule(g: Any, ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    # shared evenly between ties, as torch.amax does
    mask = cast(eq(x, restore(ans, x_shape, axis, keepdims)), dtype=g.dtype)
    count = sum(mask, axis=axis, keepdims=True)
    return restore(g, x_shape, axis, keepdims) * mask / count


def _amax_ahead(t: Any, ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    mask = cast(eq(x, restore(ans, x_shape, axis, keepdims)), dtype=t.dtype)
    return sum(t * mask, axis=axis, keepdims=keepdims) / sum(mask, axis=axis, keepdims=keepdims)


amax = general(
    "amax",
    lambda xp, x, *, axis=None, keepdims=False: x.max(axis=axis, keepdims=keepdims),
    vjp=[_amax_rule],
    jvp=[_amax_ahead],
)


def _logsumexp(xp: Any, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)  # of nothing: log of an empty sum is -inf
    top = xp.where(xp.isfinite(top), top, 0)  # all -inf must give -inf, not NaN
    out = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else xp.squeeze(out, axis=axis)


def _logsumexp_weights(ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    from gradwright.engine.ops.elementwise import exp

    return exp(x - restore(ans, x_shape, axis, keepdims))


logsumexp = general(
    "logsumexp",
    _logsumexp,
    vjp=[
        lambda g, ans, x, x_shape, axis, keepdims: (
            restore(g, x_shape, axis, keepdims) * _logsumexp_weights(ans, x, x_shape, axis, keepdims)
        )
    ],
    jvp=[
        lambda t, ans, x, x_shape, axis, keepdims: sum(
            t * _logsumexp_weights(ans, x, x_shape, axis, keepdims), axis=axis, keepdims=keepdims
        )
    ],
    floating=True,
)

argmax = nondifferentiable(
    "argmax", lambda xp, x, *, axis=None, keepdims=False: xp.argmax(x, axis=axis, keepdims=keepdims)
)
argmin = nondifferentiable(
    "argmin", lambda xp, x, *, axis=None, keepdims=False: xp.argmin(x, axis=axis, keepdims=keepdims)
)
