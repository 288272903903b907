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
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(p._array if isinstance(p, TensorBase) else p for p in parts)
    return indexing.getitem(input, index=parts if isinstance(index, tuple) else parts[0])


class IndexingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    __getitem__ = getitem
