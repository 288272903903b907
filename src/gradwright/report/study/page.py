"""The page of a study: everything that it recorded, in one file that needs no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gradwright.report.page import write_page
from gradwright.report.study.ablation import ablation_head, ablation_sections
from gradwright.report.study.contest import contest_head, contest_sections
from gradwright.report.study.parts import Head, Section
from gradwright.report.study.records import StudyRecord, read_study
from gradwright.report.study.scores import score_text, study_metric, value_text
from gradwright.report.study.seeds import seeds_head, seeds_sections
from gradwright.report.study.tune import tune_head, tune_sections
from gradwright.report.study.validation import validation_head, validation_sections
from gradwright.report.text import clean, short
from gradwright.view.embed import embedded, policy

__all__ = ["render_study", "study_summary", "write_study_report"]

_KINDS: Mapping[str, tuple[str, Callable[[StudyRecord], Head], Callable[[StudyRecord], list[Section]]]] = {
    "tune": ("search", tune_head, tune_sections),
    "cv": ("cross-validation", validation_head, validation_sections),
    "seeds": ("seeds", seeds_head, seeds_sections),
    "compare": ("comparison", contest_head, contest_sections),
    "ablate": ("ablation", ablation_head, ablation_sections),
}


def render_study(record: StudyRecord) -> str:
    """Make the page of a study.

    Parameters
    ----------
    record : StudyRecord
        As `read_study` returns it.

    Returns
    -------
    str
        One HTML document that loads nothing.
    """
    title, head_of, sections_of = _KINDS[record.kind]
    style = _template("style.css") + _template("study.css")
    script = _template("script.js") + _template("study.js")
    sections = sections_of(record)
    drawn = [d for s in sections for chart in s.charts for d in (chart.wide, chart.narrow) if d is not None]
    page = (
        _environment()
        .get_template("study.html")
        .render(
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            charts=embedded({d.key: d.data for d in drawn if d.data}),
            said_of=embedded(_said(record)),
            record=record,
            title=title,
            head=head_of(record),
            sections=sections,
        )
    )
    return clean(page)


def write_study_report(folder: str | Path) -> Path:
    """Read a study's folder and write its ``report.html``, whole or not at all.

    Parameters
    ----------
    folder : str or Path
        The study's folder.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    RunError
        ``study.json`` is missing or broken, or the folder cannot be written to. A report that was there before stays.
    """
    folder = Path(folder)
    return write_page(folder, render_study(read_study(folder)), beside="study.json")


def study_summary(folder: str | Path) -> dict[str, Any]:
    """What a study found, in a few words, for a listing or the end of a command.

    Parameters
    ----------
    folder : str or Path
        The study's folder.

    Returns
    -------
    dict
        ``name``, ``kind``, ``source``, ``metric``, ``finished``, ``trials``, ``figure`` and ``figure_name`` (the one
        figure as text), ``interval``, ``lead`` (a sentence or two), ``points`` (pairs of a word and a sentence),
        ``alert`` and ``notes``: what was broken in the records.

    Raises
    ------
    RunError
        As `read_study`.
    """
    record = read_study(folder)
    head = _KINDS[record.kind][1](record)
    return {
        "name": record.name,
        "kind": record.kind,
        "source": record.source,
        "metric": record.metric,
        "finished": record.finished,
        "trials": len(record.trials),
        "figure": head.figure,
        "figure_name": head.figure_name,
        "interval": head.interval,
        "lead": head.lead,
        "points": [list(point) for point in head.points],
        "alert": head.alert,
        "notes": list(record.notes),
    }


def _said(record: StudyRecord) -> dict[str, Any]:
    """What the page says of a trial that is pointed at: its parameters and figures, and their names once."""
    names = list(dict.fromkeys(short(name, 40) for t in record.trials for name in t.parameters))[:40]
    places = {name: i for i, name in enumerate(names)}
    metric, trials = study_metric(record), {}
    for t in record.trials:
        which = [t.arm and short(t.arm, 40), t.fold is not None and f"fold {t.fold}"]
        which += [t.repeat is not None and f"repeat {t.repeat}", t.seed is not None and f"seed {t.seed}"]
        state = "" if t.state == "complete" else t.state
        trials[t.number] = [
            f"trial {t.number}",
            f"{metric.name} {score_text(metric, t.score)}",
            ", ".join(word for word in which if word),
            short(t.problem, 120) if t.problem else state,
            f"{t.epochs} epochs" if t.epochs is not None else "",
            [
                [places[k], short(value_text(v), 40)]
                for key, v in t.parameters.items()
                if (k := short(key, 40)) in places
            ],
        ]
    return {"names": names, "trials": trials}


@cache
def _template(name: str) -> str:
    return resources.files("gradwright.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"study.html": _template("study.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["short"] = short
    return environment
