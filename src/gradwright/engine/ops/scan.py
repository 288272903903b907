"""Running sums, products and maxima along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.engine.op import Op, general, linear, nondifferentiable
from gradwright.engine.ops.elementwise import eq, exp, where
from gradwright.engine.ops.reduction import restore, sum, widest

__all__ = ["cummax_index", "cumprod", "cumsum", "logcumsumexp", "prod", "recurrence", "shift"]


def _running(xp: Any, x: Any, axis: int, reverse: bool, numpys: Any, jaxs: str) -> Any:
    """Run NumPy's accumulation or JAX's, from the front or from the back."""
    if xp is np:
        return np.flip(numpys(np.flip(x, axis)), axis) if reverse else numpys(x)
    dtype = widest(xp, x)
    return getattr(jax_modules().lax, jaxs)(x if dtype is None else x.astype(dtype), axis=axis, reverse=reverse)


# --- the two tools that the rules are made of -------------------------------------------------------------------------
def _shift(xp: Any, x: Any, *, axis: int, by: int, fill: float = 0) -> Any:
    n = x.shape[axis]
    by = max(-n, min(by, n))
    gap = xp.full((*x.shape[:axis], abs(by), *x.shape[axis + 1 :]), fill, x.dtype)
    kept = slice(0, n - by) if by >= 0 else slice(-by, n)
    rest = x[(slice(None),) * axis + (kept,)]
    return xp.concatenate([gap, rest] if by >= 0 else [rest, gap], axis=axis)


#: move the elements along an axis; what falls off is lost, and the gap is filled
shift: Op = general(
    "shift",
    _shift,
    vjp=[lambda g, axis, by: shift(g, axis=axis, by=-by)],
    jvp=[lambda t, axis, by: shift(t, axis=axis, by=by)],
)


def _recurrence(xp: Any, a: Any, b: Any, *, axis: int, reverse: bool = False) -> Any:
    if xp is not np:
        # (a₁, b₁) then (a₂, b₂) is y → a₂(a₁y + b₁) + b₂
        def then(first: Any, second: Any) -> Any:
            return second[0] * first[0], second[0] * first[1] + second[1]

        a, b = xp.asarray(a), xp.asarray(b)
        return jax_modules().lax.associative_scan(then, (a, b), axis=axis, reverse=reverse)[1]
    out = np.array(b)
    ys, factors = np.moveaxis(out, axis, 0), np.moveaxis(a, axis, 0)
    n = len(ys)
    for k in range(n - 2, -1, -1) if reverse else range(1, n):
        ys[k] += factors[k] * ys[k + 1 if reverse else k - 1]
    return out


def _recurrence_back(g: Any, a: Any, axis: int, reverse: bool) -> Any:
    # the transpose of y_k = b_k + a_k y_{k-1} runs the other way: s_k = g_k + a_{k+1} s_{k+1}
    return recurrence(shift(a, axis=axis, by=1 if reverse else -1), g, axis=axis, reverse=not reverse)


def _before(y: Any, axis: int, reverse: bool) -> Any:
    return shift(y, axis=axis, by=-1 if reverse else 1)


#: y_k = b_k + a_k·y_{k-1} along an axis (y_{k+1} in reverse); the first a plays no part
recurrence: Op = general(
    "recurrence",
    _recurrence,
    vjp=[
        lambda g, ans, a, axis, reverse: _recurrence_back(g, a, axis, reverse) * _before(ans, axis, reverse),
        lambda g, a, axis, reverse: _recurrence_back(g, a, axis, reverse),
    ],
    jvp=[
        lambda t, ans, a, axis, reverse: recurrence(a, t * _before(ans, axis, reverse), axis=axis, reverse=reverse),
        lambda t, a, axis, reverse: recurrence(a, t, axis=axis, reverse=reverse),
    ],
)


# --- sums and products ------------------------------------------------------------------------------------------------
def _cumsum(xp: Any, x: Any, *, axis: int, reverse: bool = False) -> Any:
    return _running(xp, x, axis, reverse, lambda y: np.cumsum(y, axis, dtype=widest(np, y)), "cumsum")


cumsum: Op = linear("cumsum", _cumsum, lambda g, axis, reverse: cumsum(g, axis=axis, reverse=not reverse))


def _cumprod(xp: Any, x: Any, *, axis: int, reverse: bool = False) -> Any:
    return _running(xp, x, axis, reverse, lambda y: np.cumprod(y, axis, dtype=widest(np, y)), "cumprod")


def _without_last(ans: Any, axis: int, reverse: bool) -> Any:
    """Products of all factors but the last one: P_{k-1}, and 1 at the start."""
    return shift(ans, axis=axis, by=-1 if reverse else 1, fill=1)


# P_k = x_k P_{k-1} is a recurrence, and so are its derivatives: no division, so zeros are nothing special
cumprod: Op = general(
    "cumprod",
    _cumprod,
    vjp=[
        lambda g, ans, x, axis, reverse: (
            _without_last(ans, axis, reverse) * _recurrence_back(g, x, axis=axis, reverse=reverse)
        )
    ],
    jvp=[
        lambda t, ans, x, axis, reverse: recurrence(
            x, t * _without_last(ans, axis, reverse), axis=axis, reverse=reverse
        )
    ],
)


def _others(x: Any, axis: int) -> Any:
    """For each element the product of all others: of those before it, times those after it."""
    before = shift(cumprod(x, axis=axis), axis=axis, by=1, fill=1)
    return before * shift(cumprod(x, axis=axis, reverse=True), axis=axis, by=-1, fill=1)


#: the product along one axis
prod = general(
    "prod",
    lambda xp, x, *, axis, keepdims=False: xp.prod(x, axis=axis, keepdims=keepdims, dtype=widest(xp, x)),
    vjp=[lambda g, x, x_shape, axis, keepdims: restore(g, x_shape, axis, keepdims) * _others(x, axis)],
    jvp=[lambda t, x, axis, keepdims: sum(t * _others(x, axis), axis=axis, keepdims=keepdims)],
)


# --- log of a running sum of exponentials -----------------------------------------------------------------------------
def _logcumsumexp(xp: Any, x: Any, *, axis: int, reverse: bool = False) -> Any:
    return _running(xp, x, axis, reverse, lambda y: np.logaddexp.accumulate(y, axis), "cumlogsumexp")


def _fading(ans: Any, axis: int, reverse: bool) -> Any:
    """e^(y_{k-1} - y_k), at most 1: how much of what was there before is left."""
    earlier = shift(ans, axis=axis, by=-1 if reverse else 1, fill=-np.inf)
    same = eq(earlier, ans)  # two infinities are equal, though their difference is NaN
    return where(same, 1.0, exp(where(same, 0.0, earlier - ans)))


logcumsumexp: Op = general(
    "logcumsumexp",
    _logcumsumexp,
    vjp=[
        lambda g, ans, x, axis, reverse: (
            exp(x - ans) * _recurrence_back(g, _fading(ans, axis, reverse), axis=axis, reverse=reverse)
        )
    ],
    jvp=[
        lambda t, ans, x, axis, reverse: recurrence(
            _fading(ans, axis, reverse), t * exp(x - ans), axis=axis, reverse=reverse
        )
    ],
    floating=True,
)


# --- running maxima ---------------------------------------------------------------------------------------------------
def _cummax_index(xp: Any, x: Any, *, axis: int, largest: bool = True) -> Any:
    if xp is np:
        top = (np.maximum if largest else np.minimum).accumulate(x, axis)
    else:
        top = getattr(jax_modules().lax, "cummax" if largest else "cummin")(x, axis=axis)
    new = x == top
    if x.dtype.kind not in "biu":
        new = new | xp.isnan(x)  # after the first NaN all is NaN, and each later one is as good
    steps = xp.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    last = xp.where(new, steps, 0)
    return np.maximum.accumulate(last, axis) if xp is np else jax_modules().lax.cummax(last, axis=axis)


#: where the largest (smallest) element so far stands, the latest of equal ones
cummax_index = nondifferentiable("cummax_index", _cummax_index)
