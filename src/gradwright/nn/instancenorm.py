"""Instance normalisation."""

from __future__ import annotations

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.batchnorm import ChannelNorm

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(ChannelNorm):
    """Standardise each channel of each row by itself, then scale and shift it.

    Equation: y = (x - E[x]) / sqrt(Var[x] + eps) · weight + bias, mean and biased variance over the spatial axes. With
    ``track_running_stats`` the averages over the rows move running statistics, as in batch normalisation, and
    evaluation uses those.

    Parameters
    ----------
    num_features : int
        C.
    eps : float > 0
        Added to the variance.
    momentum : float in [0, 1]
        Weight of the new value in the running statistics.
    affine : bool
        Whether weight (initially 1) and bias (initially 0) are learnt.
    track_running_stats : bool
        Whether running statistics are kept, and used in evaluation.
    bias : bool
        Whether there is a bias, if ``affine``.

    Raises
    ------
    ShapeError
        For an input of other channels or axes, or with a single value per channel and row.

    References
    ----------
    D. Ulyanov, A. Vedaldi and V. Lempitsky, *Instance normalization* (arXiv:1607.08022), equation 4.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape."""
        single = input.ndim == min(self.ndims)
        self._check(input, axis=0 if single else 1)
        if single:
            return self._normalised(input.unsqueeze(0)).squeeze(0)
        return self._normalised(input)

    def _normalised(self, input: Tensor) -> Tensor:
        own = self.training or not self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if self.track_running_stats else (None, None)
        momentum = 0.0 if self.momentum is None else self.momentum
        return F.instance_norm(input, mean, var, self.weight, self.bias, own, momentum, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of rows with channels, (N, C, L) or (C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.InstanceNorm1d(1)(gw.tensor([[1.0, 3.0, 5.0]]))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """

    ndims = (2, 3)
    shapes = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images, (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.InstanceNorm2d(3, affine=True)(gw.randn(2, 3, 4, 5)).shape
    (2, 3, 4, 5)
    """

    ndims = (3, 4)
    shapes = "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes, (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.InstanceNorm3d(3)(gw.randn(3, 2, 4, 5)).shape
    (3, 2, 4, 5)
    """

    ndims = (4, 5)
    shapes = "(N, C, D, H, W) or (C, D, H, W)"
