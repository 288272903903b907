"""`gradwright cv`: cross-validation, all folds at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradwright.cli.settings import Given, takes_settings

if TYPE_CHECKING:
    from gradwright.tune.outcome import Outcome

__all__ = ["register"]


def register(app: typer.Typer, explained: Callable[[bool], AbstractContextManager[None]]) -> None:
    """Add the command; ``explained`` turns errors into messages."""

    @app.command()
    @takes_settings
    def cv(
        given: Given,
        folds: Annotated[int, typer.Option(help="How many folds.")] = 5,
        repeats: Annotated[int, typer.Option(help="How often the folds are drawn anew.")] = 1,
        leave_one_out: Annotated[
            bool, typer.Option("--leave-one-out", help="A fold for every row, or with --group for every group.")
        ] = False,
        seeds: Annotated[int, typer.Option(help="Networks in each fold; a fold's score is their mean.")] = 1,
        all_rows: Annotated[
            bool,
            typer.Option("--all-rows", help="Share out the test part too; that is a look at it and is written down."),
        ] = False,
        out: Annotated[Path | None, typer.Option(help="The study's folder; by default a new one under runs/.")] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """Cross-validate a network on SOURCE: train on all folds at once, score the rows that each held out."""
        with explained(debug):
            from gradwright.cli.population import MembersProgress, finish, study_folder
            from gradwright.data import LookBook
            from gradwright.tune.cross_validation import cross_validate
            from gradwright.tune.study import StudyFolder

            config = given.config()

            def study(folder: StudyFolder) -> Outcome:
                with MembersProgress(quiet) as progress:
                    return cross_validate(
                        config, folds=folds, repeats=repeats, leave_one_out=leave_one_out, seeds=seeds,
                        all_rows=all_rows, book=LookBook(folder.final.parent), run=folder.final.name,
                        on_epoch=progress.on_epoch, say=progress.say,
                    )  # fmt: skip

            outcome = finish(study_folder(out, "cv", config.source), study, _words, quiet=quiet, as_json=as_json)
            if outcome.result["mean"] is None:
                raise typer.Exit(1)


def _words(outcome: Outcome) -> list[str]:
    from gradwright.cli.population import table_lines
    from gradwright.train.assess import show_figure
    from gradwright.tune.cross_validation import table, title

    metric, result = outcome.record["metric"], outcome.result
    lines = [title(metric, result), *table_lines(table(metric, result))]
    scores = [row["score"] for row in result["per_fold"]]
    if max(row["held_rows"] for row in result["per_fold"]) > 1:
        shown = ["none" if score is None else show_figure(metric, score) for score in scores[:50]]
        lines.append(f"Folds: {', '.join(shown)}{' …' if len(scores) > 50 else ''}")
    return [*lines, *result["words"]]
