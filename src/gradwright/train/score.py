"""The figure that is added up while training: right answers, or squared errors."""

from __future__ import annotations

import numpy as np

from gradwright import nn
from gradwright.engine.functions.joining import stack
from gradwright.engine.tensor import Tensor

__all__ = ["score", "score_name", "score_value"]


def score_name(criterion: nn.Module, y: np.ndarray | Tensor) -> str:
    """Return ``accuracy`` for labels and for several labels at once, ``rmse`` for numbers."""
    labels = y.dtype.kind in "iu" or isinstance(criterion, nn.BCEWithLogitsLoss)
    return "accuracy" if labels else "rmse"


def score(criterion: nn.Module, output: Tensor, y: Tensor) -> Tensor:
    """Return the sum of the score over a batch and how much it is a sum of, shape (2,).

    Labels (n,) or (n, length) beside outputs (n, classes) or (n, classes, length): how many are right, of how many that
    are not ignored. Several labels (n, labels) beside logits: right ones of all. Numbers: squared errors.
    """
    if y.dtype.kind in "iu":
        ignored = getattr(criterion, "ignore_index", -100)
        counted = y != ignored
        right, count = ((output.argmax(1) == y) & counted).sum(), counted.sum()
    elif score_name(criterion, y) == "accuracy":
        right, count = ((output > 0) == (y > 0.5)).sum(), _elements(y)
    else:
        d = output - y
        right, count = (d * d).sum(), _elements(y)
    return stack([right.float(), count.float()])


def _elements(y: Tensor) -> Tensor:
    return Tensor(np.array(np.prod(y.shape), np.float32))


def score_value(name: str, total: float, count: float) -> float:
    """Return the figure of sums over all batches."""
    mean = float(total) / float(count) if count else float("nan")
    return float(np.sqrt(mean)) if name == "rmse" else mean
