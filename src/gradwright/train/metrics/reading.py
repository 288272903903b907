"""Outputs, targets and weights as every metric wants them: one row a prediction, what does not count left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.errors import DataError, DTypeError, IndexOutOfRangeError, ShapeError

__all__ = ["IGNORE", "ClassRows", "NumberRows", "read_classes", "read_numbers"]

#: The label that says "does not count", as in cross-entropy.
IGNORE = -100


@dataclass(frozen=True)
class ClassRows:
    """Predictions of classes.

    Parameters
    ----------
    logits : (n, classes)
    target : (n,) int64 labels, or (n, labels) bool
        The latter where several labels may hold at once.
    weight : (n,) or (n, labels), float64
    """

    logits: np.ndarray
    target: np.ndarray
    weight: np.ndarray

    @property
    def multilabel(self) -> bool:
        """Whether each label is a question of its own."""
        return self.target.ndim == 2

    @property
    def broken(self) -> bool:
        """Whether an output that counts is NaN: it claims no class."""
        return bool(
            (np.isnan(self.logits) & (self.weight if self.multilabel else self.weight[:, None]).astype(bool)).any()
        )

    def truth(self) -> np.ndarray:
        """Return (n, classes) bool: which classes hold."""
        if self.multilabel:
            return self.target
        return self.target[:, None] == np.arange(self.logits.shape[1])

    def claimed(self) -> np.ndarray:
        """Return (n, classes) bool: which classes are predicted; of several labels those with a logit above 0."""
        if self.multilabel:
            return self.logits > 0
        return self.logits.argmax(1)[:, None] == np.arange(self.logits.shape[1])

    def probabilities(self) -> np.ndarray:
        """Return (n, classes) float64: the softmax of the logits; of several labels the sigmoid of each."""
        z = self.logits.astype(np.float64)
        if self.multilabel:
            e = np.exp(-np.abs(z))  # never above 1
            return np.where(z >= 0, 1, e) / (1 + e)
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)


@dataclass(frozen=True)
class NumberRows:
    """Predictions of numbers, in float64: output (n, targets), target (n, targets), weight (n, 1)."""

    output: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def read_classes(name: str, output: Any, target: Any, weight: Any, ignore_index: int = IGNORE) -> ClassRows:
    """Return rows of classes; a target of the output's own shape holds 0 or 1 for each label.

    Raises
    ------
    ShapeError, DTypeError, IndexOutOfRangeError, DataError
        Naming the row.
    """
    output, target = np.asarray(output), np.asarray(target)
    if output.shape == target.shape and output.ndim:
        return _labels(name, output, target, weight, ignore_index)
    if output.ndim < 2 or (len(output), *output.shape[2:]) != target.shape:
        raise ShapeError(
            f"{name}: output {output.shape} and target {target.shape} do not fit; expected logits (n, classes) "
            "with labels (n,), (n, classes, length) with (n, length), or one 0/1 for each logit"
        )
    if target.dtype.kind not in "iub":
        raise DTypeError(f"{name}: the labels are {target.dtype}; expected whole numbers")
    logits, labels = _rows(output), target.reshape(-1).astype(np.int64)
    weights = _weights(name, weight, target.shape).reshape(-1)
    wrong = (labels != ignore_index) & ((labels < 0) | (labels >= logits.shape[1]))
    if wrong.any():
        at = np.unravel_index(int(wrong.argmax()), target.shape)
        place = f"row {at[0]}" + "".join(f", position {int(i)}" for i in at[1:])
        raise IndexOutOfRangeError(
            f"{name}: label {target[at]} in {place} of the batch; the output has {logits.shape[1]} classes, "
            f"so expected 0 to {logits.shape[1] - 1}, or {ignore_index} to leave it out"
        )
    counts = (labels != ignore_index) & (weights > 0)
    return ClassRows(logits[counts], labels[counts], weights[counts])


def _labels(name: str, output: np.ndarray, target: np.ndarray, weight: Any, ignore_index: int) -> ClassRows:
    logits = _rows(output) if output.ndim > 1 else output[:, None]
    held = _rows(target) if target.ndim > 1 else target[:, None]
    weights = _weights(name, weight, target.shape)
    weights = _rows(weights) if target.ndim > 1 else weights[:, None]
    ignored = held == ignore_index
    wrong = ~ignored & (held != 0) & (held != 1)
    if wrong.any():
        row, label = np.argwhere(wrong)[0]
        raise DataError(
            f"{name}: the target is {held[row, label]} in row {row}, label {label} of the batch; expected 0 or 1 "
            f"for each logit, or {ignore_index} to leave it out"
        )
    return ClassRows(logits, held == 1, np.where(ignored, 0.0, weights))


def read_numbers(name: str, output: Any, target: Any, weight: Any) -> NumberRows:
    """Return rows of numbers.

    Raises
    ------
    ShapeError
        When output and target differ in shape; they are not broadcast.
    """
    output, target = np.asarray(output), np.asarray(target)
    if output.shape != target.shape or not output.ndim:
        raise ShapeError(
            f"{name}: output {output.shape} and target {target.shape} must have the same shape (n,) or (n, targets)"
        )
    values, truth = (_rows(a) if a.ndim > 1 else a[:, None] for a in (output, target))
    weights = _weights(name, weight, (len(target), *target.shape[2:])).reshape(-1)
    counts = weights > 0
    return NumberRows(
        values[counts].astype(np.float64), truth[counts].astype(np.float64), weights[counts][:, None].astype(np.float64)
    )


def _rows(array: np.ndarray) -> np.ndarray:
    """Turn (n, c, length, …) into (n · length · …, c)."""
    return array if array.ndim == 2 else np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def _weights(name: str, weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    if weight is None:
        return np.ones(shape)
    weight = np.asarray(weight, np.float64)
    if weight.shape != shape and weight.shape != shape[:1]:
        raise ShapeError(f"{name}: weight {weight.shape}; expected {shape[:1]}, one for each row, or {shape}")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        row = np.argwhere(~(np.isfinite(weight) & (weight >= 0)))[0]
        raise DataError(f"{name}: the weight in row {row[0]} of the batch is {weight[tuple(row)]}; expected 0 or more")
    return np.broadcast_to(weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim)), shape)
