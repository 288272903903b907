"""Nested arguments: tuples, lists and dictionaries with Tensors at their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gradwright.engine.base import TensorBase

__all__ = ["leaves", "rebuild"]


def leaves(tree: Any) -> list[Any]:
    """Return the Tensors of a nest, in order."""
    if isinstance(tree, TensorBase):
        return [tree]
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in leaves(item)]
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in leaves(item)]
    return []


def rebuild(tree: Any, new: Iterator[Any], otherwise: Callable[[Any], Any] = lambda x: x) -> Any:
    """Return the nest with the next of ``new`` in each Tensor's place, and ``otherwise`` of whatever else ends it."""
    if isinstance(tree, TensorBase):
        return next(new)
    if isinstance(tree, dict):
        return {key: rebuild(item, new, otherwise) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        items = [rebuild(item, new, otherwise) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return otherwise(tree)
