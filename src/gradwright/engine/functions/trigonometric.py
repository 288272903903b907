"""Circular and hyperbolic functions and their inverses."""

from __future__ import annotations

from gradwright.engine.functions.calling import binary, unary
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import trigonometric as tg

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "cos", "cosh", "hypot", "sin", "sinc", "sinh", "tan",
]  # fmt: skip

sin = unary(ew.sin, "Return the sine of each element, in radians.")
cos = unary(ew.cos, "Return the cosine of each element, in radians.")
tan = unary(tg.tan, "Return the tangent of each element, in radians.")
asin = unary(tg.asin, "Return the angle in [-π/2, π/2] whose sine each element is; its gradient at ±1 is inf.")
acos = unary(tg.acos, "Return the angle in [0, π] whose cosine each element is; its gradient at ±1 is -inf.")
atan = unary(tg.atan, "Return the angle in (-π/2, π/2) whose tangent each element is.")
atan2 = binary(
    tg.atan2,
    "Return the angle of each point (other, input) in [-π, π]; its gradient at (0, 0) is 0.",
    numbers="neither",
)
sinh = unary(tg.sinh, "Return (eˣ - e⁻ˣ) / 2 of each element.")
cosh = unary(tg.cosh, "Return (eˣ + e⁻ˣ) / 2 of each element.")
asinh = unary(tg.asinh, "Return the inverse of sinh of each element.")
acosh = unary(tg.acosh, "Return the inverse of cosh of each element; its gradient at 1 is inf.")
atanh = unary(tg.atanh, "Return the inverse of tanh of each element; its gradient at ±1 is inf.")
hypot = binary(
    tg.hypot,
    "Return sqrt(x² + y²) of each pair without overflow; its gradient at (0, 0) is NaN.",
    numbers="neither",
    floats=True,
)
sinc = unary(tg.sinc, "Return sin(πx) / (πx) of each element, 1 at 0.")
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh


class TrigonometricMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    acos = acos
    acosh = acosh
    arccos = acos
    arccosh = acosh
    arcsin = asin
    arcsinh = asinh
    arctan = atan
    arctan2 = atan2
    arctanh = atanh
    asin = asin
    asinh = asinh
    atan = atan
    atan2 = atan2
    atanh = atanh
    cos = cos
    cosh = cosh
    hypot = hypot
    sin = sin
    sinc = sinc
    sinh = sinh
    tan = tan
