"""Pooling in one, two and three dimensions, as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.ops import pooling
from gradwright.engine.ops.shape import expand
from gradwright.engine.ops.windows import Window
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.spatial import as_sizes, batched

__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
    "max_pool1d", "max_pool2d", "max_pool3d",
]  # fmt: skip


# --- the largest of each window ---------------------------------------------------------------------------------------
def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest number of each window of a row: :func:`max_pool2d` with one spatial axis.

    Parameters
    ----------
    input : (N, C, L) or (C, L)

    Examples
    --------
    >>> import gradwright as gw
    >>> max_pool1d(gw.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest number of each window; the first largest gets all of the gradient.

    Equation: y[n, c, p] = max_k x[n, c, p·stride + k·dilation - padding], where p and k are pairs, and x is -inf
    outside.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    kernel_size : int or a pair
    stride : int or a pair, optional
        The kernel's size unless given.
    padding : int or a pair
        At most half of what the kernel spans.
    dilation : int or a pair
    ceil_mode : bool
        Whether windows that hang over the end count; none starts outside the input and the padding before it.
    return_indices : bool
        Also return where each number was found, as an index into H·W.

    Returns
    -------
    (N, C, H', W') or (C, H', W')
        H' = ⌊(H + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1, with ⌈⌉ in ``ceil_mode``, and W' alike.

    Raises
    ------
    ShapeError
        When the shape is wrong, or no window fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 7.0, 1.0]]])
    >>> max_pool2d(x, 2)
    tensor([[[5., 7.]]])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@in_float32
def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest number of each window of a volume: :func:`max_pool2d` with three spatial axes.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)

    Examples
    --------
    >>> import gradwright as gw
    >>> max_pool3d(gw.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


# --- the average of each window ---------------------------------------------------------------------------------------
def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Average each window of a row: :func:`avg_pool2d` with one spatial axis.

    Parameters
    ----------
    input : (N, C, L) or (C, L)

    Examples
    --------
    >>> import gradwright as gw
    >>> avg_pool1d(gw.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average each window.

    Equation: y[n, c, p] = Σ_k x[n, c, p·stride + k - padding] / count, where p and k are pairs and x is 0 outside.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    kernel_size : int or a pair
    stride : int or a pair, optional
        The kernel's size unless given.
    padding : int or a pair
        At most half of the kernel's size.
    ceil_mode : bool
        Whether windows that hang over the end count; none starts outside the input and the padding before it.
    count_include_pad : bool
        Whether the count includes the padding; what hangs over beyond the padding never counts.
    divisor_override : int, optional
        Divide by this instead.

    Returns
    -------
    (N, C, H', W') or (C, H', W')
        The sizes are those of :func:`max_pool2d`.

    Raises
    ------
    ShapeError
        When the shape is wrong, or no window fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> avg_pool2d(gw.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 3.0, 7.0, 1.0]]]), 2)
    tensor([[[3.0000, 2.5000]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@in_float32
def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average each window of a volume: :func:`avg_pool2d` with three spatial axes.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)

    Examples
    --------
    >>> import gradwright as gw
    >>> avg_pool3d(gw.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


# --- the norm of each window ------------------------------------------------------------------------------------------
def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window of a row; see :func:`lp_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> lp_pool1d(gw.tensor([[3.0, 4.0, 6.0, 8.0]]), 2, 2)
    tensor([[ 5., 10.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window; with p = 1 that is its sum, with p → ∞ its maximum.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    norm_type : float
        p. There is no absolute value in the sum, as there is none in PyTorch.
    kernel_size, stride, ceil_mode
        As in :func:`avg_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> lp_pool2d(gw.ones(1, 4, 4), 2, 2)
    tensor([[[2., 2.],
             [2., 2.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window of a volume; see :func:`lp_pool2d`.

    Examples
    --------
    >>> import gradwright as gw
    >>> lp_pool3d(gw.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.]]]])
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


# --- what they share --------------------------------------------------------------------------------------------------
def _pool_window(
    name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Window:
    """Read the arguments; in ``ceil_mode`` the padding after grows to what the windows need."""
    kernel = as_sizes(name, "kernel_size", kernel_size, n)
    strides = kernel if stride is None or stride in ((), []) else as_sizes(name, "stride", stride, n)
    pads = as_sizes(name, "padding", padding, n, least=0)
    dilations = as_sizes(name, "dilation", dilation, n)
    spans = tuple(d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True))
    if any(2 * p > span for p, span in zip(pads, spans, strict=True)):
        raise ConfigError(f"{name}: padding must be at most half of what the kernel spans, {spans}; got {padding!r}")
    window = Window(kernel, strides, tuple((p, p) for p in pads), dilations)
    if not ceil_mode:
        _check_fits(name, input, n, window)
        return window
    grown = []
    for size, s, p, span in zip(input.shape[-n:], strides, pads, spans, strict=True):
        count = -((span - size - 2 * p) // s) + 1
        if (count - 1) * s >= size + p:  # it would see padding only
            count -= 1
        grown.append((p, max(p, (count - 1) * s + span - size - p)))
    window = window._replace(padding=tuple(grown))
    _check_fits(name, input, n, window)
    return window


def _check_fits(name: str, input: Tensor, n: int, window: Window) -> None:
    if input.ndim not in (n + 1, n + 2):
        raise ShapeError(f"{name}: expected an input of {n + 2} axes, or {n + 1} without a batch; got {input.shape}")
    if min(window.counts(input.shape[-n:])) < 1:
        raise ShapeError(
            f"{name}: a window of {window.kernel} with dilation {window.dilation} does not fit into the input "
            f"{input.shape} with padding {tuple(p for p, _ in window.padding)}"
        )


def _max_pool(
    name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Any:  # fmt: skip
    window = _pool_window(name, n, input, kernel_size, stride, padding, dilation, ceil_mode)
    places = np.arange(math.prod(input.shape[-n:])).reshape(input.shape[-n:])
    return batched(name, input, n, lambda x: largest(x, window, places, return_indices))


def largest(x: Tensor, window: Window, places: np.ndarray, return_indices: bool) -> Any:
    """Return the largest number of each window, and if asked for its place."""
    ans = pooling.max_pool(x, window=window)
    if not return_indices:
        return ans
    positions = pooling.max_pool_positions(x, window=window)
    everywhere = expand(Tensor(places), shape=(*x.shape[:2], *places.shape))
    return ans, pooling.pick_from_windows(everywhere, positions, window=window)


def _avg_pool(
    name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    if divisor_override == 0:
        raise ConfigError(f"{name}: divisor_override must not be 0")
    window = _pool_window(name, n, input, kernel_size, stride, padding, 1, ceil_mode)
    counts: Any = divisor_override
    if divisor_override is None:
        counts = np.ones(())
        pads = as_sizes(name, "padding", padding, n, least=0)
        for size, k, s, p, m in zip(
            input.shape[-n:], window.kernel, window.stride, pads, window.counts(input.shape[-n:]), strict=True
        ):
            start = np.arange(m) * s - p
            end = np.minimum(start + k, size + p)
            inside = np.minimum(end, size) - np.maximum(start, 0)
            counts = counts[..., None] * (end - start if count_include_pad else inside)
        counts = float(counts.flat[0]) if (counts == counts.flat[0]).all() else counts.astype(input.dtype)
    return batched(name, input, n, lambda x: pooling.sum_pool(x, window=window) / counts)


def _lp_pool(
    name: str, n: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    if norm_type == 0:
        raise ConfigError(f"{name}: norm_type must not be 0")
    if norm_type in (math.inf, -math.inf):  # the largest, or the smallest, number's size
        sign = 1.0 if norm_type > 0 else -1.0
        most: Tensor = _max_pool(name, n, input.abs() * sign, kernel_size, stride, 0, 1, ceil_mode, False)
        return most * sign
    places = math.prod(as_sizes(name, "kernel_size", kernel_size, n))
    mean = _avg_pool(name, n, input**norm_type, kernel_size, stride, 0, ceil_mode, True, None)
    return (mean * float(places)) ** (1.0 / norm_type)
