"""Activations by the name of their function, as plain arguments of layers and networks give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.errors import ConfigError
from gradwright.nn import functional as F

__all__ = ["ACTIVATIONS", "activation_named"]

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
