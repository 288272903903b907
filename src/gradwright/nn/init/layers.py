"""Fill the weights of all layers of a network with one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.engine.creation import zeros
from gradwright.engine.tensor import Tensor
from gradwright.nn.init.filling import zeros_
from gradwright.nn.module import Module
from gradwright.nn.weights import Weight, named_weights

__all__ = ["fill_weights"]


def fill_weights(model: Module, fill: Callable[[Tensor], Any]) -> list[Weight]:
    """Fill each weight of at least 2 axes by ``fill`` and set its layer's biases to 0; return those weights.

    Embeddings, normalising layers and single vectors (slopes, scales) are left as they are. The gates of a recurrent
    layer stand in one matrix, but each is a matrix of its own and is filled as such.
    """
    filled = [
        w for w in named_weights(model) if w.parameter.ndim >= 2 and "Embedding" not in type(w.module).__name__
    ]  # fmt: skip
    for w in filled:
        _fill(w, fill)
        for name, parameter in w.module._parameters.items():
            if parameter is not None and "bias" in name:
                zeros_(parameter)
    return filled


def _fill(w: Weight, fill: Callable[[Tensor], Any]) -> None:
    hidden = getattr(w.module, "hidden_size", None)
    if not hidden or not w.name.startswith(("weight_ih", "weight_hh")):
        fill(w.parameter)
        return
    rows, columns = w.parameter.shape
    gates = [zeros(hidden, columns, dtype=w.parameter.dtype) for _ in range(rows // hidden)]
    for gate in gates:
        fill(gate)
    w.parameter._set(np.concatenate([gate.numpy() for gate in gates]))
