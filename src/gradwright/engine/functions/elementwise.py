"""Functions of each element: arithmetic, powers, exponentials, rounding, choosing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import binary, need_tensor, unary
from gradwright.engine.ops import elementwise as ew

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "abs", "clamp", "cos", "exp", "expm1", "log", "log1p", "maximum", "minimum", "mul", "neg", "pow", "reciprocal",
    "rsqrt", "sign", "sin", "sqrt", "square", "where",
]  # fmt: skip

neg = unary(ew.neg, "Return -x of each element.")
abs = unary(ew.abs, "Return the absolute value of each element; its gradient at 0 is 0.")
sign = unary(ew.sign, "Return -1, 0 or 1 for each element; the gradient is 0.")
exp = unary(ew.exp, "Return e to the power of each element.")
expm1 = unary(ew.expm1, "Return eˣ - 1 of each element, with all its digits near 0.")
log = unary(ew.log, "Return the natural logarithm of each element.")
log1p = unary(ew.log1p, "Return log(1 + x) of each element, with all its digits near 0.")
sqrt = unary(ew.sqrt, "Return the square root of each element; its gradient at 0 is inf.")
rsqrt = unary(ew.rsqrt, "Return 1 / sqrt(x) of each element.")
square = unary(ew.square, "Return the square of each element.")
reciprocal = unary(ew.reciprocal, "Return 1 / x of each element.")
sin = unary(ew.sin, "Return the sine of each element, in radians.")
cos = unary(ew.cos, "Return the cosine of each element, in radians.")
mul = binary(ew.mul, "Return the product of each pair of elements.")
pow = binary(ew.pow, "Return each element to the power of the other's.")
maximum = binary(ew.maximum, "Return the larger of each pair; at ties the gradient is shared evenly.")
minimum = binary(ew.minimum, "Return the smaller of each pair; at ties the gradient is shared evenly.")


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return each element moved into [min, max]; the gradient passes inside and at the bounds."""
    need_tensor("clamp", input)
    return ew.clamp(input, low=min, high=max)


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """Return ``input`` where the condition holds and ``other`` elsewhere; each gets the gradient of its own places."""
    need_tensor("where", condition)
    return ew.where(condition, input, other)


class ElementwiseMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    abs = abs
    clamp = clamp
    cos = cos
    exp = exp
    expm1 = expm1
    log = log
    log1p = log1p
    maximum = maximum
    minimum = minimum
    mul = mul
    neg = neg
    pow = pow
    reciprocal = reciprocal
    rsqrt = rsqrt
    sign = sign
    sin = sin
    sqrt = sqrt
    square = square
