"""Metrics by name, as the command line and the history's rows say them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from gradwright.errors import ConfigError
from gradwright.train.metrics.base import Metric
from gradwright.train.metrics.counting import F1, Accuracy, Precision, Recall, TopK
from gradwright.train.metrics.probability import Brier, CalibrationError, LogLoss
from gradwright.train.metrics.ranking import ROCAUC, AveragePrecision
from gradwright.train.metrics.regression import MAE, R2, RMSE

__all__ = ["METRICS", "MetricInfo", "check_metrics", "direction_of", "make_metric", "metric_info"]

_ONE_LABEL = ("binary", "multiclass", "tagging", "next_token")
_CLASSES = (*_ONE_LABEL, "multilabel")


@dataclass(frozen=True)
class MetricInfo:
    """A metric's name, how it is made, what it is for, and what it says."""

    name: str
    make: Callable[[], Metric]
    tasks: tuple[str, ...]
    words: str

    @property
    def direction(self) -> Literal["max", "min"]:
        """Whether more ("max") or less ("min") is better."""
        return self.make().direction


def _top(k: int) -> MetricInfo:
    words = f"The part of the labels that is among the {k} largest outputs (any number: top2, top3, …)"
    return MetricInfo(f"top{k}", partial(TopK, k), _ONE_LABEL[1:], words)


def _averages() -> Iterable[MetricInfo]:
    for kind, words in (
        (Precision, "How much of what is claimed to be of a class is"),
        (Recall, "How much of what is of a class is found"),
        (F1, "The harmonic mean of precision and recall"),
    ):
        name = kind.__name__.lower()
        # of one label a row, all micro averages are the accuracy; they are there for those who look for them
        yield MetricInfo(f"{name}_macro", partial(kind, "macro"), _CLASSES, f"{words}: the mean over classes")
        yield MetricInfo(f"{name}_micro", partial(kind, "micro"), _CLASSES, f"{words}: all classes together")
        yield MetricInfo(f"{name}_binary", partial(kind, "binary"), ("binary",), f"{words}: of the second class")


METRICS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("accuracy", Accuracy, _CLASSES, "The part of the labels that is right"),
        MetricInfo(
            "average_precision",
            AveragePrecision,
            _CLASSES,
            "The area under precision over recall; of several classes the mean of each against the rest",
        ),
        MetricInfo(
            "brier",
            Brier,
            _CLASSES,
            "The mean squared error of the probabilities; 0 to 1 for two classes and for labels, else 0 to 2",
        ),
        MetricInfo(
            "calibration_error",
            CalibrationError,
            _CLASSES,
            "How far confidence is from how often it is right, in 15 bins of equal width (ECE)",
        ),
        *_averages(),
        MetricInfo("log_loss", LogLoss, _CLASSES, "The mean of -log p of what is true"),
        MetricInfo("mae", MAE, ("regression",), "The mean absolute error, in the target's unit"),
        MetricInfo("r2", R2, ("regression",), "The part of the target's variance that is explained"),
        MetricInfo("rmse", RMSE, ("regression",), "The root of the mean squared error, in the target's unit"),
        MetricInfo(
            "roc_auc",
            ROCAUC,
            _CLASSES,
            "The chance that a row of the class scores above another; of several classes the mean of each against the "
            "rest",
        ),
        _top(5),
    )
}


def metric_info(name: str) -> MetricInfo:
    """Return what is known about a metric.

    Raises
    ------
    ConfigError
        For a name that is not on the shelf, with those that come close.

    Examples
    --------
    >>> metric_info("rmse").direction
    'min'
    >>> metric_info("roc")
    Traceback (most recent call last):
        ...
    gradwright.errors.ConfigError: no metric 'roc'; did you mean roc_auc? `gradwright list metrics` shows all
    """
    if name in METRICS:
        return METRICS[name]
    if match := re.fullmatch(r"top([1-9]\d{0,5})", name):
        return _top(int(match[1]))
    close = [m for m in METRICS if m.startswith(name)] or difflib.get_close_matches(name, METRICS, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(METRICS)};"
    raise ConfigError(f"no metric {name!r:.80}; {hint} `gradwright list metrics` shows all")


def make_metric(name: str) -> Metric:
    """Return a new metric by its name, such as ``"roc_auc"`` or ``"top3"``.

    Examples
    --------
    >>> make_metric("top3")
    TopK(ignore_index=-100, k=3)
    """
    return metric_info(name).make()


def check_metrics(names: Iterable[str], task: str, classes: int | None = None) -> None:
    """Raise ConfigError for a metric that is not there or says nothing about such a task.

    Parameters
    ----------
    names : iterable of str
    task : str
        A task's kind: binary, multiclass, multilabel, regression, tagging or next_token.
    classes : int, optional
        How many, where there are classes.

    Examples
    --------
    >>> check_metrics(["rmse"], "binary")
    Traceback (most recent call last):
        ...
    gradwright.errors.ConfigError: metric rmse is for regression, not for binary; for binary there are accuracy, ...
    """
    for name in names:
        info = metric_info(name)
        if task not in info.tasks:
            fitting = ", ".join(other.name for other in METRICS.values() if task in other.tasks)
            raise ConfigError(
                f"metric {name} is for {', '.join(info.tasks)}, not for {task}; for {task} there are {fitting}"
            )
        metric: Any = info.make()
        if isinstance(metric, TopK) and classes is not None and metric.k >= classes:
            raise ConfigError(f"metric {name}: of {classes} classes it is always 1; take a smaller number, or accuracy")


def direction_of(figure: str) -> Literal["max", "min"] | None:
    """Return whether more ("max") or less ("min") of a row's figure is better; None where the name does not say.

    Examples
    --------
    >>> direction_of("validation_loss"), direction_of("validation_roc_auc"), direction_of("seconds")
    ('min', 'max', None)
    """
    name = re.sub(r"^(train|validation|test)_", "", figure)
    if name == "loss":
        return "min"
    try:
        return metric_info(name).direction
    except ConfigError:
        return None
