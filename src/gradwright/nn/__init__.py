"""Layers, losses and initial values, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.engine.tensor import Parameter
from gradwright.nn import functional, init, models, utils
from gradwright.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Flatten, ModuleDict, ModuleList, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Identity, Linear
from gradwright.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from gradwright.nn.module import Module
from gradwright.nn.parameter_containers import ParameterDict, ParameterList
from gradwright.nn.recurrent import GRU, LSTM, RNN
from gradwright.nn.recurrent_cells import GRUCell, LSTMCell, RNNCell
from gradwright.nn.residual import Highway, Residual
from gradwright.nn.summary import summary_info

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GRUCell",
    "Highway",
    "Identity",
    "L1Loss",
    "LSTMCell",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "RNNCell",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
    "models",
    "summary_info",
    "utils",
]

__getattr__ = explained("gradwright.nn", globals())
