"""Activations by the name of their function, as plain arguments of layers and networks give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.errors import ConfigError
from gradwright.nn import activation
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["ACTIVATIONS", "activation_layer", "activation_named"]

#: The functions of one argument.
ACTIVATIONS = (
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
)  # fmt: skip


def activation_named(name: str) -> Callable[[Any], Any]:
    """Return the function of ``nn.functional`` that has this name.

    Raises
    ------
    ConfigError
        For a name that is none of :data:`ACTIVATIONS`.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation: nothing is called {name!r:.80}; there are {', '.join(ACTIVATIONS)}")
    found: Callable[[Any], Any] = getattr(F, name)
    return found


_LAYERS = {name.lower(): getattr(activation, name) for name in activation.__all__}


def activation_layer(name: str) -> Module:
    """Return a new module of the activation whose function in ``nn.functional`` has this name."""
    activation_named(name)
    layer: Module = _LAYERS[name.replace("_", "")]()
    return layer
