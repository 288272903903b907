"""The learning curves of all members, a thin line each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradwright.report.axes import Axis, fitted, tick_text, whole_ticks
from gradwright.report.metric import Metric
from gradwright.report.study.parallel import drawn_trials
from gradwright.report.study.plot import cross, dot, frame, left_of, many_class, polyline
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.study.scores import ranking_info, score_axis, score_tick, study_metric
from gradwright.report.svg import Drawing, drawing, element
from gradwright.report.text import plural

__all__ = ["MembersInfo", "draw_members", "members_info", "members_words"]

_TOP, _BOTTOM = 34, 42
_POINTS = 60_000  # of all lines of one picture together; longer curves are thinned


class MembersInfo(NamedTuple):
    """One figure of all members, epoch by epoch.

    Attributes
    ----------
    column : str
        Its name in the records.
    name : str
        Its name for readers.
    metric : Metric or None
        None for a loss.
    trials : tuple of Trial
        The best last.
    epochs, values : tuple of arrays
        One array a trial; values are NaN where a record has none.
    looks : dict of int to str
    without : int
        How many trials have no curve.
    best : int or None
        The winner's number.
    """

    column: str
    name: str
    metric: Metric | None
    trials: tuple[Trial, ...]
    epochs: tuple[NDArray[np.float64], ...]
    values: tuple[NDArray[np.float64], ...]
    looks: dict[int, str]
    without: int
    best: int | None


def members_info(record: StudyRecord) -> tuple[MembersInfo, ...]:
    """Collect the validation loss and the judged figure of all members, as far as they were recorded."""
    metric, ranking, trials = study_metric(record), ranking_info(record), drawn_trials(record)
    found = []
    for column, name, judged in (
        ("validation_loss", "validation loss", None),
        (f"validation_{metric.key}", f"validation {metric.name}", metric),
    ):
        has = [t for t in trials if t.number in record.curves and column in record.curves[t.number].columns]
        has = [t for t in has if np.isfinite(record.curves[t.number].columns[column]).any()]
        if not has or (judged is not None and metric.key == "loss"):
            continue
        found.append(
            MembersInfo(
                column,
                name,
                judged,
                tuple(has),
                tuple(record.curves[t.number].epochs for t in has),
                tuple(record.curves[t.number].columns[column] for t in has),
                dict(ranking.looks),
                len(trials) - len(has),
                ranking.best.number if ranking.best else None,
            )
        )
    return tuple(found)


def members_words(infos: tuple[MembersInfo, ...]) -> list[str]:
    """Say what the lines are."""
    if not infos:
        return ["No curves were recorded."]
    info = infos[-1]
    words = [f"{plural(len(info.trials), 'line')}, each a member of the study; the thick one is the best."]
    if len(info.trials) == 1:
        words = ["The line is the only member that has a curve."]
    pruned = sum(t.state == "pruned" for t in info.trials)
    failed = sum(t.state == "failed" for t in info.trials)
    if pruned:
        words.append(
            f"{plural(pruned, 'line')} {'ends' if pruned == 1 else 'end'} early, at a dot: stopped by the search."
        )
    if failed:
        words.append(f"A cross ends {'the one' if failed == 1 else f'the {failed}'} that failed.")
    if info.without:
        words.append(f"{plural(info.without, 'trial')} {'has' if info.without == 1 else 'have'} no curve.")
    return words


def draw_members(info: MembersInfo, *, width: int = 520, height: int = 320, suffix: str = "") -> Drawing:
    """Draw a thin line a member, the best thick, the pruned ones ended by a dot and the failed ones by a cross."""
    lowest = [float(np.nanmin(v[np.isfinite(v)])) for v in info.values]
    highest = [float(np.nanmax(v[np.isfinite(v)])) for v in info.values]
    if info.metric is not None:
        y = score_axis(info.metric, [*lowest, *highest], height - _BOTTOM, _TOP)
        y_ticks = [(t, score_tick(info.metric, t, y)) for t in y.ticks]
    else:
        # The loss of a member that diverges would press all others into one line.
        top = score_axis(Metric("loss", "loss", False), highest, 0, 1).high
        y = fitted([*lowest, *(min(v, top) for v in highest)], start=height - _BOTTOM, end=_TOP, log=_wide(lowest, top))
        y_ticks = [(t, tick_text(t, y)) for t in y.ticks]
    left = left_of(y_ticks)
    first = min(float(e.min()) for e in info.epochs)
    last = max(float(e.max()) for e in info.epochs)
    span = (first - 1, last + 1) if first == last else (first, last)
    x = Axis(*span, left + 8, width - 20, whole_ticks(int(first), int(last), about=max(3, int((width - left) // 60))))
    name = info.name[:1].upper() + info.name[1:] + (" (log scale)" if y.log else "")
    parts = frame(x, [(t, f"{t:g}") for t in x.ticks], y, y_ticks, x_name="epoch", y_name=name)
    room = max(8, _POINTS // len(info.trials))
    lines, ends = [], []
    for trial, epochs, values in zip(info.trials, info.epochs, info.values, strict=True):
        kept = _thinned(len(epochs), room)
        points = [
            (x.at(e), y.at(v)) if np.isfinite(v) else None for e, v in zip(epochs[kept], values[kept], strict=True)
        ]
        look = info.looks.get(trial.number, "cx")
        lines.append(polyline(trial.number, points, look + (" winner" if trial.number == info.best else "")))
        end = next((p for p in reversed(points) if p is not None), None)
        if end is None:
            continue
        if trial.state == "failed":
            ends.append(cross(trial.number, *end))
        elif trial.state == "pruned" or len(epochs) == 1:
            ends.append(dot(trial.number, *end, look, r=2.2 if len(epochs) > 1 else 3.4))
    return drawing(
        f"{info.column.replace('_', '-')}{suffix}",
        *parts,
        element("g", *lines, *ends, class_=many_class(len(lines))),
        width=width,
        height=height,
        title=f"{name} of all members over epochs",
        description=" ".join(members_words((info,))),
        class_="linked",
    )


def _wide(lowest: list[float], top: float) -> bool | None:
    """Whether losses span so much that the late epochs need a logarithmic axis."""
    return True if min(lowest) > 0 and top / min(lowest) > 8 else None


def _thinned(count: int, room: int) -> NDArray[np.int64]:
    """Which points of a line are drawn: all, or an even choice with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, room)).round().astype(np.int64))
