"""The computation graph as plain data: what was computed, forwards, and what flows back."""

from gradwright.engine.graph.build import graph, keep_everything

__all__ = ["graph", "keep_everything"]
