"""Strips of dots: every score, their mean and its interval, one strip a row."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from gradwright.report.axes import Axis
from gradwright.report.metric import Metric
from gradwright.report.study.plot import dot
from gradwright.report.study.scores import score_axis, score_text, score_tick
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import plural, short

__all__ = ["Strip", "draw_strips"]

_ROW, _TOP, _BOTTOM = 62, 10, 40
_JOINED = 120  # pairs of at most so many are joined by lines


class Strip(NamedTuple):
    """One row of dots.

    Attributes
    ----------
    name : str
    scores : Mapping of str to (int or None, float)
        A trial's number and its score by what makes it a pair with a dot of another strip, such as its fold.
    mean, low, high : float
        NaN where unknown.
    own : bool
        Whether this is what the study is about.
    look : str
    """

    name: str
    scores: Mapping[str, tuple[int | None, float]]
    mean: float
    low: float
    high: float
    own: bool = False
    look: str = "own"


def draw_strips(
    strips: Sequence[Strip],
    metric: Metric,
    *,
    key: str,
    title: str,
    width: int = 700,
    joined: bool = False,
    suffix: str = "",
) -> Drawing:
    """Draw the strips on one axis; `joined`, a thin line joins the dots of a pair in neighbouring strips."""
    narrow = width < 500
    left = 14.0 if narrow else min(240.0, 26 + 7.6 * max((len(short(s.name, 28)) for s in strips), default=4))
    right = width - 84
    row = _ROW + (18 if narrow else 0)
    height = _TOP + row * len(strips) + _BOTTOM
    values = [v for s in strips for _, v in s.scores.values()]
    values += [v for s in strips for v in (s.mean, s.low, s.high)]
    x = score_axis(metric, values, left, right, about=3 if narrow else 6)
    parts: list[Markup] = []
    for tick in x.ticks:
        parts.append(element("line", class_="grid", x1=x.at(tick), x2=x.at(tick), y1=_TOP, y2=height - _BOTTOM))
        text = score_tick(metric, tick, x)
        parts.append(label(text, x.at(tick), height - _BOTTOM + 16, text_anchor="middle", class_="tick"))
    unit = f" ({metric.unit})" if metric.unit else ""
    better = "further right is better" if metric.higher_is_better else "further left is better"
    parts.append(label(f"{metric.name}{unit}; {better}", left, height - 6, class_="axis-name"))
    placed: list[dict[str, tuple[float, float]]] = []
    marks: list[Markup] = []
    for i, strip in enumerate(strips):
        y = _TOP + row * (i + 0.5) + (9 if narrow else 0)
        look = "test-name" if strip.own else ""
        if narrow:
            parts.append(label(short(strip.name, 44), left - 6, y - row / 2 + 10, class_=f"name {look}"))
        else:
            parts.append(label(short(strip.name, 28), left - 16, y + 4, text_anchor="end", class_=f"name {look}"))
        known = {k: (n, v) for k, (n, v) in strip.scores.items() if math.isfinite(v)}
        # The dots stand above the line of the mean and its interval, so that neither hides the other.
        places = _swarm({k: x.at(v) for k, (_, v) in known.items()}, y - 6, room=24)
        placed.append(places)
        marks += [dot(n, *places[k], strip.look, r=3.2) for k, (n, _) in known.items()]
        lost = len(strip.scores) - len(known)
        if lost:
            marks.append(label(f"{lost} without a score", right, y - 22, text_anchor="end", class_="note halo"))
        marks += _mean(strip, x, y + 14)
        parts.append(label(score_text(metric, strip.mean), right + 14, y + 18, class_=f"name {look}"))
    if joined and len(strips) > 1:
        parts += _joins(placed)
    rows = "; ".join(f"{s.name} {score_text(metric, s.mean)} of {plural(len(s.scores), 'score')}" for s in strips)
    return drawing(
        f"{key}{suffix}",
        *parts,
        element("g", *marks, class_="few"),
        width=width,
        height=height,
        title=title,
        description=rows + ".",
        class_="linked",
    )


def _mean(strip: Strip, x: Axis, y: float) -> list[Markup]:
    parts = []
    if math.isfinite(strip.low) and math.isfinite(strip.high) and strip.high >= x.low and strip.low <= x.high:
        low, high = x.at(strip.low), x.at(strip.high)
        parts.append(element("path", class_="interval", d=f"M{low:.1f} {y:.1f}H{high:.1f}"))
        parts += [element("path", class_="interval", d=f"M{end:.1f} {y - 5:.1f}v10") for end in (low, high)]
    if math.isfinite(strip.mean):
        # A mean that lies off the axis is an arrow at its end.
        side = -1 if strip.mean < x.low else 1 if strip.mean > x.high else 0
        d = f"M{x.at(strip.mean):.1f} {y - 6:.1f}" + (f"v12l{side * 9} -6z" if side else "l6 6l-6 6l-6 -6z")
        parts.append(element("path", class_="test", d=d))
    return parts


def _swarm(places: Mapping[str, float], base: float, room: float) -> dict[str, tuple[float, float]]:
    """Dots that would lie on each other are stacked upwards from the base, closer the more they are."""
    piles: dict[int, list[str]] = defaultdict(list)
    for key, x in places.items():
        piles[round(x / 6)].append(key)
    highest = max((len(pile) for pile in piles.values()), default=1)
    step = min(6.6, room / max(highest - 1, 1))
    return {key: (places[key], base - i * step) for pile in piles.values() for i, key in enumerate(pile)}


def _joins(placed: Sequence[Mapping[str, tuple[float, float]]]) -> list[Markup]:
    parts = []
    for upper, lower in pairwise(placed):
        both = [key for key in upper if key in lower]
        if len(both) > _JOINED:
            continue
        for key in both:
            (x1, y1), (x2, y2) = upper[key], lower[key]
            parts.append(element("line", class_="join", x1=x1, x2=x2, y1=y1, y2=y2))
    return parts
