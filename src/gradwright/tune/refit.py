"""The winner of a search, trained as a run of its own: the one look at the test part, and the run's report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradwright.errors import RunError
from gradwright.report import write_report
from gradwright.train.config import Config
from gradwright.train.folder import RunFolder
from gradwright.train.job import Execution, MakeBaseline, run_job
from gradwright.train.prepared import Reporter
from gradwright.train.resume import settings_to_resume
from gradwright.train.saved import read_json, read_object
from gradwright.train.signals import Signals

__all__ = ["refit"]


def refit(
    config: Config,
    run: Path,
    *,
    reporter: Reporter | None = None,
    signals: Signals | None = None,
    baselines: Sequence[MakeBaseline] = (),
) -> dict[str, Any]:
    """Train the winner as `gradwright train` does, in a folder of its own, with its report.

    One that was trained before is not trained again, and one that was broken off goes on: there is one look.

    Parameters
    ----------
    config : Config
        The winner's settings.
    run : Path
        Its folder; that of the study's neighbours, so that the look stands in their book.
    reporter, signals
        As `run_job` takes them.
    baselines : sequence of callables
        Further baselines, as `run_job` takes them.

    Returns
    -------
    dict
        As `run_job` returns it.
    """
    state = read_object(run / "status.json").get("state") if (run / "status.json").is_file() else None
    if state == "finished":
        if read_object(run / "config.json").get("source") != config.source:
            raise RunError(f"{run}: a run on other data is there; move it away, and resume the study")
        if not (run / "report.html").exists():
            write_report(run)
        return {**read_object(run / "result.json"), "baselines": read_json(run / "baselines.json")}
    folder, started = RunFolder(run), None
    if state is not None and any(run.glob("checkpoints/*")):
        going_on = settings_to_resume(run, {}, accept=False)
        folder, started, config = RunFolder.resume(run), going_on.state, going_on.config
    with folder as there:
        execution = Execution(publish=there.publish, signals=signals, state=started)
        given = config.model_dump(exclude_unset=True)
        result = run_job(
            config,
            there.path,
            given=given,
            reporter=reporter,
            execution=execution,
            more_baselines=baselines,
        )
        write_report(there.path, name=there.final.name)
    return result
