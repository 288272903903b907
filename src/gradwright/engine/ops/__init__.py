"""All operations, by family."""

from gradwright.engine.ops import (
    activation,
    elementwise,
    indexing,
    linalg,
    loss,
    reduction,
    scan,
    scatter,
    shape,
    sorting,
)

__all__ = [
    "activation",
    "elementwise",
    "indexing",
    "linalg",
    "loss",
    "reduction",
    "scan",
    "scatter",
    "shape",
    "sorting",
]
