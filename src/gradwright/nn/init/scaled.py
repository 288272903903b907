"""Variances that keep a signal's size from layer to layer: the gain of each activation, Xavier's and He's values."""

from __future__ import annotations

import math
from numbers import Real

from gradwright.engine.random import Generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.init.filling import normal_, uniform_

__all__ = [
    "GAINS", "calculate_gain", "fans", "kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_",
]  # fmt: skip

#: Gains that need no parameter. Below the line: 1 / sqrt(E[f(z)²]) for z ~ N(0, 1), by the reasoning of He et al.;
#: PyTorch has no value for these.
GAINS: dict[str, float] = {
    **dict.fromkeys(["linear", "conv1d", "conv2d", "conv3d"], 1.0),
    **dict.fromkeys(["conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"], 1.0),
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
    # ---
    "elu": 1.2451983007007066,
    "gelu": 1.5335304411955353,
    "mish": 1.4868475812732078,
    "silu": 1.6765324703310913,
}


def fans(tensor: Tensor) -> tuple[int, int]:
    """Return (fan in, fan out): how many inputs reach one output, and how many outputs one input reaches.

    Equation: fan_in = shape[1]·field, fan_out = shape[0]·field with field = the product of all further axes. As in
    PyTorch the first axis counts as outputs also in transposed convolutions, which keep their inputs there.

    Raises
    ------
    ShapeError
        When the tensor has fewer than 2 axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.nn.init.fans(gw.zeros(64, 32, 3, 3))
    (288, 576)
    """
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need at least 2 axes (out, in, …); this tensor has shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor on a weight's standard deviation that makes up for what an activation takes from the variance.

    Equations: 1 for ``linear``, convolutions and ``sigmoid``; 5/3 for ``tanh``; sqrt(2) for ``relu``;
    sqrt(2 / (1 + slope²)) for ``leaky_relu``; 3/4 for ``selu``. Besides PyTorch's, ``elu``, ``gelu``, ``mish`` and
    ``silu``: 1 / sqrt(E[f(z)²]), z ~ N(0, 1), which for ``relu`` gives the sqrt(2) above.

    Parameters
    ----------
    nonlinearity : str
        The activation's name among the functions.
    param : float, optional
        The slope of ``leaky_relu`` (0.01 unless given); of no meaning to others.

    Raises
    ------
    ConfigError
        For a name that is not known, or a slope that is no number.

    Examples
    --------
    >>> from gradwright.nn import init
    >>> init.calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, Real)):
            raise ConfigError(f"calculate_gain: the slope of leaky_relu must be a number, got {param!r}")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        known = ", ".join(sorted((*GAINS, "leaky_relu")))
        raise ConfigError(f"calculate_gain: no gain known for {nonlinearity!r}; known: {known}")
    return GAINS[nonlinearity]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from U(-a, a), a = gain·sqrt(6 / (fan_in + fan_out)). X. Glorot and Y. Bengio (AISTATS 2010), eq. 16."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from N(0, s²), s = gain·sqrt(2 / (fan_in + fan_out)). X. Glorot and Y. Bengio (AISTATS 2010), eq. 12."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan_in, fan_out = fans(tensor)
    known = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in known:
        raise ConfigError(f"kaiming: mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(known[mode])


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill from U(-b, b), b = gain·sqrt(3 / fan): :func:`kaiming_normal_` with a uniform distribution."""
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill from N(0, s²), s = gain / sqrt(fan).

    Parameters
    ----------
    tensor : (out, in, …)
    a : float
        The slope when ``nonlinearity`` is ``leaky_relu``; 0 makes that ``relu``.
    mode : 'fan_in', 'fan_out' or 'fan_avg'
        What keeps its variance: the outputs on the way forward, the gradients on the way back, or a bit of each (the
        mean of both fans, which with gain 1 is Xavier's).
    nonlinearity : str
        What follows the layer; see :func:`calculate_gain`.

    Raises
    ------
    ConfigError
        For a mode or a nonlinearity that is not known.
    ShapeError
        When the tensor has fewer than 2 axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.nn.init.kaiming_normal_(gw.zeros(200, 500), nonlinearity="relu")
    >>> round(w.std().item() * 500 ** 0.5, 1)
    1.4

    References
    ----------
    K. He et al., *Delving deep into rectifiers* (ICCV 2015), equations 10, 14 and 15.
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)
