"""Losses that are worth a fused operation, because the composed one would lose digits or time."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, elementwise, general, linear
from gradwright.engine.ops.activation import sigmoid, softmax
from gradwright.engine.ops.elementwise import clamp, log, maximum, where
from gradwright.engine.ops.indexing import one_hot
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape

__all__ = ["binary_loss", "huber", "logistic_loss", "pick", "softmax_cross_entropy"]


def _places(target: Any) -> tuple[Any, ...]:
    """Return brackets for x[…, target], many times as fast for few numbers as ``take_along_axis``."""
    if target.ndim == 1:
        return np.arange(len(target)), target
    return *np.indices(target.shape, sparse=True), target


def _pick(xp: Any, x: Any, target: Any) -> Any:
    if xp is np:
        return x[_places(target)]
    # A comparison fuses with its neighbours where XLA's gather on CPUs is a loop of its own. A label that no
    # class has would match nothing and lose in silence: NaN says it.
    hot = target[..., None] == xp.arange(x.shape[-1], dtype=target.dtype)
    picked = xp.sum(xp.where(hot, x, 0), axis=-1)
    return xp.where((target >= 0) & (target < x.shape[-1]), picked, xp.nan)


def _pick_transpose(g: Any, target: Any, x_shape: tuple[int, ...]) -> Any:
    hot = one_hot(target, classes=x_shape[-1], dtype=np.dtype(np.bool_))
    return where(hot, reshape(g, shape=(*g.shape, 1)), 0.0)


#: x[…, target]: the element at each row's label
pick: Op = linear("pick", _pick, _pick_transpose, None)


def _cross_entropy(xp: Any, x: Any, target: Any) -> Any:
    shifted = x - x.max(axis=-1, keepdims=True)
    return xp.log(xp.exp(shifted).sum(axis=-1)) - _pick(xp, shifted, target)


def _residual(x: Any, target: Any) -> Any:
    """softmax(x) - one_hot(target): the derivative of each row's loss."""
    if type(x) is np.ndarray and type(target) is np.ndarray:
        out = softmax(x, axis=-1)
        out[_places(target)] -= 1  # each row has one place, and the array is nobody else's
        return out
    return softmax(x, axis=-1) - one_hot(target, classes=x.shape[-1], dtype=x.dtype)


#: loss = logsumexp(x) - x[target], a row at a time; targets are class indices in range.
softmax_cross_entropy = general(
    "softmax_cross_entropy",
    _cross_entropy,
    vjp=[lambda g, x, target: reshape(g, shape=(*g.shape, 1)) * _residual(x, target), None],
    jvp=[lambda t, x, target: sum_(t * _residual(x, target), axis=-1), None],
    floating=False,
)


def _logistic(xp: Any, x: Any, target: Any) -> Any:
    return xp.maximum(x, 0) - x * target + xp.log1p(xp.exp(-xp.abs(x)))


def _log_above(xp: Any, x: Any) -> Any:
    return xp.maximum(xp.log(x), -100.0)  # PyTorch's floor, so that a saturated probability has a finite loss


#: binary cross-entropy from a probability; its slope (x - y) / max(x(1 - x), 1e-12) is PyTorch's, also at 0 and 1
binary_loss = elementwise(
    "binary_loss",
    lambda xp, x, target: -(target * _log_above(xp, x) + (1 - target) * _log_above(xp, 1 - x)),
    lambda x, target: (x - target) / maximum(x * (1 - x), 1e-12),
    lambda x: clamp(log(1 - x), low=-100.0, high=None) - clamp(log(x), low=-100.0, high=None),
)


#: binary cross-entropy from a logit: log(1 + e^x) - x·target without overflow
logistic_loss = elementwise("logistic_loss", _logistic, lambda x, target: sigmoid(x) - target, lambda x: -x)


def _huber(xp: Any, x: Any, *, delta: float) -> Any:
    size = xp.abs(x)
    inner = xp.minimum(size, delta)
    return inner * (size - 0.5 * inner)


#: x²/2 up to a distance of delta from 0, from there on its tangent; the slope is x, held within ±delta
huber = elementwise("huber", _huber, lambda x, delta: clamp(x, low=-delta, high=delta), floating=True)
