"""Fully connected layers."""

from __future__ import annotations

import math

from gradwright.engine.creation import zeros
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """Return the input unchanged."""

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input``."""
        return input


class Linear(Module):
    """A fully connected layer: y = x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis before and after.
    bias : bool
        Whether b is there.

    Attributes
    ----------
    weight : (out_features, in_features)
        Initially uniform in ±1/sqrt(in_features), as in PyTorch.
    bias : (out_features,)
        Initially the same.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Linear(20, 30)(gw.randn(128, 20)).shape
    (128, 30)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(zeros(out_features, in_features))
        if bias:
            self.bias = Parameter(zeros(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values: kaiming_uniform with a = sqrt(5), which is U(±1/sqrt(in_features))."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return (…, out_features) for an input of shape (…, in_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """A product of two inputs with a learnt matrix for each output: y = x₁ᵀ W x₂ + b.

    Equation: y[…, o] = Σᵢⱼ x₁[…, i] · W[o, i, j] · x₂[…, j] + b[o].

    Parameters
    ----------
    in1_features, in2_features, out_features : int ≥ 1
        Lengths of the last axes of the inputs and of the output.
    bias : bool
        Whether b is there.

    Attributes
    ----------
    weight : (out_features, in1_features, in2_features)
        Initially uniform in ±1/sqrt(in1_features), as in PyTorch.
    bias : (out_features,)
        Initially the same.

    Raises
    ------
    ConfigError
        When ``in1_features`` is not positive.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Bilinear(20, 30, 40)(gw.randn(8, 20), gw.randn(8, 30)).shape
    (8, 40)

    References
    ----------
    J. Tenenbaum and W. Freeman, *Separating style and content with bilinear models* (Neural Computation 12, 2000),
    equation 2.
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        if in1_features < 1:
            raise ConfigError(f"Bilinear: in1_features must be 1 or more, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(zeros(out_features, in1_features, in2_features))
        self.register_parameter("bias", Parameter(zeros(out_features)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias from U(±1/sqrt(in1_features))."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return (…, out_features) for (…, in1_features) and (…, in2_features)."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
