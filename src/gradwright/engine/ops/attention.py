"""The softmax of attention, where some scores are masked."""

from __future__ import annotations

from typing import Any

from gradwright.engine.op import general
from gradwright.engine.ops.reduction import sum as sum_

__all__ = ["masked_softmax"]


def _masked_softmax(xp: Any, x: Any, *, axis: int) -> Any:
    if 0 in x.shape:  # nothing has no maximum
        return x
    top = x.max(axis=axis, keepdims=True)
    e = xp.exp(x - xp.where(top == -xp.inf, 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / xp.where(total == 0, 1, total)


def _rule(t: Any, ans: Any, axis: int) -> Any:
    # the softmax's own; a row of zeros has a gradient of zeros
    return ans * (t - sum_(ans * t, axis=axis, keepdims=True))


#: the softmax along an axis, and 0 where all scores are -inf, of which the plain one makes NaN
masked_softmax = general(
    "masked_softmax", _masked_softmax, vjp=[lambda g, ans, axis: _rule(g, ans, axis)], jvp=[_rule], floating=True
)
