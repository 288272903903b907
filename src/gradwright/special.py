"""PyTorch's ``special`` namespace: functions of each element under the names that SciPy gives them.

Examples
--------
>>> import gradwright as gw
>>> gw.special.expit(gw.tensor([0.0, 2.0]))
tensor([0.5000, 0.8808])
"""

from gradwright.engine.functions.activation import log_softmax, softmax
from gradwright.engine.functions.activation import sigmoid as expit
from gradwright.engine.functions.elementwise import exp2, expm1, log1p
from gradwright.engine.functions.reduction import logsumexp
from gradwright.engine.functions.rounding import round
from gradwright.engine.functions.special import (
    digamma,
    entr,
    erf,
    erfc,
    erfinv,
    i0,
    i0e,
    i1,
    i1e,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    polygamma,
    xlog1py,
    xlogy,
)
from gradwright.engine.functions.special import digamma as psi
from gradwright.engine.functions.special import lgamma as gammaln
from gradwright.engine.functions.trigonometric import sinc

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e", "log1p",
    "log_ndtr", "log_softmax", "logit", "logsumexp", "ndtr", "ndtri", "polygamma", "psi", "round", "sinc", "softmax",
    "xlog1py", "xlogy",
]  # fmt: skip
