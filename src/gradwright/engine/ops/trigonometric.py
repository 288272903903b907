"""Circular and hyperbolic functions and their inverses; sine and cosine are with the exponentials."""

from __future__ import annotations

from typing import Any

from gradwright.engine.op import Op, elementwise
from gradwright.engine.ops.elementwise import cos, div, eq, rsqrt, where

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cosh", "hypot", "sinc", "sinh", "tan",
]  # fmt: skip

# (1 - x)(1 + x) rather than 1 - x²: near the ends of the domain the square would lose half the digits
tan = elementwise("tan", lambda xp, x: xp.tan(x), lambda ans: 1 + ans * ans, floating=True)
asin = elementwise("asin", lambda xp, x: xp.arcsin(x), lambda x: rsqrt((1 - x) * (1 + x)), floating=True)
acos = elementwise("acos", lambda xp, x: xp.arccos(x), lambda x: -rsqrt((1 - x) * (1 + x)), floating=True)
atan = elementwise("atan", lambda xp, x: xp.arctan(x), lambda x: 1 / (1 + x * x), floating=True)
sinh: Op = elementwise("sinh", lambda xp, x: xp.sinh(x), lambda x: cosh(x), floating=True)
cosh: Op = elementwise("cosh", lambda xp, x: xp.cosh(x), lambda x: sinh(x), floating=True)
asinh = elementwise("asinh", lambda xp, x: xp.arcsinh(x), lambda x: rsqrt(1 + x * x), floating=True)
acosh = elementwise("acosh", lambda xp, x: xp.arccosh(x), lambda x: rsqrt((x - 1) * (x + 1)), floating=True)
atanh = elementwise("atanh", lambda xp, x: xp.arctanh(x), lambda x: 1 / ((1 - x) * (1 + x)), floating=True)


def _over_squares(a: Any, x: Any, y: Any) -> Any:
    """a / (x² + y²), and 0 where both are 0, where the angle has no direction and PyTorch's gradient is 0."""
    squares = x * x + y * y
    return a / where(eq(squares, 0), 1.0, squares)


atan2 = elementwise(
    "atan2",
    lambda xp, x, y: xp.arctan2(x, y),
    lambda x, y: _over_squares(y, x, y),
    lambda x, y: -_over_squares(x, x, y),
    floating=True,
)
# NaN at (0, 0), PyTorch's: the cone has no slope there
hypot = elementwise(
    "hypot", lambda xp, x, y: xp.hypot(x, y), lambda ans, x: div(x, ans), lambda ans, y: div(y, ans), floating=True
)


def _sinc_slope(ans: Any, x: Any) -> Any:
    # sin(πx)/(πx) has the slope (cos πx - sinc x) / x, and 0 at 0
    zero = eq(x, 0)
    return where(zero, 0.0, (cos(x * 3.141592653589793) - ans) / where(zero, 1.0, x))


sinc = elementwise("sinc", lambda xp, x: xp.sinc(x), _sinc_slope, floating=True)
