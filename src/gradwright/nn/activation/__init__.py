"""Activation functions as layers, by family."""

from gradwright.nn.activation.exponential import CELU, ELU, SELU
from gradwright.nn.activation.piecewise import Hardshrink, Hardsigmoid, Hardswish, Hardtanh, Softshrink
from gradwright.nn.activation.rectifiers import LeakyReLU, PReLU, ReLU, ReLU6, RReLU, Threshold
from gradwright.nn.activation.smooth import (
    GELU,
    GLU,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from gradwright.nn.activation.softmax import LogSoftmax, Softmax, Softmax2d, Softmin

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]  # fmt: skip
