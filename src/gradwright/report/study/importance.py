"""How much of the scores' spread each parameter answers for."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.axes import fitted
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import number_in
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import joined, percent, short

__all__ = ["ImportanceInfo", "draw_importance", "importance_info", "importance_words"]

_ROW, _MOST = 30, 40


class ImportanceInfo(NamedTuple):
    """Shares of the parameters, the largest first, and how they were found where that is recorded."""

    shares: tuple[tuple[str, float], ...]
    method: str


def importance_info(record: StudyRecord) -> ImportanceInfo | None:
    """The recorded importance of each parameter; None where there is none."""
    recorded = record.result.get("importance")
    if not isinstance(recorded, dict):
        return None
    # Some strategies say how they found it beside the shares.
    shares_of = recorded.get("shares")
    inner = shares_of if isinstance(shares_of, dict) else recorded
    shares = [(name, share) for name in inner if math.isfinite(share := number_in(inner, name))]
    method = recorded.get("method") or record.result.get("importance_method")
    shares.sort(key=lambda pair: -pair[1])
    return ImportanceInfo(tuple(shares), method if isinstance(method, str) else "") if shares else None


def importance_words(info: ImportanceInfo) -> list[str]:
    """Say what matters most.

    Examples
    --------
    >>> importance_words(ImportanceInfo((("lr", 0.75), ("dropout", 0.25)), ""))[0]
    'Most of what tells the scores apart goes with lr (75.0%).'
    """
    name, share = info.shares[0]
    if len(info.shares) == 1:
        words = [f"{short(name, 40)} was the only parameter, so all goes with it."]
    elif share > 0.5:
        words = [f"Most of what tells the scores apart goes with {short(name, 40)} ({percent(share)})."]
    else:
        first = joined([f"{short(n, 40)} ({percent(s)})" for n, s in info.shares[:3]])
        words = [f"No parameter alone decides; foremost are {first}."]
    words.append(
        "The shares describe the trials of this study, in the ranges that were searched: a parameter can be small "
        "here because all of its tried values were good."
    )
    if info.method:
        words.append(f"Method: {info.method}.")
    return words


def draw_importance(info: ImportanceInfo, *, width: int = 520, suffix: str = "") -> Drawing:
    """Draw a bar for each parameter."""
    rows = info.shares[:_MOST]
    narrow = width < 500
    left = 12 if narrow else min(230, 22 + 7.4 * max(len(short(name, 28)) for name, _ in rows))
    step = _ROW + (12 if narrow else 0)
    height = step * len(rows) + 34
    x = fitted([0.0, *(s for _, s in rows)], start=left, end=width - 64, about=4, floor=0.0, ceiling=1.0)
    parts = []
    for tick in x.ticks:
        parts.append(element("line", class_="grid", x1=x.at(tick), x2=x.at(tick), y1=4, y2=height - 28))
        parts.append(label(f"{tick * 100:g}%", x.at(tick), height - 12, text_anchor="middle", class_="tick"))
    for i, (name, share) in enumerate(rows):
        y = 6 + step * i + (14 if narrow else 0)
        if narrow:
            parts.append(label(short(name, 44), left, y - 3, class_="name"))
        else:
            parts.append(label(short(name, 28), left - 10, y + 15, text_anchor="end", class_="name"))
        parts.append(element("rect", class_="bar", x=left, y=y + 3, width=max(x.at(share) - left, 1), height=16))
        parts.append(label(percent(share), x.at(share) + 8, y + 15, class_="name"))
    return drawing(
        f"importance{suffix}",
        *parts,
        width=width,
        height=height,
        title="Importance of the parameters",
        description="; ".join(f"{name} {percent(share)}" for name, share in rows) + ".",
    )
