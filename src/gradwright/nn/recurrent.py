"""Recurrent networks over whole sequences: each layer and direction is one loop (``func.scan``) over time.

What the inputs give to all steps is one product before the loop. Sequences of different lengths are masked: behind its
end a row keeps its state, which in the backward direction, that starts with the padding, is the initial one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_values
from gradwright.engine.creation import zeros
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.elementwise import where
from gradwright.engine.functions.joining import cat, stack
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.engine.transforms.scan import scan
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module
from gradwright.nn.packed import PackedSequence, pad_packed_sequence, repack
from gradwright.nn.recurrent_cells import NONLINEARITIES, gru_step, lstm_step, rnn_step

__all__ = ["GRU", "LSTM", "RNN"]

States = tuple[Tensor, ...]  # of an RNN (h,), of an LSTM (h, c)


class _Recurrent(Module):
    """Layers, directions, batches and lengths; a subclass says what one step does."""

    hyperparameters: ClassVar[tuple[str, ...]] = ("dropout",)

    _gates: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int = 0,
    ) -> None:
        super().__init__()
        if hidden_size < 1 or num_layers < 1:
            raise ConfigError(
                f"{type(self).__name__}: hidden_size and num_layers are at least 1; got {hidden_size} and {num_layers}"
            )
        if not 0 <= dropout <= 1:
            raise ConfigError(f"{type(self).__name__}: dropout is a probability, from 0 to 1; got {dropout}")
        if not 0 <= proj_size < hidden_size:
            raise ConfigError(f"{type(self).__name__}: proj_size must be below hidden_size; got {proj_size}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        if type(self) is LSTM or proj_size:
            self.proj_size = proj_size
        #: the lengths of the states, h first
        self._widths = (proj_size or hidden_size, hidden_size) if self._gates == 4 else (hidden_size,)
        out = self._widths[0]
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * self._directions
            for end in self._ends(layer):
                rows = self._gates * hidden_size
                self.register_parameter(f"weight_ih_{end}", Parameter(zeros(rows, width)))
                self.register_parameter(f"weight_hh_{end}", Parameter(zeros(rows, out)))
                if bias:
                    self.register_parameter(f"bias_ih_{end}", Parameter(zeros(rows)))
                    self.register_parameter(f"bias_hh_{end}", Parameter(zeros(rows)))
                if proj_size:
                    self.register_parameter(f"weight_hr_{end}", Parameter(zeros(proj_size, hidden_size)))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _ends(self, layer: int) -> list[str]:
        """Return with what the names of a layer's parameters end, for each direction."""
        return [f"l{layer}", f"l{layer}_reverse"][: self._directions]

    def _weight(self, name: str) -> Tensor | None:
        return self._parameters.get(name)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        ends = [end for layer in range(self.num_layers) for end in self._ends(layer)]
        return [[p for kind in kinds if (p := self._parameters.get(f"{kind}_{end}")) is not None] for end in ends]

    def reset_parameters(self) -> None:
        """Draw initial values from U(±1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: in PyTorch it lays the weights out for one of its backends."""

    def _step(self, given: Tensor, recurrent: Tensor, states: States, end: str) -> States:
        raise NotImplementedError

    # --- shapes -----------------------------------------------------------------------------------------------------
    def _forward(self, input: Any, hx: States | None, lengths: Any) -> tuple[Any, States]:
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ConfigError(f"{type(self).__name__}: a packed input has its lengths; lengths= is for padded ones")
            padded, lengths = pad_packed_sequence(input)
            self._check(padded, hx, padded.shape[1], input.data.shape)
            output, last = self._layers(padded, hx, lengths)
            return repack(output, input), last
        need_tensor(type(self).__name__, input)
        if input.ndim == 2:
            if lengths is not None:
                raise ConfigError(f"{type(self).__name__}: lengths= goes with a batch; a single sequence can be cut")
            self._check(input, hx, None, input.shape)
            alone = None if hx is None else tuple(h.unsqueeze(1) for h in hx)
            output, last = self._layers(input.unsqueeze(1), alone, None)
            return output.squeeze(1), tuple(h.squeeze(1) for h in last)
        x = input.transpose(0, 1) if self.batch_first and input.ndim == 3 else input
        self._check(x, hx, x.shape[1] if x.ndim == 3 else -1, input.shape)
        output, last = self._layers(x, hx, lengths)
        return output.transpose(0, 1) if self.batch_first else output, last

    def _check(self, x: Tensor, hx: States | None, batch: int | None, shape: tuple[int, ...]) -> None:
        """Refuse what does not fit, ``x`` being (T, B, input_size) or (T, input_size)."""
        kind = type(self).__name__
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or not x.shape[0]:
            order = "N, L" if self.batch_first else "L, N"
            raise ShapeError(
                f"{kind}: expected ({order}, {self.input_size}) or (L, {self.input_size}), L at least 1; got {shape}"
            )
        if hx is None:
            return
        rows = self.num_layers * self._directions
        for name, state, width in zip(("h_0", "c_0"), hx, self._widths, strict=False):
            need_tensor(kind, state)
            expected = (rows, width) if batch is None else (rows, batch, width)
            if state.shape != expected:
                raise ShapeError(f"{kind}: {name} must have shape {expected} for this input; got {state.shape}")

    def _running(self, lengths: Any, steps: int, batch: int) -> Tensor:
        """Return (T, B, 1): whether the row has not ended yet."""
        name = type(self).__name__
        if not isinstance(lengths, TensorBase):
            lengths = Tensor(np.asarray(lengths))
        if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
            raise ShapeError(
                f"{name}: lengths must be {batch} whole numbers, one for each row; got {lengths.dtype} {lengths.shape}"
            )

        def check(values: np.ndarray) -> None:
            if values.size and (values.min() < 0 or values.max() > steps):
                raise IndexOutOfRangeError(
                    f"{name}: lengths go from 0 to {steps}, the padded length; "
                    f"got some from {values.min()} to {values.max()}"
                )

        check_values(lengths._array, check)
        return Tensor(np.arange(steps)[:, None, None]) < lengths.unsqueeze(-1)

    # --- the network ------------------------------------------------------------------------------------------------
    def _layers(self, x: Tensor, hx: States | None, lengths: Any) -> tuple[Tensor, States]:
        """Run all layers on x (T, B, input_size); return (T, B, D·H) and the last states, (layers·D, B, H) each."""
        steps, batch = x.shape[:2]
        running = None if lengths is None else self._running(lengths, steps, batch)
        if running is not None:
            x = where(running, x, 0.0)  # whatever the padding holds, NaN even, must not reach a gradient
        rows = self.num_layers * self._directions
        if hx is None:
            hx = tuple(zeros(rows, batch, width, dtype=x.dtype) for width in self._widths)
        first = list(zip(*[h.unbind(0) for h in hx], strict=True))
        last: list[States] = []
        for layer in range(self.num_layers):
            outputs = []
            for reverse, end in enumerate(self._ends(layer)):
                states, output = self._direction(x, first[len(last)], running, end, reverse=bool(reverse))
                last.append(states)
                outputs.append(output)
            x = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
            if layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, tuple(stack(each) for each in zip(*last, strict=True))

    def _direction(
        self, x: Tensor, first: States, running: Tensor | None, end: str, *, reverse: bool
    ) -> tuple[States, Tensor]:
        weight_ih, weight_hh = self._parameters[f"weight_ih_{end}"], self._parameters[f"weight_hh_{end}"]
        bias_ih, bias_hh = self._weight(f"bias_ih_{end}"), self._weight(f"bias_hh_{end}")
        given = F.linear(x, weight_ih, bias_ih)

        def step(states: States, now: States) -> tuple[States, Tensor]:
            given, *row_runs = now
            new = self._step(given, F.linear(states[0], weight_hh, bias_hh), states, end)
            new = tuple(a.to(b.dtype) for a, b in zip(new, states, strict=True))  # under autocast gates are lower
            if not row_runs:
                return new, new[0]
            (runs,) = row_runs
            kept = tuple(where(runs, a, b) for a, b in zip(new, states, strict=True))
            return kept, where(runs, new[0], 0.0)

        return scan(step, first, (given,) if running is None else (given, running), reverse=reverse)

    def extra_repr(self) -> str:
        """Return the arguments that are not as usual."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        for name, value in {**usual, "bidirectional": False}.items():
            if getattr(self, name, value) != value:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class RNN(_Recurrent):
    """Elman's recurrent network, in layers and in one direction or both.

    Equation: hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh); the next layer's xₜ is this layer's hₜ.

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of xₜ and hₜ.
    num_layers : int
        How many layers stand on each other.
    nonlinearity : "tanh" or "relu"
    bias : bool
        Whether b_ih and b_hh are there.
    batch_first : bool
        Whether sequences come and go as (N, L, …) rather than (L, N, …); states are not concerned.
    dropout : float in [0, 1]
        In training, at which rate outputs of all layers but the last are dropped.
    bidirectional : bool
        Run a second network from the end to the start, and put both hₜ side by side.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : (hidden_size, input_size), (hidden_size, hidden_size)
    bias_ih_l0, bias_hh_l0 : (hidden_size,)
        And so for each layer, with the ending ``_reverse`` for the way back. All initially uniform in
        ±1/sqrt(hidden_size).

    References
    ----------
    J. L. Elman, *Finding structure in time* (Cognitive Science 14, 1990).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> rnn = nn.RNN(3, 5, num_layers=2, batch_first=True)
    >>> output, h_n = rnn(gw.randn(2, 7, 3), lengths=[7, 4])
    >>> output.shape, h_n.shape
    ((2, 7, 5), (2, 2, 5))
    """

    _gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ConfigError(f"RNN: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        self.nonlinearity = nonlinearity

    def forward(
        self, input: Any, hx: Tensor | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Any, Tensor]:
        """Run over sequences.

        Parameters
        ----------
        input : (L, N, input_size), (N, L, input_size) with ``batch_first``, (L, input_size), or a PackedSequence
        hx : (D·num_layers, N, hidden_size), optional
            The states to start from, D = 2 if bidirectional; zeros unless given. Without N where the input has none.
        lengths : (N,) integers from 0 to L, optional
            Where each row ends. What stands behind does not matter, outputs there are 0, the last states are those at
            the end, and the way back starts there. Shapes do not depend on it, so one program serves all lengths.

        Returns
        -------
        (output, h_n)
            hₜ of the last layer, (L, N, D·hidden_size) or as the input came; and every layer's last state, of
            ``hx``'s shape.
        """
        output, (h,) = self._forward(input, None if hx is None else (hx,), lengths)
        return output, h

    def _step(self, given: Tensor, recurrent: Tensor, states: States, end: str) -> States:
        return (rnn_step(given, recurrent, self.nonlinearity),)


class LSTM(_Recurrent):
    """Long short-term memory, in layers and in one direction or both.

    Equation: i, f, o = σ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), each with its rows of the weights, and g likewise with
    tanh; cₜ = f ⊙ cₜ₋₁ + i ⊙ g, hₜ = o ⊙ tanh(cₜ), or W_hr times that with ``proj_size``.

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of xₜ and cₜ, and of hₜ unless it is projected.
    num_layers : int
        How many layers stand on each other.
    bias : bool
        Whether b_ih and b_hh are there.
    batch_first : bool
        Whether sequences come and go as (N, L, …) rather than (L, N, …); states are not concerned.
    dropout : float in [0, 1]
        In training, at which rate outputs of all layers but the last are dropped.
    bidirectional : bool
        Run a second network from the end to the start, and put both hₜ side by side.
    proj_size : int
        The length of hₜ where it is projected; 0 for no projection.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : (4·hidden_size, input_size), (4·hidden_size, hidden_size or proj_size)
        The rows of i, f, g, o.
    bias_ih_l0, bias_hh_l0 : (4·hidden_size,)
    weight_hr_l0 : (proj_size, hidden_size)
        And so for each layer, with the ending ``_reverse`` for the way back. All initially uniform in
        ±1/sqrt(hidden_size).

    References
    ----------
    S. Hochreiter and J. Schmidhuber, *Long short-term memory* (Neural Computation 9, 1997); F. Gers et al., *Learning
    to forget* (Neural Computation 12, 2000). The projection: H. Sak et al., *Long short-term memory based recurrent
    neural network architectures for large vocabulary speech recognition* (2014).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> lstm = nn.LSTM(3, 5, bidirectional=True)
    >>> output, (h_n, c_n) = lstm(gw.randn(7, 2, 3))
    >>> output.shape, h_n.shape, c_n.shape
    ((7, 2, 10), (2, 2, 5), (2, 2, 5))
    """

    _gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size)

    def forward(
        self,
        input: Any,
        hx: tuple[Tensor, Tensor] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        """Return (output, (h_n, c_n)); otherwise as :meth:`RNN.forward`, ``hx`` being (h_0, c_0)."""
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise ConfigError(f"LSTM: hx is a pair (h_0, c_0), got {type(hx).__name__}")
        output, (h, c) = self._forward(input, None if hx is None else tuple(hx), lengths)
        return output, (h, c)

    def _step(self, given: Tensor, recurrent: Tensor, states: States, end: str) -> States:
        h, c = lstm_step(given, recurrent, states[1])
        projection = self._weight(f"weight_hr_{end}")
        return (h if projection is None else F.linear(h, projection), c)


class GRU(_Recurrent):
    """Gated recurrent units, in layers and in one direction or both.

    Equation: r, z = σ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), each with its rows of the weights;
    n = tanh(W_in xₜ + b_in + r ⊙ (W_hn hₜ₋₁ + b_hn)), hₜ = (1 - z) ⊙ n + z ⊙ hₜ₋₁.

    Parameters
    ----------
    input_size, hidden_size : int
        Lengths of xₜ and hₜ.
    num_layers : int
        How many layers stand on each other.
    bias : bool
        Whether b_ih and b_hh are there.
    batch_first : bool
        Whether sequences come and go as (N, L, …) rather than (L, N, …); states are not concerned.
    dropout : float in [0, 1]
        In training, at which rate outputs of all layers but the last are dropped.
    bidirectional : bool
        Run a second network from the end to the start, and put both hₜ side by side.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : (3·hidden_size, input_size), (3·hidden_size, hidden_size)
        The rows of r, z, n.
    bias_ih_l0, bias_hh_l0 : (3·hidden_size,)
        And so for each layer, with the ending ``_reverse`` for the way back. All initially uniform in
        ±1/sqrt(hidden_size).

    References
    ----------
    K. Cho et al., *Learning phrase representations using RNN encoder-decoder* (EMNLP 2014), in PyTorch's form; see
    :class:`GRUCell`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> output, h_n = nn.GRU(3, 5)(gw.randn(7, 2, 3))
    >>> output.shape, h_n.shape
    ((7, 2, 5), (1, 2, 5))
    """

    _gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)

    def forward(
        self, input: Any, hx: Tensor | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Any, Tensor]:
        """Return (output, h_n); see :meth:`RNN.forward`."""
        output, (h,) = self._forward(input, None if hx is None else (hx,), lengths)
        return output, h

    def _step(self, given: Tensor, recurrent: Tensor, states: States, end: str) -> States:
        return (gru_step(given, recurrent, states[0]),)
