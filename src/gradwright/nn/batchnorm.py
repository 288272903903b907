"""Batch normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.engine.creation import ones, zeros
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = ["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "ChannelNorm"]


class ChannelNorm(Module):
    """What batch and instance normalisation share: scale, shift and running statistics for each channel.

    Attributes
    ----------
    weight, bias : (C,)
        Initially 1 and 0; None unless ``affine``.
    running_mean, running_var : (C,)
        Initially 0 and 1; None unless ``track_running_stats``.
    num_batches_tracked : () int64
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps", "momentum")
    ndims: ClassVar[tuple[int, ...]]  # of the inputs that it takes
    shapes: ClassVar[str]  # the same in words

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool, bias: bool
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=np.int64) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget the running statistics: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            self.num_batches_tracked._set(np.zeros((), np.int64))

    def reset_parameters(self) -> None:
        """Forget the running statistics, and set scale and shift to 1 and 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check(self, input: Tensor, axis: int = 1) -> None:
        if input.ndim not in self.ndims or input.shape[axis] != self.num_features:
            expected = self.shapes.replace("C", str(self.num_features))
            raise ShapeError(f"{type(self).__name__}({self.num_features}): expected {expected}, got {input.shape}")

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm(ChannelNorm):
    """Standardise each channel over the batch, then scale and shift it; the base of the three below.

    Equation: y = (x - E[x]) / sqrt(Var[x] + eps) · weight + bias, with the batch's mean and biased variance in
    training and the running ones in evaluation. Running statistics: r ← (1 - momentum)·r + momentum·new, the new
    variance unbiased.

    Parameters
    ----------
    num_features : int
        C, the length of axis 1.
    eps : float > 0
        Added to the variance.
    momentum : float in [0, 1], or None
        Weight of the new value; None averages over all batches so far.
    affine : bool
        Whether weight (initially 1) and bias (initially 0) are learnt.
    track_running_stats : bool
        Whether running statistics are kept; without them evaluation uses the batch's.
    bias : bool
        Whether there is a bias, if ``affine``.

    Raises
    ------
    ShapeError
        For an input of other channels or axes; in training, for a single value per channel, which has no variance.

    References
    ----------
    S. Ioffe and C. Szegedy, *Batch normalization* (ICML 2015), algorithms 1 and 2.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape."""
        self._check(input)
        momentum: Any = self.momentum
        if self.training and self.track_running_stats:
            with no_grad():
                self.num_batches_tracked._assign(self.num_batches_tracked + 1)
            if momentum is None:
                momentum = 1.0 / self.num_batches_tracked.to(input.dtype)
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            momentum,
            self.eps,
        )


class BatchNorm1d(BatchNorm):
    """Batch normalisation of features, (N, C), or of rows with channels, (N, C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.BatchNorm1d(1)(gw.tensor([[1.0], [3.0], [5.0]])).T
    tensor([[-1.2247,  0.0000,  1.2247]], grad_fn=<permute>)
    """

    ndims = (2, 3)
    shapes = "(N, C) or (N, C, L)"


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images, (N, C, H, W): one mean and variance for each channel.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> norm = nn.BatchNorm2d(3, momentum=None)
    >>> y = norm(gw.randn(8, 3, 5, 5) * 4 + 1)
    >>> bool(abs(y.mean((0, 2, 3))).max() < 1e-5), norm.num_batches_tracked.item()
    (True, 1)
    """

    ndims = (4,)
    shapes = "(N, C, H, W)"


class BatchNorm3d(BatchNorm):
    """Batch normalisation of volumes, (N, C, D, H, W): one mean and variance for each channel.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.BatchNorm3d(2)(gw.randn(3, 2, 4, 4, 4)).shape
    (3, 2, 4, 4, 4)
    """

    ndims = (5,)
    shapes = "(N, C, D, H, W)"
