"""Lines over epochs, steps or rates, with the one test figure at their right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from gradwright.report.axes import Axis, fitted, tick_text, whole_ticks
from gradwright.report.metric import Estimate
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import significant

__all__ = ["Line", "line_chart"]

_TOP, _BOTTOM = 40, 34
_NAMES = 74  # room for the lines' names at their right ends
_TEST = 66  # room for the test figure
_LINE_GAP = 15  # least distance between two names
_MARKED = 16  # up to so many epochs, every one gets its mark


class Line(NamedTuple):
    """One line.

    Attributes
    ----------
    name : str
    look : str
        A class of the style sheet.
    values : sequence of float
        One for each epoch; NaN where there is none.
    low, high : sequence of float
        The ends of a band around it, one for each epoch, where it has one.
    """

    name: str
    look: str
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def line_chart(
    key: str,
    title: str,
    description: str,
    epochs: Sequence[float],
    lines: Sequence[Line],
    *,
    width: int,
    height: int,
    x_name: str = "epoch",
    x_log: bool = False,
    marked: Sequence[tuple[float, str]] = (),
    show: Callable[[float], str] = significant,
    axis_name: str = "",
    log: bool | None = False,
    share: bool = False,
    best_epoch: int | None = None,
    test: Estimate | None = None,
) -> Drawing:
    """Draw lines over epochs, or whatever else the horizontal axis counts.

    Parameters
    ----------
    key : str
        The drawing's name on the page.
    title, description : str
        For readers who do not see it.
    epochs : sequence of float
        The places along the horizontal axis; whole numbers unless ``x_log``.
    lines : sequence of Line
    width, height : int
        The paper.
    x_name : str
        What the horizontal axis counts.
    x_log : bool
        Equal ratios take equal room there.
    marked : sequence of (place, words)
        Places that an upright line marks.
    show : callable
        Writes a value.
    axis_name : str
        What the vertical axis counts.
    log : bool or None
        As in `fitted`.
    share : bool
        The values are shares of one and ticks are percentages.
    best_epoch : int, optional
        Marked by an upright line.
    test : Estimate, optional
        The test figure, drawn at the right with its interval.

    Examples
    --------
    >>> falling = Line("training", "own", [2.0, 1.0])
    >>> chart = line_chart("loss", "Loss", "Falls.", [1, 2], [falling], width=400, height=200)
    >>> chart.data["x"]
    [1, 2]
    """
    values = [value for line in lines for value in (*line.values, *line.low, *line.high)]
    if test is not None:
        values += [test.value, *([test.low, test.high] if test.bounded else [])]
    y = fitted(
        values,
        start=height - _BOTTOM,
        end=_TOP,
        log=log,
        floor=0.0 if share else None,
        ceiling=1.0 if share else None,
    )
    written = [f"{t * 100:g}%" if share else tick_text(t, y) for t in y.ticks]
    left = 14 + 7 * max(len(text) for text in written)
    right = width - _NAMES - (_TEST if test is not None else 0)
    first, last = min(epochs), max(epochs)
    if x_log:
        x = fitted([first, last], start=left + 6, end=right - 8, log=True)
    else:
        # One epoch alone stands in the middle of its axis.
        x_low, x_high = (first - 1, last + 1) if first == last else (first, last)
        ticks = whole_ticks(int(first), int(last), about=max(3, (right - left) // 36))
        x = Axis(x_low, x_high, left + 6, right - 8, ticks)
    parts = [*_grid(x, y, written, left, right, height, axis_name + (" (log scale)" if y.log else ""), x_name)]
    if best_epoch is not None:
        marked = [*marked, (best_epoch, f"best: epoch {best_epoch}")]
    parts += [_mark(x.at(place), words, right, height) for place, words in marked if first <= place <= last]
    parts += [_band(line, [x.at(e) for e in epochs], y) for line in lines if line.low]
    ends = []
    for line in lines:
        points = [(x.at(e), y.at(v)) if math.isfinite(v) else None for e, v in zip(epochs, line.values, strict=True)]
        parts.append(_path(line, points))
        ends.append(next((p[1] for p in reversed(points) if p is not None), None))
    parts += _names(lines, ends, right, height - _BOTTOM + 2)
    if test is not None and math.isfinite(test.value):
        parts.append(_test_figure(test, y, width - _TEST / 2, height, show))
    parts.append(element("line", class_="cursor", x1=0, x2=0, y1=_TOP, y2=height - _BOTTOM, visibility="hidden"))
    data = {
        "x": list(epochs),
        "head": [f"{x_name} {place:.3g}" if x_log else f"{x_name} {place}" for place in epochs],
        "px": [round(x.at(e), 1) for e in epochs],
        "lines": [{"name": line.name, "look": line.look, "text": _shown(line, show)} for line in lines],
    }
    return drawing(key, *parts, width=width, height=height, title=title, description=description, data=data)


def _grid(
    x: Axis, y: Axis, written: Sequence[str], left: float, right: float, height: int, name: str, x_name: str
) -> list[Markup]:
    parts = [label(name, 2, 12, class_="axis-name")]
    for value, text in zip(y.ticks, written, strict=True):
        at = y.at(value)
        parts.append(element("line", class_="grid", x1=left, x2=right, y1=at, y2=at))
        parts.append(label(text, left - 8, at + 4, text_anchor="end", class_="tick"))
    for value in x.ticks:
        text = tick_text(value, x) if x.log else f"{value:g}"
        parts.append(label(text, x.at(value), height - _BOTTOM + 18, text_anchor="middle", class_="tick"))
    parts.append(label(x_name, right + 14, height - _BOTTOM + 18, class_="axis-name"))
    return parts


def _mark(at: float, words: str, right: float, height: int) -> Markup:
    anchor = "end" if right - at < 80 else "start"
    return element(
        "g",
        element("line", class_="best", x1=at, x2=at, y1=_TOP - 8, y2=height - _BOTTOM),
        label(
            words,
            at + (4 if anchor == "start" else -4),
            _TOP - 4,
            text_anchor=anchor,
            class_="note",
        ),
    )


def _shown(line: Line, show: Callable[[float], str]) -> list[str]:
    if not line.low:
        return [show(v) for v in line.values]
    bands = zip(line.values, line.low, line.high, strict=True)
    return [show(v) if not low < high else f"{show(v)} ({show(low)} to {show(high)})" for v, low, high in bands]


def _band(line: Line, places: Sequence[float], y: Axis) -> Markup:
    """The area between the ends of a line's band, as far as both are known."""
    known = [
        (x, y.at(low), y.at(high))
        for x, low, high in zip(places, line.low, line.high, strict=True)
        if math.isfinite(low) and math.isfinite(high)
    ]
    around = [(x, low) for x, low, _ in known] + [(x, high) for x, _, high in reversed(known)]
    return element("path", class_=f"band {line.look}", d="M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in around) + "Z")


def _path(line: Line, points: Sequence[tuple[float, float] | None]) -> Markup:
    steps, pen_down = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if pen_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen_down = point is not None
    marks = []
    if len(points) <= _MARKED:
        marks = [element("circle", class_=f"mark {line.look}", cx=p[0], cy=p[1], r=2.8) for p in points if p]
    return element("g", element("path", class_=f"line {line.look}", d=" ".join(steps) or None), *marks)


def _names(lines: Sequence[Line], ends: Sequence[float | None], right: float, bottom: float) -> list[Markup]:
    """The lines' names at their ends, pushed apart where they would touch."""
    # Ends that the eye takes for one keep the order of the lines, so that it is the same in every chart.
    placed = sorted(((end, i) for i, end in enumerate(ends) if end is not None), key=lambda e: (round(e[0] / 4), e[1]))
    at = [end for end, _ in placed]
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + _LINE_GAP)
    # What was pushed down is shared out upwards, so that a pair stays centred on its lines.
    shift = sum(a - end for a, (end, _) in zip(at, placed, strict=True)) / max(len(at), 1)
    # Several at the bottom would stand on the words of the horizontal axis.
    shift = max(shift, max(at, default=bottom) - bottom) if len(at) > 2 else shift
    return [
        label(lines[i].name, right + 6, y - shift + 4, class_=f"name {lines[i].look}")
        for y, (_, i) in zip(at, placed, strict=True)
    ]


def _test_figure(test: Estimate, y: Axis, x: float, height: int, show: Callable[[float], str]) -> Markup:
    at = y.at(test.value)
    parts: list[Markup] = []
    top = at - 6
    if test.bounded:
        low, high = y.at(test.low), y.at(test.high)
        top = min(low, high)
        parts.append(element("path", class_="interval", d=f"M{x:.1f} {low:.1f}V{high:.1f}"))
        parts += [element("path", class_="interval", d=f"M{x - 4:.1f} {end:.1f}h8") for end in (low, high)]
    parts.append(element("path", class_="test", d=f"M{x:.1f} {at - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"))
    parts.append(label(show(test.value), x, max(top - 8, 26), text_anchor="middle", class_="name test-name"))
    parts.append(label("test", x, height - _BOTTOM + 18, text_anchor="middle", class_="axis-name test-name"))
    return element("g", *parts)
