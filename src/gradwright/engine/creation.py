"""Tensors made from nothing but a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend.dtypes import default_float
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tensor import Tensor

__all__ = ["arange", "full", "ones", "ones_like", "zeros", "zeros_like"]


def _shape(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], tuple | list) else tuple(size)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros of the given shape (float32 by default)."""
    return Tensor(np.zeros(_shape(size), dtype or default_float)).requires_grad_(requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones of the given shape (float32 by default)."""
    return Tensor(np.ones(_shape(size), dtype or default_float)).requires_grad_(requires_grad)


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the given shape with ``fill_value`` everywhere."""
    if dtype is None:
        dtype = default_float if isinstance(fill_value, float) else np.asarray(fill_value).dtype
    return Tensor(np.full(size, fill_value, dtype)).requires_grad_(requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Return ``start, start + step, …`` up to but without ``end``; ``arange(n)`` counts from 0."""
    if end is None:
        start, end = 0, start
    array = np.arange(start, end, step)
    if dtype is None and array.dtype == np.float64:
        dtype = default_float
    return Tensor(array if dtype is None else array.astype(dtype))


def zeros_like(input: Tensor) -> Tensor:
    """Return zeros of another tensor's shape and dtype."""
    return ew.zeros_like(input)


def ones_like(input: Tensor) -> Tensor:
    """Return ones of another tensor's shape and dtype."""
    return ew.ones_like(input)
