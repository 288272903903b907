"""Initialisations of a whole network, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gradwright.engine.random import Generator, current_generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn.init.filling import normal_, trunc_normal_, zeros_
from gradwright.nn.init.layers import fill_weights
from gradwright.nn.init.lsuv import lsuv_
from gradwright.nn.init.matrices import orthogonal_, sparse_
from gradwright.nn.init.scaled import (
    calculate_gain,
    kaiming_normal_,
    kaiming_uniform_,
    xavier_normal_,
    xavier_uniform_,
)
from gradwright.nn.module import Module

__all__ = ["SCHEMES", "Scheme", "initialize_"]


class Scheme(NamedTuple):
    """One initialisation: how a weight is filled, given the activation and its slope, and a line about it."""

    fill: Callable[[Tensor, str, float], Any] | None  # None: no weight is filled by itself
    line: str
    activation: str = "linear"  # where neither the caller nor the network names one


#: What :func:`initialize_` knows.
SCHEMES: dict[str, Scheme] = {
    "default": Scheme(None, "each layer's own initial values, PyTorch's: U(±1/sqrt(fan_in)) for linear layers"),
    "he": Scheme(
        lambda w, f, a: kaiming_normal_(w, a, "fan_in", f),
        "normal, variance gain²/fan_in: keeps activations' size through ReLU (He et al. 2015)",
        "relu",
    ),
    "he_uniform": Scheme(
        lambda w, f, a: kaiming_uniform_(w, a, "fan_in", f), "the same variance, uniform (He et al. 2015)", "relu"
    ),
    "lecun": Scheme(
        lambda w, f, a: kaiming_normal_(w, 0, "fan_in", "linear"),
        "normal, variance 1/fan_in: for SELU (LeCun et al. 1998, Klambauer et al. 2017)",
    ),
    "lsuv": Scheme(None, "orthogonal, then scaled to variance 1 layer by layer on data (Mishkin and Matas 2016)"),
    "normal": Scheme(
        lambda w, f, a: normal_(w, 0.0, 0.01), "N(0, 0.01²) whatever the layer's size: dies out in deep networks"
    ),
    "orthogonal": Scheme(
        lambda w, f, a: orthogonal_(w, calculate_gain(f, a)),
        "random orthogonal matrices times the gain (Saxe et al. 2014)",
    ),
    "sparse": Scheme(
        lambda w, f, a: sparse_(w.view(w.shape[0], -1), 0.9, 1.0),
        "N(0, 1) for a tenth of each column, 0 elsewhere (Martens 2010)",
    ),
    "trunc_normal": Scheme(
        lambda w, f, a: trunc_normal_(w, 0.0, 0.02, -0.04, 0.04), "N(0, 0.02²) cut off at two deviations: transformers"
    ),
    "xavier": Scheme(
        lambda w, f, a: xavier_uniform_(w, calculate_gain(f, a)),
        "uniform, variance 2·gain²/(fan_in + fan_out): for tanh (Glorot and Bengio 2010)",
    ),
    "xavier_normal": Scheme(
        lambda w, f, a: xavier_normal_(w, calculate_gain(f, a)), "the same variance, normal (Glorot and Bengio 2010)"
    ),
    "zeros": Scheme(lambda w, f, a: zeros_(w), "all 0: units of a layer stay equal, to show why one draws at random"),
}  # fmt: skip

#: Activation layers whose name among the functions is not their own in small letters.
_FUNCTIONS = {"LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ReLU6": "relu"}


def initialize_(
    model: Module,
    name: str,
    *,
    activation: str | None = None,
    negative_slope: float | None = None,
    x: Any = None,
    generator: Generator | None = None,
) -> Module:
    """Fill the weights of all layers by the scheme of a name, and set their biases to 0.

    Embeddings, normalising layers and slopes of PReLU are left as they are; each gate of a recurrent layer is filled
    by itself. ``default`` calls every layer's ``reset_parameters()`` instead.

    Parameters
    ----------
    model : Module
    name : str
        One of ``init.SCHEMES``, which has a line about each: default, he, he_uniform, lecun, lsuv, normal, orthogonal,
        sparse, trunc_normal, xavier, xavier_normal, zeros.
    activation : str, optional
        For the gain, as :func:`calculate_gain` knows it. Unless given: that of the first activation layer found;
        without any, relu for He's schemes and linear for the others.
    negative_slope : float, optional
        Of ``leaky_relu``; unless given, the layer's own or 0.01.
    x : Tensor, optional
        A batch of data, which ``lsuv`` needs.
    generator : Generator, optional
        Where the draws come from, instead of the current stream.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ConfigError
        For a name that is not known, or ``lsuv`` without data.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Sequential(nn.Linear(500, 400), nn.ReLU(), nn.Linear(400, 10))
    >>> round(nn.init.initialize_(net, "he")[0].weight.std().item() * 500 ** 0.5, 1)
    1.4
    """
    if name not in SCHEMES:
        raise ConfigError(f"initialize_: no scheme is called {name!r}; known: {', '.join(SCHEMES)}")
    scheme = SCHEMES[name]
    found, slope = _activation_of(model)
    function = activation or found or scheme.activation
    slope = negative_slope if negative_slope is not None else slope if slope is not None else 0.01
    calculate_gain(function, slope)  # a name that is not known is refused, whether this scheme asks for a gain or not
    with use_generator(generator or current_generator()):
        if name == "default":
            # a part before its parts' whole, which may draw them otherwise
            for module in reversed(list(model.modules())):
                reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
                if reset is not None:
                    reset()
        elif name == "lsuv":
            if x is None:
                raise ConfigError("initialize_: 'lsuv' scales the weights on data; give it a batch: x=…")
            lsuv_(model, x)
        elif scheme.fill is not None:
            fill = scheme.fill
            fill_weights(model, lambda tensor: fill(tensor, function, slope))
    return model


def _activation_of(model: Module) -> tuple[str | None, float | None]:
    """Return the function and slope of the network's first activation layer."""
    for module in model.modules():
        kind = type(module).__name__
        function = _FUNCTIONS.get(kind, kind.lower())
        if function in ("elu", "gelu", "leaky_relu", "mish", "relu", "selu", "sigmoid", "silu", "tanh"):
            slope = getattr(module, "negative_slope", None)
            return function, 0.25 if kind == "PReLU" else slope
    return None, None
