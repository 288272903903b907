"""Smooth activations as layers."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.activation.base import InPlace, Shown
from gradwright.nn.module import Module

__all__ = ["GELU", "GLU", "LogSigmoid", "Mish", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh", "Tanhshrink"]


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Sigmoid()(gw.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.sigmoid()


class LogSigmoid(Module):
    """log(1 / (1 + e⁻ˣ)), elementwise, without overflow.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LogSigmoid()(gw.tensor([0.0, -1000.0]))
    tensor([-6.9315e-01, -1.0000e+03])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Tanh()(gw.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.tanh()


class GELU(Module):
    """x·Φ(x), elementwise, with Φ the standard normal distribution function.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        The function itself, or 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GELU()(gw.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])

    References
    ----------
    D. Hendrycks and K. Gimpel, *Gaussian error linear units* (arXiv:1606.08415), section 2.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ConfigError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"approximate={self.approximate!r}"


class SiLU(InPlace):
    """x / (1 + e⁻ˣ), elementwise; also called swish.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SiLU()(gw.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, *Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning* (Neural Networks 107, 2018); P. Ramachandran, B. Zoph and Q. Le (arXiv:1710.05941).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.silu(input)


class Mish(InPlace):
    """x·tanh(log(1 + eˣ)), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Mish()(gw.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])

    References
    ----------
    D. Misra, *Mish: a self regularized non-monotonic activation function* (BMVC 2020).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.mish(input)


class Softplus(Shown):
    """log(1 + e^(βx)) / β, elementwise, and x itself where βx is above ``threshold``.

    Parameters
    ----------
    beta : float > 0
        β.
    threshold : float
        From where on the difference does not count.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softplus()(gw.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])

    References
    ----------
    C. Dugas et al., *Incorporating second-order functional knowledge for better option pricing* (NeurIPS 2000).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.softplus(input, self.beta, self.threshold)


class Softsign(Module):
    """x / (1 + |x|), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softsign()(gw.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Tanhshrink()(gw.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.tanhshrink(input)


class GLU(Module):
    """a·sigmoid(b), where a and b are the halves of the input along ``dim``.

    Parameters
    ----------
    dim : int
        The axis, of even length; the result has half of it.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GLU()(gw.tensor([[3.0, 4.0, 0.0, 0.0]]))
    tensor([[1.5000, 2.0000]])

    References
    ----------
    Y. Dauphin et al., *Language modeling with gated convolutional networks* (ICML 2017), equation 1.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the gated half."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dim={self.dim}"
