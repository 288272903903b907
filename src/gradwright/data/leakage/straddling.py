"""Groups that stand in two parts, and times that do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.belonging import By, group_codes, time_ranks
from gradwright.data.columns import kind_of
from gradwright.data.leakage.leak import PARTS, Audited, Leak
from gradwright.data.messages import plural, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["find_straddling_groups", "find_straddling_times"]

_SOMEBODY = re.compile(
    r"(^|[_\W])(patient|subject|person|participant|proband|user|customer|client|member|student|pupil|player|author"
    r"|speaker|writer|employee|family|household|animal|donor|case)s?([_\W]?(id|nr|no|num|number|name|code|key))?$",
    re.IGNORECASE,
)
_SOME_KEY = re.compile(r"(_id|[a-z]Id|[a-z]ID|[_\W]key|(^|[_\W])group)$")
_BIRTH = re.compile(r"birth|born|dob", re.IGNORECASE)


def find_straddling_groups(audited: Audited) -> list[Leak]:
    """Find groups in more than one part: of the groups given or split by, or of a column whose name says groups."""
    groups = audited.groups
    if groups is None and audited.parts.by == "groups":
        groups = audited.parts.column
    if groups is not None:
        leak = _straddling(audited, groups, sure=True)
        return [leak] if leak else []
    found = [_straddling(audited, column.name, sure=False) for column in _like_groups(audited)]
    return [leak for leak in found if leak]


def _like_groups(audited: Audited) -> list[pl.Series]:
    """Columns, features or not, whose names are those of groups and whose values come back."""
    found = []
    for column in [] if audited.frame is None else audited.frame.get_columns():
        if not (column.dtype.is_integer() or kind_of(column) == "category") or column.name == audited.parts.column:
            continue
        rows = len(column) - column.null_count()
        distinct = column.drop_nulls().n_unique()
        somebody = _SOMEBODY.search(column.name) and 2 < distinct <= 0.9 * rows
        some_key = _SOME_KEY.search(column.name) and 10 <= distinct <= 0.5 * rows
        if column.null_count() == 0 and (somebody or some_key):
            found.append(column)
    return found


def _straddling(audited: Audited, groups: By, *, sure: bool) -> Leak | None:
    used = np.flatnonzero(audited.part >= 0)
    codes = group_codes(audited.dataset, groups, used)[used]
    part = audited.part[used]
    first = np.full(codes.max(initial=0) + 1, len(PARTS), np.int64)
    np.minimum.at(first, codes, part)  # the earliest part of each group
    across = first[codes] < part
    if not across.any():
        return None
    rows, count = used[across], len(np.unique(codes[across]))
    total = len(np.unique(codes))
    column = (groups,) if isinstance(groups, str) else ()
    what = f"column {shown(groups)}" if isinstance(groups, str) else "the groups given"
    detail = (
        f"Of {plural(total, 'group')} in {what}, {count:,} have rows in a later part than their first: "
        f"{plural(len(rows), 'held-out row')}. What was learnt of a group's other rows helps there, and will not for a "
        f"new group. "
    )
    named = f"groups={groups!r}" if isinstance(groups, str) else "groups=…"
    detail += (
        f"Split with {named}."
        if sure
        else f"If the network is to serve groups that it has not seen, split with {named}; if not, all is well."
    )
    return Leak(
        "group",
        "problem" if sure else "warning",
        f"{plural(count, 'group')} {'stands' if count == 1 else 'stand'} in more than one part",
        detail,
        audited.name_rows(rows),
        column,
        {"groups": count, "rows": len(rows)},
    )


def find_straddling_times(audited: Audited) -> list[Leak]:
    """Find training rows that are later than held-out ones: by the times given or split by, or by a column of dates."""
    time = audited.time
    if time is None and audited.parts.by == "time":
        time = audited.parts.column
    if time is not None:
        used = np.flatnonzero(audited.part >= 0)
        leak = _shuffled(audited, time, time_ranks(audited.dataset, time, used), sure=True)
        return [leak] if leak else []
    found = []
    for column in [] if audited.frame is None or audited.parts.by == "time" else audited.frame.get_columns():
        if kind_of(column) == "date" and not _BIRTH.search(column.name) and column.n_unique() > 2:
            ranks = column.rank("dense").fill_null(0).to_numpy().astype(np.int64)
            found.append(_shuffled(audited, column.name, ranks, sure=False))
    return [leak for leak in found if leak]


def _shuffled(audited: Audited, time: By, ranks: NDArray[np.int64], *, sure: bool) -> Leak | None:
    there = ranks > 0
    late = np.zeros(len(ranks), bool)
    for part in (1, 2):  # later than the first row of any later part
        held = (audited.part == part) & there
        if held.any():
            late |= (audited.part >= 0) & (audited.part < part) & there & (ranks >= ranks[held].min())
    if not late.any():
        return None
    rows = np.flatnonzero(late)
    what = f"column {shown(time)}" if isinstance(time, str) else "the times given"
    named = f"time={time!r}" if isinstance(time, str) else "time=…"
    detail = (
        f"By {what}, {plural(len(rows), 'row')} of an earlier part {'is' if len(rows) == 1 else 'are'} as late as "
        f"held-out rows or later: the network is trained on what came after, which it cannot be when it is used. "
    )
    detail += f"Split with {named}." if sure else f"If it is to tell what is to come, split with {named}."
    return Leak(
        "time",
        "problem" if sure else "warning",
        "A shuffle of what is ordered in time",
        detail,
        audited.name_rows(rows),
        (time,) if isinstance(time, str) else (),
        {"rows": len(rows)},
    )
