"""Losses of class scores against class labels, or against distributions over the classes."""

from __future__ import annotations

from typing import Any

from gradwright.backend import is_concrete, namespace
from gradwright.engine.autocast import in_float32
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import loss as fused
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.checks import check_labels, need_floats, need_tensors, weight_fits
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = ["cross_entropy", "nll_loss"]


@in_float32
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: Any = 0.0,
) -> Tensor:
    """Return the cross-entropy of softmax(input) against labels or probabilities.

    Equation: -log softmax(x)[target], as logsumexp(x) - x[target], averaged over the rows that count (weighted by the
    class's weight). With smoothing ε the target distribution is (1 - ε)·one_hot + ε / C.

    Parameters
    ----------
    input : (N, C), (C,), or (N, C, d1, d2, …)
        Logits: any real numbers, no softmax applied.
    target : (N,), (), or (N, d1, d2, …) int64 in [0, C); or probabilities of the input's shape
        The labels; places equal to ``ignore_index`` do not count.
    weight : (C,), optional
        A weight for each class.
    reduction : 'mean', 'sum' or 'none'
        ``size_average`` and ``reduce`` are its old form. With probabilities the mean is over rows, whatever the
        weights.
    label_smoothing : float in [0, 1]

    Raises
    ------
    IndexOutOfRangeError
        Naming the row and the label that is out of range, or when a mean is asked for and all targets are ignored. A
        compiled step checks the labels it is given before it runs.
    """
    reduction = chosen(reduction, size_average, reduce)
    need_tensors("cross_entropy", input, target)
    if isinstance(label_smoothing, int | float) and not 0 <= label_smoothing <= 1:
        raise ConfigError(f"cross_entropy: label_smoothing is a share, from 0 to 1; got {label_smoothing}")
    smooth = not (isinstance(label_smoothing, int | float) and label_smoothing == 0)
    if target.dtype.kind == "f" and target.shape == input.shape and input.ndim:
        return _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing if smooth else None)
    rows, shape = _rows("cross_entropy", "logits", input, target)
    classes = rows.shape[-1]
    need_floats("cross_entropy", input=input)
    weight_fits("cross_entropy", input, weight, classes)
    check_labels("cross_entropy", target, classes, ignore_index, reduction == "mean")
    labels = target._array.reshape(-1)
    xp = namespace([labels])
    counted: Any = None
    if not is_concrete(labels) or bool((labels == ignore_index).any()):
        counted = labels != ignore_index
        labels = xp.where(counted, labels, 0)
    loss = fused.softmax_cross_entropy(rows, labels)
    row_weight: Any = None
    if weight is not None:
        row_weight = weight[labels]
        loss = loss * row_weight
    if smooth:
        log_p = rows.log_softmax(-1)
        even = -(log_p if weight is None else log_p * weight).sum(-1)
        loss = loss * (1 - label_smoothing) + even * (label_smoothing / classes)
    return _counted(loss, counted, row_weight, reduction, shape)


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: Any
) -> Tensor:
    axis = 0 if input.ndim == 1 else 1
    classes = input.shape[axis]
    weight_fits("cross_entropy", input, weight, classes)
    if ignore_index >= 0:
        raise ConfigError(f"cross_entropy: ignore_index={ignore_index} has no meaning where targets are probabilities")
    if label_smoothing is not None:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    each = input.log_softmax(axis) * target
    if weight is not None:
        each = each * weight.reshape(-1, *(1 for _ in input.shape[axis + 1 :]))
    return reduced(-each.sum(axis), reduction)


@in_float32
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return minus the log-probability that ``input`` gives the label: -input[i, target[i]].

    Parameters
    ----------
    input : (N, C), (C,), or (N, C, d1, d2, …)
        Log-probabilities, as from ``log_softmax``.
    target : (N,), (), or (N, d1, d2, …) int64 in [0, C)
        Places equal to ``ignore_index`` do not count.
    weight : (C,), optional
        A weight for each class; the mean is then divided by the weights of the labels.
    """
    reduction = chosen(reduction, size_average, reduce)
    need_tensors("nll_loss", input, target)
    rows, shape = _rows("nll_loss", "log-probabilities", input, target)
    classes = rows.shape[-1]
    weight_fits("nll_loss", input, weight, classes)
    check_labels("nll_loss", target, classes, ignore_index, reduction == "mean")
    labels = target._array.reshape(-1)
    xp = namespace([labels])
    counted: Any = None
    if not is_concrete(labels) or bool((labels == ignore_index).any()):
        counted = labels != ignore_index
        labels = xp.where(counted, labels, 0)
    loss = -fused.pick(rows, labels)
    row_weight: Any = None
    if weight is not None:
        row_weight = weight[labels]
        loss = loss * row_weight
    return _counted(loss, counted, row_weight, reduction, shape)


def _rows(name: str, what: str, input: Tensor, target: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Fold (N, C, d1, …) into (N·d1·…, C); also the shape that the losses of the rows have."""
    if input.ndim == 2:  # by far the most frequent
        rows, shape = input, input.shape[:1]
    elif input.ndim == 1:
        rows, shape = input.reshape(1, -1), ()
    elif input.ndim > 2:
        n, classes, *rest = input.shape
        rows, shape = input.permute(0, *range(2, input.ndim), 1).reshape(-1, classes), (n, *rest)
    else:
        raise ShapeError(f"{name}: expected {what} of shape (N, C), (C,) or (N, C, …), got {input.shape}")
    if target.shape != shape:
        rows_of = f"{input.shape[0]} rows" if input.ndim > 1 else "one row"
        wanted = f"must be {shape}" if shape else "must be (), one label"
        raise ShapeError(
            f"{name}: {rows_of} of {what} and the target have the shapes {input.shape} and {target.shape}; "
            f"the target's {wanted}"
        )
    return rows, shape


def _counted(loss: Tensor, counted: Any, row_weight: Any, reduction: str, shape: tuple[int, ...]) -> Tensor:
    """Leave out the rows that do not count, and reduce; a mean is weighted."""
    if counted is not None:
        # choose rather than multiply: an ignored row may hold a NaN
        loss = ew.where(counted, loss, 0.0)
        if row_weight is not None:
            row_weight = ew.where(counted, row_weight, 0.0)
    if reduction == "mean" and row_weight is not None:
        return loss.sum() / row_weight.sum()
    if reduction == "mean" and counted is not None:
        return loss.sum() / wrap(namespace([counted]).sum(counted).astype(loss.dtype))
    return reduced(loss, reduction) if reduction != "none" or loss.shape == shape else loss.reshape(shape)
