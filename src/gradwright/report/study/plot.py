"""What pictures of a study have in common: a frame with ticks, and marks that belong to a trial."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gradwright.report.axes import Axis
from gradwright.report.svg import element, label

__all__ = ["Ticks", "cross", "dot", "frame", "left_of", "many_class", "polyline"]

Ticks = Sequence[tuple[float, str]]


def left_of(ticks: Ticks) -> float:
    """Where the paper begins right of the words of an upright axis."""
    return 14 + 7 * max((len(text) for _, text in ticks), default=1)


def frame(
    x: Axis, x_ticks: Ticks, y: Axis, y_ticks: Ticks, *, x_name: str, y_name: str, grid: bool = False
) -> list[Markup]:
    """Ticks and names of two axes, with a line for each tick of the upright one; with `grid` of both."""
    left, right = min(x.start, x.end) - 8, max(x.start, x.end) + 8
    top, bottom = min(y.start, y.end), max(y.start, y.end)
    parts = [label(y_name, 2, top - 14, class_="axis-name")]
    for value, text in y_ticks:
        parts.append(element("line", class_="grid", x1=left, x2=right, y1=y.at(value), y2=y.at(value)))
        parts.append(label(text, left - 6, y.at(value) + 4, text_anchor="end", class_="tick"))
    for value, text in x_ticks:
        if grid:
            parts.append(element("line", class_="grid", x1=x.at(value), x2=x.at(value), y1=top, y2=bottom))
        parts.append(label(text, x.at(value), bottom + 18, text_anchor="middle", class_="tick"))
    parts.append(label(x_name, right, bottom + 34, text_anchor="end", class_="axis-name"))
    return parts


def many_class(count: int) -> str:
    """How see-through marks are when there are so many."""
    return "few" if count <= 40 else "some" if count <= 200 else "many"


def dot(trial: int | None, x: float, y: float, look: str, r: float = 3.4) -> Markup:
    """A dot of a trial."""
    return element("circle", class_=f"dot {look}", cx=x, cy=y, r=r, data_trial=None if trial is None else str(trial))


def cross(trial: int | None, x: float, y: float, r: float = 3) -> Markup:
    """A cross, for what failed."""
    number = None if trial is None else str(trial)
    d = f"M{x - r:.1f} {y - r:.1f}l{2 * r:.1f} {2 * r:.1f}m0 {-2 * r:.1f}l{-2 * r:.1f} {2 * r:.1f}"
    return element("path", class_="cross", d=d, data_trial=number)


def polyline(trial: int, points: Sequence[tuple[float, float] | None], look: str) -> Markup:
    """A line of a trial, with a gap at each None."""
    steps, pen_down = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if pen_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen_down = point is not None
    return element("path", class_=f"trial {look}", d="".join(steps) or None, data_trial=str(trial))
