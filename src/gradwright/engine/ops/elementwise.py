"""Arithmetic, powers, exponentials, comparisons: one element at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.backend import promote
from gradwright.engine import kept_losses
from gradwright.engine.op import Op, elementwise, general, linear, nondifferentiable
from gradwright.errors import DTypeError

__all__ = [
    "abs",
    "add",
    "cast",
    "clamp",
    "clamp_between",
    "clamp_max",
    "clamp_min",
    "cos",
    "div",
    "eq",
    "exp",
    "exp2",
    "expm1",
    "fmax",
    "fmin",
    "ge",
    "gt",
    "identity",
    "le",
    "lerp",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "neg",
    "ones_like",
    "pow",
    "reciprocal",
    "refuse_truth",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "where",
    "zeros_like",
]  # fmt: skip


def refuse_truth(name: str, *values: Any) -> None:
    """Refuse inputs that are all truth values, where array libraries would answer with some dtype of their own.

    Raises
    ------
    DTypeError
        Naming the operation.
    """
    if all(isinstance(v, bool) or getattr(v, "dtype", None) == np.bool_ for v in values):
        raise DTypeError(f"{name}: not for truth values; use .float() or .long() first")


# --- arithmetic -----------------------------------------------------------------------------------------------------
add = elementwise("add", lambda xp, x, y: x + y, 1, 1)
add.recorded = kept_losses.look
sub = elementwise("sub", lambda xp, x, y: x - y, 1, -1)
mul = elementwise("mul", lambda xp, x, y: x * y, lambda y: y, lambda x: x)
neg = elementwise("neg", lambda xp, x: -x, -1)
# another array object, because a write to the clone must not look like a write to what was cloned
identity = elementwise("identity", lambda xp, x: x[...] if xp is np and isinstance(x, np.ndarray) else x, 1)


def _inverse(y: Any) -> Any:
    if isinstance(y, int | float) and y == 0:  # where Python would raise
        return math.copysign(math.inf, y)
    return 1 / y


div = elementwise("div", lambda xp, x, y: xp.true_divide(x, y), _inverse, lambda ans, y: -ans / y, floating=True)
reciprocal = elementwise("reciprocal", lambda xp, x: xp.true_divide(1.0, x), lambda ans: -ans * ans, floating=True)


# --- exponentials and powers ------------------------------------------------------------------------------------------
LN2, LN10 = math.log(2), math.log(10)

exp = elementwise("exp", lambda xp, x: xp.exp(x), lambda ans: ans, floating=True)
exp2 = elementwise("exp2", lambda xp, x: xp.exp2(x), lambda ans: ans * LN2, floating=True)
expm1 = elementwise("expm1", lambda xp, x: xp.expm1(x), lambda ans: ans + 1, floating=True)
log = elementwise("log", lambda xp, x: xp.log(x), lambda x: 1 / x, floating=True)
log2 = elementwise("log2", lambda xp, x: xp.log2(x), lambda x: 1 / (x * LN2), floating=True)
log10 = elementwise("log10", lambda xp, x: xp.log10(x), lambda x: 1 / (x * LN10), floating=True)
log1p = elementwise("log1p", lambda xp, x: xp.log1p(x), lambda x: 1 / (x + 1), floating=True)
sin = elementwise("sin", lambda xp, x: xp.sin(x), lambda x: cos(x), floating=True)
cos: Op = elementwise("cos", lambda xp, x: xp.cos(x), lambda x: -sin(x), floating=True)
sqrt = elementwise("sqrt", lambda xp, x: xp.sqrt(x), lambda ans: 0.5 / ans, floating=True)  # inf at 0, PyTorch's
# a truth value squared is a whole number
square = elementwise("square", lambda xp, x: x * (x if x.dtype != np.bool_ else 1), lambda x: 2 * x)


rsqrt = elementwise("rsqrt", lambda xp, x: 1 / xp.sqrt(x), lambda ans: -0.5 * ans * ans * ans, floating=True)


def _pow(xp: Any, x: Any, y: Any) -> Any:
    if getattr(x, "dtype", _FLOAT).kind not in "biu" and getattr(y, "dtype", _FLOAT).kind not in "biu":
        # the commonest exponents, for which NumPy's power takes ten times as long as a product
        if xp is np and type(y) in (int, float) and y in (2, 3, 0.5, -1):
            return x * x if y == 2 else x * x * x if y == 3 else np.sqrt(x) if y == 0.5 else 1 / x
        return xp.power(x, y)
    return _whole_pow(xp, x, y)


_FLOAT = np.dtype(np.float32)


def _whole_pow(xp: Any, x: Any, y: Any) -> Any:
    if isinstance(y, int) and y < 0:
        raise DTypeError(f"pow: a whole number to the power of {y} is no whole number; use x.float() ** {y}")
    refuse_truth("pow", x, y)
    if getattr(y, "dtype", _FLOAT).kind == "i" and xp.result_type(x, y).kind == "i":
        # 0 for what no whole number can say, where NumPy raises
        unit = xp.where(xp.abs(x) == 1, xp.power(x, y % 2), 0)
        return xp.where(y < 0, unit, xp.power(x, xp.maximum(y, 0)))
    return xp.power(x, y)


def _pow_base(ans: Any, x: Any, y: Any) -> Any:
    # y·x**(y-1), and 0 where y is 0: the textbook's 0·inf at x = 0 would be NaN; PyTorch's is 0
    if isinstance(y, int | float):
        return zeros_like(x) if y == 0 else 2 * x if y == 2 else y * pow(x, y - 1)
    zero = eq(y, 0)
    return where(zero, zeros_like(ans), y * pow(x, where(zero, ones_like(y), y) - 1))


def _pow_exponent(ans: Any, x: Any, y: Any) -> Any:
    # ans·log x, and 0 at 0**y for y >= 0, where PyTorch says 0 and the formula 0·(-inf).
    # `ones_like(ans)`, not of x: the base may be a Python integer, whose log must have the digits of the output.
    quiet = eq(x, 0) * ge(y, 0)
    return where(quiet, zeros_like(ans), ans * log(where(quiet, ones_like(ans), x)))


pow = elementwise("pow", _pow, _pow_base, _pow_exponent)

# --- kinks: the gradients at ties are PyTorch's -----------------------------------------------------------------------


def _sign(xp: Any, x: Any) -> Any:
    kind = x.dtype.kind if hasattr(x, "dtype") else "i"
    if kind == "b":
        return x
    return xp.where(x == x, xp.sign(x), 0) if kind == "f" else xp.sign(x)  # 0 for NaN, PyTorch's


sign = elementwise("sign", _sign, 0)


def _abs(xp: Any, x: Any) -> Any:
    refuse_truth("abs", x)
    return xp.abs(x)


abs = elementwise("abs", _abs, lambda x: sign(x))  # 0 at 0


def _share(x: Any, y: Any, loses: Any) -> Any:
    """1 where x wins, 1/2 at a tie, 0 where it loses; 1 for both where one is NaN, because then that is the answer."""
    return where(eq(x, y), 0.5, _mask(logical_not(loses), x, y))


def _mask(holds: Any, x: Any, y: Any) -> Any:
    """1 where it holds and 0 elsewhere."""
    # x's dtype, or y's where x is a Python number: a float32 mask would outrank a zero-dimensional float64 tangent
    return cast(holds, dtype=x.dtype if hasattr(x, "dtype") else y.dtype)


maximum = elementwise(
    "maximum",
    lambda xp, x, y: xp.maximum(x, y),
    lambda x, y: _share(x, y, lt(x, y)),
    lambda x, y: _share(x, y, lt(y, x)),
)
minimum = elementwise(
    "minimum",
    lambda xp, x, y: xp.minimum(x, y),
    lambda x, y: _share(x, y, gt(x, y)),
    lambda x, y: _share(x, y, gt(y, x)),
)


def _above(x: Any, y: Any) -> Any:
    """x >= y, or y is NaN: where fmax and fmin, which pass over NaN, take the first."""
    return logical_or(ge(x, y), ne(y, y))


# at ties the first gets the whole gradient, unlike in maximum and minimum
fmax = elementwise(
    "fmax",
    lambda xp, x, y: xp.fmax(x, y),
    lambda x, y: _mask(_above(x, y), x, y),
    lambda x, y: _mask(logical_not(_above(x, y)), x, y),
)
fmin = elementwise(
    "fmin",
    lambda xp, x, y: xp.fmin(x, y),
    lambda x, y: _mask(logical_or(le(x, y), ne(y, y)), x, y),
    lambda x, y: _mask(logical_not(logical_or(le(x, y), ne(y, y))), x, y),
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
# Bounds that are tensors get the gradient where they replace the element.
clamp_min = elementwise(
    "clamp_min",
    lambda xp, x, low: xp.maximum(x, low),
    lambda x, low: _mask(ge(x, low), x, low),
    lambda x, low: _mask(lt(x, low), x, low),
)
clamp_max = elementwise(
    "clamp_max",
    lambda xp, x, high: xp.minimum(x, high),
    lambda x, high: _mask(le(x, high), x, high),
    lambda x, high: _mask(gt(x, high), x, high),
)
clamp_between = elementwise(
    "clamp_between",
    lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high),
    lambda x, low, high: _mask(logical_and(ge(x, low), le(x, high)), x, low),
    lambda x, low, high: _mask(logical_and(lt(x, low), lt(low, high)), x, low),
    lambda x, low, high: _mask(logical_or(gt(x, high), gt(low, high)), x, low),
)


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


def _lerp(xp: Any, x: Any, y: Any, weight: Any) -> Any:
    # from the nearer end, so that both ends are met exactly
    return xp.where(xp.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))


lerp = elementwise("lerp", _lerp, lambda weight: 1 - weight, lambda weight: weight, lambda x, y: y - x)


# --- no gradient ------------------------------------------------------------------------------------------------------
eq: Op = nondifferentiable("eq", lambda xp, x, y: xp.equal(x, y), promotes=True)
ne: Op = nondifferentiable("ne", lambda xp, x, y: xp.not_equal(x, y), promotes=True)
lt: Op = nondifferentiable("lt", lambda xp, x, y: xp.less(x, y), promotes=True)
le: Op = nondifferentiable("le", lambda xp, x, y: xp.less_equal(x, y), promotes=True)
gt: Op = nondifferentiable("gt", lambda xp, x, y: xp.greater(x, y), promotes=True)
ge: Op = nondifferentiable("ge", lambda xp, x, y: xp.greater_equal(x, y), promotes=True)
logical_not: Op = nondifferentiable("logical_not", lambda xp, x: xp.logical_not(x))
logical_and: Op = nondifferentiable("logical_and", lambda xp, x, y: xp.logical_and(x, y))
logical_or: Op = nondifferentiable("logical_or", lambda xp, x, y: xp.logical_or(x, y))
zeros_like = nondifferentiable("zeros_like", lambda xp, x: xp.zeros_like(x))
ones_like = nondifferentiable("ones_like", lambda xp, x: xp.ones_like(x))


# Linear, so its transpose casts back; `dtype` is the target.
def _cast(xp: Any, x: Any, *, dtype: Any) -> Any:
    if xp is not np and np.dtype(dtype) == np.int64:
        dtype = xp.asarray(0).dtype  # XLA's widest integer, int32 unless asked otherwise
    return xp.asarray(x).astype(dtype)


cast: Op = linear("cast", _cast, lambda g: g)
