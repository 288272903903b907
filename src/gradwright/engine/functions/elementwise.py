"""Functions of each element: arithmetic, powers, exponentials, bounds, choosing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import promote
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import binary, need_float, need_tensor, unary
from gradwright.engine.functions.rounding import divided
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.errors import ConfigError, DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "abs",
    "absolute",
    "add",
    "addcdiv",
    "addcmul",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "deg2rad",
    "div",
    "divide",
    "exp",
    "exp2",
    "expm1",
    "float_power",
    "fmax",
    "fmin",
    "lerp",
    "log",
    "log1p",
    "log2",
    "log10",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "pow",
    "rad2deg",
    "reciprocal",
    "rsqrt",
    "rsub",
    "sgn",
    "sign",
    "sqrt",
    "square",
    "sub",
    "subtract",
    "true_divide",
    "where",
]  # fmt: skip

neg = unary(ew.neg, "Return -x of each element.")
abs = unary(ew.abs, "Return the absolute value of each element; its gradient at 0 is 0.")
sign = unary(ew.sign, "Return -1, 0 or 1 for each element; the gradient is 0.")
exp = unary(ew.exp, "Return e to the power of each element.")
exp2 = unary(ew.exp2, "Return 2 to the power of each element.")
expm1 = unary(ew.expm1, "Return eˣ - 1 of each element, with all its digits near 0.")
log = unary(ew.log, "Return the natural logarithm of each element.")
log2 = unary(ew.log2, "Return the logarithm to base 2 of each element.")
log10 = unary(ew.log10, "Return the logarithm to base 10 of each element.")
log1p = unary(ew.log1p, "Return log(1 + x) of each element, with all its digits near 0.")
sqrt = unary(ew.sqrt, "Return the square root of each element; its gradient at 0 is inf.")
rsqrt = unary(ew.rsqrt, "Return 1 / sqrt(x) of each element.")
square = unary(ew.square, "Return the square of each element.")
reciprocal = unary(ew.reciprocal, "Return 1 / x of each element.")
mul = binary(ew.mul, "Return the product of each pair of elements.")
maximum = binary(
    ew.maximum, "Return the larger of each pair; at ties the gradient is shared evenly.", numbers="neither"
)
minimum = binary(
    ew.minimum, "Return the smaller of each pair; at ties the gradient is shared evenly.", numbers="neither"
)
fmax = binary(
    ew.fmax,
    "Return the larger of each pair, or what is not NaN; at ties the first gets the gradient.",
    numbers="neither",
)
fmin = binary(
    ew.fmin,
    "Return the smaller of each pair, or what is not NaN; at ties the first gets the gradient.",
    numbers="neither",
)


# --- arithmetic -------------------------------------------------------------------------------------------------------
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return ``input + alpha * other``.

    Raises
    ------
    DTypeError
        When ``alpha`` has a fraction and the result is whole numbers.
    """
    return ew.add(*_scaled("add", input, other, alpha))


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return ``input - alpha * other``.

    Raises
    ------
    DTypeError
        When either holds truth values, which PyTorch does not subtract.
    """
    refuse_minus_truth(input, other)
    return ew.sub(*_scaled("sub", input, other, alpha))


def refuse_minus_truth(input: Any, other: Any) -> None:
    """Refuse a subtraction with truth values in it.

    Raises
    ------
    DTypeError
        Saying what to write instead.
    """
    for value in (input, other):
        if isinstance(value, TensorBase) and value._array.dtype.kind == "b":
            raise DTypeError("sub: not with truth values; use ~x for 1 - x, x ^ y for x - y, or .float() first")


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return ``other - alpha * input``."""
    need_tensor("rsub", input)
    return sub(other, input, alpha=alpha)


def _scaled(name: str, input: Any, other: Any, alpha: Any) -> tuple[Any, Any]:
    if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
        need_tensor(name, input)
    if type(alpha) is int and alpha == 1:  # nearly every call
        return input, other
    kinds = {_kind(input), _kind(other)}
    if isinstance(alpha, float) and "f" not in kinds:
        raise DTypeError(f"{name}: alpha must be a whole number for tensors of whole numbers, got {alpha}")
    if isinstance(alpha, bool) and kinds != {"b"}:
        raise DTypeError(f"{name}: alpha may be a truth value only for tensors of truth values")
    if alpha == 1:
        return input, other
    if isinstance(input, TensorBase) and isinstance(other, TensorBase) and input._array.dtype != other._array.dtype:
        # the product must not be wider than the sum
        other = ew.cast(other, dtype=promote([input._array, other._array])[0].dtype)
    return input, ew.mul(other, bool(alpha) if kinds == {"b"} else alpha)


def _kind(value: Any) -> str:
    """Return "b", "i" or "f": truth values, whole numbers, floats."""
    if isinstance(value, TensorBase):
        return str(value._array.dtype.kind).replace("u", "i").replace("V", "f")
    return "b" if isinstance(value, bool) else "i" if isinstance(value, int | np.integer) else "f"


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return the quotient of each pair of elements, a float unless it is rounded.

    Parameters
    ----------
    rounding_mode : None, "trunc" or "floor"
        Round toward zero, or down; the gradient is then 0.

    Raises
    ------
    ConfigError
        For any other mode.
    DivisionByZeroError
        When rounding whole numbers divided by 0.
    """
    if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
        need_tensor("div", input)
    return ew.div(input, other) if rounding_mode is None else divided(input, other, rounding_mode)


def pow(input: Any, exponent: Any) -> Tensor:
    """Return each element to the power of the exponent's, either of which may be a number.

    The gradient with respect to the input is 0 where the exponent is 0, also at 0; with respect to the exponent it is
    0 where the input is 0 and the exponent not negative.
    """
    if not (isinstance(input, TensorBase) or isinstance(exponent, TensorBase)):
        need_tensor("pow", input)
    return ew.pow(input, exponent)


def float_power(input: Any, exponent: Any) -> Tensor:
    """Return each element to the power of the exponent's, in float64."""
    if not (isinstance(input, TensorBase) or isinstance(exponent, TensorBase)):
        need_tensor("float_power", input)
    return ew.pow(*(ew.cast(v, dtype=_DOUBLE) if isinstance(v, TensorBase) else float(v) for v in (input, exponent)))


_DOUBLE = np.dtype(np.float64)


def positive(input: Tensor) -> Tensor:
    """Return the tensor itself: +x."""
    need_tensor("positive", input)
    ew.refuse_truth("positive", input)
    return input


def deg2rad(input: Tensor) -> Tensor:
    """Return degrees as radians."""
    need_tensor("deg2rad", input)
    return ew.mul(input, math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Return radians as degrees."""
    need_tensor("rad2deg", input)
    return ew.mul(input, 180 / math.pi)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Return ``input + weight * (end - input)``: the input at weight 0, the end at weight 1.

    Parameters
    ----------
    input, end : Tensor of floats
        One dtype.
    weight : float or Tensor
        A number, or of shape that broadcasts with the others'.
    """
    need_tensor("lerp", input)
    need_tensor("lerp", end)
    need_float("lerp", input)
    dtypes = {v.dtype for v in (input, end, weight) if getattr(v, "ndim", 0) or v is not weight}
    if len(dtypes) > 1:
        raise DTypeError(f"lerp: input, end and weight must have one dtype, got {', '.join(sorted(map(str, dtypes)))}")
    return ew.lerp(input, end, weight)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return ``input + value * tensor1 * tensor2``."""
    for tensor in (input, tensor1, tensor2):
        need_tensor("addcmul", tensor)
    ew.refuse_truth("addcmul", input, tensor1, tensor2)
    if {_kind(input), _kind(tensor1), _kind(tensor2)} <= {"b", "i"}:
        value = int(value)
    product = ew.mul(tensor1, tensor2)
    return add(input, product, alpha=value) if product.dtype.kind != "b" else ew.add(input, ew.mul(product, value))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return ``input + value * tensor1 / tensor2``.

    Raises
    ------
    DTypeError
        When both parts of the quotient are whole numbers.
    """
    for tensor in (input, tensor1, tensor2):
        need_tensor("addcdiv", tensor)
    need_float("addcdiv", tensor1, tensor2)
    return ew.add(input, ew.div(tensor1 if value == 1 else ew.mul(tensor1, value), tensor2))


# --- bounds -----------------------------------------------------------------------------------------------------------
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return each element moved into [min, max]; the gradient passes inside and at the bounds.

    Parameters
    ----------
    min, max : number or Tensor, optional
        At least one; both numbers, or both Tensors, which then get the gradient where they replace an element. Where
        ``min`` is above ``max`` the result is ``max``.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.clamp(gw.tensor([-2.0, 0.5, 3.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    need_tensor("clamp", input)
    bounds = [bound for bound in (min, max) if bound is not None]
    tensors = [isinstance(bound, TensorBase) for bound in bounds]
    if not bounds:
        raise ConfigError("clamp: give min, max or both")
    if any(tensors):
        if not all(tensors):
            raise DTypeError("clamp: min and max must both be numbers or both be Tensors")
        if min is None:
            return ew.clamp_max(input, max)
        return ew.clamp_min(input, min) if max is None else ew.clamp_between(input, min, max)
    if input.dtype.kind in "biu" and any(isinstance(bound, float) for bound in bounds):
        input = ew.cast(input, dtype=np.dtype(np.float32))
    elif input.dtype.kind == "b":
        input = ew.cast(input, dtype=np.dtype(np.int64))
    return ew.clamp(input, low=min, high=max)


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Return each element, or ``min`` where that is larger."""
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Return each element, or ``max`` where that is smaller."""
    return clamp(input, max=max)


# --- choosing ---------------------------------------------------------------------------------------------------------
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Return ``input`` where the condition holds and ``other`` elsewhere; each gets the gradient of its own places.

    Parameters
    ----------
    condition : Tensor of truth values
    input, other : Tensor or number, optional
        Of shapes that broadcast with the condition's. Without both: the indices of the places where the condition
        holds, a tuple of one Tensor an axis.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([-1.0, 2.0])
    >>> gw.where(x > 0, x, 0.0)
    tensor([0., 2.])
    >>> gw.where(x > 0)
    (tensor([1]),)
    """
    need_tensor("where", condition)
    if input is None and other is None:
        return tuple(wrap(places) for places in np.nonzero(np.atleast_1d(condition._array)))
    if input is None or other is None:
        raise DTypeError("where: give both input and other, or neither")
    if condition._array.dtype.char not in "?B":
        raise DTypeError(f"where: the condition must hold truth values, got {condition.dtype}")
    if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
        input, other = wrap(_number(input)), wrap(_number(other))
    return ew.where(condition, input, other)


def _number(value: Any) -> Any:
    """Return a Python number as an array of the dtype that PyTorch gives it."""
    return np.asarray(value, np.float32 if isinstance(value, float) else None)


absolute, negative, sgn, clip = abs, neg, sign, clamp
subtract, multiply, divide, true_divide = sub, mul, div, div


class ElementwiseMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    abs = abs
    absolute = abs
    add = add
    addcdiv = addcdiv
    addcmul = addcmul
    clamp = clamp
    clamp_max = clamp_max
    clamp_min = clamp_min
    clip = clamp
    deg2rad = deg2rad
    div = div
    divide = div
    exp = exp
    exp2 = exp2
    expm1 = expm1
    float_power = float_power
    fmax = fmax
    fmin = fmin
    lerp = lerp
    log = log
    log10 = log10
    log1p = log1p
    log2 = log2
    maximum = maximum
    minimum = minimum
    mul = mul
    multiply = mul
    neg = neg
    negative = neg
    positive = positive
    pow = pow
    rad2deg = rad2deg
    reciprocal = reciprocal
    rsqrt = rsqrt
    rsub = rsub
    sgn = sign
    sign = sign
    sqrt = sqrt
    square = square
    sub = sub
    subtract = sub
    true_divide = div

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """Return this tensor where the condition holds and ``other`` elsewhere."""
        chosen: Tensor = where(condition, self, other)
        return chosen
