"""`gradwright ablate`: what each part of a configuration is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradwright.cli.settings import Given, names, takes_settings
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.train.config import Config
    from gradwright.tune.outcome import Outcome

__all__ = ["register"]


def register(app: typer.Typer, explained: Callable[[bool], AbstractContextManager[None]]) -> None:
    """Add the command; ``explained`` turns errors into messages."""

    @app.command()
    @takes_settings
    def ablate(
        given: Given,
        source: Annotated[
            str | None,
            typer.Argument(
                metavar="CONFIG",
                help="A TOML file of train's settings; a run folder, whose settings are taken; or a SOURCE as train "
                "takes it, with options.",
            ),
        ] = None,
        seeds: Annotated[int, typer.Option(help="Trainings of each configuration, the same seeds for all.")] = 5,
        only: Annotated[
            str | None, typer.Option(help="Parts or families to leave out, such as dropout,columns; by default all.")
        ] = None,
        groups: Annotated[
            Path | None, typer.Option(help='A TOML file of groups of columns: edge = ["pixel_0_*", "pixel_7_*"].')
        ] = None,
        cumulative: Annotated[
            bool, typer.Option("--cumulative/--one-by-one", help="Also leave out one part after the other.")
        ] = True,
        retune: Annotated[
            bool, typer.Option("--retune", help="Sweep the rate of the whole, and of the rule that replaces its own.")
        ] = False,
        out: Annotated[Path | None, typer.Option(help="The study's folder; by default a new one under runs/.")] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """Train CONFIG without each of its parts, over seeds, and say what each part is worth."""
        with explained(debug):
            from gradwright.cli.population import MembersProgress, finish, study_folder
            from gradwright.tune.ablation import ablate as run_ablation
            from gradwright.tune.ablation import read_groups

            config = _config(source, given.settings)
            wanted = None if groups is None else read_groups(groups)

            def study(folder: Any) -> Outcome:
                with MembersProgress(quiet) as progress:
                    return run_ablation(
                        config, seeds=seeds, only=names(only) or (), groups=wanted, cumulative=cumulative,
                        retune=retune, on_epoch=progress.on_epoch, say=progress.say,
                    )  # fmt: skip

            outcome = finish(study_folder(out, "ablate", config.source), study, _words, quiet=quiet, as_json=as_json)
            if outcome.result["base"]["mean"] is None:
                raise typer.Exit(1)


def _config(place: str | None, options: Mapping[str, Any]) -> Config:
    """Return the settings of a TOML file or a run, or those for a source, overruled by options."""
    import json

    from gradwright.train.config import load_toml, parse_config

    if place is None and "source" not in options:
        raise ConfigError(
            "ablate: name a TOML file of settings, a run folder, or a SOURCE with options. Example: "
            "gradwright ablate digits --dropout 0.2 --batch-norm"
        )
    settings: dict[str, Any] = {} if place is None else {"source": place}
    where = "ablate"
    if place is not None and (Path(place) / "config.json").is_file():
        where = f"ablate, {place}/config.json"
        try:
            settings = json.loads((Path(place) / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{where}: cannot be read: {error}") from None
        if not isinstance(settings, dict):
            raise ConfigError(f"{where}: expected an object of settings")
    elif place is not None and place.endswith(".toml"):
        where, settings = f"ablate, {place}", load_toml(Path(place))
        if "source" not in settings:
            raise ConfigError(f'{where}: source is missing; write a line such as source = "digits"')
    return parse_config({**settings, **options}, where)


def _words(outcome: Outcome) -> list[str]:
    from gradwright.train.assess import metric_name, show_figure

    metric, result = outcome.record["metric"], outcome.result
    base = result["base"]
    if base["mean"] is None:
        return [f"The whole has no score: {next((t['problem'] for t in outcome.trials if t['problem']), 'no epoch')}"]
    shown = show_figure(metric, base["mean"])
    if base["low"] is not None:
        shown += f" ({show_figure(metric, base['low'])} to {show_figure(metric, base['high'])})"
    name = metric_name(metric)
    lines = [f"{name[:1].upper()}{name[1:]} of the whole on the validation part, {result['seeds']} seeds: {shown}", ""]
    lines += _table("one by one", result["parts"], metric)
    if result["cumulative"]:
        lines += ["", *_table("one after the other", result["cumulative"], metric)]
    return [*lines, "", *result["words"]]


def _table(title: str, rows: Sequence[Mapping[str, Any]], metric: str) -> list[str]:
    from gradwright.cli.console import safe

    cells = [[title, "without it", "difference", "interval", "p (Holm)", ""]]
    for row in rows:
        ends = "" if row["low"] is None else f"{_gap(metric, row['low'])} to {_gap(metric, row['high'])}"
        p = "" if row["p_holm"] is None else f"{row['p_holm']:.2g}" if row["p_holm"] >= 0.001 else "<0.001"
        mean = "none" if row["mean"] is None else _figure(metric, row["mean"])
        gap = "" if row["difference"] is None else _gap(metric, row["difference"])
        what = f" ({row['what']})" if row["replaced"] else ""
        cells.append([f"  {row['name']}", mean, gap, ends, p, f"{row['words']}{what}"])
    cells = [[safe(cell) for cell in line] for line in cells]
    widths = [min(40, max(len(line[i]) for line in cells)) for i in range(len(cells[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _figure(metric: str, value: float) -> str:
    from gradwright.train.assess import show_figure

    return show_figure(metric, value)


def _gap(metric: str, value: float) -> str:
    from gradwright.train.assess import is_share

    return f"{100 * value:+.2f}" if is_share(metric) else f"{value:+.3g}"
