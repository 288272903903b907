"""All operations, by family."""

from gradwright.engine.ops import (
    activation,
    arranging,
    einsum,
    elementwise,
    factoring,
    indexing,
    joining,
    linalg,
    loss,
    matrices,
    reduction,
    shape,
)

__all__ = [
    "activation",
    "arranging",
    "einsum",
    "elementwise",
    "factoring",
    "indexing",
    "joining",
    "linalg",
    "loss",
    "matrices",
    "reduction",
    "shape",
]
