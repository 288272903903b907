"""The report of a comparison: arms side by side, the tests, and what may be concluded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.metric import Metric
from gradwright.report.study.bands import LOOKS, bands_info, bands_words, draw_bands
from gradwright.report.study.dots import Strip, draw_strips
from gradwright.report.study.facts import common_points, facts_sections, problems_section
from gradwright.report.study.groups import groups_info, groups_table, groups_words
from gradwright.report.study.parts import NARROW, Chart, Head, Row, Section, Table
from gradwright.report.study.records import StudyRecord, Trial
from gradwright.report.study.scores import gap_text, mean_of, number_in, score_text, study_metric, value_text
from gradwright.report.text import figure, joined, many, plural, short

__all__ = ["ContestInfo", "Verdict", "contest_head", "contest_info", "contest_sections"]


class Verdict(NamedTuple):
    """One test: its statistic, degrees of freedom in words, p value, what it says, its source, and its interval."""

    name: str
    statistic: float
    df: str
    p: float
    words: str
    source: str
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan


class ContestInfo(NamedTuple):
    """What a comparison found.

    Attributes
    ----------
    metric : Metric
    arms : tuple of Strip
        In the recorded order.
    notes : tuple of str
        What each arm is.
    tests : tuple of Verdict
    words : tuple of str
        What may be concluded.
    pairs : int
        Scores of the first two arms that belong together.
    """

    metric: Metric
    arms: tuple[Strip, ...]
    notes: tuple[str, ...]
    tests: tuple[Verdict, ...]
    words: tuple[str, ...]
    pairs: int


def contest_info(record: StudyRecord) -> ContestInfo:
    """Collect the arms and the tests."""
    by_arm: dict[str, list[Trial]] = {}
    for t in record.trials:
        by_arm.setdefault(t.arm if t.arm is not None else "without a name", []).append(t)
    recorded: dict[str, Any] = {}
    listed = record.result.get("arms")
    for one in listed if isinstance(listed, list) else []:
        recorded[value_text(one.get("name", "arm")) if isinstance(one, Mapping) else value_text(one)] = one
    arms, notes = [], []
    seeds = any(len({(t.repeat, t.fold) for t in trials}) < len(trials) for trials in by_arm.values())
    for i, name in enumerate(dict.fromkeys([*recorded, *by_arm])):
        trials, one = by_arm.get(name, []), recorded.get(name)
        one = one if isinstance(one, Mapping) else {}
        scores: dict[str, tuple[int | None, float]] = {
            _key(t, j, seeds=seeds): (t.number, t.score) for j, t in enumerate(trials)
        }
        if not scores:
            given = one.get("scores", one.get("per_fold"))
            scores = {
                f"{j}": (None, number_in({"s": s}, "s")) for j, s in enumerate(given if isinstance(given, list) else [])
            }
        mean = number_in(one, "mean", "score")
        if not math.isfinite(mean):
            mean = mean_of([s for _, s in scores.values()])
        arms.append(
            Strip(name, scores, mean, number_in(one, "low"), number_in(one, "high"), i == 0, LOOKS[i % len(LOOKS)])
        )
        said = one.get("words") or one.get("description")
        notes.append(said if isinstance(said, str) else "")
    words = record.result.get("words")
    said = (
        [words]
        if isinstance(words, str)
        else [w for w in words if isinstance(w, str)]
        if isinstance(words, list)
        else []
    )
    pairs = len(set(arms[0].scores) & set(arms[1].scores)) if len(arms) > 1 else 0
    return ContestInfo(study_metric(record), tuple(arms), tuple(notes), tuple(_tests(record)), tuple(said), pairs)


def _key(trial: Trial, index: int, *, seeds: bool) -> str:
    """What two trials of different arms must share to be a pair: repeat, fold and, of several `seeds`, the seed."""
    if trial.fold is None and trial.repeat is None and trial.seed is None:
        return f"#{index}"
    seed = trial.seed if seeds or trial.fold is None else ""
    return f"{trial.repeat}/{trial.fold}/{seed}"


def _tests(record: StudyRecord) -> list[Verdict]:
    tests = record.result.get("tests")
    found = []
    for one in tests if isinstance(tests, list) else []:
        if isinstance(one, Mapping):
            texts = [one[k] if isinstance(one.get(k), str) else "" for k in ("name", "words", "source")]
            df = one.get("df")
            found.append(
                Verdict(
                    texts[0] or "test",
                    number_in(one, "statistic"),
                    value_text(df).strip("[]") if df is not None else "–",
                    number_in(one, "p"),
                    texts[1],
                    texts[2],
                    *(number_in(one, k) for k in ("difference", "low", "high")),
                )
            )
    return found


def p_text(p: float) -> str:
    """A p value as it is read: small ones as a bound.

    Examples
    --------
    >>> p_text(0.0321), p_text(1e-7), p_text(1.0)
    ('0.032', '< 0.0001', '1.000')
    """
    if not math.isfinite(p):
        return "–"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def contest_head(record: StudyRecord) -> Head:
    """The answer of a comparison."""
    info = contest_info(record)
    metric = info.metric
    if len(info.arms) == 2:
        a, b = info.arms
        shown = gap_text(metric, a.mean - b.mean)
        name = f"{short(a.name, 40)} less {short(b.name, 40)}, mean {metric.name}"
    else:
        known = [arm for arm in info.arms if math.isfinite(arm.mean)]
        best = (max if metric.higher_is_better else min)(known, key=lambda arm: arm.mean, default=None)
        shown = score_text(metric, best.mean if best else math.nan)
        name = f"best mean {metric.name}" + (f": {short(best.name, 60)}" if best else "")
    means = joined([f"{short(arm.name, 40)} {score_text(metric, arm.mean)}" for arm in info.arms[:6]])
    lead = " ".join(info.words) or f"Mean {metric.name}: {means}. No conclusion was recorded."
    points = [("Arms", f"{means}.")] if info.arms else []
    points += [(short(t.name, 40), f"p {p_text(t.p)}. {t.words}") for t in info.tests[:6]]
    points += common_points(record)
    alert = "" if record.finished else "The comparison has not ended: this is what its records hold so far."
    return Head(shown, name, "", short(lead, 700), points, alert)


def contest_sections(record: StudyRecord) -> list[Section]:
    """The parts of a comparison's report."""
    info = contest_info(record)
    metric = info.metric
    sections = []
    if info.arms:
        title = f"{metric.name[:1].upper()}{metric.name[1:]} of each arm"
        joins = len(info.arms) > 1
        shown = info.arms[:30]
        chart = Chart(
            draw_strips(shown, metric, key="arms", title=title, joined=joins),
            draw_strips(shown, metric, key="arms", title=title, joined=joins, width=NARROW, suffix="-narrow"),
            "A dot is a training, the diamond an arm's mean"
            + ("; thin lines join what shares its fold, repeat or seed." if info.pairs else "."),
        )
        rows = []
        for arm, note in zip(info.arms, info.notes, strict=True):
            bounded = math.isfinite(arm.low) and math.isfinite(arm.high)
            interval = f"{metric.show(arm.low)} to {metric.show(arm.high)}" if bounded else "–"
            rows.append(Row((arm.name, score_text(metric, arm.mean), interval, str(len(arm.scores))), note=note))
        table = Table("Means of the arms", ("Arm", f"Mean {metric.name}", "Interval", "Scores"), rows)
        words = []
        if len(info.arms) == 2 and info.pairs:
            a, b = info.arms
            both = [(a.scores[k][1], b.scores[k][1]) for k in a.scores if k in b.scores]
            both = [(x, y) for x, y in both if math.isfinite(x) and math.isfinite(y)]
            ahead = sum(metric.better(x, y) for x, y in both)
            behind = sum(metric.better(y, x) for x, y in both)
            even = len(both) - ahead - behind
            words.append(
                f"In {plural(len(both), 'pair')} on the same rows {short(a.name, 40)} is ahead {many(ahead)}, "
                f"{short(b.name, 40)} {many(behind)}" + (f"; {plural(even, 'pair')} are even." if even else ".")
            )
        sections.append(Section("arms", "Arms", words, (chart,), (table,)))
    if info.tests:
        told = (
            *info.words,
            "The chance of a false alarm is that of one test, fixed beforehand: who runs several, or "
            "repeats one until it says yes, has a higher one.",
        )
        sections.append(Section("tests", "Tests", told, tables=(_tests_table(info),)))
    arms: dict[str, list[Trial]] = {}
    for t in record.trials:
        arms.setdefault(t.arm or "without a name", []).append(t)
    bands = bands_info(record, arms)
    if bands:
        charts = tuple(
            Chart(
                draw_bands(b),
                draw_bands(b, width=NARROW, height=250, suffix="-narrow"),
                f"{b.name[:1].upper()}{b.name[1:]}: mean of each arm, and from its lowest to its highest.",
            )
            for b in bands
        )
        words = bands_words(bands)
        if len(arms) > len(LOOKS):
            words.append(f"The first {len(LOOKS)} arms are drawn.")
        sections.append(Section("bands", "Learning curves", words, charts, layout="pair"))
    problems = problems_section(record)
    sections += [problems] if problems is not None else []
    groups = groups_info(record)
    if groups:
        sections.append(Section("layout", "Programs", groups_words(groups), tables=(groups_table(groups),)))
    return [*sections, *facts_sections(record)]


def _tests_table(info: ContestInfo) -> Table:
    """The tests; the difference and its interval stand in it where a test has them."""
    metric, rows = info.metric, []
    bounded = any(math.isfinite(t.difference) for t in info.tests)
    for t in info.tests:
        cells = [t.name, figure(t.statistic, 5) if math.isfinite(t.statistic) else "–", t.df, p_text(t.p)]
        if bounded:
            known = math.isfinite(t.low) and math.isfinite(t.high)
            interval = f"{gap_text(metric, t.low)} to {gap_text(metric, t.high)}" if known else "–"
            cells += [gap_text(metric, t.difference), interval]
        rows.append(Row((*cells, t.words or "–", t.source or "–")))
    more = ("Difference", "Interval") if bounded else ()
    headings = ("Test", "Statistic", "df", "p", *more, "In words", "Source")
    return Table("Tests", headings, rows, frozenset({2, len(headings) - 2, len(headings) - 1}))
