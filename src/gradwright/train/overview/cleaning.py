"""What of runs can go: what never came to train, and checkpoints that nobody needs. First the plan, then the deed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradwright.engine.files import temporary_of
from gradwright.errors import RunError
from gradwright.train.checkpoints.kept import Checkpoint, found_in, surplus
from gradwright.train.folder import UNFINISHED
from gradwright.train.overview.summary import RunSummary, is_run, list_runs, read_summary
from gradwright.train.processes import alive
from gradwright.train.saved import read_object

__all__ = ["Removal", "plan_cleaning", "remove"]

_LAST = {"finished": 1}  # checkpoints that are kept beside the best; of others two, should the last be damaged


@dataclass(frozen=True)
class Removal:
    """A file or a run's folder that is to go."""

    path: Path
    reason: str
    bytes: int


def plan_cleaning(places: Sequence[Path], *, all_checkpoints: bool = False) -> list[Removal]:
    """Return what can go.

    From a folder with runs go those that never came to train an epoch, temporary files of dead processes, and
    checkpoints except the best and the last. A run that is named itself goes wholly, finished or not.

    Parameters
    ----------
    places : sequence of Path
        Folders with runs in them, or runs.
    all_checkpoints : bool
        Of finished runs, let the best and the last checkpoint go as well; the best weights stay in the run.

    Raises
    ------
    RunError
        When a run that is named is being trained, is a link, or is no run.
    """
    plan: dict[Path, Removal] = {}
    for place in places:
        if is_run(place):
            found = [_whole_run(place)]
        else:
            found = [r for run in list_runs(place) for r in _of(run, all_checkpoints)]
        plan.update({removal.path: removal for removal in found})
    return list(plan.values())


def remove(removal: Removal) -> None:
    """Let it go, unless a process has begun to train there meanwhile.

    Raises
    ------
    RunError
        When it cannot be removed.
    """
    path = removal.path
    try:
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        _refuse_busy(path)
        if not path.name.startswith(UNFINISHED):
            # under the name of a leftover: if this process is killed now, half a run does not look like a run
            path = path.rename(path.with_name(f"{UNFINISHED}{path.name}-{os.getpid()}"))
        shutil.rmtree(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be removed: {error.strerror}") from None


def _whole_run(path: Path) -> Removal:
    if path.is_symlink():
        raise RunError(f"{path}: is a link; remove it, or name the run itself")
    _refuse_busy(path)
    return Removal(path, f"the whole run, {read_summary(path).state}", _size([path]))


def _refuse_busy(path: Path) -> None:
    run = read_summary(path)
    if run.process is not None:
        raise RunError(f"{path}: process {run.process} is training it, so it cannot be removed; stop that first")


def _of(run: RunSummary, all_checkpoints: bool) -> list[Removal]:
    """Return what of one run can go that was not named itself."""
    if run.state in ("running", "damaged") or run.path.is_symlink():
        return []
    if run.state == "leftover" or (run.state != "finished" and not run.resumable and not run.epoch):
        return [Removal(run.path, "it never came to train an epoch", _size([run.path]))]
    folders = [folder for folder in (run.path, run.path / "checkpoints") if folder.is_dir() and not folder.is_symlink()]
    found = [
        Removal(path, "left by a process that was killed", _size([path]))
        for folder in folders
        for path in sorted(folder.iterdir())
        if (writer := temporary_of(path)) is not None and not alive(writer)
    ]
    for checkpoint in _old(run, all_checkpoints) if len(folders) == 2 else ():
        found.append(Removal(checkpoint.path, "a checkpoint that is not needed", _size([checkpoint.path])))
    return found


def _old(run: RunSummary, all_checkpoints: bool) -> list[Checkpoint]:
    there = found_in(run.path / "checkpoints")
    if not there or (all_checkpoints and run.state == "finished"):
        return there
    return surplus(there, there[-1], keep_last=_LAST.get(run.state, 2), keep_every=_kept_epochs(run.path))


def _kept_epochs(run: Path) -> int | None:
    """Return every how many epochs a checkpoint was asked to be kept."""
    try:
        every = read_object(run / "execution.json").get("keep_every")
    except RunError:  # an older run has no such file
        return None
    return every if type(every) is int and every > 0 else None


def _size(paths: Iterable[Path]) -> int:
    """Return the bytes of files, and of those in folders."""
    total = 0
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            total += file.lstat().st_size if file.is_symlink() or file.is_file() else 0
    return total
