"""What a run was made of: its data, its settings, the versions it ran on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import count, duration, listed, plural

__all__ = [
    "ColumnRow",
    "DataInfo",
    "Setting",
    "data_info",
    "data_words",
    "environment_info",
    "settings_info",
    "time_info",
]


class ColumnRow(NamedTuple):
    """One column of the source."""

    name: str
    kind: str
    missing: int | None
    distinct: int | None


class DataInfo(NamedTuple):
    """The data and how it was split.

    Attributes
    ----------
    source, fingerprint, target : str
    rows, features, prepared_features : int
    task, reason : str
        The kind of task and how it was recognised.
    classes : tuple of (str, int or None)
        Each class and its rows.
    columns : tuple of ColumnRow
        The records hold at most the first 200.
    split : tuple of (str, int)
    stratified, given : bool
    seed : str
    notes : tuple of str
    target_count : int
        Target columns.
    by : str
        What else the rows were split by, in words, or nothing.
    """

    source: str
    fingerprint: str
    target: str
    rows: int
    features: int
    prepared_features: int
    task: str
    reason: str
    classes: tuple[tuple[str, int | None], ...]
    columns: tuple[ColumnRow, ...]
    split: tuple[tuple[str, int], ...]
    stratified: bool
    given: bool
    seed: str
    notes: tuple[str, ...]
    target_count: int = 1
    by: str = ""

    @property
    def class_nouns(self) -> tuple[str, str]:
        """What the target's names are called, one and several."""
        return {"multilabel": ("label", "labels"), "tagging": ("tag", "tags")}.get(self.task, ("class", "classes"))

    @property
    def class_total(self) -> int:
        """What the counts of the classes are parts of: the rows, or all tokens."""
        return sum(count or 0 for _, count in self.classes) if self.task == "tagging" else self.rows

    @property
    def missing(self) -> int:
        """Missing values in the recorded columns."""
        return sum(column.missing or 0 for column in self.columns)


class Setting(NamedTuple):
    """One resolved setting, and whether the user gave it."""

    name: str
    value: str
    given: bool


def data_info(record: RunRecord) -> DataInfo:
    """Collect the facts about the data.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> data_info(example_record()).split
    (('training', 1257), ('validation', 270), ('test', 270))
    """
    data = record.data
    task, split = data["task"], data["split"]
    classes = task["classes"] or []
    counts = task["class_counts"] or [None] * len(classes)
    return DataInfo(
        source=data["source"],
        fingerprint=data["fingerprint"],
        target=data["target"] or "",
        rows=data["rows"],
        features=data["features"],
        prepared_features=data["features"] if data["prepared_features"] is None else data["prepared_features"],
        task=task["kind"],
        reason=task["reason"] or "",
        classes=tuple(zip(classes, counts, strict=True)),
        columns=tuple(
            ColumnRow(c["name"], c["kind"] or "", c["missing"], c["distinct"]) for c in data["columns"] or []
        ),
        split=(("training", split["train"]), ("validation", split["validation"]), ("test", split["test"])),
        stratified=bool(split["stratified"]),
        given=bool(split["given"]),
        seed="" if split["seed"] is None else str(split["seed"]),
        notes=tuple(data["notes"] or []),
        target_count=len(task["targets"] or [None]),
        by=_by(split),
    )


def data_words(info: DataInfo) -> dict[str, str]:
    """Say what the data is, what the task is and how the rows were split.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> data_words(data_info(example_record("binary")))["task"]
    'Tell two classes of target apart: 0 and 1. Recognised by: 2 distinct values in 1,797 rows.'
    """
    data = f"{plural(info.rows, 'row')} with {plural(info.features, 'feature')} from {info.source}"
    if info.prepared_features != info.features:
        data += f", prepared into {count(info.prepared_features)} inputs of the network"
    data += "."
    if info.missing:
        data += f" {plural(info.missing, 'value')} missing; preparation filled them from the training part."
    of = f" of {info.target}" if info.target else ""
    names = [name for name, _ in info.classes]
    if info.task == "multilabel":
        task = f"Give each row any number of {plural(len(names), 'label')}: {listed(names, 8)}."
    elif info.task == "tagging":
        task = f"Give each token one of {plural(len(names), 'tag')}: {listed(names, 8)}."
    elif info.task == "next_token":
        task = "Predict the token that comes next in a text."
    elif info.task == "regression" and info.target_count > 1:
        task = f"Predict {info.target_count} numbers: {info.target}."
    elif info.task == "regression":
        task = f"Predict the number {info.target}." if info.target else "Predict a number."
    else:
        size = "two" if info.task == "binary" else str(len(names))
        task = f"Tell {size} classes{of} apart: {listed(names, 8)}."
    if info.reason:
        task += f" Recognised by: {info.reason.rstrip('.')}."
    split = ", ".join(f"{count(rows)} for {name}" for name, rows in info.split)
    how = "the source's own split" if info.given else "stratified by class" if info.stratified else "at random"
    how = info.by if info.by and not info.given else f"{how}, {info.by}" if info.by else how
    split = f"{split} ({how}{f', seed {info.seed}' if info.seed and not info.given else ''})."
    return {"data": data, "task": task, "split": split}


def _by(split: Mapping[str, Any]) -> str:
    """How whole groups or times were split."""
    of = f" of {split['column']}" if split["column"] else ""
    return {"groups": f"by whole groups{of}", "time": f"in the order of time{of}"}.get(split["by"] or "", "")


def settings_info(record: RunRecord) -> tuple[Setting, ...]:
    """Every resolved setting by its dotted name.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> settings_info(example_record())[3]
    Setting(name='network.hidden', value='[128, 128]', given=True)
    """
    given = {name for name, _ in _flat(record.given)}
    return tuple(Setting(name, _written(value), name in given) for name, value in _flat(record.config))


def environment_info(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Versions and circumstances, each with its name.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> environment_info(example_record())[0]
    ('gradwright', '0.1.0')
    """
    return tuple((name, _written(value)) for name, value in _flat(record.environment))


def time_info(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """How long each step took.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> time_info(example_record())[-1]
    ('total', '4.1 s')
    """
    return tuple(
        (name, duration(float(value)))
        for name, value in (record.result["seconds"] or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    )


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False)
