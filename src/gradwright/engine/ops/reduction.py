"""Reductions; `axis` is None for all axes, an int, or a tuple."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.op import Op, elementwise, general, linear, nondifferentiable
from gradwright.engine.ops.elementwise import abs, cast, eq, exp, pow, sign, where, zeros_like

__all__ = [
    "abs_power", "all", "amax", "amin", "any", "argmax", "argmin", "logsumexp", "mean", "median", "root", "sum", "var",
]  # fmt: skip


def widest(xp: Any, x: Any) -> Any:
    """Return int64 for bool and integers, which is what PyTorch adds them up in, and None for other dtypes."""
    if x.dtype.kind not in "bui":
        return None
    return np.dtype(np.int64) if xp is np else xp.asarray(0).dtype  # XLA's widest integer is its own default


sum: Op


def count(shape: tuple[int, ...], axis: Any) -> int:
    """Return how many elements go into each result."""
    along = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod([shape[a] for a in along])


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


sum = linear(
    "sum",
    lambda xp, x, *, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims, dtype=widest(xp, x)),
    _sum_transpose,
)


def _mean(xp: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    n = count(x.shape, axis)
    total = x.sum(axis=axis, keepdims=keepdims)
    return total / n if n else total * xp.asarray(np.nan, x.dtype)


mean = linear(
    "mean",
    _mean,
    lambda g, x_shape, axis, keepdims: _sum_transpose(g / max(count(x_shape, axis), 1), x_shape, axis, keepdims),
)


# --- the largest, the smallest, the middle: the gradient is shared evenly between ties, as PyTorch does ---------------
def _chosen_rule(g: Any, ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    mask = cast(eq(x, restore(ans, x_shape, axis, keepdims)), dtype=g.dtype)
    count = sum(mask, axis=axis, keepdims=True)
    return restore(g, x_shape, axis, keepdims) * mask / count


def _chosen_ahead(t: Any, ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    mask = cast(eq(x, restore(ans, x_shape, axis, keepdims)), dtype=t.dtype)
    return sum(t * mask, axis=axis, keepdims=keepdims) / sum(mask, axis=axis, keepdims=keepdims)


amax = general(
    "amax",
    lambda xp, x, *, axis=None, keepdims=False: x.max(axis=axis, keepdims=keepdims),
    vjp=[_chosen_rule],
    jvp=[_chosen_ahead],
)
amin = general(
    "amin",
    lambda xp, x, *, axis=None, keepdims=False: x.min(axis=axis, keepdims=keepdims),
    vjp=[_chosen_rule],
    jvp=[_chosen_ahead],
)


def _median(xp: Any, x: Any, *, ignore_nan: bool = False) -> Any:
    if x.size == 0:
        return xp.asarray(np.nan, x.dtype)
    ordered = xp.sort(x.reshape(-1))  # NaN come last
    if x.dtype.kind in "biu":
        return ordered[(x.size - 1) // 2]
    if ignore_nan:
        return ordered[xp.maximum(x.size - xp.isnan(x).sum() - 1, 0) // 2]
    return xp.where(xp.isnan(ordered[-1]), ordered[-1], ordered[(x.size - 1) // 2])


#: the lower of the two in the middle, over all elements
median = general(
    "median",
    _median,
    vjp=[lambda g, ans, x, x_shape: _chosen_rule(g, ans, x, x_shape, None, False)],
    jvp=[lambda t, ans, x, x_shape: _chosen_ahead(t, ans, x, x_shape, None, False)],
)


# --- spread and norms -------------------------------------------------------------------------------------------------
def _var(xp: Any, x: Any, *, axis: Any = None, correction: Any = 1, keepdims: bool = False) -> Any:
    n = count(x.shape, axis)
    centred = x - x.sum(axis=axis, keepdims=True) / max(n, 1)
    out = (centred * centred).sum(axis=axis, keepdims=keepdims)
    return out / xp.asarray(max(n - correction, 0), x.dtype)


def _var_slope(x: Any, x_shape: tuple[int, ...], axis: Any, correction: Any) -> Any:
    n = count(x_shape, axis)
    centred = x - sum(x, axis=axis, keepdims=True) / max(n, 1)
    if n - correction > 0:
        return centred * (2 / (n - correction))
    return where(eq(centred, 0), np.nan, np.inf)  # no degree of freedom is left: PyTorch's answers


var = general(
    "var",
    _var,
    vjp=[
        lambda g, x, x_shape, axis, correction, keepdims: (
            restore(g, x_shape, axis, keepdims) * _var_slope(x, x_shape, axis, correction)
        )
    ],
    jvp=[
        lambda t, x, x_shape, axis, correction, keepdims: sum(
            t * _var_slope(x, x_shape, axis, correction), axis=axis, keepdims=keepdims
        )
    ],
)


def _root(xp: Any, x: Any, *, p: float = 2) -> Any:
    return xp.sqrt(x) if p == 2 else xp.power(x, 1 / p)


def _root_slope(ans: Any, x: Any, p: float) -> Any:
    zero = eq(ans, 0)
    return where(zero, 0.0, ans / (p * where(zero, 1.0, x)))


#: x^(1/p), whose gradient at 0 is 0 (where that of sqrt is inf): the last step of a norm and of a standard deviation
root = elementwise("root", _root, _root_slope)


def _abs_power(xp: Any, x: Any, *, p: float) -> Any:
    return (x != 0).astype(x.dtype) if p == 0 else xp.power(xp.abs(x), p)  # 0**0 counts as 0, as in norms


def _abs_power_slope(x: Any, p: float) -> Any:
    if p == 0:
        return zeros_like(x)
    zero = eq(x, 0)
    return where(zero, 0.0, p * sign(x) * pow(where(zero, 1.0, abs(x)), p - 1))


#: |x|^p, whose gradient at 0 is 0 for every p: the first step of a norm
abs_power = elementwise("abs_power", _abs_power, _abs_power_slope)


# --- log Σ exp --------------------------------------------------------------------------------------------------------
def _logsumexp(xp: Any, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)  # of nothing: log of an empty sum is -inf
    top = xp.where(xp.isfinite(top), top, 0)  # all -inf must give -inf, not NaN
    out = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else xp.squeeze(out, axis=axis)


def _logsumexp_weights(ans: Any, x: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
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

# --- no gradient ------------------------------------------------------------------------------------------------------
argmax = nondifferentiable(
    "argmax", lambda xp, x, *, axis=None, keepdims=False: xp.argmax(x, axis=axis, keepdims=keepdims)
)
argmin = nondifferentiable(
    "argmin", lambda xp, x, *, axis=None, keepdims=False: xp.argmin(x, axis=axis, keepdims=keepdims)
)
any = nondifferentiable("any", lambda xp, x, *, axis=None, keepdims=False: xp.any(x, axis=axis, keepdims=keepdims))
all = nondifferentiable("all", lambda xp, x, *, axis=None, keepdims=False: xp.all(x, axis=axis, keepdims=keepdims))
