"""Networks of fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence

from gradwright.engine.tensor import Tensor
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.named import activation_layer
from gradwright.nn.residual import Highway

__all__ = ["MLP", "HighwayNetwork"]


class MLP(Module):
    """A multilayer perceptron.

    Equation: h₀ = x, hᵢ = activation(Wᵢ hᵢ₋₁ + bᵢ), y = W hₙ + b; batch normalisation, where wanted, before the
    activation and instead of bᵢ, dropout after it.

    Parameters
    ----------
    in_features : int
        Length of the last axis.
    hidden : sequence of int
        Widths of the hidden layers; none makes it linear.
    out_features : int
        Numbers that it gives.
    activation : str
        The name of a function in ``nn.functional``.
    dropout : float in [0, 1]
        The rate; 0 leaves the dropout layers away.
    batch_norm : bool
        Whether hidden layers are normalised; inputs are (N, in_features) then.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.models.MLP(784, (128, 64), 10, dropout=0.2)
    >>> net(gw.zeros(5, 784)).shape
    (5, 10)
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int],
        out_features: int,
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.hidden = tuple(hidden)
        self.out_features = out_features
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        layers: list[Module] = []
        width = in_features
        for size in self.hidden:
            layers.append(Linear(width, size, bias=not batch_norm))
            if batch_norm:
                layers.append(BatchNorm1d(size))
            layers.append(activation_layer(activation))
            if dropout:
                layers.append(Dropout(dropout))
            width = size
        self.layers = Sequential(*layers, Linear(width, out_features))

    def forward(self, input: Tensor) -> Tensor:
        """Return (…, out_features) for an input of shape (…, in_features)."""
        out: Tensor = self.layers(input)
        return out


class HighwayNetwork(Module):
    """Many layers of one width that each learn how much of their input to pass on.

    Parameters
    ----------
    in_features : int
        Length of the last axis.
    width, depth : int
        How wide the highway layers are, and how many.
    out_features : int
        Numbers that it gives.
    activation : str
        The name of a function in ``nn.functional``.
    bias : float
        Where the gates' biases start; see :class:`gradwright.nn.Highway`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.models.HighwayNetwork(20, 16, 50, 3)(gw.zeros(2, 20)).shape
    (2, 3)

    References
    ----------
    R. K. Srivastava, K. Greff and J. Schmidhuber, *Training very deep networks* (NeurIPS 2015), section 3.
    """

    def __init__(
        self,
        in_features: int,
        width: int,
        depth: int,
        out_features: int,
        activation: str = "relu",
        bias: float = -2.0,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.width = width
        self.depth = depth
        self.out_features = out_features
        self.activation = activation
        self.bias = bias
        self.inner = Sequential(Linear(in_features, width), activation_layer(activation))
        self.highway = Sequential(*(Highway(width, activation, bias) for _ in range(depth)))
        self.head = Linear(width, out_features)

    def forward(self, input: Tensor) -> Tensor:
        """Return (…, out_features) for an input of shape (…, in_features)."""
        out: Tensor = self.head(self.highway(self.inner(input)))
        return out
