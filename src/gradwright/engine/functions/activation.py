"""Activation functions with the arguments of ``torch.nn.functional``, and the softmax family.

``nn.functional`` has all of them; the ones in ``__all__`` are also functions at the top, as PyTorch's are. With
``inplace=True`` the result takes the place of the input's numbers, and the input itself is returned.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.functions.calling import axis, need_float, need_tensor, unary
from gradwright.engine.functions.inplace import put
from gradwright.engine.op import Op, wrap
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, reduction
from gradwright.engine.ops import shape as shaping
from gradwright.errors import ConfigError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "celu", "hardshrink", "log_softmax", "prelu", "relu", "rrelu", "selu", "sigmoid", "softmax", "tanh", "threshold",
]  # fmt: skip

sigmoid = unary(act.sigmoid, "Return 1 / (1 + e⁻ˣ) of each element.")
tanh = unary(act.tanh, "Return the hyperbolic tangent of each element.")
logsigmoid = unary(act.logsigmoid, "Return log(sigmoid(x)) of each element without overflow.", floats=True)


def _known(*numbers: Any) -> bool:
    """Say whether these are numbers that can be compared, not what a compiled step has in their place."""
    return all(isinstance(n, int | float) for n in numbers)


def _activated(op: Op, input: Tensor, inplace: bool, floats: bool = True, **meta: Any) -> Tensor:
    if floats:
        need_tensor(op.name, input)
        need_float(op.name, input)
    if not inplace:
        return op(input, **meta)
    # on the identity, so that what the rule keeps is not taken for what has been written over
    return put(input, op(ew.identity(input), **meta))


# --- rectifiers -------------------------------------------------------------------------------------------------------
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0) of each element; its gradient at 0 is 0."""
    need_tensor("relu", input)
    ew.refuse_truth("relu", input)
    return _activated(act.relu, input, True, floats=False) if inplace else act.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x, 0), 6) of each element; its gradient at 0 and 6 is 0."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return each element moved into [min_val, max_val]; the gradient at the bounds is 0.

    Raises
    ------
    ConfigError
        When ``min_val`` is above ``max_val``.
    """
    need_tensor("hardtanh", input)
    ew.refuse_truth("hardtanh", input)
    if _known(min_val, max_val) and min_val > max_val:
        raise ConfigError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    if input.dtype.kind in "iu":
        if input.dtype.kind == "u" and min_val < 0:
            raise ConfigError(f"hardtanh: {input.dtype} holds no negative numbers, but min_val is {min_val}")
        min_val, max_val = int(min_val), int(max_val)
    return _activated(act.hardtanh, input, inplace, floats=False, low=min_val, high=max_val)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x, or ``negative_slope``·x where x is not positive; the gradient at 0 is the negative side's."""
    return _activated(act.leaky_relu, input, inplace, slope=negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x, or weight·x where x is not positive.

    Parameters
    ----------
    input : (N, C, …), or any shape for a single weight
    weight : (C,), (1,) or ()
        A slope for each channel, or one for all.

    Raises
    ------
    ShapeError
        When there are neither as many weights as channels nor one.
    """
    need_tensor("prelu", input)
    need_tensor("prelu", weight)
    need_float("prelu", input)
    if weight.ndim > 1:
        raise ShapeError(f"prelu: weight must have at most one axis, got {weight.shape}")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels):
        raise ShapeError(f"prelu: {weight.numel()} weights for {channels} channels of an input {input.shape}")
    spread = (weight.numel(), *(1,) * (input.ndim - 2)) if input.ndim > 1 else (1,) * input.ndim
    weight = shaping.reshape(weight, shape=spread)
    return act.prelu(input, weight)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Return x, or a·x where x is not positive, with a drawn for each element uniformly from [lower, upper].

    Without ``training`` a is the mean of the two.

    Raises
    ------
    ConfigError
        When ``lower`` is above ``upper``.
    """
    need_tensor("rrelu", input)
    need_float("rrelu", input)
    if _known(lower, upper) and lower > upper:
        raise ConfigError(f"rrelu: lower must not be above upper, got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = wrap(_uniform(input) * (upper - lower) + lower)
    result = act.prelu(ew.identity(input) if inplace else input, slopes)
    return put(input, result) if inplace else result


def _uniform(like: Tensor) -> Any:
    """Draw an array of the tensor's shape and dtype."""
    from gradwright.engine.random import current_generator  # which is made of Tensors

    return current_generator().uniform(like.shape, like.dtype)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where it is above ``threshold``, ``value`` elsewhere; the gradient at the threshold is 0."""
    need_tensor("threshold", input)
    ew.refuse_truth("threshold", input)
    return _activated(act.threshold, input, inplace, floats=False, threshold=threshold, value=value)


# --- exponential units ------------------------------------------------------------------------------------------------
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x, or α(eˣ - 1) where x is not positive.

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, *Fast and accurate deep network learning by exponential linear
    units* (ICLR 2016).
    """
    return _activated(act.elu, input, inplace, alpha=alpha, scale=1.0, rate=1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return s·x, or s·α(eˣ - 1) where x is not positive; s and α keep mean 0 and variance 1 from layer to layer.

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017).
    """
    return _activated(act.elu, input, inplace, alpha=1.6732632423543772, scale=1.0507009873554805, rate=1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return max(x, 0) + min(α(e^(x/α) - 1), 0), whose slope is continuous for every α.

    Raises
    ------
    ConfigError
        For ``alpha`` 0.
    """
    if _known(alpha) and alpha == 0:
        raise ConfigError("celu: alpha must not be 0")
    return _activated(act.elu, input, inplace, alpha=alpha, scale=1.0, rate=1 / alpha)


# --- smooth -----------------------------------------------------------------------------------------------------------
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x·Φ(x), with Φ the standard normal distribution function.

    Parameters
    ----------
    approximate : "none" or "tanh"
        The function itself, or 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))).

    References
    ----------
    D. Hendrycks and K. Gimpel, *Gaussian error linear units* (2016).
    """
    if approximate == "none":
        return _activated(act.gelu, input, False)
    if approximate == "tanh":
        return _activated(act.gelu_tanh, input, False)
    raise ConfigError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x·sigmoid(x), also called swish."""
    return _activated(act.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x·tanh(softplus(x))."""
    return _activated(act.mish, input, inplace)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """Return log(1 + e^(βx)) / β without overflow, and x itself where βx is above ``threshold``."""
    return _activated(act.softplus, input, False, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    need_tensor("softsign", input)
    return ew.div(input, ew.add(ew.abs(input), 1))


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    need_tensor("tanhshrink", input)
    return ew.sub(input, act.tanh(input))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a·sigmoid(b), where a and b are the halves of the input along ``dim``.

    Raises
    ------
    ShapeError
        When that axis has an odd length.
    """
    need_tensor("glu", input)
    need_float("glu", input)
    if input.ndim == 0:
        raise ShapeError("glu: a tensor without axes cannot be halved")
    at = axis("glu", input, dim)
    length = input.shape[at]
    if length % 2:
        raise ShapeError(f"glu: dim {dim} of the input {input.shape} must have an even length to be halved")
    lead = (slice(None),) * at
    first = indexing.getitem(input, index=(*lead, slice(0, length // 2)))
    second = indexing.getitem(input, index=(*lead, slice(length // 2, length)))
    return ew.mul(first, act.sigmoid(second))


# --- piecewise linear -------------------------------------------------------------------------------------------------
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x + 3, 0), 6) / 6; the gradient at ±3 is 0."""
    return _activated(act.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x·hardsigmoid(x); the gradient at -3 is 0, at 3 it is 1."""
    return _activated(act.hardswish, input, inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x, and 0 where |x| <= ``lambd``; the gradient there is 0 too."""
    return _activated(act.hardshrink, input, False, lambd=lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved toward 0 by ``lambd``, and 0 where |x| <= ``lambd``; the gradient there is 0 too."""
    if _known(lambd) and lambd < 0:
        raise ConfigError(f"softshrink: lambd must be 0 or more, got {lambd}")
    return _activated(act.softshrink, input, False, lambd=lambd)


# --- along an axis ----------------------------------------------------------------------------------------------------
def softmax(input: Tensor, dim: int | None = None, dtype: Any = None, *, _stacklevel: int = 3) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``.

    Parameters
    ----------
    dim : int
        The axis. Left out, it is 0 for tensors of 0, 1 or 3 axes and 1 otherwise, with a warning, as in PyTorch.
    dtype : dtype, optional
        Convert the input first.
    """
    return _along("softmax", act.softmax, input, dim, dtype, _stacklevel)


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None, *, _stacklevel: int = 3) -> Tensor:
    """Return the softmax of -x along ``dim``."""
    need_tensor("softmin", input)
    return _along("softmin", act.softmax, ew.neg(input), dim, dtype, _stacklevel)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None, *, _stacklevel: int = 3) -> Tensor:
    """Return the logarithm of the softmax along ``dim``, as one operation; arguments as in :func:`softmax`."""
    return _along("log_softmax", act.log_softmax, input, dim, dtype, _stacklevel)


def _along(name: str, op: Op, input: Tensor, dim: int | None, dtype: Any, stacklevel: int) -> Tensor:
    need_tensor(name, input)
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{name}: the implicit choice of dim is deprecated; say dim={dim}", UserWarning, stacklevel=stacklevel
        )
    at = axis(name, input, dim)
    if dtype is not None and np.dtype(dtype) != input.dtype:
        input = ew.cast(input, dtype=np.dtype(dtype))
    need_float(name, input)
    if input.ndim == 0:
        return shaping.reshape(op(shaping.reshape(input, shape=(1,)), axis=0), shape=())
    return op(input, axis=at)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Return a random point of the simplex: softmax((logits + Gumbel noise) / ``tau``) along ``dim``.

    Parameters
    ----------
    hard : bool
        Return one-hot vectors, with the gradient of the soft ones.
    eps : float
        Without effect, as in PyTorch.

    References
    ----------
    E. Jang, S. Gu and B. Poole, *Categorical reparameterization with Gumbel-softmax* (ICLR 2017).
    """
    need_tensor("gumbel_softmax", logits)
    need_float("gumbel_softmax", logits)
    at = axis("gumbel_softmax", logits, dim)
    uniform = wrap(_uniform(logits) + 2.0**-26)  # never 0
    noise = ew.neg(ew.log(ew.neg(ew.log(uniform))))
    soft = softmax(ew.div(ew.add(logits, noise), tau), at)
    if not hard or not soft.ndim:
        return soft
    chosen = reduction.argmax(soft, axis=at, keepdims=True)
    places = np.arange(soft.shape[at]).reshape([-1 if i == at else 1 for i in range(soft.ndim)])
    one_hot = ew.cast(ew.eq(chosen, places), dtype=soft.dtype)
    return ew.add(ew.sub(one_hot, soft.detach()), soft)


class ActivationMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    hardshrink = hardshrink
    log_softmax = log_softmax
    prelu = prelu
    relu = relu
    sigmoid = sigmoid
    softmax = softmax
    tanh = tanh
