"""Rectifiers as layers: zero, a slope or a constant on the left."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.creation import full
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.activation.base import InPlace, Shown
from gradwright.nn.module import Module

__all__ = ["LeakyReLU", "PReLU", "RReLU", "ReLU", "ReLU6", "Threshold"]


class ReLU(InPlace):
    """max(x, 0), elementwise; the gradient at 0 is 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReLU()(gw.tensor([-1.0, 2.0]))
    tensor([0., 2.])

    References
    ----------
    V. Nair and G. Hinton, *Rectified linear units improve restricted Boltzmann machines* (ICML 2010).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.relu()


class ReLU6(InPlace):
    """min(max(x, 0), 6), elementwise; the gradient at 0 and 6 is 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReLU6()(gw.tensor([-1.0, 2.0, 9.0]))
    tensor([0., 2., 6.])

    References
    ----------
    A. Krizhevsky, *Convolutional deep belief networks on CIFAR-10* (2010).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.relu6(input)


class LeakyReLU(Shown):
    """x, or a·x where x is not positive, elementwise.

    Parameters
    ----------
    negative_slope : float
        a, usually between 0 and 1.
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LeakyReLU(0.5)(gw.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])

    References
    ----------
    A. Maas, A. Hannun and A. Ng, *Rectifier nonlinearities improve neural network acoustic models* (ICML 2013).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.leaky_relu(input, self.negative_slope)


class PReLU(Module):
    """x, or a·x where x is not positive, with a learnt slope a for each channel or for all.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels (the length of axis 1).
    init : float
        What the slopes are at first.

    Attributes
    ----------
    weight : (num_parameters,)
        a.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PReLU(2)(gw.tensor([[-1.0, 2.0]])).tolist()
    [[-0.25, 2.0]]

    References
    ----------
    K. He et al., *Delving deep into rectifiers* (ICCV 2015), section 2.1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init)))

    def reset_parameters(self) -> None:
        """Set every slope to ``init``."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input, (N, C, …) or any shape with a single slope."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the argument that PyTorch prints."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Shown):
    """x, or a·x where x is not positive, with a drawn anew for each element from U(lower, upper).

    In evaluation a is the mean of the two.

    Parameters
    ----------
    lower, upper : float, lower ≤ upper
        The bounds.
    inplace : bool
        Without effect.

    Raises
    ------
    ConfigError
        When ``lower`` is above ``upper``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.RReLU(0.25, 0.75).eval()(gw.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])

    References
    ----------
    B. Xu et al., *Empirical evaluation of rectified activations in convolutional network* (arXiv:1505.00853).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        if lower > upper:
            raise ConfigError(f"RReLU: lower must not be above upper, got {lower} and {upper}")
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.rrelu(input, self.lower, self.upper, self.training)


class Threshold(Shown):
    """x where it is above ``threshold``, ``value`` elsewhere; the gradient at the threshold is 0.

    Parameters
    ----------
    threshold, value : float
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Threshold(1.0, -5.0)(gw.tensor([0.5, 2.0]))
    tensor([-5.,  2.])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.threshold(input, self.threshold, self.value)
