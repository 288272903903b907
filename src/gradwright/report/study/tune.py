"""The report of a search: what was tried, what came out, and what choosing the best did to its score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.metric import Estimate, Metric
from gradwright.report.study.facts import common_points, facts_sections, problems_section, space_words, strategy_words
from gradwright.report.study.groups import groups_info, groups_table, groups_words
from gradwright.report.study.history import draw_history, history_info, history_words
from gradwright.report.study.importance import draw_importance, importance_info, importance_words
from gradwright.report.study.members import draw_members, members_info, members_words
from gradwright.report.study.optimism import nested_of, optimism_info, optimism_words
from gradwright.report.study.parallel import draw_parallel, parallel_info
from gradwright.report.study.parts import NARROW, WIDE, Chart, Head, Row, Section, Table
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.study.scale import scales_info
from gradwright.report.study.scores import (
    Ranking,
    estimate_in,
    number_in,
    ranking_info,
    score_text,
    study_metric,
    value_text,
)
from gradwright.report.study.slices import draw_slice, slices_info
from gradwright.report.text import joined, plural, short

__all__ = ["TuneInfo", "members_charts", "tune_head", "tune_info", "tune_sections"]

_TOP = 10


class TuneInfo(NamedTuple):
    """What a search found.

    Attributes
    ----------
    metric : Metric
    tried : int
        How many configurations.
    ranking : Ranking
    best : Trial or None
        The recorded winner; in an unfinished study the best so far.
    score : float
    test : Estimate
        What the winner reached on the test part after refitting; NaN where it was not looked at.
    test_loss : float
    refit_run : str
        The run folder of the refitted winner.
    nested : Estimate
    """

    metric: Metric
    tried: int
    ranking: Ranking
    best: Trial | None
    score: float
    test: Estimate
    test_loss: float
    refit_run: str
    nested: Estimate


def tune_info(record: StudyRecord) -> TuneInfo:
    """Collect what a search found: figures are the records' own, ranks are made here."""
    metric, ranking, result = study_metric(record), ranking_info(record), record.result
    best = ranking.best
    score = number_in(result, "score")
    tried = number_in(result, "tried")
    refit = result.get("refit")
    refit = refit if isinstance(refit, Mapping) else {}
    test = refit.get("test")
    # A run's result.json has its test part under "test".
    if isinstance(test, Mapping) and isinstance(test.get("test"), Mapping):
        test = test["test"]
    estimate = estimate_in(test, metric.key) if isinstance(test, Mapping) else estimate_in(refit, "test")
    return TuneInfo(
        metric=metric,
        tried=int(tried) if math.isfinite(tried) else len(record.trials),
        ranking=ranking,
        best=best,
        score=score if math.isfinite(score) else best.score if best else math.nan,
        test=estimate,
        test_loss=number_in(test, "loss"),
        refit_run=str(refit["run"]) if isinstance(refit.get("run"), str | int) else "",
        nested=estimate_in(result.get("nested"), "mean", "score", "value")
        if isinstance(result.get("nested"), Mapping)
        else Estimate(math.nan, math.nan, math.nan),
    )


def tune_head(record: StudyRecord) -> Head:
    """The answer of a search."""
    info = tune_info(record)
    metric, counts = info.metric, info.ranking.counts
    tested = math.isfinite(info.test.value)
    figure = score_text(metric, info.test.value if tested else info.score)
    name = f"test {metric.name} of the winner" if tested else f"best validation {metric.name}"
    lead = f"{plural(info.tried, 'configuration')} {'was' if info.tried == 1 else 'were'} tried. "
    if info.best is None or not math.isfinite(info.score):
        lead += "None of them was completed with a score."
    else:
        lead += f"The best, trial {info.best.number}, reached a validation {metric.name} of {metric.show(info.score)}"
        lead += (
            f"; refitted and looked at the test part once, it reached {metric.show(info.test.value)}."
            if tested
            else "; the test part was not looked at."
        )
    points = [("Searched", space_words(record)), ("Strategy", strategy_words(record) + ".")]
    states = [f"{n:,} {state}" for state, n in counts.items() if n]
    if states:
        points.append(("Tried", f"{plural(len(record.trials), 'trial')}: {joined(states)}."))
    if info.best is not None and info.best.parameters:
        given = [f"{short(k, 32)} {short(value_text(v), 32)}" for k, v in info.best.parameters.items()]
        points.append(("Winner", joined(given if len(given) <= 12 else [*given[:11], f"{len(given) - 11} more"]) + "."))
    if info.refit_run:
        points.append(("Refit", f"The winner was trained again as run {info.refit_run}."))
    if math.isfinite(info.nested.value):
        within = f" (interval {metric.interval(info.nested)})" if info.nested.bounded else ""
        points.append(("Nested", f"The whole search, repeated inside folds: {metric.show(info.nested.value)}{within}."))
    points += common_points(record)
    alert = "" if record.finished else "The search has not ended: this is what its records hold so far."
    return Head(figure, name, metric.interval(info.test) if tested else "", lead, points, alert)


def _trials_table(record: StudyRecord, info: TuneInfo) -> Table:
    scales = [s for s in scales_info(record) if s.varied] or list(scales_info(record))
    shown = list(info.ranking.order[:_TOP])
    if info.best is not None and info.best not in shown:
        shown = [info.best, *shown[: _TOP - 1]]
    rows = []
    for t in shown:
        given = [short(s.words.get(t.number, "–"), 40) for s in scales]
        epochs = "–" if t.epochs is None else str(t.epochs)
        if t.best_epoch is not None:
            epochs += f" (best {t.best_epoch})"
        loss = score_text(Metric("loss", "loss", False), t.loss)
        notes = [
            f"from trial {t.parent}" if t.parent is not None else "",
            f"rung {t.rung}" if t.rung is not None else "",
        ]
        cells = (str(t.number), score_text(info.metric, t.score), loss, *given, epochs, t.state)
        rows.append(Row(cells, note=", ".join(filter(None, notes)), trial=t.number, own=t is info.best))
    headings = ("Trial", info.metric.name, "loss", *(short(s.name, 40) for s in scales), "epochs", "state")
    words = {i + 3 for i, s in enumerate(scales) if s.kind == "categorical"} | {len(scales) + 4}
    return Table("The best trials", headings, rows, frozenset(words))


def _chosen_section(record: StudyRecord, info: TuneInfo) -> Section:
    optimism = optimism_info(record, tried=info.tried, best=info.score, test=info.test.value, nested=nested_of(record))
    tables: tuple[Table, ...] = ()
    if optimism.figures:
        rows = [Row((name, value)) for name, value in optimism.figures]
        tables = (Table("What was recorded of it", ("Figure", "Value"), rows),)
    baselines = record.result.get("baselines")
    if isinstance(baselines, list) and baselines:
        tables = (*tables, _baselines_table(baselines, info.metric))
    title = f"Choosing the best of {info.tried:,}" if info.tried > 1 else "The score"
    return Section("choosing", title, optimism_words(optimism), tables=tables)


def _baselines_table(baselines: list[Any], metric: Metric) -> Table:
    rows = []
    for one in baselines[:50]:
        if isinstance(one, Mapping):
            tried = number_in(one, "tried")
            rows.append(
                Row(
                    (
                        value_text(one.get("name", "baseline")),
                        f"{tried:,.0f}" if math.isfinite(tried) else "–",
                        score_text(metric, estimate_in(one, "validation", "score", "mean").value),
                        score_text(metric, estimate_in(one, "test").value),
                    ),
                    note=value_text(one.get("description") or one.get("words") or ""),
                )
            )
    return Table(
        "Baselines, tuned within the same budget", ("Baseline", "Tried", f"Validation {metric.name}", "Test"), rows
    )


def members_charts(record: StudyRecord) -> list[Chart]:
    """The curves of all members, for a wide and a narrow page."""
    return [
        Chart(
            draw_members(info),
            draw_members(info, width=NARROW, height=270, suffix="-narrow"),
            f"{info.name[:1].upper()}{info.name[1:]} of all members. Colour goes by rank of the score.",
        )
        for info in members_info(record)
    ]


def tune_sections(record: StudyRecord) -> list[Section]:
    """The parts of a search's report."""
    info = tune_info(record)
    ranking = info.ranking
    sections = []
    shown = min(_TOP, len(ranking.order))
    words = [f"The best {shown} of {plural(len(record.trials), 'trial')} by validation {info.metric.name}."]
    if any(t.state == "pruned" for t in ranking.order[:_TOP]):
        words.append("A pruned trial was stopped early; its score is what it had reached by then.")
    if ranking.order:
        words.append("A row that is pointed at or chosen lights up in all pictures below.")
        sections.append(Section("trials", "Trials", words, tables=(_trials_table(record, info),)))
    chosen = _chosen_section(record, info)
    if chosen.words or chosen.tables:
        sections.append(chosen)
    parallel = parallel_info(record)
    if record.trials and parallel.scales:
        sections.append(_parallel_section(record))
    importance = importance_info(record)
    charts: tuple[Chart, ...]
    if importance is not None:
        charts = (
            Chart(
                draw_importance(importance, width=700),
                draw_importance(importance, width=NARROW, suffix="-narrow"),
                "Share of the scores' spread that goes with each parameter.",
            ),
        )
        sections.append(Section("importance", "Importance", importance_words(importance), charts))
    slices = slices_info(record)
    if slices:
        charts = tuple(
            Chart(
                draw_slice(one, i),
                None,
                f"{info.metric.name[:1].upper()}{info.metric.name[1:]} over {short(one.scale.name, 60)}.",
            )
            for i, one in enumerate(slices[:24])
        )
        words = ["Each dot is a trial, at its value of one parameter; the other parameters differ as well."]
        if len(slices) > 24:
            words.append(f"The first 24 of {len(slices)} parameters are drawn.")
        sections.append(Section("slices", "Slices", words, charts, layout="trio"))
    curves = members_charts(record)
    if curves:
        sections.append(
            Section("curves", "Learning curves", members_words(members_info(record)), curves, layout="pair")
        )
    if record.trials:
        history = history_info(record)
        charts = (
            Chart(
                draw_history(history, width=WIDE),
                draw_history(history, width=NARROW, height=270, suffix="-narrow"),
                "A dot is a trial, the stairs the best completed score so far.",
            ),
        )
        sections.append(Section("history", "History", history_words(history), charts))
    problems = problems_section(record)
    if problems is not None:
        sections.append(problems)
    groups = groups_info(record)
    if groups:
        sections.append(Section("layout", "Programs", groups_words(groups), tables=(groups_table(groups),)))
    return [*sections, *facts_sections(record)]


def _parallel_section(record: StudyRecord) -> Section:
    info = parallel_info(record)
    words = ["A line is a trial: it crosses each axis at its value and ends at its score."]
    if any(info.looks.get(t.number) == "cx" for t in info.trials):
        words.append("Dashed ones have no score.")
    words.append(
        "Point at a line to read it, choose it to keep it lit; drag along an axis to see only the trials in that "
        "stretch, choose the axis to see all again."
    )
    if info.axes_left_out:
        words.append(f"{plural(info.axes_left_out, 'parameter')} that matter least are not drawn.")
    if info.trials_left_out:
        words.append(f"Of {len(record.trials):,} trials {len(info.trials):,} are drawn, evenly by rank.")
    chart = Chart(
        draw_parallel(info, width=WIDE),
        draw_parallel(info, width=NARROW, turned=True, suffix="-narrow"),
        f"All trials over the parameters and the validation {info.metric.name}.",
    )
    return Section("parallel", "Parallel coordinates", words, (chart,))
