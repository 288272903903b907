"""Tables of what a task has beside its one figure: labels, targets, entities, or the text that a network writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradwright.report.metric import Estimate, Metric
from gradwright.report.records import RunRecord
from gradwright.report.text import percent, plural, short, significant

__all__ = ["FiguresInfo", "Sample", "figures_info"]

_SCORES = ("Precision", "Recall", "F1", "Test rows")


class Sample(NamedTuple):
    """A text, and what the network went on with."""

    prompt: str
    text: str


class FiguresInfo(NamedTuple):
    """A section of the report.

    Attributes
    ----------
    title : str
    words : tuple of str
    headings : tuple of str
        The first is of the rows' names.
    rows : tuple of tuple of str
    samples : tuple of Sample
    """

    title: str
    words: tuple[str, ...]
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    samples: tuple[Sample, ...] = ()


def figures_info(record: RunRecord) -> FiguresInfo | None:
    """Collect what there is besides; None for one class or one number a row.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> figures_info(example_record()) is None
    True
    """
    test, task = record.result["test"], record.result["task"]
    if task == "multilabel":
        return _labels(test)
    if task == "regression" and "targets" in test:
        return _targets(test)
    if task == "tagging" and test["entity_f1"]:
        return _entities(test)
    if task == "next_token":
        return _language(test)
    return None


def _share(value: float) -> str:
    return percent(value) if value is not None and math.isfinite(value) else "–"


def _rows_of(scores: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (s["class"], _share(s["precision"]), _share(s["recall"]), _share(s["f1"]), f"{s['support']:,}") for s in scores
    )


def _labels(test: Mapping[str, Any]) -> FiguresInfo:
    words = ["A label is given where the network's probability of it is one half or more."]
    if test["subset_accuracy"]:
        words.append(f"{percent(test['subset_accuracy']['value'])} of the test rows are right in all labels.")
    if test["accuracy"]:
        words.append(
            f"Of all decisions, a label of a row each, {percent(test['accuracy']['value'])} are right; where labels "
            "are rare, saying none is right often."
        )
    if test["macro_f1"] is not None and math.isfinite(test["macro_f1"]):
        words.append(f"The mean F1 of the labels (macro F1) is {percent(test['macro_f1'])}.")
    worst = min((s for s in test["per_class"] if math.isfinite(s["f1"])), key=lambda s: s["f1"], default=None)
    if worst is not None and worst["f1"] < 1:
        words.append(f"Hardest is {short(worst['class'], 40)}, with an F1 of {percent(worst['f1'])}.")
    return FiguresInfo("Labels", tuple(words), ("Label", *_SCORES), _rows_of(test["per_class"]))


def _targets(test: Mapping[str, Any]) -> FiguresInfo:
    rows = []
    for one in test["targets"]:
        rmse = Metric("rmse", "RMSE", False, one["unit"] or "")
        error, r2 = one["rmse"], one["r2"]
        rows.append(
            (
                one["target_name"] or "target",
                rmse.show(error["value"]),
                rmse.interval(Estimate(error["value"], error["low"], error["high"])) or "–",
                rmse.show(one["mae"]) if one["mae"] is not None else "–",
                significant(r2["value"], 3) if r2 else "–",
            )
        )
    words = (
        f"{plural(len(rows), 'target')}, each standardised for training and judged in its own unit.",
        "The one figure of the run is the mean of their R², because errors of different units cannot be added.",
    )
    return FiguresInfo("Targets", words, ("Target", "RMSE", "95% interval", "MAE", "R²"), tuple(rows))


def _entities(test: Mapping[str, Any]) -> FiguresInfo:
    words = [
        "An entity counts as found when its type, its first and its last token are right.",
        f"Precision {_share(test['entity_precision'])}, recall {_share(test['entity_recall'])}.",
        f"Token by token, {percent(test['accuracy']['value'])} of {plural(test['tokens'] or 0, 'tag')} are right.",
    ]
    headings = ("Entity", *_SCORES[:3], "In the test part")
    return FiguresInfo("Entities", tuple(words), headings, _rows_of(test["per_entity"] or []))


def _language(test: Mapping[str, Any]) -> FiguresInfo:
    words = [
        f"A perplexity of {significant(test['perplexity']['value'])} is the surprise of choosing among so many tokens "
        "that are equally likely."
    ]
    if test["bits_per_token"] is not None:
        words.append(f"A token costs {significant(test['bits_per_token'], 3)} bits.")
    if test["accuracy"]:
        words.append(
            f"The likeliest token is the one that comes for {percent(test['accuracy']['value'])} of "
            f"{plural(test['tokens'] or 0, 'token')}."
        )
    samples = tuple(Sample(s["prompt"], s["text"]) for s in test["samples"] or [])
    return FiguresInfo("Text", tuple(words), samples=samples)
