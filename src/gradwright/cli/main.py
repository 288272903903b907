"""The command line: parse, call, print."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gradwright.cli import ablate as ablate_command
from gradwright.cli import compare as compare_command
from gradwright.cli import cv as cv_command
from gradwright.cli import runs as runs_command
from gradwright.cli import tune as tune_command
from gradwright.cli.settings import Given, given_settings, hidden_widths, names, takes_settings
from gradwright.errors import ConfigError, GradwrightError

__all__ = [
    "app",
    "main",
]

app = typer.Typer(
    name="gradwright",
    help="Train neural networks you can see through: data in, a trained network and an honest report out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_BROKEN_TRAINING = 1  # a run was written, but its training ended in NaN
_WRONG = 2  # nothing was written
_FAULT = 3  # a mistake in Gradwright
_INTERRUPTED = 130


@contextlib.contextmanager
def _explained(debug: bool) -> Iterator[None]:
    """Turn an error into one message on standard error and exit status 2; ``--debug`` shows where it came from."""
    from gradwright.cli.console import safe

    try:
        yield
    except GradwrightError as error:
        if debug:
            print(safe(traceback.format_exc()), file=sys.stderr)
        print(f"gradwright: {safe(str(error))}", file=sys.stderr)
        raise typer.Exit(_WRONG) from None
    except KeyboardInterrupt:
        print("gradwright: interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    except BrokenPipeError:
        # whoever read our output has gone; let Python not complain about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_WRONG) from None
    except typer.Exit:
        raise
    except OSError as error:  # a full or failing disk, wherever it strikes
        if debug:
            print(safe(traceback.format_exc()), file=sys.stderr)
        where = "" if error.filename is None else f" ({safe(str(error.filename))})"
        print(f"gradwright: the system refused: {error.strerror or error}{where}", file=sys.stderr)
        raise typer.Exit(_WRONG) from None
    except Exception as error:
        if debug:
            print(safe(traceback.format_exc()), file=sys.stderr)
        words = f"{type(error).__name__}: {error}"
        print(
            f"gradwright: a fault of Gradwright's own: {safe(words)}. --debug shows where; please report it",
            file=sys.stderr,
        )
        raise typer.Exit(_FAULT) from None


@app.command()
@takes_settings
def train(
    given: Given,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the settings as TOML and stop.")] = False,
    out: Annotated[Path | None, typer.Option(help="The run's folder; by default a new one under runs/.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with a run that was broken off: its folder.")] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="With --resume: go on although settings or versions differ.")
    ] = False,
    keep_every: Annotated[int | None, typer.Option(help="Keep the checkpoint of every so-many-th epoch.")] = None,
    log: Annotated[str | None, typer.Option(help="Log for other tools too: tensorboard, mlflow.")] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Train so many seeds at once: mean, spread, curves with bands."),
    ] = None,
    fast_dry_run: Annotated[
        bool, typer.Option("--fast-dry-run", help="Rehearse everything on one batch; write nothing, leave the seal.")
    ] = False,
    overfit_one_batch: Annotated[
        bool, typer.Option("--overfit-one-batch", help="Can the network learn one batch by heart? Write nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Train a network on SOURCE, and leave a run folder with the network and its report."""
    with _explained(debug):
        from gradwright.train.config import to_toml

        if resume is not None:
            if out is not None or fast_dry_run or overfit_one_batch or print_config or seeds:
                raise ConfigError(
                    "train: --resume goes on in the run's own folder; leave --out, --seeds, --print-config and "
                    "rehearsals away"
                )
            _run_resume(resume, given.settings, accept_changes, quiet, as_json, keep_every=keep_every, log=names(log))
            return
        settings = given.config()
        if print_config:
            print(to_toml(settings.model_dump()), end="")
            return
        if settings.compare == "torch":
            from gradwright.train.compare import check_comparable, import_torch

            check_comparable(settings)
            import_torch()  # better now than after the training
        if fast_dry_run or overfit_one_batch:
            if (fast_dry_run and overfit_one_batch) or out or keep_every or log or accept_changes or seeds:
                raise ConfigError(
                    "train: a rehearsal writes nothing and stands alone: leave --out, --keep-every, --log, --seeds, "
                    "--accept-changes and the other rehearsal away"
                )
            from gradwright.cli.rehearsals import rehearse

            rehearse(settings, overfit=overfit_one_batch, quiet=quiet, as_json=as_json)
            return
        if seeds is not None:
            if keep_every or log or accept_changes:
                raise ConfigError("train: --seeds leaves a study: leave --keep-every, --log and --accept-changes away")
            from gradwright.cli.seeds import run_seeds

            run_seeds(settings, seeds, out, quiet=quiet, as_json=as_json)
            return
        from gradwright.train import RunFolder

        folder = RunFolder(out, name=Path(settings.source).stem or "run")
        _run_train(settings, folder, quiet, as_json, given=given.settings, keep_every=keep_every, log=names(log) or ())


def _run_resume(
    run: Path,
    changes: dict[str, Any],
    accept: bool,
    quiet: bool,
    as_json: bool,
    keep_every: int | None,
    log: list[str] | None,
) -> None:
    from gradwright.cli.console import safe
    from gradwright.report import write_report
    from gradwright.train import RunFolder
    from gradwright.train.resume import lacks_report, settings_to_resume

    if not changes and lacks_report(run):  # it was broken off at the very end
        write_report(run)
        print(f"{safe(str(run))}: finished; the report was missing: {safe(str(run / 'report.html'))}", file=sys.stderr)
        return
    going_on = settings_to_resume(run, changes, accept=accept)
    for remark in [] if quiet else going_on.remarks:
        print(f"note: {safe(remark)}", file=sys.stderr)
    _run_train(
        going_on.config,
        RunFolder.resume(run),
        quiet,
        as_json,
        state=going_on.state,
        changes=going_on.remarks,
        keep_every=keep_every or going_on.keep_every,
        log=going_on.log if log is None else log,
    )


def _run_train(
    settings: Any,
    run: Any,
    quiet: bool,
    as_json: bool,
    *,
    given: dict[str, Any] | None = None,
    **execution_settings: Any,
) -> None:
    from gradwright.cli.console import TerminalReporter, safe
    from gradwright.cli.words import result_words
    from gradwright.errors import TrainingInterrupted
    from gradwright.report import write_report
    from gradwright.train import run_job
    from gradwright.train.job import Execution
    from gradwright.train.signals import Signals

    reporter = TerminalReporter(quiet)
    signals = Signals()
    try:
        with signals, run as folder:
            execution = Execution(publish=folder.publish, signals=signals, **execution_settings)
            result = run_job(settings, folder.path, given=given, reporter=reporter, execution=execution)
            reporter.on_stage_start(8, "report")
            write_report(folder.path, name=folder.final.name)
    except (TrainingInterrupted, KeyboardInterrupt) as error:
        reporter.close()
        words = str(error) or "interrupted"
        left = f"go on with: gradwright train --resume {run.final}" if run.published else "nothing was written"
        print(f"gradwright: {safe(words)}; {safe(left)}", file=sys.stderr)
        raise typer.Exit(128 + (signals.caught or 2)) from None
    finally:
        reporter.close()
    report = folder.final / "report.html"
    reporter.on_stage(8, "report", str(report))
    if as_json:
        from gradwright.train.folder import plain

        print(json.dumps(plain({**result, "run": str(folder.final), "report": str(report)}), allow_nan=False))
    elif not quiet:
        print()
        for line in result_words(result):
            print(safe(line))
        print(f"\nReport: {safe(str(report))}")
    if result.get("problem"):
        raise typer.Exit(_BROKEN_TRAINING)


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="A run folder that train made.")],
    file: Annotated[str, typer.Argument(help="Raw rows: any source that train reads; a target column is ignored.")],
    out: Annotated[Path | None, typer.Option(help="A CSV file to write; by default standard output.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no remarks about the rows.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Predict for raw rows, with class probabilities, as CSV."""
    with _explained(debug):
        from gradwright.cli.predictions import write_predictions

        write_predictions(run, file, out, quiet)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder that train made.")],
    test: Annotated[bool, typer.Option("--test", help="Look at the sealed test part instead of validation.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Look although it has been looked at; it is written down.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Where the run's data lies now, if it has moved.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Print a run's figures on its validation part, or with --test --again on its test part once more."""
    with _explained(debug):
        from gradwright.cli.console import safe
        from gradwright.cli.words import evaluation_words
        from gradwright.report import write_report
        from gradwright.train import evaluate_run, load_run
        from gradwright.train.folder import plain

        saved = load_run(run)
        for note in saved.notes:
            print(f"note: {safe(note)}", file=sys.stderr)
        figures = evaluate_run(saved, test=test, again=again, source=source)
        if test:
            write_report(run)
        if as_json:
            print(json.dumps(plain(figures), allow_nan=False))
            return
        print(safe(evaluation_words(figures)))
        if test:
            print(safe(f"This was look {figures['looks']} at the test part; the ledger and the report say so."))


@app.command(context_settings={"ignore_unknown_options": True})  # an expression may begin with a minus
def graph(
    expression: Annotated[str, typer.Argument(help="Such as '(x + y) * max(y, z)'; quote it.")],
    values: Annotated[list[str] | None, typer.Argument(help="A value for each name: x=1 w=[1,2,3].")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it to a .html file (to step through), .svg, .png, .dot or .txt instead.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Show the computation graph of EXPRESSION: every value forward, every gradient backward."""
    with _explained(debug):
        from gradwright.cli.console import safe
        from gradwright.cli.expression import graph_of

        drawn = graph_of(expression, values or [])
        if out is not None:
            print(safe(f"Graph: {drawn.save(out)}"), file=sys.stderr)
            return
        print(safe(drawn.text(digits=8)))


@app.command(name="lr-find")
def lr_find(
    source: Annotated[str, typer.Argument(help="As train takes it.")],
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    task: Annotated[str | None, typer.Option(help="binary, multiclass or regression.")] = None,
    network: Annotated[str | None, typer.Option(help="As train takes it.")] = None,
    hidden: Annotated[str | None, typer.Option(help="Widths of an mlp's hidden layers, such as 128,64.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="As train takes it.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in a minibatch.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the split, the initial weights and the batches.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings from a TOML file, as train takes it.")] = None,
    out: Annotated[Path | None, typer.Option(help="An HTML file to draw the test in.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the suggestion only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find a learning rate: train with one that grows step by step, and look where the loss falls fastest."""
    with _explained(debug):
        from gradwright.cli.rates import find_rate
        from gradwright.train.config import parse_config

        options = {
            "source": source, "target": target, "task": task, "network": network, "hidden": hidden_widths(hidden),
            "optimizer": optimizer, "batch_size": batch_size, "seed": seed,
        }  # fmt: skip
        given = given_settings(config, options)
        settings = parse_config({**given, "lr": "auto"}, "lr-find")
        find_rate(settings, {k: v for k, v in given.items() if k not in ("source", "lr")}, out, quiet, as_json)


@app.command()
def watch(
    run: Annotated[Path, typer.Argument(help="A run folder, finished or still in the making.")],
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes one that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Serve a live page of RUN on this machine: losses, metrics, norms and the time left, while it trains."""
    with _explained(debug):
        from gradwright.cli.watch import watch_run

        watch_run(run, port, browser=browser)


@app.command(name="list")
def list_shelf(
    shelf: Annotated[str | None, typer.Argument(help="Such as optimizers; without it all shelves are named.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Print what a setting can name, with a line of explanation for each."""
    with _explained(debug):
        import textwrap

        from gradwright.train.choices import SHELVES, shelf_lines

        if shelf is None:
            for name, things in SHELVES.items():
                print(f"{name:<16} {textwrap.shorten(', '.join(things), 100, placeholder=' …')}")
            return
        if shelf not in SHELVES:
            raise ConfigError(f"list {shelf}: no such shelf; there are {', '.join(SHELVES)}")
        lines = shelf_lines(shelf)
        indent = max(len(name) for name, _ in lines) + 2
        for name, words in lines:
            print(textwrap.fill(words, 110, initial_indent=f"{name:<{indent}}", subsequent_indent=" " * indent))


ablate_command.register(app, _explained)
cv_command.register(app, _explained)
compare_command.register(app, _explained)
runs_command.register(app, _explained)
tune_command.register(app, _explained)


def main() -> None:
    """Run the command line."""
    app()
