"""Scores: how a study's figure is called, written and ranked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gradwright.report.axes import Axis, fitted, tick_text
from gradwright.report.metric import Estimate, Metric
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.text import figure, percent, significant

__all__ = [
    "LOOKS",
    "Ranking",
    "estimate_in",
    "gap_text",
    "mean_of",
    "number_in",
    "ranking_info",
    "score_axis",
    "score_text",
    "score_tick",
    "share_text",
    "study_metric",
    "value_text",
]

_NAMES = {
    "accuracy": "accuracy",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
    "entity_f1": "entity F1",
}
LOOKS = 10  # classes of colour, from the worst tenth to the best


def study_metric(record: StudyRecord) -> Metric:
    """The figure that a study's scores are.

    Examples
    --------
    >>> from gradwright.report.study.records import StudyRecord
    >>> bare = dict.fromkeys(StudyRecord.__dataclass_fields__, {})
    >>> study_metric(StudyRecord(**{**bare, "metric": "validation_accuracy", "higher_is_better": True})).show(0.9778)
    '97.78%'
    """
    key = record.metric.removeprefix("validation_")
    unit = record.task.get("unit")
    return Metric(
        key,
        _NAMES.get(key, key.replace("_", " ")),
        record.higher_is_better,
        unit=unit if isinstance(unit, str) and key in ("rmse", "mae") else "",
        # Members of a population are near each other: a tenth of a point would make ties of them.
        places=2,
    )


def score_text(metric: Metric, value: float) -> str:
    """A score, or a dash where there is none."""
    return metric.show(value) if math.isfinite(value) else "–"


class Ranking(NamedTuple):
    """Trials from the best to the worst.

    Attributes
    ----------
    order : tuple of Trial
        Those with a finite score.
    unscored : tuple of Trial
        The others, by number.
    counts : Mapping of str to int
        How many are in each state.
    looks : Mapping of int to str
        The class of a trial's colour: ``c0`` for the worst tenth to ``c9`` for the best, ``cx`` without a score.
    best : Trial or None
        The recorded winner; where none is recorded, the best complete trial, or the best pruned one.
    """

    order: tuple[Trial, ...]
    unscored: tuple[Trial, ...]
    counts: Mapping[str, int]
    looks: Mapping[int, str]
    best: Trial | None


def ranking_info(record: StudyRecord) -> Ranking:
    """Rank the trials by score; of equal ones the earlier is the better."""
    sign = -1.0 if record.higher_is_better else 1.0
    scored = [t for t in record.trials if math.isfinite(t.score) and t.state != "failed"]
    order = sorted(scored, key=lambda t: (sign * t.score, t.number))
    last = max(len(order) - 1, 1)
    looks = {t.number: "cx" for t in record.trials}
    looks |= {t.number: f"c{LOOKS - 1 - round(i * (LOOKS - 1) / last)}" for i, t in enumerate(order)}
    known = {t.number for t in order}
    counts = {state: sum(t.state == state for t in record.trials) for state in ("complete", "pruned", "failed")}
    chosen = number_in(record.result, "best")
    best = next((t for t in order if t.number == chosen), None)
    best = best or next((t for t in order if t.state == "complete"), order[0] if order else None)
    return Ranking(tuple(order), tuple(t for t in record.trials if t.number not in known), counts, looks, best)


def score_axis(metric: Metric, values: Iterable[float], start: float, end: float, about: int = 5) -> Axis:
    """An axis for scores; a few that are far worse than the rest are held at its end and leave the rest its room.

    Examples
    --------
    >>> score_axis(Metric("rmse", "RMSE", False), [1.0, 1.1, 1.2, 1.3, 1e9], 0, 100).high < 10
    True
    """
    drawn = sorted((v for v in values if math.isfinite(v)), reverse=metric.higher_is_better)
    if len(drawn) >= 5:
        # Best first: what lies ten times as far beyond the third quarter as that lies from the best is cut off.
        best, late = drawn[0], drawn[3 * (len(drawn) - 1) // 4]
        limit = late + 10 * (late - best)
        kept = [v for v in drawn if (v >= limit if metric.higher_is_better else v <= limit)]
        drawn = kept if late != best else drawn
    return fitted(
        drawn,
        start=start,
        end=end,
        about=about,
        floor=0.0 if metric.share else None,
        ceiling=1.0 if metric.share else None,
    )


def score_tick(metric: Metric, value: float, axis: Axis) -> str:
    """The words at a tick of scores."""
    return f"{value * 100:g}%".replace("-", "−") if metric.share else tick_text(value, axis)


def value_text(value: Any) -> str:
    """A parameter's value as a reader wants to see it.

    Examples
    --------
    >>> value_text(0.001), value_text([64, 32]), value_text(None), value_text(True)
    ('0.001', '[64, 32]', 'none', 'yes')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) < 10**15:
        return str(value).replace("-", "−")
    if isinstance(value, int | float):
        return figure(_float(value), 4)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(value_text(v) for v in value[:20])}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {value_text(v)}" for k, v in list(value.items())[:20]) or "none"
    return str(value)


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def number_in(record: Any, *keys: str) -> float:
    """The first of these fields that is a number; NaN where there is none.

    Examples
    --------
    >>> number_in({"mean": None, "score": 3}, "mean", "score")
    3.0
    """
    if isinstance(record, Mapping):
        for key in keys:
            value = record.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _float(value)
    return math.nan


def estimate_in(record: Any, *keys: str) -> Estimate:
    """A figure with its interval: the first of these fields, a number or an object with value, low and high."""
    if isinstance(record, Mapping):
        for key in keys:
            inner = record.get(key)
            if isinstance(inner, Mapping):
                return Estimate(*(number_in(inner, *names) for names in (("value", "mean"), ("low",), ("high",))))
    return Estimate(number_in(record, *keys), number_in(record, "low"), number_in(record, "high"))


def mean_of(values: Sequence[float]) -> float:
    """The mean of the finite ones; NaN without any."""
    finite = [v for v in values if math.isfinite(v)]
    return math.fsum(finite) / len(finite) if finite else math.nan


def gap_text(metric: Metric, gap: float) -> str:
    """A difference of two scores with its sign: points for a share.

    Examples
    --------
    >>> gap_text(Metric("accuracy", "accuracy", True), -0.0123), gap_text(Metric("rmse", "RMSE", False), 1.5)
    ('−1.23 points', '+1.500')
    """
    if not math.isfinite(gap):
        return "–"
    sign = "+" if gap > 0 else "−" if gap < 0 else "±"
    size = f"{abs(gap) * 100:.2f} points" if metric.share else f"{significant(abs(gap))} {metric.unit}".rstrip()
    return sign + size


def share_text(value: float) -> str:
    """A share in percent, or a dash."""
    return percent(value) if math.isfinite(value) else "–"
