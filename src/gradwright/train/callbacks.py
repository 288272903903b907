"""What may be done while a network trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["Callback", "wants_every_step"]


class Callback:
    """Hooks that do nothing; override those you need. They run in this order, callback by callback:

    ====================  ===============================================================================
    ``on_fit_start``      once, before the first step, also when training is resumed
    ``on_epoch_start``    before each epoch's first step
    ``on_step_end``       after each step; whoever overrides it has the steps run one by one, which is slower
    ``on_steps_end``      after each block of steps that ran as one program
    ``on_validation_start``, ``on_validation_end``  round the validation; the row is not in the history yet
    ``on_epoch_end``      the row is in the history, the best weights are kept, nothing of the next epoch is done
    ``on_epochs_end``     training is over, the last epoch's weights are still in the model
    ``on_fit_end``        the best weights are back in the model
    ``on_interrupt``      instead of the rest, when the training was asked to stop: a good moment for a checkpoint
    ``on_error``          instead of the rest, when an exception ends the training
    ====================  ===============================================================================

    What happens inside a step (clipping, noise, penalties) is compiled and stands in the trainer's ``before_update``,
    ``after_update``, ``augment`` and ``penalty``.

    Examples
    --------
    >>> class Print(Callback):
    ...     def on_epoch_end(self, trainer, row):
    ...         print(row["epoch"], row["train_loss"])
    """

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Training begins or goes on: at most ``epochs`` epochs of ``steps`` steps."""

    def on_epoch_start(self, trainer: Trainer, epoch: int) -> None:
        """An epoch begins; epochs count from 1."""

    def on_step_end(self, trainer: Trainer, *, epoch: int, step: int, loss: float) -> None:
        """A step of the epoch is done; steps count from 1. Only those who override it pay for it."""

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """A block of steps of the epoch is done, ``step`` of them so far; ``trainer.history.steps`` has them."""

    def on_validation_start(self, trainer: Trainer, epoch: int) -> None:
        """All steps of the epoch are done; validation begins."""

    def on_validation_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """The epoch is validated; what is added to ``row`` goes into the history."""

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """An epoch is done; ``row`` is its line of the metrics."""

    def on_epochs_end(self, trainer: Trainer) -> None:
        """Training is over; the last weights are still in the model, so ``trainer.state_dict()`` is its end."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Training is over and the best weights are back in the model."""

    def on_interrupt(self, trainer: Trainer) -> None:
        """Training was asked to stop and stops here; ``trainer.state_dict()`` is where it can go on."""

    def on_error(self, trainer: Trainer, error: BaseException) -> None:
        """An exception ends the training; it is raised again afterwards."""

    def state_dict(self) -> dict[str, Any] | None:
        """Return what a resumed training needs of this callback, plain data and arrays; None for nothing."""
        return None

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what ``state_dict`` gave."""


def wants_every_step(callback: Callback) -> bool:
    """Say whether a callback asks to be called after each single step."""
    return getattr(type(callback), "on_step_end", None) is not Callback.on_step_end
