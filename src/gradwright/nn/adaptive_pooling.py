"""Pooling to a given size as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
]  # fmt: skip


class _AdaptiveAvgPool(Module):
    """Average as many windows as the output has places, whatever the input's size.

    Equation: y[n, c, i] = the mean of x[n, c, ⌊i·L/L'⌋ … ⌈(i + 1)·L/L'⌉ - 1], along each spatial axis.

    Parameters
    ----------
    output_size : int ≥ 1, or one for each spatial axis, of which None keeps its axis as it is
        L'. With 1 it is global average pooling.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when the sizes make no sense or the input has other axes.

    References
    ----------
    K. He et al., *Spatial pyramid pooling in deep convolutional networks for visual recognition* (ECCV 2014),
    section 2; for size 1, M. Lin, Q. Chen and S. Yan, *Network in network* (ICLR 2014), section 3.2.
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the averages, (N, C, *output_size) or (C, *output_size)."""
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Averages to a given length: (N, C, L) to (N, C, L').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveAvgPool1d(2)(gw.tensor([[1.0, 3.0, 2.0, 0.0, 4.0]]))
    tensor([[2., 2.]])
    """

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Averages to a given size: (N, C, H, W) to (N, C, H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveAvgPool2d((1, None))(gw.randn(2, 3, 7, 5)).shape
    (2, 3, 1, 5)
    """

    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Averages to a given size: (N, C, D, H, W) to (N, C, D', H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveAvgPool3d(1)(gw.randn(2, 3, 4, 5, 6)).shape
    (2, 3, 1, 1, 1)
    """

    function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Module):
    """Return the largest number of each of as many windows as the output has places.

    Equation: y[n, c, i] = max x[n, c, ⌊i·L/L'⌋ … ⌈(i + 1)·L/L'⌉ - 1], along each spatial axis.

    Parameters
    ----------
    output_size : int ≥ 1, or one for each spatial axis, of which None keeps its axis as it is
        L'.
    return_indices : bool
        Also return where each number was found, as an index into the flattened spatial axes.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when the sizes make no sense or the input has other axes.

    References
    ----------
    K. He et al., *Spatial pyramid pooling in deep convolutional networks for visual recognition* (ECCV 2014),
    section 2.
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """Return the largest numbers, or them and their places."""
        return type(self).function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima to a given length: (N, C, L) to (N, C, L').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveMaxPool1d(2)(gw.tensor([[1.0, 3.0, 2.0, 0.0, 4.0]]))
    tensor([[3., 4.]])
    """

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima to a given size: (N, C, H, W) to (N, C, H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveMaxPool2d((2, 3))(gw.randn(2, 3, 7, 5)).shape
    (2, 3, 2, 3)
    """

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima to a given size: (N, C, D, H, W) to (N, C, D', H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AdaptiveMaxPool3d((1, 2, None))(gw.randn(2, 3, 4, 5, 6)).shape
    (2, 3, 1, 2, 6)
    """

    function = staticmethod(F.adaptive_max_pool3d)
