"""The report of one configuration under many seeds: how much of a score is luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.metric import Metric
from gradwright.report.study.bands import bands_info, bands_words, draw_bands
from gradwright.report.study.dots import Strip, draw_strips
from gradwright.report.study.facts import common_points, facts_sections, problems_section
from gradwright.report.study.groups import groups_info, groups_table, groups_words
from gradwright.report.study.members import members_info, members_words
from gradwright.report.study.parts import NARROW, Chart, Head, Row, Section, Table
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import mean_of, number_in, score_text, study_metric
from gradwright.report.study.tune import members_charts
from gradwright.report.text import plural

__all__ = ["SeedsInfo", "seeds_head", "seeds_info", "seeds_sections"]


class SeedsInfo(NamedTuple):
    """What many seeds found.

    Attributes
    ----------
    metric : Metric
    scores : tuple of (seed, trial's number or None, score)
    mean, std, low, high : float
    method : str
        How the interval was made.
    smallest, largest : float
        Of the scores.
    spread : float
        As recorded; else the largest less the smallest.
    words : tuple of str
        What the study recorded in words.
    """

    metric: Metric
    scores: tuple[tuple[int, int | None, float], ...]
    mean: float
    std: float
    low: float
    high: float
    method: str
    smallest: float
    largest: float
    spread: float
    words: tuple[str, ...]


def seeds_info(record: StudyRecord) -> SeedsInfo:
    """Collect the scores of the seeds."""
    result, spread = record.result, record.result.get("spread")
    scores: list[tuple[int, int | None, float]] = [
        (t.number if t.seed is None else t.seed, t.number, t.score) for t in record.trials
    ]
    if not scores:
        scores = _recorded(result.get("per_seed"))
    finite = [s for *_, s in scores if math.isfinite(s)]
    smallest, largest = min(finite, default=math.nan), max(finite, default=math.nan)
    recorded = number_in({"spread": spread}, "spread")
    if isinstance(spread, Mapping):
        recorded = number_in(spread, "range", "value", "spread")
    mean = number_in(result, "mean")
    said = [spread.get("words") if isinstance(spread, Mapping) else spread, result.get("words")]
    return SeedsInfo(
        metric=study_metric(record),
        scores=tuple(scores),
        mean=mean if math.isfinite(mean) or record.finished else mean_of(finite),
        std=number_in(result, "std"),
        low=number_in(result, "low"),
        high=number_in(result, "high"),
        method=result["method"] if isinstance(result.get("method"), str) else "",
        smallest=smallest,
        largest=largest,
        spread=recorded if math.isfinite(recorded) else largest - smallest,
        words=tuple(w for w in said if isinstance(w, str)),
    )


def _recorded(per_seed: Any) -> list[tuple[int, int | None, float]]:
    found: list[tuple[int, int | None, float]] = []
    for i, one in enumerate(per_seed if isinstance(per_seed, list) else []):
        seed = number_in(one, "seed")
        score = number_in(one, "score", "value") if isinstance(one, Mapping) else number_in({"score": one}, "score")
        found.append((int(seed) if math.isfinite(seed) else i, None, score))
    return found


def _gap(metric: Metric, size: float) -> str:
    return f"{size * 100:.2f} points" if metric.share else metric.show(size)


def seeds_head(record: StudyRecord) -> Head:
    """The answer of many seeds."""
    info = seeds_info(record)
    metric, count = info.metric, len(info.scores)
    bounded = math.isfinite(info.low) and math.isfinite(info.high)
    interval = f"{metric.show(info.low)} to {metric.show(info.high)}" if bounded else ""
    lead = f"The same configuration was trained with {plural(count, 'seed')}. Its {metric.name} is "
    lead += f"{score_text(metric, info.mean)} on average"
    if math.isfinite(info.smallest):
        lead += f" and lies between {metric.show(info.smallest)} and {metric.show(info.largest)}"
    lead += ". Nothing but the seed differs."
    if not math.isfinite(info.mean):
        lead = f"None of {plural(count, 'seed')} has a score."
    points = [("Spread", " ".join(seeds_words(info)))]
    if info.method:
        points.append(("Interval", info.method))
    points += common_points(record)
    alert = "" if record.finished else "The study has not ended: this is what its records hold so far."
    return Head(
        score_text(metric, info.mean), f"mean {metric.name} of {plural(count, 'seed')}", interval, lead, points, alert
    )


def seeds_words(info: SeedsInfo) -> list[str]:
    """Say what the spread means.

    Examples
    --------
    >>> nan = float("nan")
    >>> info = SeedsInfo(Metric("accuracy", "accuracy", True, places=2), ((0, 0, 0.9), (1, 1, 0.92)), 0.91, nan, nan,
    ...     nan, "", 0.9, 0.92, 0.02, ())
    >>> seeds_words(info)[0]
    'From the worst to the best seed it is 2.00 points.'
    """
    if info.words:
        return list(info.words)
    words = []
    if math.isfinite(info.smallest) and len(info.scores) > 1:
        words.append(f"From the worst to the best seed it is {_gap(info.metric, info.largest - info.smallest)}.")
        if math.isfinite(info.std):
            words.append(f"The standard deviation is {_gap(info.metric, info.std)}.")
        words.append("A difference to another configuration that is smaller than this spread can be the seed alone.")
    else:
        words.append("One seed says nothing about the spread.")
    return words


def seeds_sections(record: StudyRecord) -> list[Section]:
    """The parts of the report."""
    info = seeds_info(record)
    metric = info.metric
    strip = Strip(
        "this network",
        {str(i): (n, s) for i, (_, n, s) in enumerate(info.scores)},
        info.mean,
        info.low,
        info.high,
        True,
    )
    title = f"{metric.name[:1].upper()}{metric.name[1:]} of each seed"
    chart = Chart(
        draw_strips([strip], metric, key="seeds", title=title),
        draw_strips([strip], metric, key="seeds", title=title, width=NARROW, suffix="-narrow"),
        "A dot is a seed, the diamond the mean" + (", the bar its interval." if math.isfinite(info.low) else "."),
    )
    rows = [Row((f"seed {seed}", score_text(metric, s)), trial=n) for seed, n, s in info.scores[:200]]
    table = Table("Scores of the seeds", ("Seed", metric.name), rows)
    sections = [Section("seeds", "Seeds", seeds_words(info), (chart,), (table,), "beside")]
    bands = bands_info(record, {"all seeds": record.trials})
    if bands:
        charts = tuple(
            Chart(
                draw_bands(b),
                draw_bands(b, width=NARROW, height=250, suffix="-narrow"),
                f"{b.name[:1].upper()}{b.name[1:]}: mean of the seeds, and from the lowest to the highest.",
            )
            for b in bands
        )
        sections.append(Section("bands", "Curves with bands", bands_words(bands), charts, layout="pair"))
    curves = members_charts(record)
    if curves:
        words = ["A line is a seed.", *members_words(members_info(record))[1:]]
        sections.append(Section("curves", "Each seed's curve", words, curves, layout="pair"))
    problems = problems_section(record)
    sections += [problems] if problems is not None else []
    groups = groups_info(record)
    if groups:
        sections.append(Section("layout", "Programs", groups_words(groups), tables=(groups_table(groups),)))
    return [*sections, *facts_sections(record)]
