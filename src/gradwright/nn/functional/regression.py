"""Losses between numbers."""

from __future__ import annotations

from gradwright.backend import namespace
from gradwright.engine.autocast import in_float32
from gradwright.engine.ops import loss as fused
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.checks import same_shape
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


@in_float32
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of (input - target)².

    Parameters
    ----------
    input, target : any shape, the same
    reduction : 'mean', 'sum' or 'none'
        ``size_average`` and ``reduce`` are its old form.
    weight : of the same shape, optional
        Weight of each element; the mean is then divided by their sum.

    Raises
    ------
    ShapeError
        When the shapes differ, even where they would broadcast: (n,) against (n, 1) is a mistake, not a wish.
    """
    reduction = chosen(reduction, size_average, reduce)
    same_shape("mse_loss", input=input, target=target)
    d = input - target
    return _weighted("mse_loss", d * d, input, weight, reduction)


@in_float32
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of |input - target|; the gradient at 0 is 0. The arguments are :func:`mse_loss`'s."""
    reduction = chosen(reduction, size_average, reduce)
    same_shape("l1_loss", input=input, target=target)
    return _weighted("l1_loss", (input - target).abs(), input, weight, reduction)


@in_float32
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return the mean of a loss that is quadratic near 0 and |d| - β/2 beyond β.

    Equation: d²/2β where |d| < β, |d| - β/2 elsewhere, with d = input - target; β = 0 is :func:`l1_loss`.

    References
    ----------
    R. Girshick, *Fast R-CNN* (ICCV 2015), equation 3.
    """
    reduction = chosen(reduction, size_average, reduce)
    same_shape("smooth_l1_loss", input=input, target=target)
    known = isinstance(beta, int | float)  # in a compiled step it may be traced
    if known and beta < 0:
        raise ConfigError(f"smooth_l1_loss: beta is a distance, 0 or more; got {beta}")
    if known and beta == 0:
        return reduced((input - target).abs(), reduction)
    if not known:
        beta = namespace([beta]).maximum(beta, 1e-30)  # a member of a population may have 0: the same loss to rounding
    return reduced(fused.huber(input - target, delta=beta) * (1 / beta), reduction)


@in_float32
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Return the mean of a loss that is quadratic near 0 and linear beyond δ.

    Equation: d²/2 where |d| ≤ δ, δ(|d| - δ/2) elsewhere, with d = input - target.

    Parameters
    ----------
    weight : of the same shape, optional
        Weight of each element; the mean still counts elements, as in PyTorch.

    References
    ----------
    P. Huber, *Robust estimation of a location parameter* (Annals of Mathematical Statistics 35, 1964).
    """
    reduction = chosen(reduction)
    same_shape("huber_loss", input=input, target=target)
    if isinstance(delta, int | float) and delta <= 0:
        raise ConfigError(f"huber_loss: delta is a distance above 0; got {delta}")
    loss = fused.huber(input - target, delta=delta)
    if weight is not None:
        _check_weight("huber_loss", input, weight)
        loss = loss * weight
    return reduced(loss, reduction)


def _check_weight(name: str, input: Tensor, weight: Tensor) -> None:
    if weight.shape != input.shape:
        raise ShapeError(f"{name}: weight {weight.shape} and input {input.shape} must have the same shape")


def _weighted(name: str, loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if weight is None:
        return reduced(loss, reduction)
    _check_weight(name, input, weight)
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)
