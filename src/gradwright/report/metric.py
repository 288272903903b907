"""The figure that a run is judged by: accuracy for classes, RMSE for a number, and so on; and its words."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import percent, significant

__all__ = ["Estimate", "Metric", "claim_of", "curve_metric", "estimate_of", "metric_of"]


class Estimate(NamedTuple):
    """A figure with its 95% interval; the ends are NaN where none is known."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def overlaps(self, other: Estimate) -> bool | None:
        """Whether two intervals share a point; None where one of them is unknown.

        Examples
        --------
        >>> Estimate(0.9, 0.8, 0.95).overlaps(Estimate(0.7, 0.6, 0.79))
        False
        """
        if not (self.bounded and other.bounded):
            return None
        return self.low <= other.high and other.low <= self.high


class Metric(NamedTuple):
    """How the figure is named, written and compared.

    Attributes
    ----------
    key : str
        Its name in the records: ``accuracy``, ``rmse``, ``r2``, ``micro_f1``, ``entity_f1`` or ``perplexity``.
    name : str
        Its name for readers.
    higher_is_better : bool
    unit : str
        The target's unit, where it has a known one.
    places : int
        Decimal places of a percentage.
    """

    key: str
    name: str
    higher_is_better: bool
    unit: str = ""
    places: int = 1

    @property
    def share(self) -> bool:
        """Whether it lies between 0 and 1 and is written in percent."""
        return self.key in ("accuracy", "micro_f1", "entity_f1")

    def show(self, value: float) -> str:
        """Write a value.

        Examples
        --------
        >>> Metric("accuracy", "accuracy", True).show(0.9778)
        '97.8%'
        """
        if self.share:
            return percent(value, self.places)
        return f"{significant(value)} {self.unit}".strip()

    def interval(self, estimate: Estimate) -> str:
        """Write an interval, or nothing where there is none.

        Examples
        --------
        >>> Metric("rmse", "RMSE", False, "kg").interval(Estimate(5, 4.25, 6.125))
        '4.250 to 6.125 kg'
        """
        if not estimate.bounded:
            return ""
        low, high = self.show(estimate.low), self.show(estimate.high)
        return f"{low.removesuffix(self.unit).rstrip() if self.unit else low} to {high}"

    def better(self, one: float, other: float) -> bool:
        """Whether the one value is better than the other."""
        return one > other if self.higher_is_better else one < other

    def lead(self, one: float, other: float, name: str) -> str:
        """Say how one value stands to another that is called `name`.

        Examples
        --------
        >>> Metric("accuracy", "accuracy", True).lead(0.978, 0.947, "a linear model")
        '3.1 points better than a linear model'
        >>> Metric("rmse", "RMSE", False).lead(60.0, 50.0, "the mean")
        'worse than the mean (RMSE higher by 10.0, 20.0%)'
        """
        if not (math.isfinite(one) and math.isfinite(other)):
            return f"not comparable with {name}"
        gap = abs(one - other)
        word = "better" if self.better(one, other) else "worse"
        if self.share:
            points = f"{gap * 100:.{self.places}f}"
            if float(points) == 0:
                return f"as good as {name}"
            return f"{points} {'point' if float(points) == 1 else 'points'} {word} than {name}"
        if gap <= 1e-9 * abs(other):
            return f"as good as {name}"
        size = f"{significant(gap, 3)} {self.unit}".strip()
        relative = f", {percent(gap / other)}" if other and self.key != "r2" else ""
        return f"{word} than {name} ({self.name} {'higher' if one > other else 'lower'} by {size}{relative})"


def metric_of(record: RunRecord) -> Metric:
    """The metric of a run's task.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> metric_of(example_record("regression")).name
    'RMSE'
    """
    task, test = record.result["task"], record.result["test"]
    if task == "regression":
        if "targets" in test:
            return Metric("r2", "mean R²", True)
        return Metric("rmse", "RMSE", False, unit=record.data["task"]["unit"] or "")
    if task == "next_token":
        return Metric("perplexity", "perplexity", False)
    # With more rows the interval is narrower than a tenth of a point, so a further digit means something.
    places = 2 if test["rows"] >= 20_000 else 1
    if task == "multilabel":
        return Metric("micro_f1", "micro F1", True, places=places)
    if task == "tagging" and test["entity_f1"]:
        return Metric("entity_f1", "entity F1", True, places=places)
    return Metric("accuracy", "token accuracy" if task == "tagging" else "accuracy", True, places=places)


def estimate_of(record: RunRecord, key: str = "") -> Estimate:
    """The one test figure of a run, with its interval; or another figure of the test part by its key."""
    figure = record.result["test"].get(key or metric_of(record).key)
    if not figure:
        return Estimate(math.nan, math.nan, math.nan)
    return Estimate(figure["value"], figure["low"], figure["high"])


def claim_of(record: RunRecord) -> Estimate:
    """The one test figure with the interval that may be claimed: corrected for the number of looks, where it is known.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> record = example_record(audited=True)
    >>> claim_of(record).low < estimate_of(record).low
    True
    """
    corrected = record.result["corrected"]
    if corrected is None:
        return estimate_of(record)
    return Estimate(corrected["value"], corrected["low"], corrected["high"])


def curve_metric(record: RunRecord) -> Metric:
    """The figure that is followed epoch by epoch: the run's own where each epoch has it, else accuracy.

    F1 of labels and of entities is not counted in training; the share of labels or tokens that are right is.
    """
    metric = metric_of(record)
    keys = (f"train_{metric.key}", f"validation_{metric.key}")
    if any(line.get(key) is not None for line in record.metrics for key in keys):
        return metric
    name = {"multilabel": "label accuracy", "tagging": "token accuracy", "next_token": "token accuracy"}
    if record.result["task"] in name:
        return Metric("accuracy", name[record.result["task"]], True)
    return metric
