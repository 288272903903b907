"""Layer normalisation."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.creation import ones, zeros
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["LayerNorm"]


class LayerNorm(Module):
    """Standardise over the last axes of each row, then scale and shift each place."""

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(
        self, normalized_shape: int, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", Parameter(ones(normalized_shape)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(normalized_shape)) if elementwise_affine and bias else None)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
