"""Layers, losses and initial values, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.engine.tensor import Parameter
from gradwright.nn import functional, init, regularization, utils
from gradwright.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Flatten, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Identity, Linear
from gradwright.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from gradwright.nn.module import Module
from gradwright.nn.regularization import StochasticDepth

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "L1Loss",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "StochasticDepth",
    "Tanh",
    "functional",
    "init",
    "regularization",
    "utils",
]

__getattr__ = explained("gradwright.nn", globals())
