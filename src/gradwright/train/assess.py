"""Figures for one part of the data: the network's and the baselines', by the task's own measure."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from gradwright.data import Baseline, Preparation, Task, TokenFrequencies
from gradwright.engine.tensor import Tensor
from gradwright.train.figures import is_bio, of_classes, of_labels, of_next_tokens, of_quantities, of_several, of_tags
from gradwright.train.figures.labels import micro_f1
from gradwright.train.figures.next_tokens import perplexity, token_losses
from gradwright.train.figures.quantities import mean_r2
from gradwright.train.figures.resampling import DRAWS
from gradwright.train.figures.tags import entity_f1, token_accuracy
from gradwright.train.metrics import Interval, rmse, rmse_interval, wilson

__all__ = [
    "assess",
    "baseline_figure",
    "baseline_interval",
    "brief_figures",
    "headline",
    "higher_is_better",
    "is_share",
    "metric_name",
    "metric_of",
    "predictions",
    "probabilities",
    "scale_of",
    "show_figure",
]

#: The measures that runs are judged by: their names for readers, and whether higher is better.
METRICS = {
    "accuracy": ("accuracy", True),
    "entity_f1": ("entity F1", True),
    "micro_f1": ("micro F1", True),
    "perplexity": ("perplexity", False),
    "r2": ("mean R²", True),
    "rmse": ("RMSE", False),
}


def metric_of(task: Task) -> str:
    """Return the key of the measure that a task's runs are judged by.

    Accuracy for classes, and for tags that are not BIO; F1 of entities for BIO tags; micro F1 for labels; RMSE for one
    quantity and the mean R² for several; perplexity for next tokens.
    """
    if task.kind == "tagging":
        return "entity_f1" if is_bio(task.classes or ()) else "accuracy"
    if task.kind == "regression":
        return "r2" if task.targets else "rmse"
    return {"multilabel": "micro_f1", "next_token": "perplexity"}.get(task.kind, "accuracy")


def metric_name(metric: str) -> str:
    """Return a measure's name for readers."""
    return METRICS[metric][0]


def higher_is_better(metric: str) -> bool:
    """Say whether more of a measure is better."""
    return METRICS[metric][1]


def is_share(metric: str) -> bool:
    """Say whether a measure lies between 0 and 1; R² can be below."""
    return metric in ("accuracy", "entity_f1", "micro_f1")


def scale_of(metric: str) -> Literal["share", "positive", "any"]:
    """Say what values a measure can have: from 0 to 1, above 0, or any."""
    return "share" if is_share(metric) else "any" if metric == "r2" else "positive"


def show_figure(metric: str, value: float) -> str:
    """Write a figure for a terminal: a share in percent, all else in four digits."""
    return f"{value:.1%}" if is_share(metric) else f"{value:.4g}"


def probabilities(output: np.ndarray) -> np.ndarray:
    """Return the softmax of logits, in float64."""
    return Tensor(output.astype(np.float64)).softmax(1).numpy()


def predictions(task: Task, preparation: Preparation, output: np.ndarray) -> np.ndarray:
    """Return what a network's outputs say.

    Parameters
    ----------
    output : array
        (n, classes) or (n, tags or tokens, length) logits, (n, labels) logits, or (n, targets) standardised numbers.

    Returns
    -------
    array
        Class, tag or token numbers; labels of 0 and 1, given from a probability of one half on; quantities in their
        own units, (n,) for one.
    """
    if task.kind == "multilabel":
        return (output > 0).astype(np.int64)
    if task.kind == "regression":
        return np.asarray(preparation.unscale_target(output if task.targets else output[:, 0]))
    return np.asarray(output.argmax(1))


def assess(task: Task, preparation: Preparation, output: np.ndarray, target: np.ndarray, loss: float) -> dict[str, Any]:
    """Return ``result.json``'s figures of a part.

    Parameters
    ----------
    output : array
        As in `predictions`.
    target : array
        As `encode_rows` gives it: quantities in their own units.
    loss : float
        The criterion of these outputs.
    """
    predicted, names = predictions(task, preparation, output), list(task.classes or ())
    head = {"rows": len(target), "loss": loss}
    if task.kind == "multilabel":
        return {**head, **of_labels(target, predicted, names)}
    if task.kind == "tagging":
        return {**head, **of_tags(target, predicted, names)}
    if task.kind == "next_token":
        return {**head, **of_next_tokens(token_losses(output, target), predicted == target)}
    if task.kind == "regression":
        if task.targets:
            return {**head, **of_several(target, predicted, task.targets, task.units)}
        return {**head, **of_quantities(target, predicted, task.target_name)}
    return {**head, **of_classes(target, predicted, names)}


def headline(task: Task, target: np.ndarray, judged: np.ndarray, draws: int = DRAWS) -> Interval:
    """Return the measure with its 95% interval over the rows.

    Parameters
    ----------
    target : array
        As `encode_rows` gives it: quantities in their own units.
    judged : array
        Predictions as `predictions` returns them, or the losses of next tokens.
    draws : int
        Of rows, for an interval by bootstrap; 0 does without one.
    """
    if task.kind == "multilabel":
        return micro_f1(target, judged, draws)
    if task.kind == "tagging":
        names = list(task.classes or ())
        bio = is_bio(names)
        return entity_f1(target, judged, names, draws) if bio else token_accuracy(target, judged, draws)
    if task.kind == "next_token":
        return perplexity(judged, draws)
    if task.kind == "regression":
        if task.targets:
            return mean_r2(target, judged, draws)
        target, judged = target.astype(np.float64), np.asarray(judged, np.float64)
        return rmse_interval(target, judged) if draws else Interval(rmse(target, judged), np.nan, np.nan, "")
    return wilson(int((judged == target).sum()), len(target))


def brief_figures(
    task: Task, preparation: Preparation, output: np.ndarray, target: np.ndarray, loss: float
) -> dict[str, Any]:
    """Return the loss and the measure alone, as ``result.json`` holds them of the validation part."""
    judged = token_losses(output, target) if task.kind == "next_token" else predictions(task, preparation, output)
    return {"loss": loss, metric_of(task): headline(task, target, judged, draws=0).value}


def _judged(baseline: Baseline, x: np.ndarray, target: np.ndarray) -> np.ndarray:
    if isinstance(baseline, TokenFrequencies):
        return baseline.losses(x, target)
    return baseline.predict(x)


def baseline_figure(task: Task, baseline: Baseline, x: np.ndarray, target: np.ndarray) -> float:
    """Return a baseline's figure, by the task's measure."""
    return headline(task, target, _judged(baseline, x, target), draws=0).value


def baseline_interval(task: Task, baseline: Baseline, x: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """Return a baseline's figure on the test part, with its interval."""
    return headline(task, target, _judged(baseline, x, target)).to_dict()
