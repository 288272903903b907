"""One class for each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.train.metrics import confusion_matrix, per_class, wilson

__all__ = ["of_classes", "of_confusion"]


def of_classes(target: np.ndarray, predicted: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Return accuracy, the confusion matrix, and each class's precision, recall and F1.

    Parameters
    ----------
    target, predicted : (n,) int64
    classes : list of str
    """
    return of_confusion(confusion_matrix(target, predicted, len(classes)), classes)


def of_confusion(confusion: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Return the same of counts, shape (classes, classes): rows are the truth, columns the prediction."""
    return {
        "accuracy": wilson(int(confusion.trace()), int(confusion.sum())).to_dict(),
        "classes": classes,
        "confusion": confusion.tolist(),
        "per_class": per_class(confusion, classes),
    }
