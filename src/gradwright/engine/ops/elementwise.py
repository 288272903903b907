"""Arithmetic, powers, exponentials, comparisons: one element at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import promote
from gradwright.engine.op import Op, elementwise, general, linear, nondifferentiable

__all__ = [
    "abs", "add", "cast", "clamp", "cos", "div", "eq", "exp", "expm1", "ge", "gt", "identity", "le", "log",
    "log1p", "logical_not", "lt", "maximum", "minimum", "mul", "ne", "neg", "ones_like", "pow", "reciprocal",
    "rsqrt", "sign", "sin", "sqrt", "square", "sub", "where", "zeros_like",
]  # fmt: skip

# --- arithmetic -----------------------------------------------------------------------------------------------------
add = elementwise("add", lambda xp, x, y: x + y, 1, 1)
sub = elementwise("sub", lambda xp, x, y: x - y, 1, -1)
mul = elementwise("mul", lambda xp, x, y: x * y, lambda y: y, lambda x: x)
neg = elementwise("neg", lambda xp, x: -x, -1)
# another array object, because a write to the clone must not look like a write to what was cloned
identity = elementwise("identity", lambda xp, x: x[...] if xp is np and isinstance(x, np.ndarray) else x, 1)


div = elementwise("div", lambda xp, x, y: xp.true_divide(x, y), lambda y: 1 / y, lambda ans, y: -ans / y, floating=True)
reciprocal = elementwise("reciprocal", lambda xp, x: xp.true_divide(1.0, x), lambda ans: -ans * ans, floating=True)


# --- exponentials and powers ------------------------------------------------------------------------------------------
exp = elementwise("exp", lambda xp, x: xp.exp(x), lambda ans: ans, floating=True)
expm1 = elementwise("expm1", lambda xp, x: xp.expm1(x), lambda ans: ans + 1, floating=True)
log = elementwise("log", lambda xp, x: xp.log(x), lambda x: 1 / x, floating=True)
log1p = elementwise("log1p", lambda xp, x: xp.log1p(x), lambda x: 1 / (x + 1), floating=True)
sin = elementwise("sin", lambda xp, x: xp.sin(x), lambda x: cos(x), floating=True)
cos: Op = elementwise("cos", lambda xp, x: xp.cos(x), lambda x: -sin(x), floating=True)
sqrt = elementwise("sqrt", lambda xp, x: xp.sqrt(x), lambda ans: 0.5 / ans, floating=True)  # inf at 0, PyTorch's
square = elementwise("square", lambda xp, x: x * x, lambda x: 2 * x)


rsqrt = elementwise("rsqrt", lambda xp, x: 1 / xp.sqrt(x), lambda ans, x: -0.5 * ans / x, floating=True)


def _pow_base(ans: Any, x: Any, y: Any) -> Any:
    # y·x**(y-1), and 0 where y is 0: the textbook's 0·inf at x = 0 would be NaN; PyTorch's is 0
    if isinstance(y, int | float):
        return zeros_like(x) if y == 0 else y * pow(x, y - 1)
    zero = eq(y, 0)
    return where(zero, zeros_like(ans), y * pow(x, where(zero, ones_like(y), y) - 1))


def _pow_exponent(ans: Any, x: Any, y: Any) -> Any:
    # ans·log x, and 0 at 0**y for y >= 0, where PyTorch says 0 and the formula 0·(-inf).
    # `ones_like(ans)`, not of x: the base may be a Python integer, whose log must have the digits of the output.
    quiet = eq(x, 0) * ge(y, 0)
    return where(quiet, zeros_like(ans), ans * log(where(quiet, ones_like(ans), x)))


pow = elementwise("pow", lambda xp, x, y: xp.power(x, y), _pow_base, _pow_exponent)

# --- kinks: the gradients at ties are PyTorch's -----------------------------------------------------------------------
sign = nondifferentiable("sign", lambda xp, x: xp.sign(x))
abs = elementwise("abs", lambda xp, x: xp.abs(x), lambda x: sign(x))  # 0 at 0


def _share(x: Any, y: Any, larger: Any) -> Any:
    """1 where x wins, 1/2 at a tie, 0 where it loses."""
    # x's dtype, or y's where x is a Python number: a float32 mask would outrank a zero-dimensional float64 tangent
    return where(eq(x, y), 0.5, cast(larger, dtype=x.dtype if hasattr(x, "dtype") else y.dtype))


maximum = elementwise(
    "maximum",
    lambda xp, x, y: xp.maximum(x, y),
    lambda x, y: _share(x, y, gt(x, y)),
    lambda x, y: _share(x, y, gt(y, x)),
)
minimum = elementwise(
    "minimum",
    lambda xp, x, y: xp.minimum(x, y),
    lambda x, y: _share(x, y, lt(x, y)),
    lambda x, y: _share(x, y, lt(y, x)),
)


def _clamp(xp: Any, x: Any, *, low: Any, high: Any) -> Any:
    return xp.clip(x, low, high)


def _inside(x: Any, low: Any, high: Any) -> Any:
    # 1 on the closed interval: at the bound itself the gradient passes, as in torch.clamp
    kept = True
    if low is not None:
        kept = ge(x, low)
    if high is not None:
        below = le(x, high)
        kept = below if low is None else kept * below
    return cast(kept, dtype=x.dtype)


clamp = elementwise("clamp", _clamp, _inside)


# --- choosing ---------------------------------------------------------------------------------------------------------
where: Op = general(
    "where",
    lambda xp, condition, x, y: xp.where(condition, *promote([x, y])),
    # Multiplying by a mask would turn a NaN of the branch not taken into a NaN; choosing a zero does not.
    vjp=[
        None,
        lambda g, condition, x_shape: _sum_to(where(condition, g, 0.0), x_shape),
        lambda g, condition, y_shape: _sum_to(where(condition, 0.0, g), y_shape),
    ],
    jvp=[None, lambda t, condition: where(condition, t, 0.0), lambda t, condition: where(condition, 0.0, t)],
)


def _sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    from gradwright.engine.op import sum_to

    return sum_to(g, shape)


# --- no gradient ------------------------------------------------------------------------------------------------------
eq: Op = nondifferentiable("eq", lambda xp, x, y: xp.equal(x, y), promotes=True)
ne: Op = nondifferentiable("ne", lambda xp, x, y: xp.not_equal(x, y), promotes=True)
lt: Op = nondifferentiable("lt", lambda xp, x, y: xp.less(x, y), promotes=True)
le: Op = nondifferentiable("le", lambda xp, x, y: xp.less_equal(x, y), promotes=True)
gt: Op = nondifferentiable("gt", lambda xp, x, y: xp.greater(x, y), promotes=True)
ge: Op = nondifferentiable("ge", lambda xp, x, y: xp.greater_equal(x, y), promotes=True)
logical_not = nondifferentiable("logical_not", lambda xp, x: xp.logical_not(x))
zeros_like = nondifferentiable("zeros_like", lambda xp, x: xp.zeros_like(x))
ones_like = nondifferentiable("ones_like", lambda xp, x: xp.ones_like(x))


# Linear, so its transpose casts back; `dtype` is the target.
def _cast(xp: Any, x: Any, *, dtype: Any) -> Any:
    if xp is not np and np.dtype(dtype) == np.int64:
        dtype = xp.asarray(0).dtype  # XLA's widest integer, int32 unless asked otherwise
    return xp.asarray(x).astype(dtype)


cast: Op = linear("cast", _cast, lambda g: g)
