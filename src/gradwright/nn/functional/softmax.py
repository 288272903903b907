"""The softmax family."""

from __future__ import annotations

import warnings
from typing import Any

from gradwright.backend import namespace
from gradwright.engine.functions import activation
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.op import wrap
from gradwright.engine.ops import indexing
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``.

    Parameters
    ----------
    dim : int
        The axis. Left out, it is chosen as old programs expect it (0 for 0, 1 or 3 axes, else 1), with a warning.
    dtype : dtype, optional
        What the input is turned into first.
    """
    return activation.softmax(input, _axis("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of the softmax along ``dim``, as one operation; the arguments are softmax's."""
    return activation.log_softmax(input, _axis("log_softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the softmax of -x along ``dim``; the arguments are softmax's."""
    return activation.softmax(-input, _axis("softmin", input, dim, _stacklevel), dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Draw from a categorical distribution so that a gradient reaches the logits.

    Equation: softmax((x + G) / τ), G independent standard Gumbel noise, -log(-log U).

    Parameters
    ----------
    logits : any shape
        Log-probabilities, up to a constant along ``dim``.
    tau : float > 0
        Temperature: near 0 the draw is nearly one-hot.
    hard : bool
        Return one-hot vectors, with the soft draw's gradient.
    eps : float
        Not used, as in PyTorch.

    References
    ----------
    E. Jang, S. Gu and B. Poole, *Categorical reparameterization with Gumbel-softmax* (ICLR 2017).
    """
    need_tensor("gumbel_softmax", logits)
    if isinstance(tau, int | float) and not tau > 0:
        raise ConfigError(f"gumbel_softmax: the temperature tau must be above 0, got {tau}")
    u = current_generator().uniform(logits.shape, logits.dtype)
    xp = namespace([u])
    # uniform numbers are multiples of 2⁻²⁴, 0 included, whose noise would be infinite
    noise = -xp.log(-xp.log1p(-xp.maximum(u, xp.asarray(2.0**-25, u.dtype))))
    soft = activation.softmax((logits + wrap(noise)) / tau, dim)
    if not hard:
        return soft
    axis = dim % soft.ndim
    last = soft.detach().argmax(axis)
    hot = indexing.one_hot(last, classes=soft.shape[axis], dtype=soft.dtype)
    order = list(range(soft.ndim - 1))
    order.insert(axis, soft.ndim - 1)
    return hot.permute(*order) - soft.detach() + soft


def _axis(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    need_tensor(name, input)
    if dim is not None:
        return dim
    dim = 0 if input.ndim in (0, 1, 3) else 1
    message = f"{name}: no dim was given for an input of shape {input.shape}; taking {dim}. Say dim=… to be sure."
    warnings.warn(message, stacklevel=stacklevel)
    return dim
