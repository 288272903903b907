"""Picking elements: brackets, and the functions that pick by index or by mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.ops import indexing

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__: list[str] = []


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return ``input[index]``: numbers and slices first, then arrays of places, as in PyTorch.

    The order matters where a number and an array stand apart: ``x[0, :, [1, 2]]`` keeps the axis of the slice in
    front, while NumPy counts the number as an array and moves the axis of the array there.
    """
    parts = _arrays(index)
    if isinstance(parts, tuple) and any(_is_number(p) for p in parts) and any(_is_places(p) for p in parts):
        basic, parts = _apart(parts)
        return indexing.getitem(indexing.getitem(input, index=basic), index=parts)
    return indexing.getitem(input, index=parts)


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Do ``input[index] = value``; gradients flow to ``value``, and to those elements of ``input`` that remain."""
    input._assign(indexing.set_at(input, value, index=_arrays(index)))


def _arrays(index: Any) -> Any:
    """Take the arrays out of an index's Tensors."""
    if isinstance(index, tuple):
        return tuple([_arrays(part) for part in index])
    return index._array if isinstance(index, TensorBase) else index


def _is_number(part: Any) -> bool:
    if isinstance(part, int | np.integer):
        return not isinstance(part, bool)
    return getattr(part, "ndim", None) == 0 and part.dtype.kind in "iu"


def _is_places(part: Any) -> bool:
    return isinstance(part, list) or getattr(part, "ndim", 0) > 0


def _apart(parts: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Divide an index into two that follow each other: what is no array of places, and the arrays."""
    basic: list[Any] = []
    places: list[Any] = []
    for part in parts:
        if _is_places(part):
            array = np.asarray(part, None if part else np.int64) if isinstance(part, list) else part
            basic += [slice(None)] * (array.ndim if array.dtype.kind == "b" else 1)
            places.append(array)
        else:
            basic.append(part)
            if part is Ellipsis:
                places.append(part)
            elif not _is_number(part):
                places.append(slice(None))
    return tuple(basic), tuple(places)


class IndexingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    __getitem__ = getitem
    __setitem__ = setitem
