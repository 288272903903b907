"""When a training saves its state."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradwright.train.callbacks import Callback
from gradwright.train.checkpoints import CheckpointStore

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["Checkpointing"]

_SHARE = 50  # so many times as long as saving takes must have passed since: two per cent of the time at most


class Checkpointing(Callback):
    """Save the trainer's state now and then, at a better epoch, when it is interrupted and at the end.

    Parameters
    ----------
    folder : Path
        Where the checkpoints go.
    seconds : float >= 0
        At least so long between two of them, whatever happens; a better epoch need not wait so long.
    keep_every : int >= 1, optional
        Save at every so-many-th epoch too, and keep those.

    Notes
    -----
    Saving changes nothing in the training, so when it happens does not matter to the result.
    """

    def __init__(self, folder: Path, *, seconds: float = 10.0, keep_every: int | None = None) -> None:
        self.store = CheckpointStore(folder, keep_every=keep_every)
        self.seconds = seconds
        self.keep_every = keep_every
        self._last = time.perf_counter()
        self._cost = 0.0

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Start the clock."""
        self._last = time.perf_counter()

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """Save when it is time."""
        if self._passed(self.seconds):
            self.save(trainer)

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """Save when it is time, when the epoch is the best so far, and when it is one to be kept."""
        best = trainer.history.best_epoch == row["epoch"]
        kept = self.keep_every is not None and row["epoch"] % self.keep_every == 0
        if kept or self._passed(0.0 if best else self.seconds):
            self.save(trainer, best=best)

    def on_epochs_end(self, trainer: Trainer) -> None:
        """Save the end, from which a longer training could go on."""
        self.save(trainer, best=trainer.history.best_epoch == len(trainer.history.rows))

    def on_interrupt(self, trainer: Trainer) -> None:
        """Save where it stopped."""
        self.save(trainer)

    def save(self, trainer: Trainer, *, best: bool = False) -> Path:
        """Save now."""
        started = time.perf_counter()
        rows = trainer.history.rows
        path = self.store.save(
            trainer.state_dict(),
            epoch=len(rows),
            step=trainer.history.steps.count,
            metric=rows[-1].get("validation_loss") if rows else None,
            best=best,
        )
        self._last = time.perf_counter()
        self._cost = self._last - started
        return path

    def _passed(self, seconds: float) -> bool:
        return time.perf_counter() - self._last > max(seconds, _SHARE * self._cost)
