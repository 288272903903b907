"""One class for each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.train.metrics import confusion_matrix, per_class, wilson

__all__ = ["of_classes"]


def of_classes(target: np.ndarray, predicted: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Return accuracy, the confusion matrix, and each class's precision, recall and F1.

    Parameters
    ----------
    target, predicted : (n,) int64
    classes : list of str
    """
    confusion = confusion_matrix(target, predicted, len(classes))
    return {
        "accuracy": wilson(int((predicted == target).sum()), len(target)).to_dict(),
        "classes": classes,
        "confusion": confusion.tolist(),
        "per_class": per_class(confusion, classes),
    }
