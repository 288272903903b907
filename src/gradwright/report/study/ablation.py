"""The report of an ablation: what each part of a configuration is worth."""

from __future__ import annotations

import math

from gradwright.report.study.contest import p_text
from gradwright.report.study.facts import common_points, facts_sections, problems_section
from gradwright.report.study.groups import groups_info, groups_table, groups_words
from gradwright.report.study.impact import ImpactInfo, Part, draw_impact, impact_info
from gradwright.report.study.parts import NARROW, Chart, Head, Row, Section, Table
from gradwright.report.study.records import StudyRecord
from gradwright.report.study.scores import gap_text, score_text
from gradwright.report.text import joined, plural, short

__all__ = ["ablation_head", "ablation_sections", "ablation_words"]


def ablation_words(info: ImpactInfo) -> list[str]:
    """Say which parts matter, and which differences could be chance."""
    metric, words = info.metric, []
    known = [p for p in info.parts if math.isfinite(p.difference)]
    worse = [p for p in known if (p.difference < 0) == metric.higher_is_better and p.difference and not p.chance]
    better = [p for p in known if (p.difference > 0) == metric.higher_is_better and p.difference and not p.chance]
    chance = [p for p in known if p.chance]
    if worse:
        named = joined([f"{short(p.name, 40)} ({gap_text(metric, p.difference)})" for p in worse[:4]])
        words.append(
            f"Without {named} it is worse" + (f"; so it is without {len(worse) - 4} more." if worse[4:] else ".")
        )
    if better:
        named = joined([f"{short(p.name, 40)} ({gap_text(metric, p.difference)})" for p in better[:4]])
        words.append(f"Without {named} it is better: that part does harm here.")
    if chance:
        words.append(
            f"{'The difference' if len(chance) == 1 else f'The {len(chance)} differences'} of "
            f"{joined([short(p.name, 40) for p in chance[:5]] + ([f'{len(chance) - 5} more'] if chance[5:] else []))} "
            f"could be chance{_why(chance)}."
        )
    return words or ["No part has a recorded difference."]


def _why(chance: list[Part]) -> str:
    if all(math.isfinite(p.p_holm) for p in chance):
        return ": p, corrected for how many were tested (Holm), is not below 0.05"
    return f": the {'interval holds' if len(chance) == 1 else 'intervals hold'} zero"


def ablation_head(record: StudyRecord) -> Head:
    """The answer of an ablation."""
    info = impact_info(record)
    metric = info.metric
    bounded = math.isfinite(info.low) and math.isfinite(info.high)
    interval = f"{metric.show(info.low)} to {metric.show(info.high)}" if bounded else ""
    points = [
        (
            "Parts",
            f"{plural(len(info.parts), 'part')} removed or replaced one by one"
            + (f", {len(info.cumulative)} of them one after the other as well." if info.cumulative else "."),
        )
    ]
    points += common_points(record)
    alert = "" if record.finished else "The ablation has not ended: this is what its records hold so far."
    return Head(
        score_text(metric, info.base),
        f"{metric.name} of the whole",
        interval,
        " ".join(ablation_words(info)),
        points,
        alert,
    )


def ablation_sections(record: StudyRecord) -> list[Section]:
    """The parts of an ablation's report."""
    info = impact_info(record)
    sections = []
    if info.parts:
        sections.append(
            Section(
                "parts",
                "Part by part",
                ablation_words(info),
                (_chart(info, info.parts, "impact", False),),
                (_table(info, info.parts, "Each part removed or replaced alone"),),
            )
        )
    if info.cumulative:
        words = (
            "Parts were removed one after the other, each time from what was left: a step shows what a part is "
            "worth when those before it are gone.",
        )
        sections.append(
            Section(
                "cumulative",
                "One after the other",
                words,
                (_chart(info, info.cumulative, "chain", True),),
                (_table(info, info.cumulative, "Parts removed one after the other"),),
            )
        )
    said = record.result.get("words")
    remarks = [line for line in said if isinstance(line, str)] if isinstance(said, list) else []
    sections += [Section("reading", "How to read this", remarks)] if remarks else []
    problems = problems_section(record)
    sections += [problems] if problems is not None else []
    groups = groups_info(record)
    if groups:
        sections.append(Section("layout", "Programs", groups_words(groups), tables=(groups_table(groups),)))
    return [*sections, *facts_sections(record)]


def _chart(info: ImpactInfo, parts: tuple[Part, ...], key: str, chain: bool) -> Chart:
    return Chart(
        draw_impact(info, parts, key=key, chain=chain),
        draw_impact(info, parts, key=key, chain=chain, width=NARROW, suffix="-narrow"),
        f"Difference of the mean {info.metric.name} to that of the whole, with its interval; pale where it could be "
        "chance."
        if not chain
        else f"Difference of the mean {info.metric.name} to that of the whole, with its interval, as parts go.",
    )


def _table(info: ImpactInfo, parts: tuple[Part, ...], caption: str) -> Table:
    metric = info.metric
    rows = [Row(("the whole", "–", score_text(metric, info.base), "–", "–", "–", "–"), own=True)]
    for p in parts:
        bounded = math.isfinite(p.low) and math.isfinite(p.high)
        interval = f"{gap_text(metric, p.low)} to {gap_text(metric, p.high)}" if bounded else "–"
        rows.append(
            Row(
                (
                    p.name,
                    p.what or "–",
                    score_text(metric, p.mean),
                    gap_text(metric, p.difference),
                    interval,
                    p_text(p.p) + (f" ({p_text(p.p_holm)})" if math.isfinite(p.p_holm) else ""),
                    p.words or "–",
                )
            )
        )
    headings: tuple[str, ...] = (
        "Part",
        "What was done",
        f"Mean {metric.name}",
        "Difference",
        "Interval",
        "p",
        "In words",
    )
    if not any(p.words for p in parts):
        headings, rows = headings[:-1], [row._replace(cells=row.cells[:-1]) for row in rows]
    return Table(caption, headings, rows, frozenset({1, 6}))
