"""The report of a cross-validation: a figure a fold, their mean and its interval, baselines beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.metric import Metric
from gradwright.report.study.dots import Strip, draw_strips
from gradwright.report.study.facts import common_points, facts_sections, problems_section
from gradwright.report.study.groups import groups_info, groups_table, groups_words
from gradwright.report.study.members import members_info, members_words
from gradwright.report.study.parts import NARROW, Chart, Head, Row, Section, Table
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import mean_of, number_in, score_text, study_metric, value_text
from gradwright.report.study.tune import members_charts
from gradwright.report.text import plural, short, significant

__all__ = ["FoldScore", "ValidationInfo", "validation_head", "validation_info", "validation_sections"]


class FoldScore(NamedTuple):
    """The score of one fold of one repeat; the trial's number where it is known."""

    trial: int | None
    fold: int | None
    repeat: int | None
    score: float

    @property
    def key(self) -> str:
        """What makes it a pair with the same fold of another arm."""
        return f"{self.repeat}/{self.fold}"


class ValidationInfo(NamedTuple):
    """What a cross-validation found.

    Attributes
    ----------
    metric : Metric
    folds, repeats : int
    mean, std, low, high : float
        As recorded; of an unfinished study the mean of what there is.
    method : str
        How the interval was made.
    scores : tuple of FoldScore
    baselines : tuple of Strip
    notes : tuple of str
        What is said of the baselines.
    """

    metric: Metric
    folds: int
    repeats: int
    mean: float
    std: float
    low: float
    high: float
    method: str
    scores: tuple[FoldScore, ...]
    baselines: tuple[Strip, ...]
    notes: tuple[str, ...]


def validation_info(record: StudyRecord) -> ValidationInfo:
    """Collect the scores of the folds."""
    result = record.result
    scores = tuple(FoldScore(t.number, t.fold, t.repeat, t.score) for t in record.trials)
    if not scores:
        scores = tuple(_recorded(result.get("per_fold")))
    mean, folds, repeats = number_in(result, "mean"), number_in(result, "folds"), number_in(result, "repeats")
    baselines, notes = [], []
    listed = result.get("baselines")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, Mapping):
            name = value_text(one.get("name", "baseline"))
            baselines.append(_strip(name, one))
            said = one.get("words") or one.get("description")
            notes.append(said if isinstance(said, str) else "")
    return ValidationInfo(
        metric=study_metric(record),
        folds=int(folds) if math.isfinite(folds) else len({s.fold for s in scores}),
        repeats=int(repeats) if math.isfinite(repeats) else max(1, len({s.repeat for s in scores})),
        mean=mean if math.isfinite(mean) or record.finished else mean_of([s.score for s in scores]),
        std=number_in(result, "std"),
        low=number_in(result, "low"),
        high=number_in(result, "high"),
        method=result["method"] if isinstance(result.get("method"), str) else "",
        scores=scores,
        baselines=tuple(baselines),
        notes=tuple(notes),
    )


def _recorded(per_fold: Any) -> list[FoldScore]:
    found = []
    for i, one in enumerate(per_fold if isinstance(per_fold, list) else []):
        if isinstance(one, Mapping):
            fold, repeat = number_in(one, "fold"), number_in(one, "repeat")
            found.append(
                FoldScore(
                    None,
                    int(fold) if math.isfinite(fold) else i,
                    int(repeat) if math.isfinite(repeat) else None,
                    number_in(one, "score", "value"),
                )
            )
        else:
            found.append(FoldScore(None, i, None, number_in({"score": one}, "score")))
    return found


def _strip(name: str, one: Mapping[str, Any]) -> Strip:
    scores = {s.key: (None, s.score) for s in _recorded(one.get("per_fold", one.get("scores")))}
    mean = number_in(one, "mean", "score", "value")
    return Strip(name, scores, mean, number_in(one, "low"), number_in(one, "high"), look="arm1")


def validation_head(record: StudyRecord) -> Head:
    """The answer of a cross-validation."""
    info = validation_info(record)
    metric = info.metric
    plan = (f"{info.repeats} × " if info.repeats > 1 else "") + plural(info.folds, "fold")
    interval = _interval(info)
    known = math.isfinite(info.mean)
    lead = f"Over {plan}, the mean {metric.name} on the rows held out is {score_text(metric, info.mean)}"
    lead += f" (interval {interval})." if interval else "."
    lead = lead if known else f"None of {plan} has a score."
    if math.isfinite(info.std):
        spread = f"{info.std * 100:.2f} points" if metric.share else metric.show(info.std)
        lead += f" Between folds it varies by {spread} (standard deviation)."
    points = [("Folds", f"{plan}: {plural(len(info.scores), 'training')}.")]
    if info.method:
        points.append(("Interval", info.method))
    if info.baselines:
        leads = [metric.lead(info.mean, strip.mean, short(strip.name, 40)) for strip in info.baselines[:6]]
        points.append(("Baselines", f"The network is {'; '.join(leads)}."))
    points += common_points(record)
    alert = "" if record.finished else "The cross-validation has not ended: this is what its records hold so far."
    return Head(score_text(metric, info.mean), f"mean {metric.name} of {plan}", interval, lead, points, alert)


def _interval(info: ValidationInfo) -> str:
    if not (math.isfinite(info.low) and math.isfinite(info.high)):
        return ""
    return f"{info.metric.show(info.low)} to {info.metric.show(info.high)}"


def validation_sections(record: StudyRecord) -> list[Section]:
    """The parts of a cross-validation's report."""
    info = validation_info(record)
    metric = info.metric
    own = Strip(
        "this network",
        {f"{i}": (s.trial, s.score) for i, s in enumerate(info.scores)},
        info.mean,
        info.low,
        info.high,
        True,
    )
    if len({s.key for s in info.scores}) == len(info.scores):
        own = own._replace(scores={s.key: (s.trial, s.score) for s in info.scores})
    strips = [own, *info.baselines]
    title = f"{metric.name[:1].upper()}{metric.name[1:]} of each fold"
    chart = Chart(
        draw_strips(strips, metric, key="folds", title=title),
        draw_strips(strips, metric, key="folds", title=title, width=NARROW, suffix="-narrow"),
        "A dot is a fold, the diamond the mean" + (", the bar its interval." if math.isfinite(info.low) else "."),
    )
    words = []
    finite = [s.score for s in info.scores if math.isfinite(s.score)]
    if finite:
        words.append(f"The folds' scores go from {metric.show(min(finite))} to {metric.show(max(finite))}.")
    words.append(
        "Folds share training rows, so their scores are not independent: their plain spread makes the mean look surer "
        "than it is."
    )
    tables = [_folds_table(info)] if len(info.scores) <= 200 else []
    sections = [Section("folds", "Folds", words, (chart,), tuple(tables), "beside" if tables else "full")]
    if info.baselines:
        rows = [Row(("this network", score_text(metric, info.mean), _interval(info) or "–"), own=True)]
        for strip, note in zip(info.baselines, info.notes, strict=True):
            bounded = math.isfinite(strip.low) and math.isfinite(strip.high)
            interval = f"{metric.show(strip.low)} to {metric.show(strip.high)}" if bounded else "–"
            rows.append(Row((strip.name, score_text(metric, strip.mean), interval), note=note))
        table = Table("Mean of the same folds", ("Model", f"Mean {metric.name}", "Interval"), rows)
        sections.append(Section("baselines", "Baselines", ("On the same folds:",), tables=(table,)))
    curves = members_charts(record)
    if curves:
        words = ["A line is a fold.", *members_words(members_info(record))[1:]]
        sections.append(Section("curves", "Learning curves", words, curves, layout="pair"))
    problems = problems_section(record)
    sections += [problems] if problems is not None else []
    groups = groups_info(record)
    if groups:
        sections.append(Section("layout", "Programs", groups_words(groups), tables=(groups_table(groups),)))
    return [*sections, *facts_sections(record)]


def _folds_table(info: ValidationInfo) -> Table:
    rows = []
    for s in info.scores:
        name = f"fold {s.fold}" if s.fold is not None else f"trial {s.trial}"
        if s.repeat is not None and info.repeats > 1:
            name = f"repeat {s.repeat}, {name}"
        rows.append(
            Row(
                (name, score_text(info.metric, s.score), significant(s.score, 6) if math.isfinite(s.score) else "–"),
                trial=s.trial,
            )
        )
    return Table("Scores of the folds", ("Fold", info.metric.name, "as recorded"), rows)
