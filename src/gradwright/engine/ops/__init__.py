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
    scan,
    scatter,
    shape,
    sorting,
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
    "scan",
    "scatter",
    "shape",
    "sorting",
    "special",
    "trigonometric",
]
