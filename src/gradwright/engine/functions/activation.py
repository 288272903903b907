"""Activation functions, and the softmax family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import need_tensor, unary
from gradwright.engine.op import Op
from gradwright.engine.ops import activation as act
from gradwright.errors import DTypeError, IndexOutOfRangeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "tanh"]

relu = unary(act.relu, "Return max(x, 0) of each element; its gradient at 0 is 0.")
sigmoid = unary(act.sigmoid, "Return 1 / (1 + e⁻ˣ) of each element.")
tanh = unary(act.tanh, "Return the hyperbolic tangent of each element.")


def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``; ``dtype`` is what the input is turned into first."""
    return _along(act.softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """Return the logarithm of the softmax along ``dim``, as one operation."""
    return _along(act.log_softmax, input, dim, dtype)


def _along(op: Op, input: Tensor, dim: int, dtype: Any) -> Tensor:
    need_tensor(op.name, input)
    if dtype is not None:
        input = input.to(dtype)
    if input.dtype.kind not in "fV":
        raise DTypeError(f"{op.name}: needs a floating tensor; this one is {input.dtype}: say dtype=… or call .float()")
    if not -max(input.ndim, 1) <= dim < max(input.ndim, 1):
        raise IndexOutOfRangeError(f"{op.name}: there is no dim {dim} in a tensor of shape {input.shape}")
    if input.ndim == 0:
        return op(input.reshape(1), axis=0).reshape(())
    return op(input, axis=dim)


class ActivationMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    log_softmax = log_softmax
    relu = relu
    sigmoid = sigmoid
    softmax = softmax
    tanh = tanh
