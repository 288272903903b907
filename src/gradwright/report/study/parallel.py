"""Parallel coordinates: an axis a parameter, a line a trial, the score at the end (Inselberg 1985)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from gradwright.report.axes import Axis
from gradwright.report.metric import Metric
from gradwright.report.study.plot import Ticks, many_class, polyline
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.study.scale import Scale, scales_info
from gradwright.report.study.scores import LOOKS, number_in, ranking_info, score_axis, score_tick, study_metric
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import plural, short

__all__ = ["MOST_AXES", "MOST_TRIALS", "ParallelInfo", "draw_parallel", "drawn_trials", "parallel_info"]

MOST_AXES = 12
MOST_TRIALS = 1000


class ParallelInfo(NamedTuple):
    """What the picture shows.

    Attributes
    ----------
    metric : Metric
    scales : tuple of Scale
        At most `MOST_AXES`: of more, those that matter most.
    trials : tuple of Trial
        From the worst to the best, those without a score before them, the winner last; at most `MOST_TRIALS`.
    looks : dict of int to str
        Each trial's colour.
    axes_left_out, trials_left_out : int
    best : int or None
        The winner's number.
    """

    metric: Metric
    scales: tuple[Scale, ...]
    trials: tuple[Trial, ...]
    looks: dict[int, str]
    axes_left_out: int
    trials_left_out: int
    best: int | None


def drawn_trials(record: StudyRecord) -> tuple[Trial, ...]:
    """The trials that pictures show, the winner last: all of them, or of very many an even choice by rank."""
    ranking = ranking_info(record)
    trials = [t for t in (*ranking.unscored, *reversed(ranking.order)) if t is not ranking.best]
    trials += [ranking.best] if ranking.best else []
    if len(trials) <= MOST_TRIALS:
        return tuple(trials)
    last = len(trials) - 1
    return tuple(trials[round(i * last / (MOST_TRIALS - 1))] for i in range(MOST_TRIALS))


def parallel_info(record: StudyRecord) -> ParallelInfo:
    """Collect axes and lines.

    Examples
    --------
    >>> from gradwright.report.study.records import StudyRecord
    >>> bare = dict.fromkeys(StudyRecord.__dataclass_fields__, {})
    >>> record = StudyRecord(**{**bare, "metric": "accuracy", "higher_is_better": True, "trials": (
    ...     Trial(0, {"lr": 0.1}, "complete", 0.9), Trial(1, {"lr": 0.2}, "failed"))})
    >>> info = parallel_info(record)
    >>> [t.number for t in info.trials], info.scales[0].values
    ([1, 0], {0: 0.1, 1: 0.2})
    """
    scales = scales_info(record)
    chosen = scales
    if len(scales) > MOST_AXES:
        weight = {s.name: number_in(record.result.get("importance"), s.name) for s in scales}
        # NaN is no weight; parameters that never vary say nothing.
        first = sorted(scales, key=lambda s: (not s.varied, -(weight[s.name] if weight[s.name] >= 0 else 0.0)))
        names = {s.name for s in first[:MOST_AXES]}
        chosen = tuple(s for s in scales if s.name in names)
    trials, ranking = drawn_trials(record), ranking_info(record)
    return ParallelInfo(
        metric=study_metric(record),
        scales=chosen,
        trials=trials,
        looks=dict(ranking.looks),
        best=ranking.best.number if ranking.best else None,
        axes_left_out=len(scales) - len(chosen),
        trials_left_out=len(record.trials) - len(trials),
    )


class _Laid(NamedTuple):
    """One axis on the paper."""

    name: str
    at: float
    ticks: Ticks
    axis: Axis
    value: Callable[[Trial], float | None]
    without: str
    spread: float = 0.0


def _apart(number: int) -> float:
    """A place of its own between −½ and ½ for each trial: multiples of the golden ratio never meet."""
    return number * 0.618034 % 1 - 0.5


def draw_parallel(info: ParallelInfo, *, width: int, turned: bool = False, suffix: str = "") -> Drawing:
    """Draw the axes side by side; or, `turned`, one below the other, as a narrow page wants them."""
    count = len(info.scales) + 1
    # Along an axis: from where to where. Across: where the axes stand.
    if turned:
        start, end, none = 14.0, width - 64.0, width - 22.0
        places = [34 + 74.0 * i for i in range(count)]
        height = places[-1] + 50
    else:
        height = 430
        start, end, none = height - 62.0, 50.0, height - 34.0
        room_right = 66
        places = [10 + (width - 10 - room_right) * i / max(count - 1, 1) for i in range(count)]
    gap = places[1] - places[0] if count > 1 else 200.0
    room = 9 if turned else max(5, int((gap - 12) / 6.6))
    axes = []
    for scale, at in zip(info.scales, places, strict=False):
        axis, ticks = scale.axis(start, end, about=4 if turned else 7, room=room)
        # Lines of one choice are set apart a little, or a thousand of them would look like one.
        spread = min(0.5 * abs(end - start) / len(scale.choices), 30.0) if scale.choices else 0.0
        axes.append(_Laid(scale.name, at, ticks, axis, _value_of(scale), "not set", spread))
    metric = info.metric
    scores = score_axis(metric, [t.score for t in info.trials], start, end, about=4 if turned else 6)
    words = [(t, score_tick(metric, t, scores)) for t in scores.ticks]
    axes.append(
        _Laid(metric.name, places[-1], words, scores, lambda t: t.score if t.score == t.score else None, "none")
    )

    def point(along: float, at: float) -> tuple[float, float]:
        return (along, at) if turned else (at, along)

    lines, missing = [], set()
    for trial in info.trials:
        points = []
        for i, one in enumerate(axes):
            value = one.value(trial)
            # A parameter that does not apply is passed at its own place, not left out with the whole trial.
            if value is None:
                missing.add(i)
            along = none if value is None else one.axis.at(value) + one.spread * _apart(trial.number)
            points.append(point(along, one.at))
        best = " winner" if trial.number == info.best else ""
        lines.append(polyline(trial.number, points, info.looks.get(trial.number, "cx") + best))
    parts = [element("g", *lines, class_=many_class(len(lines)))]
    for i, one in enumerate(axes):
        parts.append(_axis(i, one, start, end, none if i in missing else None, turned, gap, count))
    parts += _legend(width, height, turned)
    return drawing(
        f"parallel{suffix}",
        *parts,
        width=width,
        height=height,
        title="Parallel coordinates of all trials",
        description=f"{plural(len(info.trials), 'line')}, each a trial, over {plural(count - 1, 'parameter')} and the "
        f"{metric.name}.",
        class_="linked parallel" + (" turned" if turned else ""),
    )


def _value_of(scale: Scale) -> Callable[[Trial], float | None]:
    return lambda trial: scale.values.get(trial.number)


def _axis(
    i: int, one: _Laid, start: float, end: float, none: float | None, turned: bool, gap: float, count: int
) -> Markup:
    low, high = min(start, end), max(start, end)
    parts: list[Markup] = []
    if turned:
        parts.append(element("line", class_="axis-line", x1=low, x2=high, y1=one.at, y2=one.at))
        parts.append(label(short(one.name, 44), low, one.at - 11, class_="name halo"))
        for value, text in one.ticks:
            x = one.axis.at(value)
            parts.append(element("line", class_="axis-line", x1=x, x2=x, y1=one.at, y2=one.at + 4))
            parts.append(label(text, x, one.at + 16, text_anchor="middle", class_="tick halo"))
        if none is not None:
            parts.append(label(one.without, none, one.at + 16, text_anchor="middle", class_="tick halo"))
        room = element("rect", class_="brush-room", x=low - 6, y=one.at - 10, width=high - low + 12, height=20)
        return element("g", *parts, room, class_="axis", data_axis=str(i))
    parts.append(element("line", class_="axis-line", x1=one.at, x2=one.at, y1=low, y2=high))
    # Names of near axes stand on two levels, so that each has the room of two.
    levels = 2 if gap < 130 and count > 2 else 1
    anchor, x, free = ("start", one.at - 4, gap * levels) if i < count - 1 else ("end", one.at + 58, 130.0)
    if count - 1 - levels <= i < count - 1:
        # The last name ends at the edge of the paper and comes towards the one before it on its level.
        free = (count - 1 - i) * gap + (64 if i > count - 1 - levels else -40)
    name = short(one.name, max(int((free - 10) / 7.8), 5))
    parts.append(label(name, x, 14 + 16 * (i % levels), text_anchor=anchor, class_="name halo"))
    for value, text in one.ticks:
        y = one.axis.at(value)
        parts.append(element("line", class_="axis-line", x1=one.at, x2=one.at + 4, y1=y, y2=y))
        parts.append(label(text, one.at + 7, y + 4, class_="tick halo"))
    if none is not None:
        parts.append(label(one.without, one.at + 7, none + 4, class_="tick halo"))
    room = element("rect", class_="brush-room", x=one.at - 10, y=low - 6, width=20, height=high - low + 12)
    return element("g", *parts, room, class_="axis", data_axis=str(i))


def _legend(width: float, height: float, turned: bool) -> Sequence[Markup]:
    """The colours, from the worst rank to the best."""
    size = 10 if turned else 14
    left, y = 14.0 + 38, height - 12.0
    squares = [
        element("rect", class_=f"c{i} swatch", x=left + i * size, y=y - 8, width=size, height=8) for i in range(LOOKS)
    ]
    return [
        label("worst", left - 6, y, text_anchor="end", class_="tick"),
        *squares,
        label("best, by rank", left + LOOKS * size + 6, y, class_="tick"),
    ]
