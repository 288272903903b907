"""Figures of whole arrays, at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.errors import ShapeError

__all__ = ["accuracy", "confusion_matrix", "per_class", "r2", "rmse"]


def accuracy(target: np.ndarray, predicted: np.ndarray) -> float:
    """Return the part of the predictions that are right."""
    return float(np.mean(target == predicted))


def confusion_matrix(target: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count pairs: rows are the truth, columns the prediction; shape (classes, classes)."""
    flat = np.bincount(target * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)


def per_class(confusion: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and support of each class; None where a figure has nothing to divide by."""
    rows = []
    for i, name in enumerate(names):
        hit = int(confusion[i, i])
        support, claimed = int(confusion[i].sum()), int(confusion[:, i].sum())
        rows.append(
            {
                "class": name,
                "precision": hit / claimed if claimed else None,
                "recall": hit / support if support else None,
                "f1": 2 * hit / (support + claimed) if support + claimed else None,
                "support": support,
            }
        )
    return rows


def _same(target: np.ndarray, predicted: np.ndarray) -> None:
    if target.shape != predicted.shape:
        raise ShapeError(f"target {target.shape} and prediction {predicted.shape} must have the same shape")


def rmse(target: np.ndarray, predicted: np.ndarray) -> float:
    """Return the root of the mean squared error, in the target's unit; the mean over the columns, if there are some."""
    _same(target, predicted)
    error = np.asarray(target, np.float64) - predicted
    return float(np.mean(np.sqrt(np.mean(error**2, axis=0))))


def r2(target: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return 1 - Σ(y - ŷ)² / Σ(y - ȳ)²; None for a constant target, where it has no meaning.

    Of several columns the mean over those that are not constant.
    """
    _same(target, predicted)
    target = np.asarray(target, np.float64)
    total = np.sum((target - target.mean(axis=0)) ** 2, axis=0)
    # asked exactly: the rounded mean of equal numbers need not equal them
    varies = (target.min(axis=0) != target.max(axis=0)) & (total > 0)
    if not varies.any():
        return None
    return float(np.mean(1 - np.sum((target - predicted) ** 2, axis=0)[varies] / total[varies]))
