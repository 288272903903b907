"""Activation functions, and the softmax family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradwright.engine.functions.calling import need_tensor, unary
from gradwright.engine.ops import activation as act

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "tanh"]

relu = unary(act.relu, "Return max(x, 0) of each element; its gradient at 0 is 0.")
sigmoid = unary(act.sigmoid, "Return 1 / (1 + e⁻ˣ) of each element.")
tanh = unary(act.tanh, "Return the hyperbolic tangent of each element.")


def softmax(input: Tensor, dim: int) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``."""
    need_tensor("softmax", input)
    return act.softmax(input, axis=dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Return the logarithm of the softmax along ``dim``, as one operation."""
    need_tensor("log_softmax", input)
    return act.log_softmax(input, axis=dim)


class ActivationMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    log_softmax = log_softmax
    relu = relu
    sigmoid = sigmoid
    softmax = softmax
    tanh = tanh
