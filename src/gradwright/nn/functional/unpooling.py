"""Max pooling taken back, in one, two and three dimensions, as functions."""

from __future__ import annotations

import math
from typing import Any

from gradwright.engine.autocast import in_float32
from gradwright.engine.creation import zeros
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.scattering import scatter
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError, ShapeError
from gradwright.nn.functional.spatial import as_sizes, batched

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put the numbers of a max pool back to their places in rows: :func:`max_unpool2d` with one spatial axis.

    Examples
    --------
    >>> import gradwright as gw
    >>> max_unpool1d(gw.tensor([[3.0, 2.0]]), gw.tensor([[1, 2]]), 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@in_float32
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put the numbers of a max pool back to the places where it found them, with 0 everywhere else.

    Equation: y[n, c, i[n, c, p]] = x[n, c, p]. Where a place is named more than once, one of its numbers stays.

    Parameters
    ----------
    input, indices : (N, C, H', W') or (C, H', W')
        What :func:`max_pool2d` returned with ``return_indices``.
    kernel_size, stride, padding : int or a pair
        Those of the pool.
    output_size : sequence of int, optional
        H and W, or the whole shape: several sizes are pooled to the same one. Less than a stride from
        (H' - 1)·stride - 2·padding + kernel, which it is unless given.

    Raises
    ------
    ShapeError
        When the shapes differ, or ``output_size`` cannot be pooled to this one.
    IndexOutOfRangeError
        For an index without a place.

    Examples
    --------
    >>> import gradwright as gw
    >>> max_unpool2d(gw.tensor([[[5.0]]]), gw.tensor([[[1]]]), 2)
    tensor([[[0., 5.],
             [0., 0.]]])

    References
    ----------
    M. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks* (ECCV 2014), section 2.1.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@in_float32
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put the numbers of a max pool back to their places in volumes: :func:`max_unpool2d` with three spatial axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> max_unpool3d(gw.ones(1, 1, 1, 1), gw.tensor([[[[7]]]]), 2).shape
    (1, 2, 2, 2)
    """
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str, n: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    need_tensor(name, input)
    need_tensor(name, indices)
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices must be integers, got {indices.dtype}")
    if indices.shape != input.shape or input.ndim not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: expected an input of {n + 2} axes, or {n + 1} without a batch, and indices of its shape; got "
            f"{input.shape} and {indices.shape}"
        )
    sizes = _sizes(name, n, input, kernel_size, stride, padding, output_size)

    def unpooled(x: Tensor) -> Tensor:
        rows = x.shape[:2]
        blank = zeros(*rows, math.prod(sizes), dtype=x.dtype)
        return scatter(blank, 2, indices.reshape(*rows, -1), x.reshape(*rows, -1)).reshape(*rows, *sizes)

    return batched(name, input, n, unpooled)


def _sizes(
    name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> tuple[int, ...]:
    kernel = as_sizes(name, "kernel_size", kernel_size, n)
    strides = kernel if stride is None or stride in ((), []) else as_sizes(name, "stride", stride, n)
    pads = as_sizes(name, "padding", padding, n, least=0)
    usual = tuple((m - 1) * s - 2 * p + k for m, s, p, k in zip(input.shape[-n:], strides, pads, kernel, strict=True))
    if output_size is None:
        return usual
    wanted = tuple(output_size)
    if len(wanted) == n + 2:
        wanted = wanted[2:]
    if len(wanted) != n or any(not a - s < w < a + s for a, s, w in zip(usual, strides, wanted, strict=True)):
        raise ShapeError(
            f"{name}: output_size has {n} numbers, each less than a stride {strides} from {usual}, which the input "
            f"{input.shape} comes from; got {tuple(output_size)}"
        )
    return wanted
