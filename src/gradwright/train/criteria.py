"""The loss of a task, and how much each class weighs in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.data import Task
from gradwright.data.messages import closest, listed, shown
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["balanced_weights", "class_weights", "make_criterion"]


def class_weights(setting: str | Mapping[str, float] | None, task: Task, target: np.ndarray) -> np.ndarray | None:
    """Return a weight for each class, or None for no weights.

    Equations: balanced, for classes and tags, is n / (k · nᵢ), of n rows (or tokens) and k classes that occur; for
    labels, what a row with the label weighs beside one without it: (n - nᵢ) / nᵢ.

    Parameters
    ----------
    setting : "balanced", mapping of class to number above 0, or None
        Classes that a mapping does not name weigh 1.
    task : Task
    target : array
        The training part's, as `encode_rows` gives it.

    Returns
    -------
    float64 array, shape (classes,), or None

    Raises
    ------
    ConfigError
        The task has no classes, or the mapping names one that is not there; the message names it.

    Examples
    --------
    >>> task = Task("binary", "as an example", classes=("no", "yes"))
    >>> class_weights("balanced", task, np.array([0, 0, 0, 1]))
    array([0.66666667, 2.        ])
    >>> class_weights({"yes": 5.0}, task, np.array([0, 1]))
    array([1., 5.])

    References
    ----------
    G. King and L. Zeng, Logistic regression in rare events data (Political Analysis 9, 2001), section 4.2;
    scikit-learn's ``compute_class_weight``.
    """
    if setting is None:
        return None
    if task.classes is None:
        what = "a quantity" if task.kind == "regression" else "the next token of a text"
        raise ConfigError(
            f"class_weights = {setting!r}: the target is {what}; only classes, labels and tags have weights"
        )
    if not isinstance(setting, str):
        for name in setting:
            if name not in task.classes:
                raise ConfigError(
                    f"class_weights: {shown(name)} is no class of the target{closest(name, task.classes)}; there are "
                    f"{listed(task.classes, 20)}"
                )
        return np.array([float(setting.get(name, 1.0)) for name in task.classes])
    if setting != "balanced":
        raise ConfigError(f"class_weights = {setting!r}: expected balanced, or a number for each class")
    target = np.asarray(target)
    if task.kind == "multilabel":
        there = target.sum(0, dtype=np.float64)
        some = (there > 0) & (there < len(target))  # a label in all rows or none is not to be balanced
        return np.where(some, (len(target) - there) / np.maximum(there, 1), 1.0)
    return balanced_weights(np.bincount(target[target >= 0], minlength=len(task.classes)))


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """Return n / (k · nᵢ) from the counts nᵢ of the classes; 1 for a class that does not occur."""
    weights = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 1.0)


def make_criterion(task: Task, config: Any = None, weights: np.ndarray | None = None) -> nn.Module:
    """Return the loss of a task.

    Cross-entropy from logits for classes, tags and next tokens (where the target is -100 nothing counts); binary
    cross-entropy from logits for labels; squared error of standardised quantities.

    Parameters
    ----------
    task : Task
    config : Config, optional
        Its ``label_smoothing``, and its ``dtype`` for the weights.
    weights : array, shape (classes,), optional
        As `class_weights` returns them.

    Raises
    ------
    ConfigError
        Label smoothing where there are no classes to smooth over.

    Examples
    --------
    >>> make_criterion(Task("multilabel", "as an example", classes=("art", "news")))
    BCEWithLogitsLoss()
    """
    smoothing = 0.0 if config is None else config.label_smoothing
    dtype = np.float32 if config is None else np.dtype(config.dtype)
    weight = None if weights is None else Tensor(np.asarray(weights, dtype))
    if task.kind in ("multilabel", "regression") and smoothing:
        what = "a number" if task.kind == "regression" else "any number of labels, each of them there or not"
        raise ConfigError(f"label_smoothing = {smoothing}: the target is {what}; only classes can be smoothed")
    if task.kind == "regression":
        return nn.MSELoss()
    if task.kind == "multilabel":
        return nn.BCEWithLogitsLoss(pos_weight=weight)
    return nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
