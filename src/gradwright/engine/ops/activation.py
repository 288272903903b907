"""Activation functions of one argument, and the softmax family."""

from __future__ import annotations

from typing import Any

from gradwright.engine.op import elementwise, general
from gradwright.engine.ops.elementwise import cast, exp, gt, mul
from gradwright.engine.ops.reduction import sum as sum_

__all__ = ["log_softmax", "masked_softmax", "relu", "sigmoid", "softmax", "softplus", "tanh"]

relu = elementwise("relu", lambda xp, x: xp.maximum(x, 0), lambda ans: cast(gt(ans, 0), dtype=ans.dtype))  # 0 at 0
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


def _masked_softmax(xp: Any, x: Any, *, axis: int) -> Any:
    if 0 in x.shape:
        return x
    top = x.max(axis=axis, keepdims=True)
    e = xp.exp(x - xp.where(top == -xp.inf, 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / xp.where(total == 0, 1, total)


#: the softmax where some are masked by -inf: 0 where all are, for which the plain one says NaN
masked_softmax = general(
    "masked_softmax",
    _masked_softmax,
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
