"""Layers, losses and initial values, under PyTorch's names."""

from gradwright.engine.missing import explained
from gradwright.engine.tensor import Parameter
from gradwright.nn import functional, init, utils
from gradwright.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from gradwright.nn.attention import MultiheadAttention
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Flatten, ModuleList, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Identity, Linear
from gradwright.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from gradwright.nn.module import Module
from gradwright.nn.normalization import LayerNorm
from gradwright.nn.recurrent import GRU, LSTM, RNN
from gradwright.nn.recurrent_cells import GRUCell, LSTMCell, RNNCell
from gradwright.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from gradwright.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

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
    "Identity",
    "L1Loss",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Parameter",
    "RNNCell",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "functional",
    "init",
    "utils",
]

__getattr__ = explained("gradwright.nn", globals())
