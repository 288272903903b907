"""The records of a run that grow while it trains: status, a line an epoch, a line a step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradwright.errors import RunError
from gradwright.train.callbacks import Callback
from gradwright.train.folder import plain, write_lines, write_status

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["LiveRecords"]

_SECONDS = 1.0  # between two records of how far it is


class LiveRecords(Callback):
    """Keep ``status.json``, ``metrics.jsonl`` and ``steps.jsonl`` up to date, for whoever watches, and for a crash.

    Parameters
    ----------
    folder : Path
        The run's folder.
    unit : callable
        Brings a row of the history to the target's own unit.
    """

    def __init__(self, folder: Path, unit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.folder = folder
        self.unit = unit
        self._epochs = 0
        self._told = 0.0
        self._steps = 0

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Begin with what there is: a resumed run has lines already, perhaps more than its checkpoint."""
        self._epochs = epochs
        history = trainer.history
        write_lines(self.folder / "metrics.jsonl", [self.unit(row) for row in history.rows])
        write_lines(self.folder / "steps.jsonl", step_lines(history.steps))
        self._steps = history.steps.count
        self._status(trainer)

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """Add the lines of these steps."""
        steps = trainer.history.steps
        self._append("steps.jsonl", step_lines(steps.since(self._steps)))
        self._steps = steps.count
        if time.perf_counter() - self._told > _SECONDS:
            self._status(trainer)

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """Add the line of this epoch."""
        self._append("metrics.jsonl", [self.unit(row)])

    def _status(self, trainer: Trainer) -> None:
        progress = trainer.progress
        write_status(self.folder, "running", epoch=progress.epoch, epochs=self._epochs, step=progress.step)
        self._told = time.perf_counter()

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        try:
            with (self.folder / name).open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(plain(r), allow_nan=False, ensure_ascii=False) + "\n" for r in rows)
        except OSError as error:
            raise RunError(f"cannot write {self.folder / name}: {error.strerror}") from None


def step_lines(steps: Any) -> list[dict[str, Any]]:
    """Return a line a step."""
    names = list(steps)
    return [dict(zip(names, values, strict=True)) for values in zip(*(steps[n].tolist() for n in names), strict=True)]
