"""The answer first: what was done and what was found, in words."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.baselines import baselines_info, verdict
from gradwright.report.compare import compare_info, compare_words
from gradwright.report.facts import data_info, data_words, time_info
from gradwright.report.layers import layers_info, layers_words
from gradwright.report.ledger import LedgerInfo, ledger_info, ledger_words
from gradwright.report.metric import claim_of, metric_of
from gradwright.report.records import RunRecord
from gradwright.report.text import joined, percent, plural, short, significant

__all__ = ["Finding", "SummaryInfo", "summary_info"]

_ORDER = ("problem", "warning", "info")


class Finding(NamedTuple):
    """Something that the run noticed about itself."""

    severity: str
    title: str
    detail: str


class SummaryInfo(NamedTuple):
    """The head of the report.

    Attributes
    ----------
    source : str
    lead : str
        What was done and found, in two or three sentences.
    figure, figure_name, interval, level : str
        The one test figure, what it is, its interval or nothing, and the interval's level.
    points : tuple of (str, str)
        A word and a sentence on each part of the run.
    biased : str
        What to say above all else when the test figure is no clean estimate; else nothing.
    findings : tuple of Finding
        Problems first.
    """

    source: str
    lead: str
    figure: str
    figure_name: str
    interval: str
    level: str
    points: tuple[tuple[str, str], ...]
    biased: str
    findings: tuple[Finding, ...]


def summary_info(record: RunRecord) -> SummaryInfo:
    """Put what was done and found into words.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> info = summary_info(example_record())
    >>> info.figure, info.figure_name, info.biased
    ('97.0%', 'test accuracy', '')
    """
    metric, estimate = metric_of(record), claim_of(record)
    data, layers, ledger = data_info(record), layers_info(record), ledger_info(record)
    words = data_words(data)
    baselines = baselines_info(record)
    points = [("Data", words["data"]), ("Task", words["task"]), ("Split", words["split"])]
    points.append(("Network", layers_words(layers)))
    points.append(("Training", _training(record)))
    if len(baselines.rows) > 1:
        points.append(
            (
                "Baselines",
                f"The network is {_against([verdict(baselines, row) for row in baselines.rows[1:]])}.",
            )
        )
    comparison = compare_info(record)
    if comparison is not None:
        points.append((comparison.name, " ".join(compare_words(comparison))))
    points.append(("Test part", ledger_words(ledger)))
    interval = metric.interval(estimate)
    return SummaryInfo(
        source=data.source,
        lead=_lead(record, sealed=ledger.clean),
        figure=metric.show(estimate.value),
        figure_name=f"test {metric.name}",
        interval=interval,
        level=level_words(ledger),
        points=tuple(points),
        biased="" if ledger.clean else ledger_words(ledger),
        findings=tuple(
            Finding(f["severity"], f["title"], f["detail"] or "")
            for f in sorted(record.findings, key=lambda f: _ORDER.index(f["severity"]))
        ),
    )


def level_words(ledger: LedgerInfo) -> str:
    """The level of the claimed interval: 95%, or more after several looks."""
    return percent(ledger.level, 1).replace(".0%", "%")


def _lead(record: RunRecord, *, sealed: bool) -> str:
    metric, estimate, data = metric_of(record), claim_of(record), data_info(record)
    test = record.result["test"]
    interval = metric.interval(estimate)
    within = f" ({level_words(ledger_info(record))} interval {interval})" if interval else ""
    rows = plural(test["rows"], "test row") + (" that were sealed until the end" if sealed else "")
    target = data.target or "the target"
    size = plural(record.network["parameters"], "parameter")
    if not math.isfinite(estimate.value):
        return (
            f"A network with {size} was trained, but its test {metric.name} is not a finite number: its "
            "predictions cannot be used."
        )
    other = _of_other_tasks(record, size, rows, metric.show(estimate.value), within)
    if other:
        return other
    if data.task == "regression":
        lead = (
            f"A network with {size} was trained to predict {target}. On {rows}, its root mean squared "
            f"error is {metric.show(estimate.value)}{within}."
        )
        if test["r2"] and test["r2"]["value"] >= 0:
            lead += f" It explains {significant(test['r2']['value'] * 100, 3)}% of the variance."
        return lead
    return (
        f"A network with {size} was trained to tell {plural(len(test['classes']), 'class', 'classes')} "
        f"apart. On {rows}, it is right {metric.show(estimate.value)} of the time{within}."
    )


def _of_other_tasks(record: RunRecord, size: str, rows: str, figure: str, within: str) -> str:
    """The lead of labels, several targets, tags and next tokens; nothing for the others."""
    task, test = record.result["task"], record.result["test"]
    network = f"A network with {size} was trained to"
    if task == "multilabel":
        labels = plural(len(test["classes"]), "label")
        return f"{network} give rows any of {labels}. On {rows}, its micro F1 is {figure}{within}."
    if task == "regression" and "targets" in test:
        names = joined([short(one["target_name"] or "target", 40) for one in test["targets"][:6]])
        return f"{network} predict {names}. On {rows}, the mean of their R² is {figure}{within}."
    if task == "tagging":
        tokens = f"{plural(test['tokens'] or 0, 'token')} of {rows}"
        what = "its F1 of whole entities is" if test["entity_f1"] else "the share of right tags is"
        tags = plural(len(test["classes"]), "tag")
        return f"{network} give each token one of {tags}. On {tokens}, {what} {figure}{within}."
    if task == "next_token":
        tokens = plural(test["tokens"] or 0, "token")
        return f"{network} go on with a text. On {tokens}, its perplexity is {figure}{within}."
    return ""


def _training(record: RunRecord) -> str:
    result = record.result
    words = f"{plural(len(record.metrics), 'epoch')}, the best of them epoch {result['best_epoch']}"
    if result["stopped"]:
        why = result["stopped"].rstrip(".")
        words += f". Stopped {why}" if why.startswith("early") else f". Ended: {why}"
    times = dict(time_info(record))
    if "total" in times:
        words += f". The whole run took {times['total']}"
        if "train" in times:
            words += f", {times['train']} of it training"
    return words + "."


def _against(verdicts: list[str]) -> str:
    """Join verdicts; a common remark on the intervals is made once."""
    parts = [verdict.partition("; ") for verdict in verdicts]
    remarks = {remark for *_, remark in parts}
    if len(verdicts) > 1 and len(remarks) == 1 and "" not in remarks:
        return f"{joined([said for said, *_ in parts])}; each time {remarks.pop()}"
    return "; ".join(f"{said}, {remark}" if remark else said for said, _, remark in parts)
