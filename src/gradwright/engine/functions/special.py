"""Error functions, gamma functions, Bessel functions, and logarithms that need care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.functions.calling import binary, need_tensor, unary
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import special as sp
from gradwright.errors import ConfigError, DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "i0", "lgamma", "logaddexp", "logaddexp2", "logit", "polygamma", "xlogy",
]  # fmt: skip

erf = unary(sp.erf, "Return 2/√π times the integral of exp(-t²) from 0 to each element.")
erfc = unary(sp.erfc, "Return 1 - erf(x) of each element, with all its digits on the right.")
erfinv = unary(sp.erfinv, "Return the inverse of erf of each element of (-1, 1); ±inf at ±1.")
lgamma = unary(sp.lgamma, "Return the logarithm of the absolute value of the gamma function of each element.")
digamma = unary(sp.digamma, "Return the derivative of lgamma of each element.")
ndtr = unary(sp.ndtr, "Return the standard normal distribution function of each element.")
ndtri = unary(sp.ndtri, "Return the quantile of the standard normal distribution of each element of (0, 1).")
log_ndtr = unary(sp.log_ndtr, "Return the logarithm of the standard normal distribution function of each element.")
entr = unary(sp.entr, "Return -x·log x of each element, 0 at 0 and -inf below.")
i0 = unary(sp.i0, "Return the modified Bessel function of the first kind and order 0 of each element.")
i0e = unary(sp.i0e, "Return i0(x)·e^-|x| of each element.")
i1 = unary(sp.i1, "Return the modified Bessel function of the first kind and order 1 of each element.")
i1e = unary(sp.i1e, "Return i1(x)·e^-|x| of each element.")
xlogy = binary(sp.xlogy, "Return x·log y of each pair, 0 where x is 0 and y is not NaN.")
xlog1py = binary(sp.xlog1py, "Return x·log(1 + y) of each pair, 0 where x is 0 and y is not NaN.")
logaddexp = binary(sp.logaddexp, "Return log(eˣ + eʸ) of each pair without overflow.", numbers="neither", floats=True)
logaddexp2 = binary(
    sp.logaddexp2, "Return log₂(2ˣ + 2ʸ) of each pair without overflow.", numbers="neither", floats=True
)


def polygamma(n: int, input: Tensor) -> Tensor:
    """Return the ``n``-th derivative of digamma of each element; digamma itself for n = 0.

    Raises
    ------
    ConfigError
        For a negative order.
    """
    need_tensor("polygamma", input)
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise DTypeError(f"polygamma: the order must be a whole number, got {n!r}")
    if n < 0:
        raise ConfigError(f"polygamma: the order must be 0 or more, got {n}")
    return sp.polygamma(input, n=int(n))


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Return log(x / (1 - x)) of each element: the inverse of sigmoid.

    Parameters
    ----------
    eps : float, optional
        Move elements into [eps, 1 - eps] first; without it 0 and 1 give infinities, and what is outside NaN.
    """
    need_tensor("logit", input)
    if eps is not None:
        if input.dtype.kind != "f":
            input = ew.cast(input, dtype=np.dtype(np.float32))
        input = ew.clamp(input, low=eps, high=1 - eps)
    return sp.logit(input)


class SpecialMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    digamma = digamma
    erf = erf
    erfc = erfc
    erfinv = erfinv
    i0 = i0
    lgamma = lgamma
    logaddexp = logaddexp
    logaddexp2 = logaddexp2
    logit = logit
    xlogy = xlogy

    def polygamma(self: Any, n: int) -> Tensor:
        """Return the ``n``-th derivative of digamma of each element."""
        return polygamma(n, self)
