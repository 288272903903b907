"""Figures for one part of the data: the network's and the baselines'."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.data import Baseline, Preparation, Task
from gradwright.engine.tensor import Tensor
from gradwright.train.metrics import (
    accuracy,
    confusion_matrix,
    per_class,
    r2_interval,
    rmse,
    rmse_interval,
    wilson,
)

__all__ = ["assess", "baseline_figure", "probabilities"]

_PAIRS = 1000  # of truth and prediction that are kept for the picture


def probabilities(output: np.ndarray) -> np.ndarray:
    """Return the softmax of logits, in float64."""
    return Tensor(output.astype(np.float64)).softmax(1).numpy()


def assess(task: Task, preparation: Preparation, output: np.ndarray, target: np.ndarray, loss: float) -> dict[str, Any]:
    """Return ``result.json``'s figures of a part.

    Parameters
    ----------
    output : (n, classes) logits, or (n, 1) standardised predictions
    target : (n,)
        Class indices, or quantities in the target's own unit.
    loss : float
        The criterion of these outputs.
    """
    if task.classes is not None:
        predicted = output.argmax(1)
        confusion = confusion_matrix(target, predicted, len(task.classes))
        return {
            "rows": len(target),
            "loss": loss,
            "accuracy": wilson(int((predicted == target).sum()), len(target)).to_dict(),
            "classes": list(task.classes),
            "confusion": confusion.tolist(),
            "per_class": per_class(confusion, list(task.classes)),
        }
    predicted = preparation.unscale_target(output[:, 0])
    target = target.astype(np.float64)
    r2 = r2_interval(target, predicted)
    return {
        "rows": len(target),
        "loss": loss,
        "rmse": rmse_interval(target, predicted).to_dict(),
        "r2": None if r2 is None else r2.to_dict(),
        "mae": float(np.mean(np.abs(target - predicted))),
        "target_name": task.target_name,
        "target": target[:_PAIRS].tolist(),
        "prediction": np.asarray(predicted)[:_PAIRS].tolist(),
    }


def baseline_figure(task: Task, baseline: Baseline, x: np.ndarray, target: np.ndarray) -> float:
    """Return a baseline's accuracy or RMSE."""
    predicted = baseline.predict(x)
    return accuracy(target, predicted) if task.is_classification else rmse(target.astype(np.float64), predicted)


def baseline_interval(task: Task, baseline: Baseline, x: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """Return a baseline's figure on the test part, with its interval."""
    predicted = baseline.predict(x)
    if task.is_classification:
        return wilson(int((predicted == target).sum()), len(target)).to_dict()
    return rmse_interval(target.astype(np.float64), np.asarray(predicted, np.float64)).to_dict()
