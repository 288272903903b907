"""Layers, losses and initial values, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.engine.tensor import Parameter
from gradwright.nn import functional, init, utils
from gradwright.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Flatten, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.embedding import Embedding, EmbeddingBag
from gradwright.nn.linear import Identity, Linear
from gradwright.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from gradwright.nn.module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
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
    "Tanh",
    "functional",
    "init",
    "utils",
]

__getattr__ = explained("gradwright.nn", globals())
