"""Pooling to a given size in one, two and three dimensions, as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.ops import interpolation, pooling
from gradwright.engine.ops.windows import Window
from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError
from gradwright.nn.functional.pooling import largest
from gradwright.nn.functional.spatial import as_sizes, batched

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]  # fmt: skip


# --- the largest of each window ---------------------------------------------------------------------------------------
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest number of each of ``output_size`` windows of a row; see :func:`adaptive_max_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_max_pool1d(gw.tensor([[1.0, 3.0, 2.0, 0.0, 4.0]]), 2)
    tensor([[3., 4.]])
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest number of each of as many windows as the output has places.

    Equation: y[n, c, i] = max x[n, c, ⌊i·H/H'⌋ … ⌈(i + 1)·H/H'⌉ - 1], along each spatial axis.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    output_size : int, or a pair of int or None
        None keeps the axis as it is.
    return_indices : bool
        Also return where each number was found, as an index into H·W.

    Raises
    ------
    ShapeError
        When the input's shape is wrong.
    ConfigError
        When the output's size is.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_max_pool2d(gw.arange(6.0).reshape(1, 2, 3), (1, 2))
    tensor([[[4., 5.]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


@in_float32
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest number of each window of a volume; see :func:`adaptive_max_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_max_pool3d(gw.ones(1, 5, 4, 3), (2, 3, None)).shape
    (1, 2, 3, 3)
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


# --- the average of each window ---------------------------------------------------------------------------------------
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Average each of ``output_size`` windows of a row; see :func:`adaptive_avg_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_avg_pool1d(gw.tensor([[1.0, 3.0, 2.0, 0.0, 4.0]]), 2)
    tensor([[2., 2.]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Average each of as many windows as the output has places.

    Equation: y[n, c, i] = the mean of x[n, c, ⌊i·H/H'⌋ … ⌈(i + 1)·H/H'⌉ - 1], along each spatial axis.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    output_size : int, or a pair of int or None
        None keeps the axis as it is.

    Raises
    ------
    ShapeError
        When the input's shape is wrong.
    ConfigError
        When the output's size is.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_avg_pool2d(gw.arange(6.0).reshape(1, 2, 3), 1)
    tensor([[[2.5000]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


@in_float32
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Average each window of a volume; see :func:`adaptive_avg_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> adaptive_avg_pool3d(gw.ones(1, 5, 4, 3), (2, 3, None)).shape
    (1, 2, 3, 3)
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


# --- what they share --------------------------------------------------------------------------------------------------
def _output_size(name: str, n: int, input: Tensor, output_size: Any) -> tuple[int, ...]:
    if input.ndim not in (n + 1, n + 2):
        raise ShapeError(f"{name}: expected an input of {n + 2} axes, or {n + 1} without a batch; got {input.shape}")
    if min(input.shape[-n:]) < 1:
        raise ShapeError(f"{name}: an axis of length 0 has no windows; got {input.shape}")
    given = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * n
    if len(given) == n:
        given = tuple(old if new is None else new for old, new in zip(input.shape[-n:], given, strict=True))
    return as_sizes(name, "output_size", given, n)


def _even_window(old: tuple[int, ...], new: tuple[int, ...]) -> Window | None:
    """Return the windows that divide the axes evenly, or None when none do."""
    if any(a % b for a, b in zip(old, new, strict=True)):
        return None
    kernel = tuple(a // b for a, b in zip(old, new, strict=True))
    return Window(kernel, kernel, ((0, 0),) * len(old), (1,) * len(old))


def _adaptive_max_pool(name: str, n: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    new = _output_size(name, n, input, output_size)
    old = input.shape[-n:]
    places = np.arange(math.prod(old)).reshape(old)
    window = _even_window(old, new)
    if window is not None:
        even = window
        return batched(name, input, n, lambda x: largest(x, even, places, return_indices))
    # Windows of different sizes are laid out as long as the longest, the last number repeated: it is then not the first
    # largest.
    index, longest = [], []
    for a, b in zip(old, new, strict=True):
        start, end = interpolation.adaptive_bounds(a, b)
        longest.append(int((end - start).max()))
        index.append(np.minimum(start[:, None] + np.arange(longest[-1]), end[:, None] - 1).ravel())
    laid_out = np.ix_(*index)
    uneven = Window(tuple(longest), tuple(longest), ((0, 0),) * n, (1,) * n)

    def compute(x: Tensor) -> Any:
        return largest(x[(slice(None), slice(None), *laid_out)], uneven, places[laid_out], return_indices)

    return batched(name, input, n, compute)


def _adaptive_avg_pool(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    new = _output_size(name, n, input, output_size)
    old = input.shape[-n:]
    window = _even_window(old, new)
    if window is not None:
        even = window
        return batched(name, input, n, lambda x: pooling.sum_pool(x, window=even) / float(even.places))
    matrices = tuple(None if a == b else interpolation.averaging_matrix(a, b) for a, b in zip(old, new, strict=True))
    return batched(name, input, n, lambda x: interpolation.resample(x, matrices=matrices))
