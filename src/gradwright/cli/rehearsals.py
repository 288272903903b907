"""Rehearsals from the command line; they write nothing and leave the test part sealed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import typer

__all__ = ["rehearse"]


def rehearse(settings: Any, *, overfit: bool, quiet: bool, as_json: bool) -> None:
    """Learn one batch by heart, or run the whole job on one batch; status 1 when the batch was not learnt."""
    from gradwright.cli.console import TerminalReporter, safe
    from gradwright.train.folder import plain
    from gradwright.train.rehearsals import overfit_one_batch

    reporter = TerminalReporter(quiet)
    try:
        outcome = overfit_one_batch(settings, reporter) if overfit else _dry_run(settings, reporter)
    finally:
        reporter.close()
    if as_json:
        print(json.dumps(plain(outcome), allow_nan=False))
    elif not quiet:
        print(safe(outcome["words"]))
    if not outcome.get("learnt", True):
        raise typer.Exit(1)


def _dry_run(settings: Any, reporter: Any) -> dict[str, Any]:
    from gradwright.report import write_report
    from gradwright.train import run_job
    from gradwright.train.job import Execution

    with tempfile.TemporaryDirectory(prefix="gradwright-") as name:
        folder = Path(name)
        result = run_job(settings, folder, reporter=reporter, execution=Execution(dry_run=True))
        reporter.on_stage_start(8, "report")
        write_report(folder, name="dry run")
    words = (
        "Dry run: reading, preparing, one step of training, validation, all records and the report went well. "
        "Nothing was written, and the test part is sealed still. The figures mean nothing."
    )
    return {"words": words, "parameters": result["parameters"], "seconds": result["seconds"]}
