"""Losses that ask for a margin: between classes, between scores, or from 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.autocast import in_float32
from gradwright.engine.checks import check_values
from gradwright.engine.op import wrap
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import loss as fused
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.nn.functional.checks import (
    broadcastable,
    check_labels,
    need_floats,
    need_tensors,
    weight_fits,
)
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = [
    "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "soft_margin_loss",
]  # fmt: skip


@in_float32
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of x where the target is 1, and of max(0, margin - x) where it is -1.

    Parameters
    ----------
    input : any shape
        Distances.
    target : same shape, 1 or -1
    """
    reduction = chosen(reduction, size_average, reduce)
    broadcastable("hinge_embedding_loss", input=input, target=target)
    short = ew.where(ew.ne(target, 1), (margin - input).clamp(min=0), 0.0)
    return reduced(short + ew.where(ew.ne(target, -1), input, 0.0), reduction)


@in_float32
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Ask that ``input1`` be larger than ``input2`` by a margin where the target is 1, smaller where it is -1.

    Equation: max(0, -y (x₁ - x₂) + margin).

    Parameters
    ----------
    input1, input2, target : any shape, the same
    """
    reduction = chosen(reduction, size_average, reduce)
    need_tensors("margin_ranking_loss", input1, input2, target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"margin_ranking_loss: input1 {input1.shape}, input2 {input2.shape} and target {target.shape} must have "
            "the same shape"
        )
    broadcastable("margin_ranking_loss", input1=input1, input2=input2, target=target)
    return reduced((margin - target * (input1 - input2)).clamp(min=0), reduction)


@in_float32
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of log(1 + e^(-y x)), without overflow; the target y is 1 or -1 and has the input's shape."""
    reduction = chosen(reduction, size_average, reduce)
    broadcastable("soft_margin_loss", input=input, target=target)
    return reduced(-act.logsigmoid(target * input), reduction)


@in_float32
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the binary cross-entropy of sigmoid(input), averaged over the classes of each row.

    Parameters
    ----------
    input : (…, C)
        Logits.
    target : same shape, 0 or 1
    weight : (C,), optional
        A weight for each class.
    """
    reduction = chosen(reduction, size_average, reduce)
    broadcastable("multilabel_soft_margin_loss", input=input, target=target)
    if not input.ndim:
        raise IndexOutOfRangeError(f"multilabel_soft_margin_loss: expected (…, C), got {input.shape}")
    loss = fused.logistic_loss(input, target)
    if weight is not None:
        broadcastable("multilabel_soft_margin_loss", input=input, weight=weight)
        loss = loss * weight
    return reduced(loss.sum(-1) / input.shape[-1], reduction)


@in_float32
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Ask that the score of the label's class be larger than all others by a margin.

    Equation: Σ over the classes j ≠ y of w[y] · max(0, margin - x[y] + x[j])ᵖ, divided by C. The gradient at the kink
    is 0.

    Parameters
    ----------
    input : (N, C), or (C,)
        Scores.
    target : (N,), or (), int64 in [0, C)
    p : 1 or 2
    weight : (C,), optional
        A weight for each class.
    """
    reduction = chosen(reduction, size_average, reduce)
    need_floats("multi_margin_loss", input=input)
    need_tensors("multi_margin_loss", target)
    if p not in (1, 2):
        raise ConfigError(f"multi_margin_loss: p is 1 or 2, got {p}")
    rows, shape = _scores("multi_margin_loss", input, target, input.shape[:-1] or (1,), input.shape[:-1])
    classes = rows.shape[-1]
    weight_fits("multi_margin_loss", input, weight, classes)
    check_labels("multi_margin_loss", target, classes, None)
    labels = target._array.reshape(-1)
    xp = namespace([labels])
    short = act.relu(margin - fused.pick(rows, labels).reshape(-1, 1) + rows)
    if p == 2:
        short = short * short
    if weight is not None:
        short = short * weight[labels].reshape(-1, 1)
    own = labels[:, None] == xp.arange(classes, dtype=labels.dtype)
    return reduced((ew.where(own, 0.0, short).sum(-1) / classes).reshape(shape), reduction)


@in_float32
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Ask that the score of each label's class be larger by 1 than those of all classes that are no label.

    Equation: Σ over labels y and classes j that are no label of max(0, 1 - x[y] + x[j]), divided by C. The gradient at
    the kink is 0.

    Parameters
    ----------
    input : (N, C), or (C,)
        Scores.
    target : same shape, int64
        Each row's labels, then a -1 where there are fewer than C; what follows it does not matter.
    """
    reduction = chosen(reduction, size_average, reduce)
    need_floats("multilabel_margin_loss", input=input)
    need_tensors("multilabel_margin_loss", target)
    rows, shape = _scores("multilabel_margin_loss", input, target, input.shape)
    classes = rows.shape[-1]
    if target.dtype.kind not in "iu":
        raise DTypeError(f"multilabel_margin_loss: class labels must be integers, got {target.dtype}")

    def check(labels: np.ndarray) -> None:
        bad = (labels < -1) | (labels >= classes)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise IndexOutOfRangeError(
                f"multilabel_margin_loss: the label at {where} is {labels[where]}, but {classes} classes have labels 0 "
                f"to {classes - 1}, and -1 ends a row"
            )

    check_values(target._array, check)
    labels: Any = target._array.reshape(rows.shape)
    xp = namespace([labels])
    given = xp.cumsum(labels < 0, axis=1) == 0  # before the first -1
    labels = xp.where(given, labels, 0)
    hot = labels[:, :, None] == xp.arange(classes, dtype=labels.dtype)
    other = ~(hot & given[:, :, None]).any(1)
    own = ew.where(hot, rows.unsqueeze(1), 0.0).sum(-1)  # each label's score
    short = act.relu(1 - own.unsqueeze(2) + rows.unsqueeze(1))
    short = ew.where(wrap(given[:, :, None] & other[:, None, :]), short, 0.0)
    return reduced((short.sum((1, 2)) / classes).reshape(shape), reduction)


def _scores(name: str, input: Tensor, target: Tensor, *fitting: tuple[int, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """Return scores as (N, C), and the shape that the losses of the rows have; refuse a target of no fitting shape."""
    if input.ndim > 2 or 0 in input.shape[-1:] or target.shape not in fitting:
        raise ShapeError(f"{name}: expected scores (N, C), (C,) or (); got {input.shape} and a target {target.shape}")
    return input.reshape(-1, *(input.shape[-1:] or (1,))), input.shape[:-1]
