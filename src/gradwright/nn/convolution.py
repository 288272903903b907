"""Convolutions and their transposes as layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from gradwright.engine.creation import zeros
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.functional.spatial import as_sizes
from gradwright.nn.module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class _ConvNd(Module):
    """What convolutions and transposed convolutions share: arguments, initial weights, printing."""

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Tensor]]

    def _hold(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
        groups: int, bias: bool, padding_mode: str, *, transposed: bool,
    ) -> None:  # fmt: skip
        """Keep the arguments, sizes as tuples with one number for each axis, and make the parameters."""
        name, n = type(self).__name__, self.axes
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ConfigError(
                f"{name}: in_channels {in_channels} and out_channels {out_channels} must be multiples of groups "
                f"{groups}"
            )
        if padding_mode not in _MODES:
            raise ConfigError(f"{name}: padding_mode is one of {', '.join(_MODES)}; got {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = as_sizes(name, "kernel_size", kernel_size, n)
        self.stride = as_sizes(name, "stride", stride, n)
        self.padding: Any = padding if isinstance(padding, str) else as_sizes(name, "padding", padding, n, least=0)
        self.dilation = as_sizes(name, "dilation", dilation, n)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = Parameter(zeros(first, second // groups, *self.kernel_size))
        self.register_parameter("bias", Parameter(zeros(out_channels)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias from U(±1/sqrt(fan_in)), fan_in being the weight's second axis times its places."""
        fan_in = self.weight.shape[1] * math.prod(self.kernel_size)
        bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        """Return the arguments that are not the usual ones."""
        n = self.axes
        usual = {"padding": (0,) * n, "dilation": (1,) * n, "output_padding": (0,) * n, "groups": 1}
        shown = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        shown += [f"{k}={getattr(self, k)}" for k, v in usual.items() if getattr(self, k, v) != v]
        if self.bias is None:
            shown.append("bias=False")
        if self.padding_mode != "zeros":
            shown.append(f"padding_mode={self.padding_mode}")
        return ", ".join(shown)


class _Convolution(_ConvNd):
    r"""Correlate the input with learnt kernels.

    Equation: y[n, o, p] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, p·stride + k·dilation - padding], where p and k have
    one number for each spatial axis and c runs over the channels of o's group.

    Parameters
    ----------
    in_channels, out_channels : int ≥ 1
        C and O, multiples of ``groups``.
    kernel_size : int ≥ 1, or one for each spatial axis
    stride, dilation : int ≥ 1, or one for each spatial axis
    padding : int ≥ 0, one for each spatial axis, ``"valid"`` (none) or ``"same"`` (the size is kept; stride 1 only)
        How much is added on either side.
    groups : int ≥ 1
        Into how many parts channels and kernels are divided; each part is convolved by itself.
    bias : bool
        Whether b is there.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What is added: see :func:`gradwright.nn.functional.pad`.

    Attributes
    ----------
    weight : (O, C / groups, *kernel_size)
        Initially uniform in ±1/sqrt(C / groups · places of the kernel), as in PyTorch.
    bias : (O,)
        Initially the same.

    Shapes
    ------
    (N, C, L), (N, C, H, W) or (N, C, D, H, W), or without N, to (N, O, …) with
    L' = ⌊(L + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1 along each spatial axis.

    Raises
    ------
    ConfigError
        When an argument makes no sense.
    ShapeError
        When the input has other channels, or no kernel fits into it.

    References
    ----------
    Y. LeCun et al., *Gradient-based learning applied to document recognition* (Proceedings of the IEEE 86, 1998),
    section II; V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning* (arXiv:1603.07285).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if isinstance(padding, str):
            if padding not in ("valid", "same"):
                raise ConfigError(f"{name}: padding is numbers, 'valid' or 'same'; got {padding!r}")
            if padding == "same" and max(as_sizes(name, "stride", stride, self.axes)) > 1:
                raise ConfigError(f"{name}: padding='same' needs a stride of 1, got {stride!r}")
        self._hold(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            transposed=False,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolved input."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._edges(), mode=_MODES[self.padding_mode])
            padding = 0
        return type(self).function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _edges(self) -> list[int]:
        """Return how much is added, (before, after) of the last axis first, as ``pad`` wants it."""
        spans = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        if self.padding == "valid":
            pairs = [(0, 0) for _ in spans]
        elif self.padding == "same":
            pairs = [(span // 2, span - span // 2) for span in spans]
        else:
            pairs = [(p, p) for p in self.padding]
        return [amount for pair in reversed(pairs) for amount in pair]


class Conv1d(_Convolution):
    """A convolution with one spatial axis: (N, C, L) to (N, O, L').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Conv1d(3, 8, 5, stride=2)(gw.randn(2, 3, 21)).shape
    (2, 8, 9)
    """

    axes = 1
    function = staticmethod(F.conv1d)


class Conv2d(_Convolution):
    """A convolution of images: (N, C, H, W) to (N, O, H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Conv2d(1, 6, 5, padding="same")(gw.randn(2, 1, 28, 28)).shape
    (2, 6, 28, 28)
    >>> nn.Conv2d(4, 8, (3, 5), padding=(1, 2), groups=2)
    Conv2d(4, 8, kernel_size=(3, 5), stride=(1, 1), padding=(1, 2), groups=2)
    """

    axes = 2
    function = staticmethod(F.conv2d)


class Conv3d(_Convolution):
    """A convolution of volumes: (N, C, D, H, W) to (N, O, D', H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Conv3d(1, 2, 3)(gw.randn(1, 1, 5, 6, 7)).shape
    (1, 2, 3, 4, 5)
    """

    axes = 3
    function = staticmethod(F.conv3d)


class _TransposedConvolution(_ConvNd):
    """Spread each number of the input out by learnt kernels: the transpose of a convolution as a linear map.

    Equation: y[n, o, q] = b[o] + Σ_c Σ_k Σ_p w[c, o, k] · x[n, c, p], over p and k with
    p·stride + k·dilation - padding = q.

    Parameters
    ----------
    in_channels, out_channels : int ≥ 1
        C and O, multiples of ``groups``.
    kernel_size : int ≥ 1, or one for each spatial axis
    stride, dilation : int ≥ 1, or one for each spatial axis
    padding : int ≥ 0, or one for each spatial axis
        How much is left out on either side.
    output_padding : int ≥ 0, or one for each spatial axis, below stride or dilation
        How much is added at the end: a stride hides from which of several sizes a convolution came.
    groups : int ≥ 1
        As in a convolution.
    bias : bool
        Whether b is there.
    padding_mode : "zeros"
        PyTorch has no other here.

    Attributes
    ----------
    weight : (C, O / groups, *kernel_size)
        Initially uniform in ±1/sqrt(O / groups · places of the kernel), as in PyTorch.
    bias : (O,)
        Initially the same.

    Shapes
    ------
    (N, C, L), (N, C, H, W) or (N, C, D, H, W), or without N, to (N, O, …) with
    L' = (L - 1)·stride - 2·padding + dilation·(K - 1) + output_padding + 1 along each spatial axis.

    Raises
    ------
    ConfigError
        When an argument makes no sense.
    ShapeError
        When the input has other channels, nothing would be left, or ``output_size`` cannot come from this input.

    References
    ----------
    M. Zeiler et al., *Deconvolutional networks* (CVPR 2010); V. Dumoulin and F. Visin (arXiv:1603.07285), chapter 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ConfigError(f"{name}: padding_mode must be 'zeros', got {padding_mode!r}")
        if isinstance(padding, str):
            raise ConfigError(f"{name}: padding is numbers, got {padding!r}")
        self.output_padding = as_sizes(name, "output_padding", output_padding, self.axes, least=0)
        self._hold(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            transposed=True,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the spread-out input.

        Parameters
        ----------
        input : (N, C, …) or (C, …)
        output_size : sequence of int, optional
            The sizes of the output's spatial axes (or its whole shape), instead of ``output_padding``: each up to
            stride - 1 above the smallest that is possible.
        """
        extra = self.output_padding if output_size is None else self._extra(input, tuple(output_size))
        return type(self).function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output padding that leads to the wanted sizes."""
        name, n = type(self).__name__, self.axes
        if input.ndim not in (n + 1, n + 2) or len(wanted) not in (n, input.ndim):
            raise ShapeError(
                f"{name}: output_size has {n} numbers, or one for each axis of the input {input.shape}; got {wanted}"
            )
        sizes = wanted[len(wanted) - n :]
        axes = zip(input.shape[-n:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = tuple((length - 1) * s - 2 * p + d * (k - 1) + 1 for length, s, p, d, k in axes)
        if any(not a <= b < a + s for a, b, s in zip(least, sizes, self.stride, strict=True)):
            most = tuple(a + s - 1 for a, s in zip(least, self.stride, strict=True))
            raise ShapeError(f"{name}: from {input.shape} come sizes from {least} to {most}, not {sizes}")
        return tuple(b - a for a, b in zip(least, sizes, strict=True))


class ConvTranspose1d(_TransposedConvolution):
    """A transposed convolution with one spatial axis: (N, C, L) to (N, O, L').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> up = nn.ConvTranspose1d(3, 2, 3, stride=2)
    >>> up(gw.randn(1, 3, 5)).shape, up(gw.randn(1, 3, 5), output_size=[12]).shape
    ((1, 2, 11), (1, 2, 12))
    """

    axes = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_TransposedConvolution):
    """A transposed convolution of images: (N, C, H, W) to (N, O, H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1)(gw.randn(1, 3, 8, 8)).shape
    (1, 2, 16, 16)
    """

    axes = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_TransposedConvolution):
    """A transposed convolution of volumes: (N, C, D, H, W) to (N, O, D', H', W').

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ConvTranspose3d(1, 2, 2, stride=2)(gw.randn(1, 1, 2, 3, 4)).shape
    (1, 2, 4, 6, 8)
    """

    axes = 3
    function = staticmethod(F.conv_transpose3d)
