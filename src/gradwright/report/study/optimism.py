"""What choosing the best of many does to its score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.metric import Metric
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import gap_text, mean_of, number_in, score_text, study_metric, value_text
from gradwright.report.text import plural

__all__ = ["OptimismInfo", "optimism_info", "optimism_words"]


class OptimismInfo(NamedTuple):
    """The best of many scores, and what else is known of it.

    Attributes
    ----------
    metric : Metric
    tried : int
    best : float
        The best validation score.
    test : float
        What the winner reached on the test part after refitting; NaN where it was not looked at.
    nested : float
        The nested estimate; NaN where none was made.
    words : tuple of str
        What the study itself recorded.
    figures : tuple of (str, str)
        Its other recorded figures, by name.
    """

    metric: Metric
    tried: int
    best: float
    test: float
    nested: float
    words: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]


def optimism_info(record: StudyRecord, *, tried: int, best: float, test: float, nested: float) -> OptimismInfo:
    """Collect the recorded optimism."""
    metric, recorded = study_metric(record), record.result.get("optimism")
    recorded = recorded if isinstance(recorded, Mapping) else {"words": recorded} if recorded else {}
    said = recorded.get("words")
    words = (
        [said] if isinstance(said, str) else [w for w in said if isinstance(w, str)] if isinstance(said, list) else []
    )
    source = recorded.get("source")
    if isinstance(source, str) and source:
        words.append(f"Source: {source}.")
    return OptimismInfo(metric, tried, best, test, nested, tuple(words), tuple(_figures(recorded, metric)))


_LEADS = {  # what a record calls it, and what it is for readers
    "noise": "luck in one score (standard deviation)",
    "bound": "what luck adds to the best, at most",
    "estimate": "what luck adds to the best, estimated",
}


def _figures(recorded: Mapping[str, Any], metric: Metric) -> list[tuple[str, str]]:
    """The recorded figures by name: differences as differences, scores as scores, others as they are."""
    found = []
    for key, value in recorded.items():
        if key in ("words", "source", "tried") or not _plain(value):
            continue
        number = number_in(recorded, key)
        if key in _LEADS:
            found.append((_LEADS[key], gap_text(metric, number).lstrip("+")))
        elif key in ("best", "corrected"):
            found.append(("best score" + (", less that" if key == "corrected" else ""), score_text(metric, number)))
        else:
            found.append((key.replace("_", " "), value_text(value)))
    return found[:12]


def _plain(value: Any) -> bool:
    return isinstance(value, str | bool) or (isinstance(value, int | float) and math.isfinite(mean_of([value])))


def optimism_words(info: OptimismInfo) -> list[str]:
    """Say in words what trying so many did.

    Examples
    --------
    >>> info = OptimismInfo(Metric("accuracy", "accuracy", True), 64, 0.98, 0.95, float("nan"), (), ())
    >>> optimism_words(info)[-1]
    'On the test part the winner reached 95.0%, −3.00 points from its validation score.'
    """
    words = list(info.words)
    if not words and info.tried > 1:
        words.append(
            f"The best of {plural(info.tried, 'score')} is too good on average: part of its lead is luck on these "
            "validation rows, and more so the more are tried. It ranks the trials; it is no estimate of what the "
            "winner does on new rows."
        )
    if math.isfinite(info.nested) and math.isfinite(info.best):
        words.append(
            f"In nested validation, which repeats the search inside each fold, the whole procedure reached "
            f"{info.metric.show(info.nested)}, {gap_text(info.metric, info.nested - info.best)} from the best score."
        )
    if math.isfinite(info.test) and math.isfinite(info.best):
        words.append(
            f"On the test part the winner reached {info.metric.show(info.test)}, "
            f"{gap_text(info.metric, info.test - info.best)} from its validation score."
        )
    return words


def nested_of(record: StudyRecord) -> float:
    """The nested estimate, where one was made."""
    nested = record.result.get("nested")
    return number_in(nested, "mean", "score", "value")
