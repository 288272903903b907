"""Normalisation without running statistics: over layers, groups of channels, and neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gradwright.engine.creation import ones, zeros
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class _Scaled(Module):
    """What the three with a learnt scale share."""

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        for name, fill in (("weight", init.ones_), ("bias", init.zeros_)):
            parameter = self._parameters.get(name)
            if parameter is not None:
                fill(parameter)


class LayerNorm(_Scaled):
    """Standardise over the last axes of each row, then scale and shift each place.

    Equation: y = (x - E[x]) / sqrt(Var[x] + eps) · weight + bias, with the biased variance.

    Parameters
    ----------
    normalized_shape : int, or sequence of int
        The lengths of the axes over which is standardised, the input's last.
    eps : float > 0
        Added to the variance.
    elementwise_affine : bool
        Whether weight (initially 1) and bias (initially 0), both of ``normalized_shape``, are learnt.
    bias : bool
        Whether there is a bias, if ``elementwise_affine``.

    Raises
    ------
    ShapeError
        At the call, when the input's shape does not end in ``normalized_shape``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LayerNorm(3, elementwise_affine=False)(gw.tensor([[1.0, 3.0, 5.0]]))
    tensor([[-1.2247,  0.0000,  1.2247]])

    References
    ----------
    J. Ba, J. Kiros and G. Hinton, *Layer normalization* (arXiv:1607.06450), equations 3 and 4.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", Parameter(ones(self.normalized_shape)) if elementwise_affine else None)
        self.register_parameter(
            "bias", Parameter(zeros(self.normalized_shape)) if elementwise_affine and bias else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape (…, *normalized_shape)."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Scaled):
    """Divide by the root of the mean square over the last axes, then scale each place.

    Equation: y = x / sqrt(mean(x²) + eps) · weight.

    Parameters
    ----------
    normalized_shape : int, or sequence of int
        The lengths of the axes over which the mean is taken, the input's last.
    eps : float > 0, optional
        None takes the machine epsilon of the input's dtype.
    elementwise_affine : bool
        Whether weight (initially 1), of ``normalized_shape``, is learnt.

    Raises
    ------
    ShapeError
        At the call, when the input's shape does not end in ``normalized_shape``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.RMSNorm(2, elementwise_affine=False)(gw.tensor([[1.0, 7.0]]))
    tensor([[0.2000, 1.4000]])

    References
    ----------
    B. Zhang and R. Sennrich, *Root mean square layer normalization* (NeurIPS 2019), equation 4.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", Parameter(ones(self.normalized_shape)) if elementwise_affine else None)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape (…, *normalized_shape)."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Scaled):
    """Standardise each group of channels of each row, then scale and shift each channel.

    Equation: y = (x - E[x]) / sqrt(Var[x] + eps) · weight + bias, mean and biased variance over a group's channels and
    the spatial axes. One group is layer normalisation, as many as channels instance normalisation.

    Parameters
    ----------
    num_groups : int
        Into how many groups of neighbours the channels go.
    num_channels : int
        C, a multiple of ``num_groups``.
    eps : float > 0
        Added to the variance.
    affine : bool
        Whether weight (initially 1) and bias (initially 0), both (C,), are learnt.
    bias : bool
        Whether there is a bias, if ``affine``.

    Raises
    ------
    ConfigError
        When the channels do not make equal groups.
    ShapeError
        At the call, when the input is not (N, C, …).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GroupNorm(2, 4, affine=False)(gw.tensor([[1.0, 3.0, 10.0, 30.0]]))
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])

    References
    ----------
    Y. Wu and K. He, *Group normalization* (ECCV 2018), equation 7.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ConfigError(f"GroupNorm: {num_channels} channels do not make {num_groups} equal groups")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.register_parameter("weight", Parameter(ones(num_channels)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels)) if affine and bias else None)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape (N, C, …)."""
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ShapeError(f"GroupNorm: expected (N, {self.num_channels}, …), got {input.shape}")
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divide each element by a power of the squares around it in neighbouring channels.

    Equation: y = x / (k + α/n Σ x²)^β, over n channels from n // 2 before to (n - 1) // 2 after.

    Parameters
    ----------
    size : int ≥ 1
        n; channels beyond the ends count as 0.
    alpha, beta, k : float
        α, β and k. A compiled step serves every value from one program.

    Raises
    ------
    ShapeError
        At the call, when the input is not (N, C, d1, …).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LocalResponseNorm(1, alpha=3.0, beta=0.5)(gw.ones(1, 1, 2))
    tensor([[[0.5000, 0.5000]]])

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. Hinton, *ImageNet classification with deep convolutional neural networks*
    (NeurIPS 2012), section 3.3; there α is not divided by n.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape (N, C, d1, …)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _as_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
