"""Paths around layers: residual connections and highways."""

from __future__ import annotations

from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError
from gradwright.nn import init
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.named import activation_named

__all__ = ["Highway", "Residual"]


class Residual(Module):
    """Add what goes in to what comes out of a module.

    Equation: y = f(x) + s(x), s the identity unless another shortcut is given.

    Parameters
    ----------
    module : Module
        f.
    shortcut : Module, optional
        s, for an f whose output has another shape than its input: a 1×1 convolution, a Linear.

    Raises
    ------
    ShapeError
        When f(x) and s(x) have different shapes (PyTorch would broadcast them).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> block = nn.Residual(nn.Sequential(nn.Linear(4, 6), nn.ReLU()), shortcut=nn.Linear(4, 6, bias=False))
    >>> block(gw.ones(2, 4)).shape
    (2, 6)

    References
    ----------
    K. He et al., *Deep residual learning for image recognition* (CVPR 2016), equations 1 and 2.
    """

    def __init__(self, module: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        self.module = module
        self.register_module("shortcut", shortcut)

    def forward(self, input: Tensor) -> Tensor:
        """Return f(input) + s(input)."""
        past: Tensor = input if self.shortcut is None else self.shortcut(input)
        through: Tensor = self.module(input)
        if through.shape != past.shape:
            raise ShapeError(
                f"Residual: the module gave {through.shape}, but what goes around it is {past.shape}; give a "
                "shortcut= that maps the input to the module's shape"
            )
        return through + past


class Highway(Module):
    """Let a learnt gate mix a layer's output with its input.

    Equation: y = H(x) ⊙ T(x) + x ⊙ (1 - T(x)), H(x) = activation(W_H x + b_H), T(x) = σ(W_T x + b_T).

    Parameters
    ----------
    size : int
        Length of the last axis, before and after.
    activation : str
        The name of a function in ``nn.functional``: "relu", "tanh", ….
    bias : float
        Where b_T starts; below 0, so that at first the input mostly passes.

    Attributes
    ----------
    transform, gate : Linear(size, size)
        W_H and b_H; W_T and b_T.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> layer = nn.Highway(4, bias=-20.0)
    >>> bool(gw.allclose(layer(gw.ones(2, 4)), gw.ones(2, 4)))
    True

    References
    ----------
    R. K. Srivastava, K. Greff and J. Schmidhuber, *Training very deep networks* (NeurIPS 2015), equations 2 and 3 and
    section 2.2.
    """

    def __init__(self, size: int, activation: str = "relu", bias: float = -2.0) -> None:
        super().__init__()
        self.size = size
        self.activation = activation
        self.bias = bias
        activation_named(activation)  # refused here, not at the first call
        self.transform = Linear(size, size)
        self.gate = Linear(size, size)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values as Linear's, and put b_T at ``bias``."""
        self.transform.reset_parameters()
        self.gate.reset_parameters()
        init.constant_(self.gate.bias, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the mixture, of the input's shape (…, size)."""
        t = self.gate(input).sigmoid()
        h = activation_named(self.activation)(self.transform(input))
        return h * t + input * (1 - t)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.size}, activation={self.activation!r}, bias={self.bias}"
