"""`gradwright tune`: search settings, train the best, look once at the test part."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from gradwright.cli.settings import Given, takes_settings
from gradwright.errors import ConfigError

__all__ = ["register"]

_NO_RESULT = 1


def register(app: typer.Typer, explained: Callable[[bool], AbstractContextManager[None]]) -> None:
    """Add the command; ``explained`` turns errors into messages."""

    @app.command()
    @takes_settings
    def tune(
        given: Given,
        space: Annotated[
            Path | None,
            typer.Option(help="A TOML file of what varies, a table a setting: [lr] with log = [1e-4, 1e-1]."),
        ] = None,
        lr_sweep: Annotated[
            bool, typer.Option("--lr-sweep", help="Sweep the learning rate, from coarse to fine; needs no space.")
        ] = False,
        strategy: Annotated[
            str | None,
            typer.Option(help="random, grid, sobol, tpe, gp, halving, hyperband, asha, pbt or lr-sweep."),
        ] = None,
        trials: Annotated[int | None, typer.Option(help="How many to try; 64 unless given.")] = None,
        batch: Annotated[
            int | None, typer.Option(help="Trials that are trained together: 64, or 8 where the next wait for scores.")
        ] = None,
        eta: Annotated[int, typer.Option(help="Of rungs: how many begin for one that goes on.")] = 3,
        shortest: Annotated[int | None, typer.Option(help="Of rungs: epochs before the first judgement.")] = None,
        interval: Annotated[int | None, typer.Option(help="Of pbt: epochs between exchanges.")] = None,
        nested: Annotated[
            int, typer.Option(help="Repeat the whole search in so many outer folds, for an unbiased estimate.")
        ] = 0,
        refit: Annotated[
            bool, typer.Option("--refit/--no-refit", help="Train the winner as a run and look at the test part.")
        ] = True,
        baselines: Annotated[
            bool, typer.Option("--baselines/--no-baselines", help="Search simple models as hard, for comparison.")
        ] = True,
        timeout: Annotated[float | None, typer.Option(help="Seconds after which trials end where they stand.")] = None,
        storage: Annotated[
            str | None, typer.Option(help="A database for the trials, as Optuna has it: sqlite:///…, postgresql://…")
        ] = None,
        resume: Annotated[Path | None, typer.Option(help="Go on with a broken-off search: its folder.")] = None,
        take_over: Annotated[
            bool, typer.Option("--take-over", help="With --resume: the process on another host is known to be gone.")
        ] = False,
        hosts: Annotated[
            str | None,
            typer.Option(help="Share the trials with other processes: HOST:PORT of the one of rank 0, or auto."),
        ] = None,
        processes: Annotated[int | None, typer.Option(help="With --hosts: how many processes there are.")] = None,
        rank: Annotated[int | None, typer.Option(help="With --hosts: which one this is; from 0.")] = None,
        ray: Annotated[
            str | None, typer.Option(help="Share the trials over a Ray cluster: local, auto or HOST:PORT.")
        ] = None,
        out: Annotated[Path | None, typer.Option(help="The study's folder; by default a new one under runs/.")] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """Search settings for a network on SOURCE by validation, train the best, and look at the test part once."""
        with explained(debug):
            from gradwright.cli.sharing import lend_a_hand, place_of
            from gradwright.tune.plans import SearchSettings
            from gradwright.tune.space import Space
            from gradwright.tune.tuning import SearchFolder, resumed

            place = place_of(hosts, processes, rank, ray)
            if lr_sweep and strategy not in (None, "lr-sweep"):
                raise ConfigError(f"tune: --lr-sweep or --strategy {strategy}, not both")
            if resume is not None:
                if given.settings or space or out or strategy or lr_sweep or trials or nested:
                    raise ConfigError(
                        "tune: --resume goes on with the study as it was begun; leave SOURCE, settings, --space, --out "
                        "and --strategy away"
                    )
                config, searched, settings = resumed(resume)
            else:
                config = given.config()
                if space is None and not lr_sweep and strategy is None:
                    raise ConfigError(
                        "tune: name what to search with --space FILE.toml, or sweep the learning rate with --lr-sweep"
                    )
                settings = SearchSettings(
                    strategy="lr-sweep" if lr_sweep else strategy or "random", trials=trials, batch=batch, eta=eta,
                    shortest=shortest, interval=interval, nested=nested, refit=refit, baselines=baselines,
                    timeout=timeout, shared=place is not None or ray is not None,
                )  # fmt: skip
                searched = None if space is None else Space.read(space)
            if place is not None and place.rank:
                lend_a_hand(place, config, searched, settings, quiet)
                return
            folder = (
                SearchFolder(out, name=f"tune-{Path(config.source).stem or 'study'}")
                if resume is None
                else SearchFolder.resume(resume)
            )
            _run(config, searched, folder, settings, storage, take_over, place, ray, quiet, as_json)


def _run(
    config: Any,
    space: Any,
    folder: Any,
    settings: Any,
    storage: str | None,
    take_over: bool,
    place: Any,
    ray: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    from gradwright.cli.console import TerminalReporter, safe
    from gradwright.cli.searching import SearchProgress, search_words
    from gradwright.cli.sharing import pool_of
    from gradwright.errors import TrainingInterrupted
    from gradwright.report.study import write_study_report
    from gradwright.train.folder import plain
    from gradwright.train.signals import Signals
    from gradwright.tune.tuning import Searching, run_search

    progress, run_reporter, signals = SearchProgress(quiet), TerminalReporter(quiet), Signals()
    searching = Searching(
        storage=storage, take_over=take_over, reporter=progress, run_reporter=run_reporter, signals=signals,
        pool=pool_of(place, ray, progress.on_words),
    )  # fmt: skip
    try:
        with signals, folder:
            result = run_search(config, space, folder, settings, searching)
            write_study_report(folder.path)
    except (TrainingInterrupted, KeyboardInterrupt) as error:
        progress.close()
        words = str(error) or "interrupted"
        left = f"go on with: gradwright tune --resume {folder.final}" if folder.published else "nothing was written"
        if folder.published and storage is not None:
            left += " --storage URL"
        if folder.published and (place is not None or ray is not None):
            left += ", alone or with --hosts or --ray"
        print(f"gradwright: {safe(words)}; {safe(left)}", file=sys.stderr)
        raise typer.Exit(128 + (signals.caught or 2)) from None
    finally:
        progress.close()
        run_reporter.close()
    report = folder.final / "report.html"
    if as_json:
        told = {name: value for name, value in result.items() if name != "trials"}
        print(json.dumps(plain({**told, "study": str(folder.final), "report": str(report)}), allow_nan=False))
    elif not quiet:
        print()
        for line in search_words(result):
            print(safe(line))
        if result["refit"]:
            print(f"Report of its run: {safe(str(folder.final.parent / result['refit']['run'] / 'report.html'))}")
        print(f"Report: {safe(str(report))}")
    if result["best"] is None or (result["refit"] or {}).get("problem"):
        raise typer.Exit(_NO_RESULT)
