"""Which members shared a program, how it was laid out, and what was measured to decide it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.study.parts import Row, Table
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import number_in
from gradwright.report.text import duration, joined, plural, short

__all__ = ["Group", "groups_info", "groups_table", "groups_words"]

_MOST = 50


class Group(NamedTuple):
    """Members that one program trained.

    Attributes
    ----------
    members : int
        How many.
    first, last : int or None
        Their lowest and highest number.
    why : str
        What they have in common.
    layout : str
    chunk, lanes : float
        Members at a time, and of those how many side by side; NaN where unknown.
    seconds : tuple of (str, float)
        What each layout took in the probe, the fastest first.
    reason : str
        Why the layout was chosen.
    bytes : float
        Estimated memory.
    """

    members: int
    first: int | None
    last: int | None
    why: str
    layout: str
    chunk: float
    lanes: float
    seconds: tuple[tuple[str, float], ...]
    reason: str
    bytes: float


def groups_info(record: StudyRecord) -> tuple[Group, ...]:
    """The recorded groups."""
    return tuple(_group(one) for one in record.groups)


def _group(one: Mapping[str, Any]) -> Group:
    layout = one.get("layout")
    layout = layout if isinstance(layout, Mapping) else {"name": layout} if isinstance(layout, str) else {}
    members = one.get("members")
    numbers = [n for n in members if isinstance(n, int)] if isinstance(members, list) else []
    count = len(numbers) or (members if isinstance(members, int) else 0)
    probe = layout.get("seconds")
    probe = probe if isinstance(probe, Mapping) else {}
    seconds = sorted(((k, s) for k in probe if math.isfinite(s := number_in(probe, k))), key=lambda pair: pair[1])
    return Group(
        count,
        min(numbers, default=None),
        max(numbers, default=None),
        _text(one.get("why")),
        _text(layout.get("name")),
        number_in(layout, "chunk"),
        number_in(layout, "lanes"),
        tuple(seconds),
        _text(layout.get("why")),
        number_in(one, "bytes"),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def groups_words(groups: tuple[Group, ...]) -> list[str]:
    """Say how many programs there were and how they were laid out."""
    members = sum(g.members for g in groups)
    words = [
        f"{plural(members, 'member')} {'was' if members == 1 else 'were'} trained by "
        f"{plural(len(groups), 'program')}, one a group of members that can share it."
    ]
    names = list(dict.fromkeys(g.layout for g in groups if g.layout))
    if any(g.seconds for g in groups):
        words.append(f"Of the possible layouts each was timed on the data before the start; chosen: {joined(names)}.")
    return words


def groups_table(groups: tuple[Group, ...]) -> Table:
    """The groups as a table."""
    rows = []
    for i, g in enumerate(groups[:_MOST], 1):
        timed = "; ".join(f"{short(k, 60)} {duration(s)}" for k, s in g.seconds) or "–"
        numbers = f"{g.first} to {g.last}" if g.first is not None and g.first != g.last else f"{g.first}"
        rows.append(
            Row(
                (
                    f"{i}"
                    if g.first is None
                    else f"{i} · trials {numbers}"
                    if g.first != g.last
                    else f"{i} · trial {numbers}",
                    f"{g.members:,}",
                    g.layout or "–",
                    _count(g.chunk),
                    _count(g.lanes),
                    _memory(g.bytes),
                    timed,
                    g.reason or "–",
                ),
                note=g.why,
            )
        )
    if len(groups) > _MOST:
        rows.append(Row((f"and {len(groups) - _MOST:,} more", *[""] * 7)))
    headings = ("Group", "Members", "Layout", "Chunk", "Lanes", "Memory", "Timed", "Why this layout")
    return Table("Groups of members and their layouts", headings, rows, frozenset({2, 6, 7}))


def _count(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "–"


def _memory(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:,.0f} {unit}"
        value /= 1024
    return f"{value:,.1f} GiB"
