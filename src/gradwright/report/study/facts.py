"""What a study was made of, in words and tables: data, settings, space, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradwright.report.study.parts import Row, Section, Table
from gradwright.report.study.records import Parameter, StudyRecord
from gradwright.report.study.scale import scales_info
from gradwright.report.study.scores import ranking_info, value_text
from gradwright.report.text import joined, plural, short

__all__ = ["common_points", "facts_sections", "problems_section", "space_words", "strategy_words"]

_MOST_ROWS = 400
_FAILED = 12


def common_points(record: StudyRecord) -> list[tuple[str, str]]:
    """The points of the head that every study has: the data, and how the trials ended."""
    points = []
    rows = record.rows
    kind = record.task.get("kind")
    about = f" ({kind})" if isinstance(kind, str) else ""
    if isinstance(rows, int | float) and not isinstance(rows, bool):
        points.append(("Data", f"{plural(int(rows), 'row')} of {short(record.source, 80)}{about}."))
    elif isinstance(rows, Mapping) and rows:
        each = joined([f"{value_text(v)} {k}" for k, v in list(rows.items())[:6]])
        points.append(("Data", f"Rows of {short(record.source, 80)}{about}: {each}."))
    counts = ranking_info(record).counts
    if counts["failed"]:
        points.append(("Failed", f"{plural(counts['failed'], 'member')} of {len(record.trials):,}; named below."))
    if record.notes:
        points.append(("Records", " ".join(record.notes)))
    return points


def strategy_words(record: StudyRecord) -> str:
    """The strategy and its settings in one line."""
    name = record.strategy.get("name")
    settings = [f"{k.replace('_', ' ')} {value_text(v)}" for k, v in record.strategy.items() if k != "name"]
    said = str(name).replace("_", " ") if isinstance(name, str) and name else "not recorded"
    return said + (f" ({short(', '.join(settings), 200)})" if settings else "")


def space_words(record: StudyRecord) -> str:
    """What was searched, in one sentence."""
    names = [short(scale.name, 32) for scale in scales_info(record)]
    if not names:
        return "No parameter was recorded."
    shown = joined(names if len(names) <= 8 else [*names[:7], f"{len(names) - 7} more"])
    return f"{plural(len(names), 'parameter')}: {shown}."


def _searched(spec: Parameter) -> str:
    if spec.kind == "categorical":
        return short(", ".join(map(value_text, spec.choices)), 300)
    step = f", step {value_text(spec.step)}" if spec.step == spec.step else ""
    return f"{value_text(spec.low)} to {value_text(spec.high)}{step}"


_KINDS = {"linear": "number", "log": "number, log scale", "integer": "whole number", "categorical": "choice"}


def _space_table(record: StudyRecord) -> Table:
    rows = [
        Row((name, _KINDS[spec.kind], _searched(spec), _condition(spec.when)))
        for name, spec in list(record.space.items())[:_MOST_ROWS]
    ]
    return Table("The space", ("Parameter", "Kind", "Searched", "Only where"), rows, frozenset({1, 2, 3}))


def _condition(when: Mapping[str, Any]) -> str:
    return " and ".join(f"{k} is {' or '.join(map(value_text, values))}" for k, values in when.items()) or "–"


def _flat(record: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names; deeper ones than the reader of the records lets through do not occur."""
    rows = []
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            rows += _flat(value, f"{before}{key}.")
        else:
            rows.append((before + key, value_text(value)))
    return rows


def _settings(caption: str, record: Mapping[str, Any]) -> Table:
    rows = [Row((name, short(value, 400))) for name, value in _flat(record)]
    more = len(rows) - _MOST_ROWS
    if more > 0:
        rows = [*rows[:_MOST_ROWS], Row((f"and {more:,} more", ""))]
    return Table(caption, ("Setting", "Value"), rows, frozenset({1}))


def problems_section(record: StudyRecord) -> Section | None:
    """The members that failed, each with its problem."""
    failed = [t for t in record.trials if t.state == "failed" or t.problem]
    if not failed:
        return None
    rows = []
    for t in failed[:_FAILED]:
        given = "; ".join(f"{k} {value_text(v)}" for k, v in t.parameters.items())
        where = [f"fold {t.fold}" if t.fold is not None else "", f"repeat {t.repeat}" if t.repeat is not None else ""]
        where += [f"seed {t.seed}" if t.seed is not None else "", t.arm or ""]
        said = short(t.problem or "failed without a word on why", 300)
        rows.append(
            Row(
                (str(t.number), said, short(", ".join(filter(None, where)), 80) or "–", short(given, 300) or "–"),
                trial=t.number,
            )
        )
    more = len(failed) - _FAILED
    words = [
        f"{plural(len(failed), 'member')} of {len(record.trials):,} had a problem; it was frozen there and the "
        "others went on untouched."
        if len(failed) == 1
        else f"{plural(len(failed), 'member')} of {len(record.trials):,} had a problem; each was frozen there and the "
        "others went on untouched."
    ]
    if more > 0:
        words.append(f"The table shows the first {_FAILED}.")
    table = Table("Members with a problem", ("Trial", "Problem", "Which", "Parameters"), rows, frozenset({1, 2, 3}))
    return Section("problems", "Problems", words, tables=(table,))


def facts_sections(record: StudyRecord) -> list[Section]:
    """Space, settings and versions, as far as they were recorded."""
    sections = []
    if record.space:
        sections.append(
            Section("space", "Space", (f"Strategy: {strategy_words(record)}.",), tables=(_space_table(record),))
        )
    if record.config:
        words = ("What every member has, unless a parameter says otherwise.",)
        sections.append(
            Section("configuration", "Configuration", words, tables=(_settings("Settings", record.config),))
        )
    if record.environment:
        sections.append(Section("versions", "Versions", tables=(_settings("Versions", record.environment),)))
    return sections
