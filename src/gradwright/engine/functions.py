"""The operations as functions of Tensors, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.creation import as_tensor
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tensor import Tensor

__all__ = [
    "abs", "allclose", "argmax", "clamp", "exp", "log", "log_softmax", "logsumexp", "matmul", "maximum", "mean",
    "minimum", "relu", "sigmoid", "softmax", "sqrt", "square", "sum", "tanh", "where",
]  # fmt: skip


def exp(input: Tensor) -> Tensor:
    """Return e to the power of each element."""
    return input.exp()


def log(input: Tensor) -> Tensor:
    """Return the natural logarithm of each element."""
    return input.log()


def sqrt(input: Tensor) -> Tensor:
    """Return the square root of each element; its gradient at 0 is inf."""
    return input.sqrt()


def square(input: Tensor) -> Tensor:
    """Return the square of each element."""
    return input.square()


def abs(input: Tensor) -> Tensor:
    """Return the absolute value of each element; its gradient at 0 is 0."""
    return input.abs()


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent of each element."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + e⁻ˣ) of each element."""
    return input.sigmoid()


def relu(input: Tensor) -> Tensor:
    """Return max(x, 0) of each element; its gradient at 0 is 0."""
    return input.relu()


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return each element moved into [min, max]."""
    return input.clamp(min, max)


def softmax(input: Tensor, dim: int) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``."""
    return input.softmax(dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Return the logarithm of the softmax along ``dim``."""
    return input.log_softmax(dim)


def logsumexp(input: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """Return log Σ eˣ along ``dim`` without overflow."""
    return input.logsumexp(dim, keepdim)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the matrix product, broadcasting the leading axes."""
    return input @ other


def sum(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Add up all elements, or those along ``dim``."""
    return input.sum(dim, keepdim)


def mean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Average all elements, or those along ``dim``."""
    return input.mean(dim, keepdim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the first largest element."""
    return input.argmax(dim, keepdim)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of each pair; at ties the gradient is shared evenly."""
    return ew.maximum(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of each pair; at ties the gradient is shared evenly."""
    return ew.minimum(input, other)


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """Return ``input`` where the condition holds and ``other`` elsewhere."""
    return ew.where(condition, input, other)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Say whether |input - other| <= atol + rtol·|other| everywhere."""
    a, b = as_tensor(input).detach().numpy(), as_tensor(other).detach().numpy()
    return bool(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))
