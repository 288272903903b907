"""One step of a recurrent network."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from gradwright.engine.creation import zeros
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "gru_step", "lstm_step", "rnn_step"]

NONLINEARITIES = {"tanh": Tensor.tanh, "relu": Tensor.relu}


def rnn_step(given: Tensor, recurrent: Tensor, nonlinearity: str) -> Tensor:
    """Return h' from what the input gives and what the state gives, (…, H) each."""
    return NONLINEARITIES[nonlinearity](given + recurrent)


def lstm_step(given: Tensor, recurrent: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Return (h', c'); the gates stand in the order i, f, g, o along the last axis, (…, 4H)."""
    i, f, g, o = (given + recurrent).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(given: Tensor, recurrent: Tensor, h: Tensor) -> Tensor:
    """Return h'; the gates stand in the order r, z, n along the last axis, (…, 3H)."""
    width = h.shape[-1]
    r, z = (given[..., : 2 * width] + recurrent[..., : 2 * width]).sigmoid().chunk(2, -1)
    n = (given[..., 2 * width :] + r * recurrent[..., 2 * width :]).tanh()
    return n + z * (h - n)


class _Cell(Module):
    """What the cells share: four parameters, shapes."""

    _gates: ClassVar[int]

    def __init__(self, input_size: int, hidden_size: int, bias: bool) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.weight_ih = Parameter(zeros(self._gates * hidden_size, input_size))
        self.weight_hh = Parameter(zeros(self._gates * hidden_size, hidden_size))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(zeros(self._gates * hidden_size)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values from U(±1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def _ready(self, input: Tensor, *states: Any) -> list[Tensor]:
        """Check the input; return the states, zeros for those that were not given."""
        need_tensor(type(self).__name__, input)
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: expected (N, {self.input_size}) or ({self.input_size},), got {input.shape}"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        for state in states:
            if state is not None and state.shape != shape:
                raise ShapeError(f"{type(self).__name__}: a state must have shape {shape}, got {state.shape}")
        return [zeros(*shape, dtype=input.dtype) if state is None else state for state in states]

    def _given(self, input: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return F.linear(input, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of Elman's network.

    Equation: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of x and h.
    bias : bool
        Whether b_ih and b_hh are there.
    nonlinearity : "tanh" or "relu"

    Attributes
    ----------
    weight_ih, weight_hh : (hidden_size, input_size), (hidden_size, hidden_size)
    bias_ih, bias_hh : (hidden_size,)
        All initially uniform in ±1/sqrt(hidden_size).

    References
    ----------
    J. L. Elman, *Finding structure in time* (Cognitive Science 14, 1990).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.RNNCell(3, 5)(gw.zeros(2, 3)).shape
    (2, 5)
    """

    _gates = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh") -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ConfigError(f"RNNCell: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return h' of shape (N, hidden_size) from x (N, input_size) and h, zeros if not given; N may be absent."""
        (h,) = self._ready(input, hx)
        return rnn_step(*self._given(input, h), self.nonlinearity)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of a long short-term memory.

    Equation: i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh), each with its rows of the weights, and g likewise with tanh;
    c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c').

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of x, and of h and c.
    bias : bool
        Whether b_ih and b_hh are there.

    Attributes
    ----------
    weight_ih, weight_hh : (4·hidden_size, input_size), (4·hidden_size, hidden_size)
        The rows of i, f, g, o.
    bias_ih, bias_hh : (4·hidden_size,)
        All initially uniform in ±1/sqrt(hidden_size).

    References
    ----------
    S. Hochreiter and J. Schmidhuber, *Long short-term memory* (Neural Computation 9, 1997); the forget gate f is by
    F. Gers et al., *Learning to forget* (Neural Computation 12, 2000).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> h, c = nn.LSTMCell(3, 5)(gw.zeros(2, 3))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    _gates = 4

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return (h', c') of shape (N, hidden_size) from x (N, input_size) and (h, c), zeros if not given."""
        h, c = self._ready(input, *((None, None) if hx is None else hx))
        return lstm_step(*self._given(input, h), c)


class GRUCell(_Cell):
    """One step of a gated recurrent unit.

    Equation: r, z = σ(W_ih x + b_ih + W_hh h + b_hh), each with its rows of the weights;
    n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h' = (1 - z) ⊙ n + z ⊙ h.

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of x and h.
    bias : bool
        Whether b_ih and b_hh are there.

    Attributes
    ----------
    weight_ih, weight_hh : (3·hidden_size, input_size), (3·hidden_size, hidden_size)
        The rows of r, z, n.
    bias_ih, bias_hh : (3·hidden_size,)
        All initially uniform in ±1/sqrt(hidden_size).

    References
    ----------
    K. Cho et al., *Learning phrase representations using RNN encoder-decoder* (EMNLP 2014). There r is applied before
    W_hn, and z is called 1 - z; this is PyTorch's form.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GRUCell(3, 5)(gw.zeros(2, 3)).shape
    (2, 5)
    """

    _gates = 3

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return h' of shape (N, hidden_size) from x (N, input_size) and h, zeros if not given; N may be absent."""
        (h,) = self._ready(input, hx)
        return gru_step(*self._given(input, h), h)
