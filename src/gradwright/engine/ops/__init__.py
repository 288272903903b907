"""All operations, by family."""

from gradwright.engine.ops import (
    activation,
    elementwise,
    indexing,
    linalg,
    logic,
    loss,
    reduction,
    rounding,
    shape,
    special,
    trigonometric,
)

__all__ = [
    "activation",
    "elementwise",
    "indexing",
    "linalg",
    "logic",
    "loss",
    "reduction",
    "rounding",
    "shape",
    "special",
    "trigonometric",
]
