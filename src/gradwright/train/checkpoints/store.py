"""The checkpoints of one run: the new one whole before an old one goes, and a damaged one passed over, aloud."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from gradwright.engine.files import sync_folder, temporary_of
from gradwright.errors import CheckpointError, ConfigError
from gradwright.train.checkpoints.file import read_checkpoint, write_checkpoint
from gradwright.train.checkpoints.kept import Checkpoint, found_in, name_of, surplus
from gradwright.train.processes import alive

__all__ = ["CheckpointStore"]


class CheckpointStore:
    """Saves and finds the checkpoints in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first checkpoint is saved. One process at a time saves there.
    keep_last : int >= 1
        How many of the last are kept; with two, there is one to go back to when the last is damaged.
    keep_every : int >= 1, optional
        Also the first one after every so many epochs. The best one is always kept.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = CheckpointStore(Path(folder.name))
    >>> for epoch, loss in enumerate([0.9, 0.4, 0.6, 0.5, 0.7], 1):
    ...     path = store.save({"loss": loss}, epoch=epoch, step=10 * epoch, metric=loss, best=loss == 0.4)
    >>> [c.path.name for c in store.found()]
    ['step-00000020-epoch-2-best.safetensors', 'step-00000040-epoch-4.safetensors', 'step-00000050-epoch-5.safetensors']
    >>> store.load_last()
    ({'loss': 0.7}, [])
    >>> store.load_best()
    ({'loss': 0.4}, [])
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path, keep_last: int = 2, keep_every: int | None = None) -> None:
        if keep_last < 1:
            raise ConfigError(f"keep_last must be at least 1, got {keep_last}")
        if keep_every is not None and keep_every < 1:
            raise ConfigError(f"keep_every must be at least 1 epoch, or None, got {keep_every}")
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.keep_every = keep_every
        self._damaged: set[Path] = set()
        self._clean()

    def save(self, state: Any, *, epoch: int, step: int, metric: float | None = None, best: bool = False) -> Path:
        """Write a checkpoint, and only then remove those that need not be kept.

        Parameters
        ----------
        state : dict
            As :func:`write_checkpoint` takes it.
        epoch, step : int >= 0
            How many are complete.
        metric : float, optional
            The figure that is watched, for the record.
        best : bool
            Whether this is the best so far; one that was saved as the best at this very step stays it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        CheckpointError
            When it cannot be written; those that are there stay.
        StateError
            When the state holds something that cannot be saved.
        """
        self._make_folder()
        best = best or any(c.best and (c.step, c.epoch) == (step, epoch) for c in self.found())
        new = Checkpoint(step, epoch, best, self.folder / name_of(step, epoch, best))
        content = {"epoch": epoch, "step": step, "metric": metric, "best": best, "state": state}
        write_checkpoint(new.path, content)
        self._damaged.discard(new.path)
        there = self.found()
        counted = [c for c in there if c.path not in self._damaged]
        gone = surplus(counted, new, keep_last=self.keep_last, keep_every=self.keep_every)
        for checkpoint in [*gone, *(c for c in there if c.path in self._damaged)]:
            with contextlib.suppress(OSError):  # the new one is whole; this one goes next time
                checkpoint.path.unlink()
        return new.path

    def load_last(self) -> tuple[Any, list[str]]:
        """Return the last state that is whole, and remarks about later ones that are not.

        Raises
        ------
        CheckpointError
            When there is none.
        """
        return self._load(self.found(), "checkpoint")

    def load_best(self) -> tuple[Any, list[str]]:
        """Return the best state, and remarks about damaged ones.

        Raises
        ------
        CheckpointError
            When there is none.
        """
        return self._load([c for c in self.found() if c.best], "best checkpoint")

    def found(self) -> list[Checkpoint]:
        """Return the checkpoints that are there, the oldest first, damaged ones among them."""
        try:
            return found_in(self.folder)
        except OSError as error:
            raise CheckpointError(f"{self.folder}: cannot be read: {error.strerror}") from None

    def _load(self, checkpoints: list[Checkpoint], what: str) -> tuple[Any, list[str]]:
        said: list[str] = []
        for checkpoint in reversed(checkpoints):
            try:
                state = _read(checkpoint)
            except CheckpointError as error:
                self._damaged.add(checkpoint.path)
                said.append(str(error))
                continue
            if said:
                said.append(f"The {what} before is used: epoch {checkpoint.epoch}, step {checkpoint.step}.")
            return state, said
        if not said:
            raise CheckpointError(f"{self.folder}: there is no {what}, so training can only begin anew")
        raise CheckpointError(
            f"{self.folder}: no {what} is whole, so training can only begin anew. " + "; ".join(said[:5])
        )

    def _make_folder(self) -> None:
        if self.folder.is_dir():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise CheckpointError(f"{self.folder}: cannot be made: {error.strerror}") from None

    def _clean(self) -> None:
        """Remove what processes that were killed while they wrote have left."""
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir() if self.folder.is_dir() else ():
                writer = temporary_of(path)
                # this process writes nothing now: its number was another's before
                if writer is not None and (writer == os.getpid() or not alive(writer)):
                    path.unlink(missing_ok=True)


def _read(checkpoint: Checkpoint) -> Any:
    content = read_checkpoint(checkpoint.path)
    if not isinstance(content, dict) or "state" not in content or content.get("step") != checkpoint.step:
        raise CheckpointError(
            f"{checkpoint.path}: this checkpoint cannot be used: it is not of step {checkpoint.step}, as its name says"
        )
    return content["state"]
