"""`gradwright compare`: two or more configurations on the same folds, and what may be concluded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.train.config import Config
    from gradwright.tune.outcome import Outcome

__all__ = ["register"]


def register(app: typer.Typer, explained: Callable[[bool], AbstractContextManager[None]]) -> None:
    """Add the command; ``explained`` turns errors into messages."""

    @app.command()
    def compare(
        configurations: Annotated[
            list[str], typer.Argument(help="TOML files with settings as train --config takes them, and a SOURCE.")
        ],
        test: Annotated[
            str, typer.Option(help="5x2cv, 5x2cv-t, resampled, mcnemar or bootstrap; choose before you look.")
        ] = "5x2cv",
        folds: Annotated[int, typer.Option(help="Folds of the resampled test.")] = 10,
        repeats: Annotated[
            int | None, typer.Option(help="How often its folds are drawn anew: 3, or 1 with a time.")
        ] = None,
        seeds: Annotated[int, typer.Option(help="Networks an arm and fold; their mean is compared.")] = 1,
        out: Annotated[Path | None, typer.Option(help="The study's folder; by default a new one under runs/.")] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """Compare CONFIGURATIONS (A.toml B.toml …) on SOURCE: trained at once on the same folds, and tested."""
        with explained(debug):
            from gradwright.cli.population import MembersProgress, finish, study_folder
            from gradwright.tune.comparison import TESTS, compare_configurations
            from gradwright.tune.comparison_book import ComparisonBook
            from gradwright.tune.study import StudyFolder

            arms = read_arms(configurations)
            known = next((name for name in TESTS if name == test), None)
            if known is None:
                raise ConfigError(f"--test {test}: expected one of {', '.join(TESTS)}")

            def study(folder: StudyFolder) -> Outcome:
                with MembersProgress(quiet) as progress:
                    return compare_configurations(
                        arms, test=known, folds=folds, repeats=repeats, seeds=seeds,
                        book=ComparisonBook(folder.final.parent), run=folder.final.name,
                        on_epoch=progress.on_epoch, say=progress.say,
                    )  # fmt: skip

            source = next(iter(arms.values())).source
            outcome = finish(study_folder(out, "compare", source), study, _words, quiet=quiet, as_json=as_json)
            if any(arm["mean"] is None for arm in outcome.result["arms"]):
                raise typer.Exit(1)


def read_arms(arguments: Sequence[str]) -> dict[str, Config]:
    """Read the files, whose names are the arms', and the source if one is named.

    Raises
    ------
    ConfigError
        A file that cannot be read, a wrong setting, or anything but one source.
    """
    from gradwright.train.config import load_toml, parse_config

    files = [Path(text) for text in arguments if text.endswith(".toml")]
    sources = [text for text in arguments if not text.endswith(".toml")]
    if len(sources) > 1:
        raise ConfigError(f"compare: expected TOML files and one SOURCE, got {' and '.join(sources)} besides the files")
    if len(files) < 2:
        raise ConfigError("compare: name two TOML files or more. Example: gradwright compare a.toml b.toml digits")
    if len(set(files)) < len(files):
        raise ConfigError("compare: a file is named twice; there is nothing to compare in that")
    short = [file.stem for file in files]
    arms = {}
    for file, stem in zip(files, short, strict=True):
        values = load_toml(file, str(file))
        if sources:
            values["source"] = sources[0]
        elif "source" not in values:
            raise ConfigError(f"{file}: no source in it; name one after the files: gradwright compare … digits")
        arms[stem if short.count(stem) == 1 else str(file)] = parse_config(values, str(file))
    return arms


def _words(outcome: Outcome) -> list[str]:
    from gradwright.cli.population import table_lines
    from gradwright.train.assess import metric_name
    from gradwright.tune.cross_validation import figure_words

    metric, result = outcome.record["metric"], outcome.result
    rows = [(arm["name"], f"{figure_words(metric, arm)}  {arm['description']}") for arm in result["arms"]]
    name = metric_name(metric)
    plan = f"{result['repeats']} × {result['folds']} folds" if result["folds"] > 1 else "one split"
    lines = [f"{name[:1].upper()}{name[1:]} on the rows held out, {plan}:", *table_lines(rows)]
    for row in result["tests"]:
        p = "" if row["p"] is None else f"p = {row['p']:.3g}"
        corrected = f", {row['p_corrected']:.3g} corrected" if "p_corrected" in row else ""
        lines.append(f"{row['name']}: {p or 'no p-value'}{corrected}")
    return [*lines, "", *result["words"]]
