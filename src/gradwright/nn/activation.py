"""Activation functions as modules."""

from __future__ import annotations

from gradwright.engine.tensor import Tensor
from gradwright.nn.module import Module

__all__ = ["LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Module):
    """max(x, 0), elementwise; the gradient at 0 is 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.relu()


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent, elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.tanh()


class _AlongAxis(Module):
    """An activation along one axis."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dim={self.dim}"


class Softmax(_AlongAxis):
    """exp(x) / Σ exp(x) along ``dim`` (the last axis unless told otherwise)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        return input.softmax(self.dim)


class LogSoftmax(_AlongAxis):
    """The logarithm of the softmax along ``dim``, as one operation."""

    def forward(self, input: Tensor) -> Tensor:
        """Return log-probabilities."""
        return input.log_softmax(self.dim)
