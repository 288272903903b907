"""The softmax family as layers."""

from __future__ import annotations

from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class _AlongAxis(Module):
    """An activation along one axis.

    Parameters
    ----------
    dim : int, optional
        The axis. Left out, it is 0 for tensors of 0, 1 or 3 axes and 1 otherwise, with a warning, as in PyTorch.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dim={self.dim}"


class Softmax(_AlongAxis):
    """exp(x) / Σ exp(x) along ``dim``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softmax(dim=1)(gw.tensor([[1.0, 1.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        return F.softmax(input, self.dim)


class Softmin(_AlongAxis):
    """exp(-x) / Σ exp(-x) along ``dim``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softmin(dim=1)(gw.tensor([[0.0, 1000.0]]))
    tensor([[1., 0.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        return F.softmin(input, self.dim)


class LogSoftmax(_AlongAxis):
    """The logarithm of the softmax along ``dim``, as one operation.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LogSoftmax(dim=1)(gw.tensor([[0.0, 1000.0]]))
    tensor([[-1000.,     0.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return log-probabilities."""
        return F.log_softmax(input, self.dim)


class Softmax2d(Module):
    """The softmax over the channels at each place of images, (N, C, H, W) or (C, H, W).

    Raises
    ------
    ShapeError
        For an input of other axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softmax2d()(gw.zeros(4, 1, 2))[0]
    tensor([[0.2500, 0.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        if input.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: expected (N, C, H, W) or (C, H, W), got {input.shape}")
        return input.softmax(-3)
