"""What may be done while a network trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["Callback"]


class Callback:
    """Hooks that do nothing; override those you need."""

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Training begins: at most ``epochs`` epochs of ``steps`` steps."""

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """A block of steps of the epoch is done, ``step`` of them so far."""

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """An epoch is done and validated; ``row`` is its line of the metrics."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Training is over and the best weights are back in the model."""
