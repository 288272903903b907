"""The network that a configuration asks for, and what it looks like from outside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.graph import graph
from gradwright.engine.random import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.train.choices import make_network
from gradwright.train.config import Config

__all__ = ["build_network", "describe_network", "network_words"]

_LOOKED_AT = 256  # rows, by an initialisation that looks at data
_ROWS = 5  # of the batch that is sent through to see shapes; shown as "any number"


def build_network(
    config: Config,
    shape: tuple[int, ...],
    outputs: int,
    x: np.ndarray | None = None,
    vocabulary: int | None = None,
) -> nn.Sequential:
    """Return the network that the settings name, for rows of that shape, in its dtype and with its initial values.

    ``x`` are training rows, for an initialisation that looks at data; ``vocabulary`` is how many tokens there are,
    where rows are tokens.
    """
    model = make_network(config, shape, outputs, vocabulary)
    if config.init is not None:
        rows = None if x is None else Tensor(x[:_LOOKED_AT].astype(np.float32 if vocabulary is None else np.int64))
        nn.init.initialize_(model, config.init, x=rows)
    if config.dtype == "float64":
        model.double()
    model.name_parts()
    return model


def describe_network(
    model: nn.Module, criterion: nn.Module, features: int, target: np.ndarray, *, tokens: bool = False
) -> dict[str, Any]:
    """Return the layers with output shapes and parameter counts, and the computation graph of one training step.

    ``features`` is how many numbers, or ``tokens``, a row has.
    """
    layers: list[dict[str, Any]] = []
    handles = []
    names = {id(m): path for path, m in model.named_modules()}

    def look(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output  # a recurrent layer gives its last states too
        layers.append(
            {
                "path": names[id(module)],
                "type": type(module).__name__,
                "detail": module.extra_repr(),
                "output_shape": [None, *first.shape[1:]],
                "parameters": sum(p.numel() for p in module.parameters()),
            }
        )

    for module in model.modules():
        if not list(module.children()):
            handles.append(module.register_forward_hook(look))
    if tokens:
        x = Tensor(np.ones((_ROWS, features), np.int64))
    else:
        x = Tensor(np.zeros((_ROWS, features), next(model.parameters()).dtype)).requires_grad_()
    x.name = "x"
    y = Tensor(np.resize(target, (_ROWS, *target.shape[1:])))
    training, buffers = model.training, [(b, b._array) for b in model.buffers()]
    try:
        # in training mode, so that dropout shows; what that moves is put back, and the draws are from another stream
        model.train()
        with use_generator(Generator(0)), detect_anomaly():  # somebody must watch, for nodes to learn their module
            loss = criterion(model(x), y)
    finally:
        model.train(training)
        for buffer, array in buffers:
            buffer._set(array)
        for handle in handles:
            handle.remove()
    g = graph(loss, values=False)
    total = sum(p.numel() for p in model.parameters())
    return {
        "layers": layers,
        "parameters": total,
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "graph": {
            "nodes": [
                {
                    "id": n.id,
                    "op": n.op,
                    "label": n.label or n.where,
                    "shape": [
                        None if i == 0 and s == _ROWS and n.op != "parameter" else s for i, s in enumerate(n.shape)
                    ],
                }
                for n in g.nodes
            ],
            "edges": [list(e) for e in g.edges],
        },
    }


def network_words(config: Config, shape: tuple[int, ...], outputs: int) -> str:
    """Say what the network is, in a few words."""
    if config.network != "mlp":
        return f"{config.network} for {' × '.join(str(size) for size in shape)} → {outputs}"
    widths = " → ".join(str(w) for w in (math.prod(shape), *(config.hidden or ()), outputs))
    return f"{widths}, {config.activation}"
