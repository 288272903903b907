"""Losses between numbers."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.loss.base import Loss

__all__ = ["HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"]


class MSELoss(Loss):
    """The mean of (x - y)²; input and target have one shape, any.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        When the shapes differ, even where they would broadcast.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MSELoss()(gw.tensor([1.0, 2.0]), gw.tensor([0.0, 4.0]))
    tensor(2.5000)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """The mean of |x - y|, whose gradient at 0 is 0; input and target have one shape, any.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        When the shapes differ, even where they would broadcast.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.L1Loss()(gw.tensor([1.0, 2.0]), gw.tensor([0.0, 4.0]))
    tensor(1.5000)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """The mean of a loss that is quadratic near 0: d²/2β where |d| < β, |d| - β/2 elsewhere, with d = x - y.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    beta : float ≥ 0
        β; with 0 it is :class:`L1Loss`. A compiled step serves every value above 0 from one program.

    Raises
    ------
    ConfigError
        For a negative ``beta``.
    ShapeError
        When the shapes of input and target differ.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SmoothL1Loss(reduction="none")(gw.tensor([0.5, 4.0]), gw.zeros(2))
    tensor([0.1250, 3.5000])

    References
    ----------
    R. Girshick, *Fast R-CNN* (ICCV 2015), equation 3.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("beta",)

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if beta < 0:
            raise ConfigError(f"SmoothL1Loss: beta is a distance, 0 or more; got {beta}")
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """The mean of a loss that is quadratic near 0: d²/2 where |d| ≤ δ, δ(|d| - δ/2) elsewhere, with d = x - y.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    delta : float > 0
        δ. A compiled step serves every value from one program.

    Raises
    ------
    ConfigError
        When ``delta`` is not above 0.
    ShapeError
        When the shapes of input and target differ.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.HuberLoss("none", delta=2.0)(gw.tensor([1.0, 4.0]), gw.zeros(2))
    tensor([0.5000, 6.0000])

    References
    ----------
    P. Huber, *Robust estimation of a location parameter* (Annals of Mathematical Statistics 35, 1964).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("delta",)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if delta <= 0:
            raise ConfigError(f"HuberLoss: delta is a distance above 0; got {delta}")
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)
