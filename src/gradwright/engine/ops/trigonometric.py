"""Circular and hyperbolic functions and their inverses; sine and cosine are with the exponentials."""

from __future__ import annotations

import math
from typing import Any

from gradwright.engine.op import Op, elementwise
from gradwright.engine.ops.elementwise import abs as abs_
from gradwright.engine.ops.elementwise import cos, div, eq, lt, rsqrt, square, where

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cosh", "hypot", "sinc", "sinh", "tan",
]  # fmt: skip

PI = math.pi

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
    # sin(πx)/(πx) has the slope (cos πx - sinc x) / x; near 0, where the difference has no digits left, its series
    small = lt(abs_(x), 0.03)
    near, far = where(small, x, 0.0), where(small, 1.0, x)
    s = square(PI * near)
    series = PI * PI * near * (-1 / 3 + s * (1 / 30 + s * (-1 / 840 + s / 45360)))
    return where(small, series, (cos(PI * far) - ans) / far)


sinc = elementwise("sinc", lambda xp, x: xp.sinc(x), _sinc_slope, floating=True)
