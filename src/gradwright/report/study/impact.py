"""What each part of a configuration is worth: differences to the whole, as bars with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from gradwright.report.axes import fitted, tick_text
from gradwright.report.metric import Metric
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import gap_text, number_in, study_metric
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import short

__all__ = ["ImpactInfo", "Part", "draw_impact", "impact_info"]

_ROW, _MOST = 38, 60


class Part(NamedTuple):
    """A configuration with one part (or one more part) removed or replaced.

    Attributes
    ----------
    name, what : str
        The part, and what was done to it.
    mean : float
        The mean score without it.
    difference, low, high : float
        That mean less the base's, and its interval.
    p, p_holm : float
        As tested, and corrected for how many were tested (Holm); NaN where not recorded.
    words : str
    """

    name: str
    what: str
    mean: float
    difference: float
    low: float
    high: float
    p: float
    words: str
    p_holm: float = math.nan

    @property
    def chance(self) -> bool:
        """Whether the difference could be chance: by the corrected p where there is one, else by the interval."""
        if math.isfinite(self.p_holm):
            return self.p_holm >= 0.05
        return math.isfinite(self.low) and math.isfinite(self.high) and self.low <= 0 <= self.high


class ImpactInfo(NamedTuple):
    """Parts, those whose loss hurts most first; and the chain in which they were removed one after the other."""

    metric: Metric
    base: float
    low: float
    high: float
    parts: tuple[Part, ...]
    cumulative: tuple[Part, ...]


def impact_info(record: StudyRecord) -> ImpactInfo:
    """Collect the differences of an ablation."""
    metric, base = study_metric(record), record.result.get("base")
    sign = 1.0 if metric.higher_is_better else -1.0
    parts = _parts(record.result.get("parts"))
    parts.sort(key=lambda part: sign * part.difference if math.isfinite(part.difference) else math.inf)
    return ImpactInfo(
        metric,
        number_in(base, "mean"),
        number_in(base, "low"),
        number_in(base, "high"),
        tuple(parts),
        tuple(_parts(record.result.get("cumulative"))),
    )


def _parts(recorded: Any) -> list[Part]:
    found = []
    for one in recorded if isinstance(recorded, list) else []:
        if isinstance(one, Mapping):
            name, what, words = (one[k] if isinstance(one.get(k), str) else "" for k in ("name", "what", "words"))
            mean, difference, low, high, p = (number_in(one, k) for k in ("mean", "difference", "low", "high", "p"))
            corrected = number_in(one, "p_holm")
            found.append(Part(name, what, mean, difference, low, high, p, words, corrected))
    return found


def draw_impact(
    info: ImpactInfo, parts: tuple[Part, ...], *, key: str, width: int = 700, chain: bool = False, suffix: str = ""
) -> Drawing:
    """Draw the parts' differences to the base; a `chain` as points that lead on from each other."""
    rows = parts[:_MOST]
    metric = info.metric
    narrow = width < 500
    left = 14.0 if narrow else min(280.0, 26 + 7.6 * max((len(short(p.name, 34)) for p in rows), default=4))
    right = width - 104
    row = _ROW + (14 if narrow else 0)
    first = 1 if chain else 0
    top = 24
    bottom = top + row * (len(rows) + first)
    # an axis of its own: a chain goes so far down that single parts could not be told apart beside it
    ends = [v for p in rows for v in (p.difference, p.low, p.high)]
    x = fitted([0.0, *ends], start=left, end=right, about=3 if narrow else 6)
    parts_drawn: list[Markup] = []
    for tick in x.ticks:
        parts_drawn.append(element("line", class_="grid", x1=x.at(tick), x2=x.at(tick), y1=top, y2=bottom))
        text = f"{tick * 100:+g}".replace("-", "−") if metric.share else tick_text(tick, x)
        parts_drawn.append(
            label("0" if tick == 0 else text, x.at(tick), bottom + 16, text_anchor="middle", class_="tick")
        )
    unit = "points of " + metric.name if metric.share else metric.name + (f" ({metric.unit})" if metric.unit else "")
    parts_drawn.append(label(f"difference to the whole, {unit}", left, bottom + 34, class_="axis-name"))
    zero = x.at(0.0)
    parts_drawn.append(element("line", class_="zero", x1=zero, x2=zero, y1=top - 6, y2=bottom))
    worse = "left" if metric.higher_is_better else "right"
    parts_drawn.append(
        label(f"{worse} of the line: worse without it", zero, 12, text_anchor=_anchor(zero, width), class_="note")
    )
    points = []
    names = [("the whole", 0.0)] if chain else []
    for i, (name, difference) in enumerate([*names, *((p.name, p.difference) for p in rows)]):
        y = top + row * (i + 0.5) + (7 if narrow else 0)
        shown = f"− {name}" if chain and i else name
        if narrow:
            parts_drawn.append(label(short(shown, 46), left - 4, y - row / 2 + 9, class_="name halo"))
        else:
            parts_drawn.append(label(short(shown, 34), left - 14, y + 4, text_anchor="end", class_="name"))
        if not math.isfinite(difference):
            parts_drawn.append(label("no score", zero + 6, y + 4, class_="note halo"))
            continue
        points.append((x.at(difference), y))
        if chain and i == 0:
            continue
        part = rows[i - first]
        is_worse = difference < 0 if metric.higher_is_better else difference > 0
        look = ("bad" if is_worse else "good") + (" chance" if part.chance else "")
        if not chain:
            start, end = sorted((zero, x.at(difference)))
            parts_drawn.append(
                element("rect", class_=f"impact {look}", x=start, y=y - 8, width=max(end - start, 1), height=16)
            )
        if math.isfinite(part.low) and math.isfinite(part.high):
            low, high = x.at(part.low), x.at(part.high)
            parts_drawn.append(element("path", class_="interval", d=f"M{low:.1f} {y:.1f}H{high:.1f}"))
            parts_drawn += [element("path", class_="interval", d=f"M{e:.1f} {y - 4:.1f}v8") for e in (low, high)]
        parts_drawn.append(label(gap_text(metric, difference), right + 10, y + 4, class_="name"))
    if chain and points:
        parts_drawn.append(element("path", class_="chain", d="M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)))
        parts_drawn += [element("circle", class_="other", cx=a, cy=b, r=4.5) for a, b in points]
    said = "; ".join(f"{p.name} {gap_text(metric, p.difference)}" for p in rows)
    return drawing(
        f"{key}{suffix}",
        *parts_drawn,
        width=width,
        height=bottom + 42,
        title="Differences when parts go one after the other" if chain else "Difference without each part",
        description=said + ".",
    )


def _anchor(at: float, width: float) -> str:
    return "start" if at < width / 3 else "end" if at > width * 2 / 3 else "middle"
