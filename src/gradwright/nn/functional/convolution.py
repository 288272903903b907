"""Convolutions and transposed convolutions in one, two and three dimensions, and windows as columns, as functions."""

from __future__ import annotations

import math
from typing import Any

from gradwright.engine.ops import unfolding
from gradwright.engine.ops.convolution import Steps, add_channels, convolution, convolution_input
from gradwright.engine.ops.windows import Window
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.checks import one_dtype
from gradwright.nn.functional.spatial import as_sizes, batched

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "fold", "unfold"]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlate each row of numbers with kernels: :func:`conv2d` with one spatial axis.

    Parameters
    ----------
    input : (N, C, L) or (C, L)
    weight : (O, C / groups, K)
    bias : (O,), optional

    Returns
    -------
    (N, O, L') or (O, L')
        L' = ⌊(L + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1.

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or no kernel fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv1d(gw.tensor([[1.0, 2.0, 4.0]]), gw.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlate images with kernels.

    Equation: y[n, o, p] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, p·stride + k·dilation - padding], where p and k are
    pairs, x is 0 outside, and c runs over the channels of o's group.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    weight : (O, C / groups, K, L)
    bias : (O,), optional
    stride, dilation : int or a pair
    padding : int, a pair, ``"valid"`` or ``"same"``
        Zeros on either side; ``"same"`` keeps the size and needs a stride of 1. An odd number of zeros puts the odd
        one after.
    groups : int
        The channels and the kernels are divided into so many groups; each kernel sees its group's channels only.

    Returns
    -------
    (N, O, H', W') or (O, H', W')
        H' = ⌊(H + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1, and W' alike.

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or no kernel fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv2d(gw.ones(1, 1, 3, 3), gw.ones(1, 1, 3, 3), padding="same")[0, 0]
    tensor([[4., 6., 4.],
            [6., 9., 6.],
            [4., 6., 4.]])

    References
    ----------
    V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning* (arXiv:1603.07285, 2016).
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlate volumes with kernels: :func:`conv2d` with three spatial axes.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)
    weight : (O, C / groups, K, L, M)
    bias : (O,), optional

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or no kernel fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv3d(gw.ones(1, 2, 4, 4, 4), gw.ones(3, 2, 2, 2, 2)).shape
    (1, 3, 3, 3, 3)
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Spread each number of a row out by kernels: :func:`conv_transpose2d` with one spatial axis.

    Parameters
    ----------
    input : (N, C, L) or (C, L)
    weight : (C, O / groups, K)
    bias : (O,), optional

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or nothing would be left.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv_transpose1d(gw.tensor([[1.0, 2.0]]), gw.tensor([[[1.0, 1.0]]]), stride=2)
    tensor([[1., 1., 2., 2.]])
    """
    return _conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Spread each pixel out by kernels: the transpose of :func:`conv2d` with the same weight, as a linear map.

    Equation: y[n, o, q] = b[o] + Σ_c Σ_k Σ_p w[c, o, k] · x[n, c, p], over p and k with
    p·stride + k·dilation - padding = q.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    weight : (C, O / groups, K, L)
    bias : (O,), optional
    stride, dilation : int or a pair
    padding : int or a pair
        What :func:`conv2d` would have added on either side is left out here.
    output_padding : int or a pair
        So many more rows and columns at the end; a stride hides from which size a convolution came.
    groups : int
        As in :func:`conv2d`.

    Returns
    -------
    (N, O, H', W') or (O, H', W')
        H' = (H - 1)·stride - 2·padding + dilation·(K - 1) + output_padding + 1, and W' alike.

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or nothing would be left.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv_transpose2d(gw.tensor([[[1.0, 2.0]]]), gw.ones(1, 1, 1, 2))
    tensor([[[1., 3., 2.]]])

    References
    ----------
    V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning* (arXiv:1603.07285, 2016), chapter 4.
    """
    return _conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Spread each voxel out by kernels: :func:`conv_transpose2d` with three spatial axes.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)
    weight : (C, O / groups, K, L, M)
    bias : (O,), optional

    Raises
    ------
    ShapeError
        When the shapes do not fit together, or nothing would be left.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> conv_transpose3d(gw.ones(1, 2, 3, 3, 3), gw.ones(2, 1, 2, 2, 2), stride=2).shape
    (1, 1, 6, 6, 6)
    """
    return _conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


# --- windows as columns -----------------------------------------------------------------------------------------------
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Lay the windows of images side by side as columns.

    Equation: y[n, c·K + k, l] = x[n, c, p_l·stride + k·dilation - padding], where window l starts at p_l, and K is the
    number of places in a window; x is 0 outside.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    kernel_size, dilation, padding, stride : int or a pair

    Returns
    -------
    (N, C·K, L) or (C·K, L)

    Raises
    ------
    ShapeError
        When the shape is wrong, or no window fits into the input.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> unfold(gw.tensor([[[1.0, 2.0, 3.0]]]), (1, 2))
    tensor([[1., 2.],
            [2., 3.]])
    """
    window = _columns_window("unfold", kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or min(window.counts(input.shape[-2:])) < 1:
        raise ShapeError(
            f"unfold: expected an input (N, C, H, W) or (C, H, W) with room for a window of {window.kernel} with "
            f"dilation {window.dilation} and padding {padding!r}; got {input.shape}"
        )
    return batched("unfold", input, 2, lambda x: unfolding.unfold(x, window=window))


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Add columns up to images: the transpose of :func:`unfold`.

    Parameters
    ----------
    input : (N, C·K, L) or (C·K, L)
    output_size : int or a pair
        H and W.
    kernel_size, dilation, padding, stride : int or a pair
        As in :func:`unfold`.

    Returns
    -------
    (N, C, H, W) or (C, H, W)

    Raises
    ------
    ShapeError
        When the columns are not those of windows of such images.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> fold(gw.tensor([[1.0, 2.0], [2.0, 3.0]]), (1, 3), (1, 2))
    tensor([[[1., 4., 3.]]])
    """
    window = _columns_window("fold", kernel_size, dilation, padding, stride)
    sizes = as_sizes("fold", "output_size", output_size, 2)
    counts = window.counts(sizes)
    if (
        input.ndim not in (2, 3)
        or min(counts) < 1
        or input.shape[-2] % window.places
        or input.shape[-1] != math.prod(counts)
    ):
        raise ShapeError(
            f"fold: an image of {sizes} has {' × '.join(map(str, counts))} windows of {window.places} places, so the "
            f"input must be (N, C·{window.places}, {math.prod(counts)}) or without N; got {input.shape}"
        )
    return batched("fold", input, 1, lambda y: unfolding.fold(y, sizes=sizes, window=window))


# --- what they share --------------------------------------------------------------------------------------------------
def _conv(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> Tensor:  # fmt: skip
    _check_weight(name, n, input, weight)
    if groups < 1 or input.shape[-n - 1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ShapeError(
            f"{name}: the weight {weight.shape} in {groups} group(s) takes {weight.shape[1] * groups} channels and "
            f"gives a multiple of {groups}; the input {input.shape} has {input.shape[-n - 1]} channels"
        )
    _check_bias(name, weight.shape[0], weight, bias)
    strides = as_sizes(name, "stride", stride, n)
    dilations = as_sizes(name, "dilation", dilation, n)
    kernel = weight.shape[2:]
    if padding == "same":
        if max(strides) > 1:
            raise ConfigError(f'{name}: padding="same" needs a stride of 1, got {stride!r}')
        spans = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        pads = tuple((span // 2, span - span // 2) for span in spans)
    else:
        pads = tuple((p, p) for p in as_sizes(name, "padding", 0 if padding == "valid" else padding, n, least=0))
    steps = Steps(strides, pads, dilations, groups)
    if min(steps.window(kernel).counts(input.shape[-n:])) < 1:
        raise ShapeError(
            f"{name}: the kernel of the weight {weight.shape} with dilation {dilations} does not fit into the input "
            f"{input.shape} with padding {padding!r}"
        )
    return batched(name, input, n, lambda x: _with_bias(convolution(x, weight, steps=steps), bias))


def _conv_transpose(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    output_padding: Any, groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    _check_weight(name, n, input, weight)
    if groups < 1 or input.shape[-n - 1] != weight.shape[0] or weight.shape[0] % groups:
        raise ShapeError(
            f"{name}: the weight {weight.shape} in {groups} group(s) takes {weight.shape[0]} channels, a multiple of "
            f"{groups}; the input {input.shape} has {input.shape[-n - 1]}"
        )
    _check_bias(name, weight.shape[1] * groups, weight, bias)
    strides = as_sizes(name, "stride", stride, n)
    dilations = as_sizes(name, "dilation", dilation, n)
    pads = as_sizes(name, "padding", padding, n, least=0)
    extras = as_sizes(name, "output_padding", output_padding, n, least=0)
    if any(e >= max(s, d) for e, s, d in zip(extras, strides, dilations, strict=True)):
        raise ConfigError(
            f"{name}: output_padding must be smaller than stride or dilation; got {output_padding!r}, stride "
            f"{stride!r}, dilation {dilation!r}"
        )
    sizes = tuple(
        (m - 1) * s - 2 * p + d * (k - 1) + e + 1
        for m, k, s, p, d, e in zip(input.shape[-n:], weight.shape[2:], strides, pads, dilations, extras, strict=True)
    )
    if min(sizes) < 1:
        raise ShapeError(
            f"{name}: nothing would be left of the input {input.shape} and the weight {weight.shape} with padding "
            f"{padding!r}: the sizes would be {sizes}"
        )
    # the row or column that output_padding adds is one that the convolution does not reach: padding after is shorter
    steps = Steps(strides, tuple((p, p - e) for p, e in zip(pads, extras, strict=True)), dilations, groups)
    return batched(name, input, n, lambda x: _with_bias(convolution_input(x, weight, sizes=sizes, steps=steps), bias))


def _with_bias(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else add_channels(y, bias)


def _check_weight(name: str, n: int, input: Tensor, weight: Tensor) -> None:
    if weight.ndim != n + 2:
        raise ShapeError(f"{name}: expected a weight of {n + 2} axes, got {weight.shape} for the input {input.shape}")
    if input.ndim not in (n + 1, n + 2):
        raise ShapeError(f"{name}: expected an input of {n + 2} axes, or {n + 1} without a batch; got {input.shape}")
    one_dtype(name, input, weight)


def _check_bias(name: str, channels: int, weight: Tensor, bias: Tensor | None) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ShapeError(f"{name}: the weight {weight.shape} gives {channels} channels, but the bias is {bias.shape}")


def _columns_window(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    return Window(
        as_sizes(name, "kernel_size", kernel_size, 2),
        as_sizes(name, "stride", stride, 2),
        tuple((p, p) for p in as_sizes(name, "padding", padding, 2, least=0)),
        as_sizes(name, "dilation", dilation, 2),
    )
