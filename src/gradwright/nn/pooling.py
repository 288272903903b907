"""Pooling over windows as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = [
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
]  # fmt: skip


class _MaxPool(Module):
    """Return the largest number of each window; the first largest gets all of the gradient.

    Equation: y[n, c, p] = max_k x[n, c, p·stride + k·dilation - padding], x being -inf outside.

    Parameters
    ----------
    kernel_size : int ≥ 1, or one for each spatial axis
    stride : int ≥ 1, or one for each spatial axis, optional
        The kernel's size unless given.
    padding : int ≥ 0, or one for each spatial axis
        At most half of what the kernel spans.
    dilation : int ≥ 1, or one for each spatial axis
    return_indices : bool
        Also return where each number was found, as an index into the flattened spatial axes.
    ceil_mode : bool
        Whether windows that hang over the end count.

    Shapes
    ------
    (N, C, …) or (C, …) to (N, C, …) with L' = ⌊(L + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1 along each
    spatial axis, ⌈⌉ in ``ceil_mode``.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when an argument makes no sense or no window fits into the input.
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """Return the largest numbers, or them and their places."""
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """Max pooling with one spatial axis: (N, C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MaxPool1d(2)(gw.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """Max pooling of images: (N, C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> y, places = nn.MaxPool2d(2, return_indices=True)(gw.tensor([[[1.0, 5.0], [3.0, 4.0]]]))
    >>> y.tolist(), places.tolist()
    ([[[5.0]]], [[[1]]])
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """Max pooling of volumes: (N, C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MaxPool3d(3, stride=2, padding=1)(gw.randn(1, 2, 4, 5, 6)).shape
    (1, 2, 2, 3, 3)
    """

    function = staticmethod(F.max_pool3d)


class _AvgPool(Module):
    """Average each window.

    Equation: y[n, c, p] = Σ_k x[n, c, p·stride + k - padding] / count, x being 0 outside.

    Parameters
    ----------
    kernel_size : int ≥ 1, or one for each spatial axis
    stride : int ≥ 1, or one for each spatial axis, optional
        The kernel's size unless given.
    padding : int ≥ 0, or one for each spatial axis
        At most half of the kernel's size.
    ceil_mode : bool
        Whether windows that hang over the end count.
    count_include_pad : bool
        Whether the count includes the padding.
    divisor_override : int, not 0, optional
        Divide by this instead of the count (not in one dimension).

    Shapes
    ------
    (N, C, …) or (C, …) to (N, C, …) with L' = ⌊(L + 2·padding - K) / stride⌋ + 1 along each spatial axis, ⌈⌉ in
    ``ceil_mode``.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when an argument makes no sense or no window fits into the input.
    """

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the averages."""
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the arguments that PyTorch prints."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """Average pooling with one spatial axis: (N, C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AvgPool1d(2)(gw.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)

    def forward(self, input: Tensor) -> Tensor:
        """Return the averages."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        """Return the arguments that PyTorch prints: tuples in one dimension."""
        return ", ".join(
            f"{k}={tuple(v) if isinstance(v, tuple | list) else (v,)}"
            for k, v in (("kernel_size", self.kernel_size), ("stride", self.stride), ("padding", self.padding))
        )


class AvgPool2d(_AvgPool):
    """Average pooling of images: (N, C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AvgPool2d(2)(gw.tensor([[[1.0, 5.0], [3.0, 3.0]]]))
    tensor([[[3.]]])
    """

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Average pooling of volumes: (N, C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.AvgPool3d((1, 2, 2))(gw.randn(1, 2, 3, 4, 6)).shape
    (1, 2, 3, 2, 3)
    """

    function = staticmethod(F.avg_pool3d)


class _LPPool(Module):
    """Return (Σ xᵖ)^(1/p) of each window: its sum for p = 1, toward its maximum for large p.

    Parameters
    ----------
    norm_type : float, not 0
        p. There is no absolute value in the sum, as there is none in PyTorch: an odd p wants an input that is not
        negative.
    kernel_size : int ≥ 1, or one for each spatial axis
    stride : int ≥ 1, or one for each spatial axis, optional
        The kernel's size unless given.
    ceil_mode : bool
        Whether windows that hang over the end count.

    References
    ----------
    P. Sermanet, S. Chintala and Y. LeCun, *Convolutional neural networks applied to house numbers digit
    classification* (ICPR 2012), section 2.
    """

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Return the norms."""
        return type(self).function(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """Norm pooling with one spatial axis: (N, C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LPPool1d(2, 2)(gw.tensor([[3.0, 4.0, 6.0, 8.0]]))
    tensor([[ 5., 10.]])
    """

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """Norm pooling of images: (N, C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LPPool2d(2, 2)(gw.ones(1, 2, 2))
    tensor([[[2.]]])
    """

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """Norm pooling of volumes: (N, C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LPPool3d(3, 2)(gw.ones(1, 2, 2, 2))
    tensor([[[[2.]]]])
    """

    function = staticmethod(F.lp_pool3d)
