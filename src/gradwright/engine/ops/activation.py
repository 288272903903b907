"""Activation functions of one argument, and the softmax family."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import elementwise, general
from gradwright.engine.ops.elementwise import exp, mul
from gradwright.engine.ops.reduction import sum as sum_

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "softplus", "tanh"]


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


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))  # log(1 + e^x) without overflow


softplus = elementwise("softplus", _softplus, lambda x: sigmoid(x), floating=True)


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
