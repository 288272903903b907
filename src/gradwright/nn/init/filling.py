"""Fill a tensor with one value, with draws of a given distribution, or with the identity."""

from __future__ import annotations

import numpy as np

from gradwright.engine.random import Generator, current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError

__all__ = ["constant_", "dirac_", "eye_", "normal_", "ones_", "trunc_normal_", "uniform_", "zeros_"]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers in [a, b).

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.nn.init.uniform_(gw.zeros(3, 5), -1, 1)
    >>> bool((w.abs() <= 1).all())
    True
    """
    drawn = (generator or current_generator()).uniform(tensor.shape, tensor.dtype)
    tensor._set((drawn * (b - a) + a).astype(tensor.dtype))
    return tensor


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of the given mean and standard deviation."""
    drawn = (generator or current_generator()).normal(tensor.shape, tensor.dtype)
    tensor._set((drawn * std + mean).astype(tensor.dtype))
    return tensor


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the normal distribution cut off at ``a`` and ``b``: draws outside do not exist, none is moved.

    Equation: x = mean + std·Φ⁻¹(Φ(α) + u·(Φ(β) - Φ(α))) with u uniform, α = (a - mean)/std and β = (b - mean)/std;
    computed with logarithms of Φ, so that bounds far out in one tail are exact too.

    Parameters
    ----------
    tensor : any shape, floating
    mean : float
        Of the distribution before it is cut.
    std : float > 0
        The same.
    a, b : float, a < b
        Bounds of the values themselves, not multiples of ``std``; infinite ones do not cut.

    Raises
    ------
    ConfigError
        When ``std`` is not above 0, or no number lies between the bounds.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.nn.init.trunc_normal_(gw.zeros(1000), std=0.02, a=-0.04, b=0.04)
    >>> bool((w.abs() <= 0.04).all())
    True
    """
    from scipy.special import log_ndtr, ndtri_exp

    if not std > 0 or not a < b:
        raise ConfigError(f"trunc_normal_: needs std > 0 and a < b, got std={std}, a={a}, b={b}")
    u = np.asarray((generator or current_generator()).fine_uniform(tensor.shape))
    low, high = (a - mean) / std, (b - mean) / std
    # Φ keeps its digits in the left tail only, so an interval right of the mean is mirrored
    mirrored = low > 0
    if mirrored:
        low, high = -high, -low
    with np.errstate(divide="ignore"):  # log(0) = -inf is what u = 0 means
        z = ndtri_exp(np.logaddexp(log_ndtr(low) + np.log1p(-u), log_ndtr(high) + np.log(u)))
    # rounding may leave the interval by its last digit
    values = np.clip(mean + std * (-z if mirrored else z), a, b)
    tensor._set(np.asarray(values).astype(tensor.dtype))
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return tensor.data.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: 1 on the diagonal, 0 elsewhere, whatever its shape.

    A linear layer then passes its inputs on, as many as fit.

    Raises
    ------
    ShapeError
        When the tensor has not 2 axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.nn.init.eye_(gw.zeros(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: expected a matrix (out, in), got shape {tensor.shape}")
    tensor._set(np.eye(*tensor.shape, dtype=tensor.dtype))
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight with the identity: each output channel repeats one input channel, as many as fit.

    Equation: w[g·(out/groups) + d, d, centre] = 1 for each group g and channel d < min(out/groups, in/groups), 0
    elsewhere; the centre is at index size // 2.

    Parameters
    ----------
    tensor : (out, in / groups, …) with 1 to 3 axes of the field
    groups : int
        The convolution's groups; they must divide ``out``.

    Raises
    ------
    ShapeError
        When the tensor has not 3 to 5 axes, or ``groups`` does not divide the first.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.randn(1, 2, 7)
    >>> w = gw.nn.init.dirac_(gw.zeros(2, 2, 3))
    >>> bool((gw.nn.functional.conv1d(x, w, padding=1) == x).all())
    True
    """
    if not 3 <= tensor.ndim <= 5:
        raise ShapeError(f"dirac_: expected a convolution's weight of 3 to 5 axes, got shape {tensor.shape}")
    out, channels = tensor.shape[:2]
    if groups < 1 or out % groups:
        raise ShapeError(f"dirac_: {groups} groups do not divide the {out} output channels of shape {tensor.shape}")
    values = np.zeros(tensor.shape, tensor.dtype)
    each = out // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    for g in range(groups):
        for d in range(min(each, channels)):
            values[(g * each + d, d, *centre)] = 1
    tensor._set(values)
    return tensor
