"""Picking elements: brackets, and the functions that pick by index or by mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.base import TensorBase
from gradwright.engine.ops import indexing

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__: list[str] = []


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return ``input[index]``."""
    return indexing.getitem(input, index=_arrays(index))


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Do ``input[index] = value``; gradients flow to ``value``, and to those elements of ``input`` that remain."""
    input._assign(indexing.set_at(input, value, index=_arrays(index)))


def _arrays(index: Any) -> Any:
    """Take the arrays out of an index's Tensors."""
    if isinstance(index, tuple):
        return tuple([_arrays(part) for part in index])
    return index._array if isinstance(index, TensorBase) else index


class IndexingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    __getitem__ = getitem
    __setitem__ = setitem
