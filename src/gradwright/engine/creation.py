"""Tensors made from data, or from nothing but a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.backend.dtypes import default_float
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError

__all__ = ["arange", "as_tensor", "from_numpy", "full", "ones", "ones_like", "tensor", "zeros", "zeros_like"]


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


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a Tensor of a copy of the data; Python floats become float32, integers int64.

    Parameters
    ----------
    data : number, nested sequence, NumPy array or Tensor
        The numbers.
    dtype : optional
        NumPy's or Gradwright's dtype. Default: the array's own, float32 for Python floats.
    requires_grad : bool
        Whether ``backward`` leaves a gradient here.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    try:
        array = to_numpy(data._array) if isinstance(data, Tensor) else np.array(data)
    except ValueError as error:
        raise ShapeError(f"tensor: the nested lists have different lengths ({error})") from None
    if dtype is not None:
        array = array.astype(np.dtype(dtype))
    elif array.dtype == np.float64 and not isinstance(data, np.ndarray | np.generic | Tensor):
        array = array.astype(default_float)
    if array.dtype == object:
        raise ShapeError("tensor: the nested lists have different lengths, or hold something other than numbers")
    return Tensor(array).requires_grad_(requires_grad) if requires_grad else Tensor(array)


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """Return the data as a Tensor, itself if it is one already, without copying a NumPy array."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == np.dtype(dtype)):
        return Tensor(data)
    return tensor(data, dtype)


def from_numpy(array: np.ndarray) -> Tensor:
    """Return a Tensor that shares the array's memory until either is replaced."""
    return Tensor(array)
