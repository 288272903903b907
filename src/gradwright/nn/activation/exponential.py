"""Exponential linear units as layers."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.activation.base import InPlace, Shown

__all__ = ["CELU", "ELU", "SELU"]


class ELU(Shown):
    """x, or α(eˣ - 1) where x is not positive, elementwise.

    Parameters
    ----------
    alpha : float
        α, from which the function stays away on the left.
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ELU()(gw.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, *Fast and accurate deep network learning by exponential linear
    units* (ICLR 2016).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.elu(input, self.alpha)


class CELU(Shown):
    """max(x, 0) + min(α(e^(x/α) - 1), 0), elementwise: an ELU whose slope is continuous for every α.

    Parameters
    ----------
    alpha : float, not 0
    inplace : bool
        Without effect.

    Raises
    ------
    ConfigError
        For ``alpha`` 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CELU(2.0)(gw.tensor([-2.0, 2.0]))
    tensor([-1.2642,  2.0000])

    References
    ----------
    J. Barron, *Continuously differentiable exponential linear units* (arXiv:1704.07483).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if alpha == 0:
            raise ConfigError("CELU: alpha must not be 0")
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.celu(input, self.alpha)


class SELU(InPlace):
    """s·x, or s·α(eˣ - 1) where x is not positive; s and α keep mean 0 and variance 1 from layer to layer.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SELU()(gw.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017), equation 2.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.selu(input)
