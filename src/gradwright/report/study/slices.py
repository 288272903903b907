"""Slices: the score against one parameter at a time."""

from __future__ import annotations

from typing import NamedTuple

from gradwright.report.metric import Metric
from gradwright.report.study.parallel import drawn_trials
from gradwright.report.study.plot import dot, frame, left_of, many_class
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scale import Scale, scales_info
from gradwright.report.study.scores import ranking_info, score_axis, score_tick, study_metric
from gradwright.report.svg import Drawing, drawing, element
from gradwright.report.text import plural, short

__all__ = ["SliceInfo", "draw_slice", "slices_info"]

_TOP, _BOTTOM = 34, 40


class SliceInfo(NamedTuple):
    """Scores over one parameter.

    Attributes
    ----------
    metric : Metric
    scale : Scale
    trials : tuple of int
        Worst first.
    values, scores : tuple of float
        One for each of them.
    looks : tuple of str
    every_score : tuple of float
        Of all slices, so that their axes are the same.
    """

    metric: Metric
    scale: Scale
    trials: tuple[int, ...]
    values: tuple[float, ...]
    scores: tuple[float, ...]
    looks: tuple[str, ...]
    every_score: tuple[float, ...]


def slices_info(record: StudyRecord) -> tuple[SliceInfo, ...]:
    """Collect the slices of the parameters that vary."""
    metric, looks = study_metric(record), ranking_info(record).looks
    scored = [t for t in drawn_trials(record) if looks[t.number] != "cx"]
    scores = tuple(t.score for t in scored)
    found = []
    for scale in scales_info(record):
        here = [t for t in scored if t.number in scale.values]
        if not here or not scale.varied:
            continue
        found.append(
            SliceInfo(
                metric,
                scale,
                tuple(t.number for t in here),
                tuple(scale.values[t.number] for t in here),
                tuple(t.score for t in here),
                tuple(looks[t.number] for t in here),
                scores,
            )
        )
    return tuple(found)


def draw_slice(info: SliceInfo, index: int, *, width: int = 340, height: int = 230) -> Drawing:
    """Draw a dot a trial; dots of one choice are set apart a little, so that they do not hide each other."""
    y = score_axis(info.metric, info.every_score, height - _BOTTOM, _TOP, about=4)
    y_ticks = [(t, score_tick(info.metric, t, y)) for t in y.ticks]
    left = left_of(y_ticks)
    choices = len(info.scale.choices)
    room = (width - 26 - left) / max(min(choices, 6), 1)
    spread = min(0.6 * (width - 26 - left) / choices, 40.0) if choices else 0.0
    x, x_ticks = info.scale.axis(left + 8, width - 18, about=6 if choices else 5, room=max(3, int(room / 6.6)))
    dots = [
        dot(n, x.at(v) + spread * ((n * 0.618034) % 1 - 0.5), y.at(s), look, r=3)
        for n, v, s, look in zip(info.trials, info.values, info.scores, info.looks, strict=True)
    ]
    name = short(info.scale.name, 40)
    return drawing(
        f"slice-{index}",
        *frame(x, x_ticks, y, y_ticks, x_name=name, y_name=info.metric.name),
        element("g", *dots, class_=many_class(len(dots))),
        width=width,
        height=height,
        title=f"{info.metric.name} over {info.scale.name}",
        description=f"{plural(len(dots), 'trial')}, a dot each.",
        class_="linked",
    )
