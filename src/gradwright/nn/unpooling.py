"""Max pooling taken back as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.functional.spatial import as_sizes
from gradwright.nn.module import Module

__all__ = ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]


class _MaxUnpool(Module):
    """Put the numbers of a max pool back to the places where it found them, with 0 everywhere else.

    Equation: y[n, c, i[n, c, p]] = x[n, c, p], i being the indices that the pool returned.

    Parameters
    ----------
    kernel_size : int ≥ 1, or one for each spatial axis
    stride : int ≥ 1, or one for each spatial axis, optional
        The kernel's size unless given.
    padding : int ≥ 0, or one for each spatial axis
        All three are those of the pool.

    Raises
    ------
    ShapeError, IndexOutOfRangeError
        At the call, when shapes, sizes or indices do not fit.

    References
    ----------
    M. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks* (ECCV 2014), section 2.1.
    """

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self.axes
        self.kernel_size = as_sizes(name, "kernel_size", kernel_size, n)
        self.stride = self.kernel_size if stride is None else as_sizes(name, "stride", stride, n)
        self.padding = as_sizes(name, "padding", padding, n, least=0)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the numbers at their places.

        Parameters
        ----------
        input, indices : (N, C, …) or (C, …)
        output_size : sequence of int, optional
            The sizes of the spatial axes, or the whole shape, where several are pooled to the same.
        """
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Max unpooling with one spatial axis: (N, C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> pooled, indices = nn.MaxPool1d(2, return_indices=True)(gw.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[0., 3., 2., 0.]])
    """

    axes = 1
    function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Max unpooling of images: (N, C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> x = gw.randn(1, 2, 5, 6)
    >>> pooled, indices = nn.MaxPool2d(2, return_indices=True)(x)
    >>> nn.MaxUnpool2d(2)(pooled, indices, output_size=x.shape).shape
    (1, 2, 5, 6)
    """

    axes = 2
    function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Max unpooling of volumes: (N, C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MaxUnpool3d(2)(gw.ones(1, 1, 1, 1), gw.zeros(1, 1, 1, 1).long()).shape
    (1, 2, 2, 2)
    """

    axes = 3
    function = staticmethod(F.max_unpool3d)
