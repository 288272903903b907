"""Losses from probabilities and densities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.checks import check_values
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import loss as fused
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.nn.functional.checks import broadcastable, need_floats, need_tensors, same_shape
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "kl_div", "poisson_nll_loss",
]  # fmt: skip


@in_float32
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -[y log p + (1 - y) log(1 - p)], the logarithms held above -100 as in PyTorch.

    Parameters
    ----------
    input : any shape, in [0, 1]
        Probabilities. From logits, :func:`binary_cross_entropy_with_logits` keeps more digits.
    target : same shape, in [0, 1]
    weight : broadcastable to that shape, optional
        Weight of each element.
    """
    reduction = chosen(reduction, size_average, reduce)
    same_shape("binary_cross_entropy", input=input, target=target)
    need_floats("binary_cross_entropy", input=input, target=target)

    def check(p: np.ndarray) -> None:
        bad = ~((p >= 0) & (p <= 1) | np.isnan(p))
        if bad.any():
            raise IndexOutOfRangeError(
                f"binary_cross_entropy: input must be probabilities in [0, 1], found {p[bad].ravel()[0]}. "
                "For logits use binary_cross_entropy_with_logits."
            )

    check_values(input._array, check)
    return reduced(_times("binary_cross_entropy", fused.binary_loss(input, target), weight=weight), reduction)


@in_float32
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the binary cross-entropy of sigmoid(input), computed from the logits without overflow.

    Equation: max(x, 0) - x·y + log(1 + e^-|x|); with ``pos_weight`` w the positive term is multiplied by w.

    Parameters
    ----------
    input : any shape
        Logits.
    target : same shape, in [0, 1]
    weight : broadcastable, optional
        Weight of each element.
    pos_weight : broadcastable, optional
        Weight of the positive class.
    """
    reduction = chosen(reduction, size_average, reduce)
    same_shape("binary_cross_entropy_with_logits", input=input, target=target)
    if pos_weight is None:
        loss = fused.logistic_loss(input, target)
    else:
        factor = 1 + _times("binary_cross_entropy_with_logits", target, pos_weight=pos_weight - 1)
        loss = (1 - target) * input + factor * -act.logsigmoid(input)
    return reduced(_times("binary_cross_entropy_with_logits", loss, weight=weight), reduction)


def _times(name: str, loss: Tensor, **weights: Tensor | None) -> Tensor:
    """Multiply by a weight that broadcasts to the loss's shape."""
    ((argument, weight),) = weights.items()
    if weight is None:
        return loss
    try:
        fits = np.broadcast_shapes(loss.shape, weight.shape) == loss.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: {argument} {weight.shape} cannot be repeated to the input's shape {loss.shape}")
    return loss * weight


@in_float32
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return the Kullback-Leibler divergence of ``target`` from the distribution whose logarithm is ``input``.

    Equation: y (log y - x) for each element; where y is 0 it adds 0.

    Parameters
    ----------
    input : any shape
        Log-probabilities.
    target : same shape
        Probabilities, or their logarithms with ``log_target``.
    reduction : 'mean', 'batchmean', 'sum' or 'none'
        'batchmean' divides the sum by the length of the first axis, which is the divergence proper; 'mean' divides by
        the number of elements.
    """
    reduction = chosen(reduction, size_average, reduce, ("mean", "batchmean", "sum", "none"))
    broadcastable("kl_div", input=input, target=target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        # where y is 0: 1·(log 1 - 0), whatever the input
        zero = ew.eq(target, 0)
        y = ew.where(zero, 1.0, target)
        loss = y * (y.log() - ew.where(zero, 0.0, input))
    if reduction == "batchmean":
        return loss.sum() * (1.0 / input.shape[0]) if input.ndim else loss.sum()
    return reduced(loss, reduction)


@in_float32
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return minus the log-likelihood of counts under a Poisson distribution, up to a constant of the counts.

    Equation: eˣ - y x, or without ``log_input`` x - y log(x + ε); ``full`` adds Stirling's
    y log y - y + ½ log 2πy where y > 1.

    Parameters
    ----------
    input : any shape
        The expected count, or its logarithm.
    target : same shape
        The count.
    """
    reduction = chosen(reduction, size_average, reduce)
    broadcastable("poisson_nll_loss", input=input, target=target)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = ew.gt(target, 1)
        y = ew.where(large, target, 1.0)  # so that what is not taken is finite
        loss = loss + ew.where(large, y * y.log() - y + 0.5 * (2 * math.pi * y).log(), 0.0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Return minus the log-likelihood of the target under a normal distribution, up to a constant.

    Equation: ½ (log max(σ², ε) + (x - y)² / max(σ², ε)); ``full`` adds ½ log 2π.

    Parameters
    ----------
    input : (N, …)
        The expected values.
    target : same shape
    var : same shape, or with one axis of length 1, or without the last axis, or a number; not negative
        The variances. The gradient passes through the clamp at ``eps``.

    References
    ----------
    D. Nix and A. Weigend, *Estimating the mean and variance of the target probability distribution* (ICNN 1994).
    """
    reduction = chosen(reduction)
    need_tensors("gaussian_nll_loss", input, target)
    broadcastable("gaussian_nll_loss", input=input, target=target)
    if isinstance(var, int | float):
        if var < 0:
            raise ConfigError(f"gaussian_nll_loss: var is a variance, 0 or more; got {var}")
        var = Tensor(np.asarray(var, input.dtype))
    else:
        need_tensors("gaussian_nll_loss", var)
        check_values(var._array, _no_negative)
        if var.shape != input.shape:
            if var.shape == input.shape[:-1]:
                var = var.unsqueeze(-1)
            elif not _differs_once(input.shape, var.shape):
                raise ShapeError(
                    f"gaussian_nll_loss: var {var.shape} must have the shape of input {input.shape}, one axis of it 1, "
                    "or the last axis left out"
                )
    var = var + (var.detach().clamp(min=eps) - var.detach())
    d = input - target
    loss = 0.5 * (var.log() + d * d / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def _no_negative(var: np.ndarray) -> None:
    if (var < 0).any():
        where = tuple(int(i) for i in np.argwhere(var < 0)[0])
        raise ConfigError(f"gaussian_nll_loss: var holds a negative variance, {var[where]} at {where}")


def _differs_once(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether ``other`` is ``shape`` with one axis replaced by 1."""
    if len(shape) != len(other):
        return False
    different: list[Any] = [b for a, b in zip(shape, other, strict=True) if a != b]
    return different == [1]
