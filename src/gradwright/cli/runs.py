"""`gradwright runs`: what runs there are, side by side, and cleaning up."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.train.overview import Comparison, RunSummary

__all__ = ["register"]

_HOME = Path("runs")


def register(app: typer.Typer, explained: Callable[[bool], AbstractContextManager[None]]) -> None:
    """Add the command; ``explained`` turns errors into messages."""

    @app.command()
    def runs(
        folders: Annotated[
            list[Path] | None, typer.Argument(help="A folder with runs, or runs themselves; by default runs/.")
        ] = None,
        compare: Annotated[bool, typer.Option("--compare", help="Show the runs that are named side by side.")] = False,
        clean: Annotated[
            bool,
            typer.Option(
                "--clean", help="Remove what never came to train, old checkpoints, and each run that is named."
            ),
        ] = False,
        all_checkpoints: Annotated[
            bool, typer.Option("--all-checkpoints", help="With --clean: of finished runs also the best and the last.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="With --clean: do not ask.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """List the runs in FOLDERS, compare some, or clean up after them."""
        with explained(debug):
            from gradwright.train.overview import compare_runs, list_runs

            if compare and clean:
                raise ConfigError("runs: --compare or --clean, not both")
            if clean:
                _clean(folders or [_HOME], all_checkpoints, yes, as_json)
                return
            found = [run for folder in folders or [_HOME] for run in list_runs(_place(folder))]
            if compare:
                compared = compare_runs(found)
                _print(compared.to_dict() if as_json else _side_by_side(compared), as_json)
            else:
                # searches keep a state as runs do, and have their own table
                found = [run for run in found if not (run.path / "study.json").exists()]
                studies = [] if as_json else _studies([_place(folder) for folder in folders or [_HOME]])
                _print([run.to_dict() for run in found] if as_json else [*_table(found), *studies], as_json)


def _place(name: Path) -> Path:
    """Return the folder: a run under runs/ can be named without that."""
    return _HOME / name if not name.exists() and (_HOME / name).exists() else name


def _print(what: Any, as_json: bool) -> None:
    from gradwright.cli.console import safe
    from gradwright.train.folder import plain

    if as_json:
        print(json.dumps(plain(what), allow_nan=False))
    else:
        for line in what:
            print(safe(line))


# --- the list ---------------------------------------------------------------------------------------------------------
def _table(found: Sequence[RunSummary]) -> list[str]:
    if not found:
        return ["No runs here. `gradwright train digits` makes one."]
    heads = ["run", "state", "source", "network", "epochs", "validation", "test", "looks", "age"]
    lines = _aligned([heads, *(_cells(run) for run in found)])
    lines += [f"{_short(run.name, 40)}: {_short(run.problem, 300)}" for run in found if run.problem]
    if any(run.resumable for run in found):
        lines.append("Go on with one that is resumable: gradwright train --resume RUN")
    return lines


def _studies(folders: Sequence[Path]) -> list[str]:
    """Return what there is of studies in the folders, a line each: kind, source, networks, and what came out."""
    from gradwright.errors import GradwrightError
    from gradwright.report.study import study_summary

    rows = []
    for path in sorted(record.parent for folder in folders for record in folder.glob("*/study.json")):
        try:
            said = study_summary(path)
            figure = f"{said['figure_name']} {said['figure']}" if said.get("figure") else ""
            ended = "" if said["finished"] else "not ended"
            rows.append([path.name, said["kind"], _short(said["source"], 30), str(said["trials"]), figure, ended])
        except GradwrightError as error:
            rows.append([path.name, "damaged", "", "", _short(str(error), 100), ""])
    return ["", *_aligned([["study", "kind", "source", "networks", "figure", ""], *rows])] if rows else []


def _cells(run: RunSummary) -> list[str]:
    state = run.state + (f" ({run.process})" if run.process else "") + (", resumable" if run.resumable else "")
    done = "" if run.epoch is None else f"{run.epoch}" if run.epochs is None else f"{run.epoch}/{run.epochs}"
    return [
        _short(run.name, 40),
        state,
        _short(run.source or "", 30),
        _short(run.network or "", 20),
        done,
        "" if run.validation is None else f"{run.metric or ''} {_figure(run.metric, run.validation)}",
        _interval(run.metric, run.test),
        "" if run.looks is None else str(run.looks),
        _age(run.age()),
    ]


def _figure(metric: str | None, value: float) -> str:
    return f"{value:.1%}" if metric == "accuracy" else f"{value:.4g}"


def _interval(metric: str | None, test: Any) -> str:
    if test is None:
        return ""
    words = _figure(metric, test["value"])
    if "low" in test and "high" in test:
        words += f" ({_figure(metric, test['low'])} to {_figure(metric, test['high'])})"
    return words


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    from gradwright.cli.console import safe

    rows = [[safe(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(text: str | None, longest: int) -> str:
    text = text or ""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


# --- side by side -----------------------------------------------------------------------------------------------------
def _side_by_side(compared: Comparison) -> list[str]:
    rows = [["", *(_short(name, 30) for name in compared.runs)]]
    if compared.settings:
        rows.append(["settings", *("" for _ in compared.runs)])
        rows += [[f"  {_short(name, 30)}", *map(_value, values)] for name, values in compared.settings.items()]
    rows.append(["figures", *("" for _ in compared.runs)])
    for name, values in compared.figures.items():
        rows.append([f"  {_short(name, 40)}", *(_value(value, name.rsplit(" ", 1)[-1]) for value in values)])
    lines = _aligned(rows)
    if not compared.settings:
        lines.append("The settings do not differ.")
    return lines + compared.remarks


def _value(value: Any, metric: str | None = None) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return _interval(metric, value)
    if isinstance(value, list):
        return _short(",".join(map(str, value)), 30)
    if isinstance(value, float):
        return _figure(metric, value)
    return _short(str(value), 30)


# --- cleaning ---------------------------------------------------------------------------------------------------------
def _clean(folders: Sequence[Path], all_checkpoints: bool, yes: bool, as_json: bool) -> None:
    from gradwright.cli.console import safe
    from gradwright.train.overview import plan_cleaning, remove

    plan = plan_cleaning([_place(folder) for folder in folders], all_checkpoints=all_checkpoints)
    total = sum(removal.bytes for removal in plan)
    for removal in plan:
        print(safe(f"{removal.path}  {_bytes(removal.bytes)}, {removal.reason}"), file=sys.stderr)
    if plan and not yes:
        if not sys.stdin.isatty():
            raise ConfigError(f"runs --clean: {len(plan)} to remove, {_bytes(total)}: --yes does so without asking")
        if not typer.confirm(f"Remove these {len(plan)}, {_bytes(total)}?", err=True):
            raise typer.Exit(1)
    for removal in plan:
        remove(removal)
    if as_json:
        print(json.dumps({"removed": [str(removal.path) for removal in plan], "bytes": total}))
    else:
        print(f"Removed {len(plan)}, {_bytes(total)}." if plan else "There is nothing to clean up.")


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
