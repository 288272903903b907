"""Reading sizes, lists of dims and lists of tensors as PyTorch does, and refusing what it refuses."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.dims import axis_of
from gradwright.errors import DTypeError, ShapeError

__all__ = ["all_dims", "need_tensors", "sizes", "whole"]


def whole(name: str, argument: str, value: Any) -> int:
    """Return a whole number given as Python's, NumPy's or as a Tensor of one integer."""
    if isinstance(value, bool | float) or (isinstance(value, TensorBase) and value._array.dtype.kind == "b"):
        raise DTypeError(f"{name}: {argument} must be an integer, got {value!r}")
    if isinstance(value, TensorBase) and value._array.ndim == 0:
        value = value._array.item()
    try:
        return operator.index(value)
    except TypeError:
        raise DTypeError(f"{name}: {argument} must be an integer, got {type(value).__name__}") from None


def all_dims(name: str, dims: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return several dims (a number or a sequence) counted from the front, each once."""
    given = (dims,) if isinstance(dims, int) else tuple(dims)
    found = tuple([axis_of(name, shape, dim) for dim in given])
    if len(set(found)) != len(found):
        raise ShapeError(f"{name}: dim appears twice in {given} of the shape {tuple(shape)}")
    return found


def sizes(name: str, given: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Return lengths that were given one by one, as one list or tuple, or under their name."""
    if named is not None:
        given = tuple(named) if isinstance(named, tuple | list) else (named,)
    if len(given) == 1 and isinstance(given[0], tuple | list):
        given = tuple(given[0])
    for n in given:
        if type(n) is not int:
            return tuple([whole(name, "a size", n) for n in given])
    return given


def need_tensors(name: str, tensors: Any, least: int = 1) -> tuple[Any, ...]:
    """Return a list or tuple of Tensors as a tuple, refusing anything else."""
    if isinstance(tensors, TensorBase) or not isinstance(tensors, Sequence):
        raise DTypeError(f"{name}: expected a list or tuple of Tensors, got {type(tensors).__name__}")
    for k, tensor in enumerate(tensors):
        if not isinstance(tensor, TensorBase):
            raise DTypeError(f"{name}: expected Tensors, but item {k} is of type {type(tensor).__name__}")
    if len(tensors) < least:
        raise ShapeError(f"{name}: expected at least {least} tensor{'s' * (least > 1)}, got {len(tensors)}")
    return tuple(tensors)
