"""Going on with a run that was broken off: its settings, its data and its last checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from gradwright.engine.settings import set_num_threads
from gradwright.errors import RunError
from gradwright.train.checkpoints import CheckpointStore
from gradwright.train.config import Config, parse_config
from gradwright.train.differences import refuse_changes, settings_differences, version_differences
from gradwright.train.environment import environment
from gradwright.train.folder import plain
from gradwright.train.prepared import Prepared
from gradwright.train.processes import training_process
from gradwright.train.saved import read_object

__all__ = ["GoingOn", "check_same_data", "lacks_report", "settings_to_resume"]


#: What may be changed in the middle of a training; all else stands in the checkpoint, or decides what it means.
CHANGEABLE = ("epochs", "metrics", "min_delta", "patience", "source", "stop_warmup", "stopping", "validate_every")


def check_same_data(folder: Path, data: Prepared) -> None:
    """Refuse to go on with other data, another split or another preparation than the run began with."""
    differs = []
    record = read_object(folder / "data.json")
    if record.get("fingerprint") != data.dataset.fingerprint:
        differs.append(
            f"the data's content (fingerprint {data.dataset.fingerprint[:19]}…, the run's "
            f"{str(record.get('fingerprint'))[:19]}…)"
        )
    elif not data.same_parts(folder):
        differs.append("which rows train, validate and test")
    elif read_object(folder / "preparation.json") != plain(data.preparation.to_dict()):
        differs.append("the prepared numbers")
    if differs:
        raise RunError(
            f"{folder}: cannot go on: {differs[0]} differs from what the run began with. Give it the data as it was, "
            "or train anew"
        )


class GoingOn(NamedTuple):
    """What a broken-off run goes on with."""

    config: Config
    state: dict[str, Any]
    remarks: list[str]  # what differs from its beginning, and which checkpoints were damaged
    keep_every: int | None
    log: list[str]


def lacks_report(run: Path) -> bool:
    """Say whether a run is finished but for its report."""
    path = run / "status.json"
    done = path.is_file() and read_object(path).get("state") == "finished"
    return done and not (run / "report.html").exists()


def settings_to_resume(run: Path, changes: dict[str, Any], *, accept: bool) -> GoingOn:
    """Return a broken-off run's settings, its last good checkpoint, and what is remarkable about it.

    Parameters
    ----------
    run : Path
        The run's folder.
    changes : dict
        Settings that were given now; those that differ from the run's are refused unless ``accept``, and those that the
        checkpoint has made up its mind about even then.

    Threads are set to as many as the run began with.

    Raises
    ------
    RunError
        When there is nothing to go on with: no run, finished, still running, or without a checkpoint that is whole.
    """
    if not (run / "config.json").is_file():
        raise RunError(
            f"{run}: not a run to go on with: it has no config.json. `gradwright runs` lists those there are."
        )
    status = read_object(run / "status.json") if (run / "status.json").is_file() else {}
    stored = read_object(run / "config.json")
    config = parse_config({**stored, **changes}, str(run))
    differences = settings_differences(stored, plain(config.model_dump()))
    if status.get("state") == "finished" and not differences:
        raise RunError(
            f"{run}: finished, so there is nothing to go on with. For more epochs: --epochs N --accept-changes"
        )
    fixed = [line for line in differences if line.split(":")[0].split(".")[0] not in CHANGEABLE]
    if stored.get("schedule") is not None and stored.get("schedule") != "plateau":
        fixed += [line for line in differences if line.startswith("epochs:")]
    if fixed:
        raise RunError(
            f"{run}: cannot go on with other settings than "
            + ", ".join(sorted(CHANGEABLE))
            + ":\n"
            + "".join(f"  {line}\n" for line in fixed)
            + "The checkpoint was made with the old ones (a schedule is planned for its epochs). Take them back, or "
            "train anew"
        )
    if (process := training_process(status)) is not None:
        raise RunError(f"{run}: process {process} is still training it; watch it with `gradwright watch {run}`")
    if config.compare is not None:
        raise RunError(f"{run}: a comparison with {config.compare} cannot go on in the middle; train anew")
    state, said = CheckpointStore(run / "checkpoints").load_last()
    if (run / "environment.json").is_file():
        before = read_object(run / "environment.json")
        differences += version_differences(before, environment(""))
    else:
        before = {}
    refuse_changes(differences, accept=accept)
    if type(threads := before.get("threads")) is int and 0 < threads <= 4096:
        set_num_threads(threads)  # as many as it began with, or the last bits would differ
    execution = read_object(run / "execution.json") if (run / "execution.json").is_file() else {}
    keep_every, log = execution.get("keep_every"), execution.get("log")
    return GoingOn(
        config,
        state,
        [*said, *differences],
        keep_every if type(keep_every) is int and keep_every > 0 else None,
        [name for name in log if isinstance(name, str)] if isinstance(log, list) else [],
    )
