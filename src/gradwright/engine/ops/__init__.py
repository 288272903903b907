"""All operations, by family."""

from gradwright.engine.ops import activation, elementwise, indexing, linalg, loss, reduction, shape

__all__ = ["activation", "elementwise", "indexing", "linalg", "loss", "reduction", "shape"]
