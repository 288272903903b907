"""The page: everything that a run left behind, in one file that needs no other.

Jinja2 with automatic escaping writes it: what comes from data is escaped wherever it stands, without anybody
having to remember. The style sheet and the script are named by their hashes in a Content-Security-Policy that
allows nothing else, so even an escape that was missed somewhere could neither run a script nor load anything.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gradwright.errors import RunError
from gradwright.report.augmentation import draw_sheet, sheet_info, sheet_words
from gradwright.report.baselines import baselines_info, baselines_words, draw_baselines
from gradwright.report.compare import compare_info, compare_words, draw_compare
from gradwright.report.confusion import TABLE_LIMIT, confusion_info, confusion_words, draw_confusion
from gradwright.report.curves import curves_info, curves_words, draw_curves
from gradwright.report.facts import data_info, data_words, environment_info, settings_info, time_info
from gradwright.report.figures import figures_info
from gradwright.report.graph import graph_info, graph_words
from gradwright.report.graph_drawing import draw_graph
from gradwright.report.layers import layers_info, layers_words
from gradwright.report.leakage import leakage_info, leakage_words
from gradwright.report.ledger import ledger_info, ledger_words
from gradwright.report.lr_find import RateInfo, draw_rates, rate_info, rate_words
from gradwright.report.records import RunRecord, read_record
from gradwright.report.scatter import draw_scatter, scatter_info, scatter_words
from gradwright.report.schedule import draw_schedule, schedule_info, schedule_words
from gradwright.report.summary import summary_info
from gradwright.report.svg import Drawing
from gradwright.report.text import clean, count, many, percent, plural, short, significant
from gradwright.view.embed import embedded, policy

__all__ = ["render", "render_rates", "write_page", "write_report"]

_NARROW = 340  # a phone of 375 pixels less its margins
_DRAWN = 6  # targets whose pictures are drawn; the table has all


def render(record: RunRecord) -> str:
    """Make the page of a run.

    Parameters
    ----------
    record : RunRecord
        As `read_record` returns it.

    Returns
    -------
    str
        One HTML document that loads nothing.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> render(example_record()).startswith("<!DOCTYPE html>")
    True
    """
    style, script = _template_text("style.css"), _template_text("script.js")
    curves, baselines, scatter = curves_info(record), baselines_info(record), scatter_info(record)
    confusion, comparison, graph, layers = (
        confusion_info(record),
        compare_info(record),
        graph_info(record),
        layers_info(record),
    )
    # Every chart is drawn for a wide and for a narrow page; the style sheet shows the one that fits.
    pairs = {
        "curves": _paired(draw_curves(curves), draw_curves(curves, width=_NARROW, height=250, suffix="-narrow")),
        "baselines": _paired([draw_baselines(baselines)], [draw_baselines(baselines, width=_NARROW, suffix="-narrow")]),
        "scatter": [],
        "compare": [],
        "schedule": [],
        "rates": [],
    }
    schedule, rates, sheet = schedule_info(record), rate_info(record.lr_find), sheet_info(record)
    if schedule is not None:
        pairs["schedule"] = _paired(
            [draw_schedule(schedule)], [draw_schedule(schedule, width=_NARROW, suffix="-narrow")]
        )
    if rates is not None:
        pairs["rates"] = _paired([draw_rates(rates)], [draw_rates(rates, width=_NARROW, suffix="-narrow")])
    for i, one in enumerate(scatter[:_DRAWN]):
        which = f"-{i}" if i else ""
        narrow = draw_scatter(one, height=300, width=_NARROW, suffix=f"{which}-narrow")
        pairs["scatter"] += _paired(draw_scatter(one, suffix=which), narrow)
    if comparison is not None:
        pairs["compare"] = _paired(
            draw_compare(comparison), draw_compare(comparison, height=240, width=_NARROW, suffix="-narrow")
        )
    as_table = confusion is not None and len(confusion.classes) <= TABLE_LIMIT
    drawn = [drawing for group in pairs.values() for pair in group for drawing in pair]
    page = (
        _environment()
        .get_template("page.html")
        .render(
            policy=policy(style, script, pictures=sheet is not None),
            style=Markup(style),
            script=Markup(script),
            charts=embedded({drawing.key: drawing.data for drawing in drawn if drawing.data}),
            record=record,
            summary=summary_info(record),
            curves=curves,
            curves_words=curves_words(curves),
            baselines=baselines,
            baselines_words=baselines_words(baselines),
            confusion=confusion,
            confusion_words=confusion_words(confusion) if confusion else [],
            confusion_as_table=as_table,
            confusion_drawing=draw_confusion(confusion) if confusion and not as_table else None,
            scatter=scatter,
            scatter_words=scatter_words(scatter[0]) if len(scatter) == 1 else [],
            figures=figures_info(record),
            layers=layers,
            layers_words=layers_words(layers),
            graph=graph,
            graph_words=graph_words(graph),
            graph_drawing=draw_graph(graph),
            comparison=comparison,
            comparison_words=compare_words(comparison) if comparison else [],
            schedule=schedule,
            schedule_words=schedule_words(schedule) if schedule else [],
            rates=rates,
            rate_words=rate_words(rates) if rates else [],
            sheet=sheet,
            sheet_words=sheet_words(sheet) if sheet else [],
            sheet_picture=draw_sheet(sheet) if sheet else None,
            settings=settings_info(record),
            data=(data := data_info(record)),
            data_words=data_words(data),
            environment=environment_info(record),
            times=time_info(record),
            leaks=(leaks := leakage_info(record)),
            leakage_words=leakage_words(leaks) if leaks is not None else "",
            ledger=(ledger := ledger_info(record)),
            ledger_words=ledger_words(ledger),
            pairs=pairs,
        )
    )
    # Records are cleaned when they are read; this also holds for a record that was put together by hand.
    return clean(page)


def render_rates(info: RateInfo, source: str) -> str:
    """Make the page of a learning-rate range test; it loads nothing either."""
    style, script = _template_text("style.css"), _template_text("script.js")
    wide, narrow = draw_rates(info, width=760, height=380), draw_rates(info, width=_NARROW, suffix="-narrow")
    page = _environment().get_template("rates.html")
    return clean(
        page.render(
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            charts=embedded({drawing.key: drawing.data for drawing in (wide, narrow)}),
            source=source,
            words=rate_words(info),
            wide=wide,
            narrow=narrow,
        )
    )


def write_report(folder: str | Path, *, name: str | None = None) -> Path:
    """Read a run folder and write its ``report.html``, whole or not at all.

    Parameters
    ----------
    folder : str or Path
        The run folder.
    name : str, optional
        What the run is called; the folder's own name unless it is still under a temporary one.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    RunError
        A record is missing or broken, or the folder cannot be written to. A report that was there before
        stays.
    """
    folder = Path(folder)
    return write_page(folder, render(read_record(folder, name=name)), beside="data.json")


def write_page(folder: Path, page: str, *, beside: str) -> Path:
    """Write a page as ``report.html``, whole or not at all, as readable as the file that it stands beside."""
    target = folder / "report.html"
    temporary: Path | None = None
    try:
        descriptor, temporary_name = tempfile.mkstemp(prefix=".report-", suffix=".tmp", dir=folder)
        temporary = Path(temporary_name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(page.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file its owner's alone; the report is as readable as what lies beside it.
        temporary.chmod((folder / beside).stat().st_mode & 0o777)
        temporary.replace(target)
        _sync_folder(folder)
    except OSError as error:
        raise RunError(
            f"writing the report: {clean(str(target))} cannot be written: {error.strerror or error}. "
            "Make room on the disk or make the folder writable; what was there before is still there."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    return target


def _sync_folder(folder: Path) -> None:
    """Make the renaming last through a power cut, where folders can be opened at all."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _paired(wide: list[Drawing], narrow: list[Drawing]) -> list[tuple[Drawing, Drawing]]:
    return list(zip(wide, narrow, strict=True))


@cache
def _template_text(name: str) -> str:
    return resources.files("gradwright.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({name: _template_text(name) for name in ("page.html", "rates.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": count,
        "many": many,
        "percent": percent,
        "plural": plural,
        "short": short,
        "significant": significant,
    }
    return environment
