"""Error functions, gamma functions, Bessel functions, and logarithms that need care."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.backend import special_functions
from gradwright.engine.op import Op, elementwise
from gradwright.engine.ops.elementwise import div, eq, exp, ge, le, log, log1p, logical_and, sign, where

__all__ = [
    "by_name", "digamma", "entr", "erf", "erfc", "erfinv", "i0", "i0e", "i1", "i1e", "lgamma", "log_ndtr", "logaddexp",
    "logaddexp2", "logit", "ndtr", "ndtri", "polygamma", "xlog1py", "xlogy",
]  # fmt: skip


def by_name(xp: Any, name: str, x: Any) -> Any:
    """Return one of SciPy's functions of ``x``, or of its twin under XLA, in x's dtype."""
    function = getattr(special_functions(xp), name)
    if x.dtype.itemsize == 2:  # SciPy has no narrower one than float32
        return function(x.astype(np.float32)).astype(x.dtype)
    return function(x)


def _special(name: str) -> Any:
    return lambda xp, x: by_name(xp, name, x)


# --- error functions --------------------------------------------------------------------------------------------------
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)

erf = elementwise("erf", _special("erf"), lambda x: TWO_OVER_ROOT_PI * exp(-x * x), floating=True)
erfc = elementwise("erfc", _special("erfc"), lambda x: -TWO_OVER_ROOT_PI * exp(-x * x), floating=True)
erfinv = elementwise("erfinv", _special("erfinv"), lambda ans: exp(ans * ans) / TWO_OVER_ROOT_PI, floating=True)
#: the normal distribution, its inverse and its logarithm
ndtr = elementwise("ndtr", _special("ndtr"), lambda x: exp(-0.5 * x * x) / ROOT_TWO_PI, floating=True)
ndtri = elementwise("ndtri", _special("ndtri"), lambda ans: ROOT_TWO_PI * exp(0.5 * ans * ans), floating=True)
log_ndtr = elementwise(
    "log_ndtr", _special("log_ndtr"), lambda ans, x: exp(-0.5 * x * x - ans) / ROOT_TWO_PI, floating=True
)


# --- gamma functions --------------------------------------------------------------------------------------------------
def _polygamma(xp: Any, x: Any, *, n: int) -> Any:
    functions = special_functions(xp)
    if n == 0:
        return by_name(xp, "digamma", x)
    factor = (-1.0) ** (n + 1) * math.factorial(n)
    if xp is np:
        return (factor * functions.zeta(n + 1.0, x)).astype(x.dtype)
    # XLA's zeta is not made for x < 0: ψ⁽ⁿ⁾(x) = (-1)ⁿ ψ⁽ⁿ⁾(1 - x) - π (d/dx)ⁿ cot(πx)
    right = factor * functions.zeta(n + 1.0, xp.where(x < 0, 1 - x, x))
    return xp.where(x < 0, (-1.0) ** n * right - _cotangent_derivative(xp, x, n), right).astype(x.dtype)


def _cotangent_derivative(xp: Any, x: Any, n: int) -> Any:
    """π times the n-th derivative of cot(πx): a polynomial in the cotangent, as cot' = -π(1 + cot²)."""
    coefficients = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        coefficients = coefficients.deriv() * np.polynomial.Polynomial([-math.pi, 0.0, -math.pi])
    c = 1 / xp.tan(math.pi * (x - xp.rint(x)))
    value = xp.zeros_like(x)
    for a in coefficients.coef[::-1]:
        value = value * c + a
    return math.pi * value


polygamma: Op = elementwise("polygamma", _polygamma, lambda x, n: polygamma(x, n=n + 1), floating=True)
digamma = elementwise("digamma", _special("digamma"), lambda x: polygamma(x, n=1), floating=True)


def _lgamma(xp: Any, x: Any) -> Any:
    out = by_name(xp, "gammaln", x)
    return xp.where(out == -xp.inf, xp.inf, out)  # at -inf, where SciPy says -inf


lgamma = elementwise("lgamma", _lgamma, lambda x: digamma(x), floating=True)


# --- Bessel functions -------------------------------------------------------------------------------------------------
def _bessel_slope(ans: Any, x: Any, zeroth: Any) -> Any:
    """i0 - i1/x, and 1/2 at 0."""
    zero = eq(x, 0)
    return where(zero, 0.5, zeroth - ans / where(zero, 1.0, x))


i0 = elementwise("i0", _special("i0"), lambda x: i1(x), floating=True)
i1: Op = elementwise("i1", _special("i1"), lambda ans, x: _bessel_slope(ans, x, i0(x)), floating=True)
# scaled by e^-|x|, whose slope at 0 is taken as 0
i0e = elementwise("i0e", _special("i0e"), lambda ans, x: i1e(x) - sign(x) * ans, floating=True)
i1e: Op = elementwise(
    "i1e", _special("i1e"), lambda ans, x: _bessel_slope(ans, x, i0e(x)) - sign(x) * ans, floating=True
)


# --- logarithms -------------------------------------------------------------------------------------------------------
def _xlog(xp: Any, x: Any, y: Any, log: Any) -> Any:
    if not hasattr(y, "dtype"):  # the logarithm of a Python number must not be wider than x
        y = xp.asarray(y, dtype=x.dtype)
    quiet = (x == 0) & ~xp.isnan(y)
    return xp.where(quiet, 0.0, x * log(y))


def _xlogy_slope(x: Any, y: Any) -> Any:
    # PyTorch's: 0 where the logarithm would be -inf or NaN and the factor is 0
    quiet = logical_and(eq(x, 0), le(y, 0))
    return where(quiet, 0.0, log(where(quiet, 1.0, y)))


def _xlog1py_slope(x: Any, y: Any) -> Any:
    quiet = logical_and(eq(x, 0), le(y, -1))
    return where(quiet, 0.0, log1p(where(quiet, 0.0, y)))


xlogy = elementwise(
    "xlogy", lambda xp, x, y: _xlog(xp, x, y, xp.log), _xlogy_slope, lambda x, y: div(x, y), floating=True
)
xlog1py = elementwise(
    "xlog1py",
    lambda xp, x, y: _xlog(xp, x, y, xp.log1p),
    _xlog1py_slope,
    lambda x, y: div(x, y + 1),
    floating=True,
)


def _entr(xp: Any, x: Any) -> Any:
    inside = xp.where(x > 0, x, 1)
    # -x·log x, 0 at 0, and -inf below
    return xp.where(
        xp.isnan(x), x, xp.where(x > 0, -inside * xp.log(inside), xp.where(x == 0, xp.zeros_like(x), -xp.inf))
    )


entr = elementwise("entr", _entr, lambda x: -1 - log(x), floating=True)

# log(eˣ + e^y), whose slopes are the softmax of the two
logaddexp = elementwise(
    "logaddexp",
    lambda xp, x, y: xp.logaddexp(x, y),
    lambda x, y: 1 / (1 + exp(y - x)),
    lambda x, y: 1 / (1 + exp(x - y)),
    floating=True,
)
LN2 = math.log(2)
logaddexp2 = elementwise(
    "logaddexp2",
    lambda xp, x, y: xp.logaddexp2(x, y),
    lambda x, y: 1 / (1 + exp(LN2 * (y - x))),
    lambda x, y: 1 / (1 + exp(LN2 * (x - y))),
    floating=True,
)


def _logit_slope(x: Any) -> Any:
    inside = logical_and(ge(x, 0), le(x, 1))
    return where(inside, 1 / where(inside, x * (1 - x), 1.0), float("nan"))


logit = elementwise("logit", lambda xp, x: xp.log(x / (1 - x)), _logit_slope, floating=True)
