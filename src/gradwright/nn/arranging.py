"""Layers that only put elements elsewhere, and resampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = [
    "ChannelShuffle", "Fold", "Permute", "PixelShuffle", "PixelUnshuffle", "Unflatten", "Unfold", "Upsample",
    "UpsamplingBilinear2d", "UpsamplingNearest2d",
]  # fmt: skip


class Permute(Module):
    """Put the axes in another order, as torchvision's layer of this name does.

    Parameters
    ----------
    dims : sequence of int
        For each axis of the output, which axis of the input it is.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Permute((0, 3, 1, 2))(gw.zeros(2, 28, 32, 3)).shape      # channels last to channels first
    (2, 3, 28, 32)
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with its axes in the new order."""
        return input.permute(*self.dims)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dims={self.dims}"


class Unflatten(Module):
    """Make several axes of one: the reverse of :class:`Flatten`.

    Parameters
    ----------
    dim : int
        The axis.
    unflattened_size : sequence of int
        The lengths of the axes that take its place; one of them may be -1, which is then found.

    Raises
    ------
    ShapeError
        At the call, when the lengths do not multiply to the axis's.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Unflatten(1, (1, 28, 28))(gw.zeros(2, 784)).shape
    (2, 1, 28, 28)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the axis unfolded."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Unfold(Module):
    """Lay the windows of images side by side as columns: (N, C, H, W) to (N, C·K, L), K places in each of L windows.

    Parameters
    ----------
    kernel_size : int ≥ 1, or a pair
    dilation : int ≥ 1, or a pair
    padding : int ≥ 0, or a pair
        Zeros on either side.
    stride : int ≥ 1, or a pair

    Raises
    ------
    ConfigError, ShapeError
        At the call, when an argument makes no sense or no window fits into the input.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Unfold((1, 2))(gw.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[1., 2.],
            [2., 3.]])
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the columns."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Add columns up to images: the transpose of :class:`Unfold`, (N, C·K, L) to (N, C, H, W).

    Parameters
    ----------
    output_size : int ≥ 1, or a pair
        H and W.
    kernel_size, dilation, padding, stride
        As in :class:`Unfold`.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when an argument makes no sense or the columns are not those of such windows.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Fold((1, 3), (1, 2))(gw.tensor([[1.0, 2.0], [2.0, 3.0]]))
    tensor([[[1., 4., 3.]]])
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the images."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class PixelShuffle(Module):
    """Lay r² channels out as r × r pixels: (…, C r², H, W) to (…, C, H r, W r).

    Parameters
    ----------
    upscale_factor : int ≥ 1
        r.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PixelShuffle(2)(gw.arange(4.0).reshape(4, 1, 1))
    tensor([[[0., 1.],
             [2., 3.]]])

    References
    ----------
    W. Shi et al., *Real-time single image and video super-resolution* (CVPR 2016), equation 4.
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the larger images."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Take r × r pixels apart into channels: (…, C, H r, W r) to (…, C r², H, W).

    Parameters
    ----------
    downscale_factor : int ≥ 1
        r.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PixelUnshuffle(2)(gw.arange(4.0).reshape(1, 2, 2)).ravel()
    tensor([0., 1., 2., 3.])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the smaller images."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Deal the channels of (N, C, d1, …) from ``groups`` piles in turn.

    Parameters
    ----------
    groups : int ≥ 1
        How many piles; C is a multiple.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ChannelShuffle(2)(gw.arange(4.0).reshape(1, 4, 1)).ravel()
    tensor([0., 2., 1., 3.])

    References
    ----------
    X. Zhang et al., *ShuffleNet* (CVPR 2018), section 3.1.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Return the channels in another order."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"groups={self.groups}"


class Upsample(Module):
    """Resample the spatial axes to another size.

    Parameters
    ----------
    size : int ≥ 1, or one for each spatial axis, optional
        The new size; give this or ``scale_factor``.
    scale_factor : float > 0, or one for each spatial axis, optional
        new = ⌊old · scale⌋.
    mode : {"nearest", "linear", "bilinear", "bicubic", "trilinear"}
        ``linear`` takes (N, C, L), ``bilinear`` and ``bicubic`` (N, C, H, W), ``trilinear`` (N, C, D, H, W).
    align_corners : bool, optional
        Whether the first and last numbers keep their places; not for ``nearest``.
    recompute_scale_factor : bool, optional
        Whether the sources follow from the sizes rather than from ``scale_factor``.

    Raises
    ------
    ConfigError, ShapeError
        At the call, when the arguments or the input's axes do not fit the mode.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Upsample(scale_factor=2, mode="linear", align_corners=False)(gw.tensor([[[0.0, 1.0]]]))
    tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor: Any = scale_factor
        if scale_factor is not None:
            many = isinstance(scale_factor, tuple | list)
            self.scale_factor = tuple(float(s) for s in scale_factor) if many else float(scale_factor)  # type: ignore
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the resampled input, (N, C, …)."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """Return the size or the factor, and the mode."""
        given = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` of images, each pixel repeated.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.UpsamplingNearest2d(scale_factor=2)(gw.randn(1, 3, 4, 5)).shape
    (1, 3, 8, 10)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` of images, bilinear with aligned corners.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.UpsamplingBilinear2d(size=(1, 3))(gw.tensor([[[[0.0, 1.0]]]]))
    tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
