"""Random tensors of given probabilities: coins, categories, normal numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.backend.dtypes import category
from gradwright.engine.base import TensorBase, settle
from gradwright.engine.creation import floating, lengths, made
from gradwright.engine.dtypes import as_dtype
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.generator import Generator, current_generator
from gradwright.engine.op import wrap
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["bernoulli", "coins", "floats", "multinomial", "normal", "whole_numbers"]


def floats(name: str, dtype: Any) -> np.dtype:
    """Return the dtype asked for, or the default one; it must be floating."""
    found = floating(name, dtype)
    if category(found) != 2:
        raise DTypeError(f"{name}: draws floats, not {found}; for whole numbers use randint")
    return found


def whole_numbers(
    name: str, low: Any, high: Any, shape: tuple[int, ...], generator: Generator | None, dtype: Any
) -> Any:
    """Draw whole numbers from ``low`` up to but without ``high``."""
    low, high = int(low), int(high)
    if not low < high:
        raise ConfigError(f"{name}: no whole number lies from {low} up to but without {high}")
    if low < -(2**63) or high > 2**63:
        raise ConfigError(f"{name}: from {low} to {high} is more than int64 holds")
    return (generator or current_generator()).integers(low, high, shape, as_dtype(name, dtype))


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return normal random numbers of the given mean and standard deviation: numbers with ``size``, or Tensors.

    Raises
    ------
    ConfigError
        When a standard deviation is negative, or ``size`` is missing.
    """
    arrays = [settle(v) if isinstance(v, TensorBase) else v for v in (mean, std)]
    tensors = [a for a in arrays if hasattr(a, "shape")]
    for a in tensors:
        if category(np.dtype(a.dtype)) != 2:
            raise DTypeError(f"normal: mean and std must be floating, got {a.dtype}")
    if is_concrete(arrays[1]) and np.size(arrays[1]) and np.min(arrays[1]) < 0:
        raise ConfigError(f"normal: std must be at least 0, got {np.min(arrays[1])}")
    if tensors:
        shape = np.broadcast_shapes(*[a.shape for a in tensors])
        found = np.dtype(tensors[0].dtype) if dtype is None else as_dtype("normal", dtype)
    elif size is None:
        raise ConfigError("normal: mean and std are numbers, so the size is missing: normal(mean, std, size)")
    else:
        shape, found = lengths("normal", (), size), floats("normal", dtype)
    z = (generator or current_generator()).normal(shape, found)
    return made("normal", (z * arrays[1] + arrays[0]).astype(found), device, requires_grad)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability that stands in ``input`` (or ``p``), else 0, in the dtype of ``input``.

    Raises
    ------
    ConfigError
        When a probability is not from 0 to 1.
    """
    need_tensor("bernoulli", input)
    if p is None and category(input.dtype) != 2:
        raise DTypeError(f"bernoulli: probabilities are floats, not {input.dtype}")
    out: Tensor = wrap(coins("bernoulli", input, input if p is None else p, generator))
    return out


def coins(name: str, input: Tensor, p: Any, generator: Generator | None) -> Any:
    """Return 1 with probability ``p``, else 0, in the shape and dtype of ``input``."""
    chance = settle(p) if isinstance(p, TensorBase) else np.asarray(p)
    if is_concrete(chance) and not bool(((chance >= 0) & (chance <= 1)).all()):
        raise ConfigError(f"{name}: a probability lies from 0 to 1, got {chance[~((chance >= 0) & (chance <= 1))][0]}")
    if np.broadcast_shapes(chance.shape, input.shape) != input.shape:
        raise ShapeError(f"{name}: probabilities of shape {tuple(chance.shape)} for a tensor of shape {input.shape}")
    u = (generator or current_generator()).uniform(input.shape)
    xp = namespace([u, chance])
    return xp.asarray(u < chance).astype(input.dtype)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw ``num_samples`` indices from each row, with probabilities in proportion to the row's weights.

    Parameters
    ----------
    input : (C,) or (N, C), floating
        Weights, not all 0; they need not add up to 1.
    replacement : bool
        Whether an index may come again. Without it the weights p are divided by exponential random numbers and the
        largest quotients win, which is the Gumbel trick.

    Returns
    -------
    Tensor of int64
        (num_samples,) or (N, num_samples)

    Raises
    ------
    ConfigError
        When a weight is negative, infinite or NaN, a row is all 0, or more indices are asked for than there are.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.multinomial(gw.tensor([0.0, 1.0, 0.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    need_tensor("multinomial", input)
    if input.ndim not in (1, 2) or input.shape[-1] == 0:
        raise ShapeError(f"multinomial: expected weights (C,) or (N, C), got {input.shape}")
    if category(input.dtype) != 2:
        raise DTypeError(f"multinomial: weights are floats, not {input.dtype}")
    categories = input.shape[-1]
    if num_samples < 1 or (not replacement and num_samples > categories):
        raise ConfigError(
            f"multinomial: {num_samples} samples of {categories} categories"
            + ("" if replacement else "; for more samples than categories say replacement=True")
        )
    weights = settle(input)
    if is_concrete(weights):
        _check_weights(np.asarray(weights))
    drawn = (_with_replacement if replacement else _without_replacement)(
        weights, num_samples, generator or current_generator()
    )
    out: Tensor = wrap(drawn)
    return out


def _check_weights(weights: np.ndarray) -> None:
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ConfigError("multinomial: a weight is negative, infinite or NaN")
    if (weights.sum(-1) <= 0).any():
        raise ConfigError("multinomial: the weights of a row are all 0")


def _with_replacement(weights: Any, count: int, generator: Generator) -> Any:
    """Count the partial sums that a uniform number times the whole sum has reached."""
    u = generator.fine_uniform((*weights.shape[:-1], count))
    xp = namespace([u, weights])
    sums = xp.cumsum(weights.astype(np.float64), axis=-1)
    reached = u * sums[..., -1:]
    if xp is np:
        rows = zip(sums.reshape(-1, sums.shape[-1]), reached.reshape(-1, count), strict=True)
        found = np.stack([np.searchsorted(s, r, side="right") for s, r in rows]).reshape(reached.shape)
    else:
        found = (sums[..., None, :] <= reached[..., :, None]).sum(-1)
    # rounding may reach the whole sum: then it is the last category that has a weight
    last = weights.shape[-1] - 1 - xp.argmax(weights[..., ::-1] > 0, axis=-1)
    return xp.minimum(found, last[..., None]).astype(np.int64)


def _without_replacement(weights: Any, count: int, generator: Generator) -> Any:
    quotients = weights / generator.exponential(weights.shape, weights.dtype)
    xp = namespace([quotients])
    order = xp.argsort(-quotients, axis=-1, kind="stable") if xp is np else xp.argsort(-quotients, axis=-1, stable=True)
    return order[..., :count].astype(np.int64)
