"""All operations, by family."""

from gradwright.engine.ops import (
    activation,
    convolution,
    elementwise,
    indexing,
    interpolation,
    linalg,
    loss,
    pooling,
    reduction,
    shape,
    unfolding,
)

__all__ = [
    "activation", "convolution", "elementwise", "indexing", "interpolation", "linalg", "loss", "pooling", "reduction",
    "shape", "unfolding",
]  # fmt: skip
