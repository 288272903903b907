"""Activation functions, and the softmax family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.op import elementwise, general, lowered
from gradwright.engine.ops.elementwise import abs as abs_
from gradwright.engine.ops.elementwise import cast, exp, ge, gt, le, logical_not, lt, minimum, mul, where
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.special import by_name, erfc

__all__ = [
    "elu", "gelu", "gelu_tanh", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax",
    "logsigmoid", "mish", "prelu", "relu", "sigmoid", "silu", "softmax", "softplus", "softshrink", "tanh", "threshold",
]  # fmt: skip


def _where_positive(g: Any, ans: Any) -> Any:
    """``g`` where the output is positive, 0 elsewhere (also at 0)."""
    if type(g) is np.ndarray and type(ans) is np.ndarray:
        passes = np.greater(ans, 0, out=np.empty_like(ans))  # no mask beside the result: networks peak here
        passes *= g
        return passes
    return g * (ans > 0)


relu = general(
    "relu", lambda xp, x: xp.maximum(x, 0), vjp=[_where_positive], jvp=[lambda t, ans: _where_positive(t, ans)]
)
tanh = elementwise("tanh", lambda xp, x: xp.tanh(x), lambda ans: 1 - ans * ans, floating=True)


def _sigmoid(xp: Any, x: Any) -> Any:
    # (1 + tanh(x/2)) / 2 neither overflows nor loses the symmetry, but near 0 outputs it loses digits:
    # exp of a negative number only, on either side
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + e), e / (1 + e))


sigmoid = elementwise("sigmoid", _sigmoid, lambda ans: ans * (1 - ans), floating=True)


def _softplus(xp: Any, x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    z = x * beta
    smooth = (xp.maximum(z, 0) + xp.log1p(xp.exp(-xp.abs(z)))) / beta  # log(1 + e^z) / β without overflow
    return xp.where(z > threshold, x, smooth)


softplus = elementwise(
    "softplus",
    _softplus,
    lambda x, beta, threshold: where(gt(x * beta, threshold), 1.0, sigmoid(x * beta)),
    floating=True,
)
logsigmoid = elementwise(
    "logsigmoid",
    lambda xp, x: xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x))),
    lambda x: sigmoid(-x),
    floating=True,
)


# --- with a kink: PyTorch's side of it --------------------------------------------------------------------------------
def _between(x: Any, low: float, high: float) -> Any:
    """1 strictly inside: at the bounds hardtanh and its kin have the gradient 0."""
    return cast(mul(gt(x, low), lt(x, high)), dtype=x.dtype)


def _outside(x: Any, lambd: float) -> Any:
    return cast(gt(abs_(x), lambd), dtype=x.dtype)


hardtanh = elementwise("hardtanh", lambda xp, x, *, low, high: xp.clip(x, low, high), _between)
hardsigmoid = elementwise(
    "hardsigmoid", lambda xp, x: xp.clip(x + 3, 0, 6) / 6, lambda x: _between(x, -3.0, 3.0) / 6, floating=True
)
hardswish = elementwise(
    "hardswish",
    lambda xp, x: x * xp.clip(x + 3, 0, 6) / 6,
    # x/3 + 1/2 between; 0 at -3 and 1 at 3
    lambda x: where(ge(x, 3), 1.0, where(le(x, -3), 0.0, x / 3 + 0.5)),
    floating=True,
)
hardshrink = elementwise(
    "hardshrink", lambda xp, x, *, lambd: xp.where(xp.abs(x) <= lambd, xp.zeros_like(x), x), _outside
)
softshrink = elementwise(
    "softshrink",
    lambda xp, x, *, lambd: xp.where(x > lambd, x - lambd, xp.where(x < -lambd, x + lambd, x * 0)),
    _outside,
)
threshold = elementwise(
    "threshold",
    lambda xp, x, *, threshold, value: xp.where(x <= threshold, xp.full_like(x, value), x),
    lambda x, threshold: cast(logical_not(le(x, threshold)), dtype=x.dtype),
)
# at 0 the negative side's slope
leaky_relu = elementwise(
    "leaky_relu",
    lambda xp, x, *, slope: xp.where(x > 0, x, x * slope),
    lambda x, slope: where(gt(x, 0), 1.0, slope),
    floating=True,
)
prelu = elementwise(
    "prelu",
    lambda xp, x, weight: xp.where(x > 0, x, x * weight),
    lambda x, weight: where(gt(x, 0), 1.0, weight),
    lambda x: minimum(x, 0),
    floating=True,
)
lowered(prelu)


def _elu(xp: Any, x: Any, *, alpha: float, scale: float, rate: float) -> Any:
    return xp.where(x > 0, x * scale, alpha * scale * xp.expm1(xp.minimum(x, 0) * rate))


def _elu_slope(x: Any, alpha: float, scale: float, rate: float) -> Any:
    right = gt(x, 0)
    return where(right, scale, alpha * scale * rate * exp(where(right, 0.0, x) * rate))


#: elu, and with other constants selu and celu: s·x, and left of 0 s·α(e^(rx) - 1)
elu = elementwise("elu", _elu, _elu_slope, floating=True)


# --- smooth -----------------------------------------------------------------------------------------------------------
silu = elementwise(
    "silu", lambda xp, x: x * _sigmoid(xp, x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), floating=True
)


def _mish_slope(x: Any) -> Any:
    t = tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


mish = elementwise("mish", lambda xp, x: x * xp.tanh(_softplus(xp, x)), _mish_slope, floating=True)


ROOT_HALF = math.sqrt(0.5)
# The normal distribution as an erfc: 1 + erf would lose its digits on the left.
gelu = elementwise(
    "gelu",
    lambda xp, x: 0.5 * x * by_name(xp, "erfc", -ROOT_HALF * x),
    lambda x: 0.5 * erfc(-ROOT_HALF * x) + x * exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    floating=True,
)
ROOT_TWO_OVER_PI, CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(xp: Any, x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(ROOT_TWO_OVER_PI * (x + CUBIC * x * x * x)))


def _gelu_tanh_slope(x: Any) -> Any:
    t = tanh(ROOT_TWO_OVER_PI * (x + CUBIC * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT_TWO_OVER_PI * (1 + 3 * CUBIC * x * x)


gelu_tanh = elementwise("gelu_tanh", _gelu_tanh, _gelu_tanh_slope, floating=True)


def _softmax(xp: Any, x: Any, *, axis: int) -> Any:
    if 0 in x.shape:  # nothing has no maximum
        return x
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _softmax_rule(t: Any, ans: Any, axis: int) -> Any:
    # The Jacobian diag(s) - s sᵀ is symmetric, so both modes share the rule.
    return ans * (t - sum_(ans * t, axis=axis, keepdims=True))


softmax = general(
    "softmax",
    _softmax,
    vjp=[lambda g, ans, axis: _softmax_rule(g, ans, axis)],
    jvp=[_softmax_rule],
    floating=True,
)


def _log_softmax(xp: Any, x: Any, *, axis: int) -> Any:
    if 0 in x.shape:  # nothing has no maximum
        return x
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))


log_softmax = general(
    "log_softmax",
    _log_softmax,
    # fused: log of a softmax that underflowed would be -inf
    vjp=[lambda g, ans, axis: g - exp(ans) * sum_(g, axis=axis, keepdims=True)],
    jvp=[lambda t, ans, axis: t - sum_(mul(exp(ans), t), axis=axis, keepdims=True)],
    floating=True,
)
