"""How the search went: each trial's score, and the best so far."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.axes import Axis, whole_ticks
from gradwright.report.metric import Metric
from gradwright.report.study.parallel import drawn_trials
from gradwright.report.study.plot import cross, dot, frame, left_of, many_class
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.study.scores import ranking_info, score_axis, score_tick, study_metric
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import plural

__all__ = ["HistoryInfo", "draw_history", "history_info", "history_words"]

_TOP, _BOTTOM = 34, 62


class HistoryInfo(NamedTuple):
    """Trials in their order, and where the best so far changed.

    Attributes
    ----------
    metric : Metric
    trials : tuple of Trial
        Those that are drawn, by number.
    steps : tuple of (int, float)
        A trial's number and its score, wherever a complete trial was better than all before it.
    last : int
        The highest number of all trials.
    looks : dict of int to str
    tried : int
        How many trials there are.
    """

    metric: Metric
    trials: tuple[Trial, ...]
    steps: tuple[tuple[int, float], ...]
    last: int
    looks: dict[int, str]
    tried: int


def history_info(record: StudyRecord) -> HistoryInfo:
    """Collect the scores in the order of the trials."""
    metric, steps = study_metric(record), list[tuple[int, float]]()
    for trial in record.trials:
        if trial.state != "complete" or not math.isfinite(trial.score):
            continue
        if not steps or metric.better(trial.score, steps[-1][1]):
            steps.append((trial.number, trial.score))
    return HistoryInfo(
        metric,
        tuple(sorted(drawn_trials(record), key=lambda t: t.number)),
        tuple(steps),
        max((t.number for t in record.trials), default=0),
        dict(ranking_info(record).looks),
        len(record.trials),
    )


def history_words(info: HistoryInfo) -> list[str]:
    """Say when the best came and how long nothing better has."""
    if not info.steps:
        return ["No trial was completed with a score."]
    number, score = info.steps[-1]
    words = [f"The best score, {info.metric.show(score)}, came with trial {number}."]
    if info.last > number:
        words.append(f"The {plural(info.last - number, 'trial')} after it found nothing better.")
    if len(info.steps) > 1:
        words.append(f"The best so far changed {len(info.steps) - 1} times.")
    return words


def draw_history(info: HistoryInfo, *, width: int = 520, height: int = 300, suffix: str = "") -> Drawing:
    """Draw a dot a trial and the best so far as stairs; trials without a score stand below."""
    y = score_axis(info.metric, [t.score for t in info.trials], height - _BOTTOM, _TOP)
    y_ticks = [(t, score_tick(info.metric, t, y)) for t in y.ticks]
    left = left_of(y_ticks)
    low, high = (0, info.last) if info.last else (-1, 1)
    about = max(3, int((width - left) // 60))
    x = Axis(low, high, left + 8, width - 20, whole_ticks(0, info.last, about=about))
    parts = frame(x, [(t, f"{t:g}") for t in x.ticks], y, y_ticks, x_name="trial", y_name=info.metric.name)
    marks, below = [], height - _BOTTOM + 28
    failed = False
    for trial in info.trials:
        if info.looks[trial.number] == "cx":
            failed = True
            marks.append(cross(trial.number, x.at(trial.number), below))
        else:
            marks.append(dot(trial.number, x.at(trial.number), y.at(trial.score), info.looks[trial.number]))
    parts.append(element("g", *marks, class_=many_class(len(marks))))
    if failed:
        parts.append(label("× no score", 2, height - 6, class_="note"))
    if info.steps:
        path = f"M{x.at(info.steps[0][0]):.1f} {y.at(info.steps[0][1]):.1f}"
        path += "".join(f"H{x.at(n):.1f}V{y.at(s):.1f}" for n, s in info.steps[1:]) + f"H{x.at(high):.1f}"
        parts.append(element("path", class_="stairs", d=path))
    return drawing(
        f"history{suffix}",
        *parts,
        width=width,
        height=height,
        title=f"Best {info.metric.name} so far, by trial",
        description=" ".join(history_words(info)),
        class_="linked",
    )
