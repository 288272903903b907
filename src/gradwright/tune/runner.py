"""One member of a population while it is trained: its trainer, its random stream, its rows, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradwright.compile import CompiledStep, compile
from gradwright.compile.lift import Lifted
from gradwright.compile.signature import signature
from gradwright.data import epoch_order
from gradwright.engine.functions.joining import cat
from gradwright.engine.mode import no_grad
from gradwright.engine.random import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from gradwright.train.checks import epoch_batches, has_batch_norm
from gradwright.train.forward import EVALUATION_ROWS
from gradwright.train.metrics import r2
from gradwright.train.score import score, score_name, score_value
from gradwright.train.stopping import EarlyStopping
from gradwright.train.trainer import Trainer

__all__ = ["Runner", "Until"]

#: Up to which epoch members train: all to one, each to its own (who is not named stays), or None: to their end.
Until = int | Mapping[int, int] | None


@dataclass
class Runner:
    """A member: what trains it, on which rows, and its history.

    Attributes
    ----------
    number : int
        Which member it is.
    trainer : Trainer
        Model, criterion, optimizer and all else of its steps, made under ``generator``.
    generator : Generator
        Its random stream.
    rows, held : int64 arrays
        Its rows of the data to train on, and of those to validate with.
    epochs, batch_size, validate_every : int
    rule : EarlyStopping
    history : list of dict
        A row an epoch, as :class:`Trainer`'s.
    best_epoch : int
    stopped : str
        Why it ended, "" as long as it may go on.
    problem : str, optional
        What went wrong.
    """

    number: int
    trainer: Trainer
    generator: Generator
    rows: np.ndarray
    held: np.ndarray
    epochs: int
    batch_size: int
    rule: EarlyStopping
    validate_every: int = 1
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = ""
    problem: str | None = None
    changing: list[np.ndarray] = field(default_factory=list, repr=False)
    steady: list[np.ndarray] = field(default_factory=list, repr=False)
    best: list[np.ndarray] | None = field(default=None, repr=False)
    _total: float | None = None

    def __post_init__(self) -> None:
        self.batch_size = min(self.batch_size, len(self.rows))
        if self.batch_size == 1 and has_batch_norm(self.trainer.model):
            raise ConfigError(
                f"member {self.number}: batch normalisation needs batches of at least 2 rows; it has {len(self.rows)} "
                "rows and batches of 1"
            )
        self.full, self.rest = epoch_batches(self.trainer.model, len(self.rows), self.batch_size)
        self.step: CompiledStep = self.trainer._compiled
        self.judge: CompiledStep = compile(
            _judging(self.trainer), state=[self.trainer._judged, [self.trainer.criterion]]
        )
        self.trainer.model.train()
        self._states: tuple[Lifted, Lifted] | None = None

    @property
    def states(self) -> tuple[Lifted, Lifted]:
        """The state of its step, and that of its judging."""
        if self._states is None:
            with use_generator(self.generator):
                self._states = self.step.lifted(), self.judge.lifted()
        return self._states

    @property
    def schedules(self) -> list[LRScheduler]:
        """What sets the step's numbers anew after each step."""
        scheduler = self.trainer.scheduler
        return [] if scheduler is None or isinstance(scheduler, ReduceLROnPlateau) else [scheduler]

    def look_again(self) -> None:
        """Look for the state anew, after some of it was added."""
        self._states = None

    def key(self) -> tuple[Any, ...]:
        """Return what members must have in common to share a program."""
        step, judge = self.states
        return (
            signature(step, self.step.function),
            signature(judge, self.judge.function),
            self.full,
            self.rest,
            self.batch_size,
            len(self.held),
            bool(self.trainer.metrics.metrics),
        )

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history)

    def goes_on(self, until: Until) -> bool:
        """Say whether there is something to do before that epoch."""
        limit = until.get(self.number, 0) if isinstance(until, Mapping) else until
        return not self.stopped and (limit is None or self.epoch < limit)

    def order(self) -> np.ndarray:
        """Return the rows of the coming epoch in their order."""
        return self.rows[epoch_order(len(self.rows), key=self.trainer.seed, epoch=self.epoch + 1)]

    def take(self, losses: np.ndarray, scores: np.ndarray, figures: list[np.ndarray], y: np.ndarray) -> bool:
        """Take an epoch's figures down; say whether it was the best so far.

        Parameters
        ----------
        losses, scores : (steps,), (steps, 2)
            Of each step: the loss, and the sum of the score beside what it counts.
        figures : list of arrays
            Validation loss, score (2,), and outputs where further figures are asked for.
        y : array
            The validation targets.
        """
        trainer, epoch = self.trainer, self.epoch + 1
        name = score_name(trainer.criterion, y)
        sizes = np.full(len(losses), self.batch_size)
        if self.rest:
            sizes[-1] = self.rest
        total, count = scores.astype(np.float64).sum(0)
        row: dict[str, Any] = {
            "epoch": epoch,
            "train_loss": float((losses.astype(np.float64) * sizes).sum() / sizes.sum()),
            "learning_rate": float(trainer.optimizer.param_groups[0]["lr"]),
            f"train_{name}": score_value(name, total, count),
        }
        if epoch % self.validate_every == 0 or epoch == self.epochs:
            row["validation_loss"] = float(figures[0])
            total, count = figures[1].astype(np.float64)
            row[f"validation_{name}"] = score_value(name, total, count)
            if len(figures) > 2:
                if name == "rmse":
                    row["validation_r2"] = r2(y, figures[2])
                trainer.metrics.reset()
                trainer.metrics.update(figures[2], y)
                row |= trainer.metrics.compute("validation_")
            elif name == "rmse":
                row["validation_r2"] = None if self._spread(y) is None else float(1 - total / self._spread(y))
        self.history.append(row)
        if isinstance(trainer.scheduler, ReduceLROnPlateau) and "validation_loss" in row:
            trainer.scheduler.step(row["validation_loss"])
        decision = self.rule.decide(self.history)
        if decision.stop:
            self.stopped = decision.stop
        elif epoch >= self.epochs:
            self.stopped = f"all {self.epochs} epochs done"
        if self.stopped and decision.best is None:
            watched = self.rule.monitor.replace("_", " ")
            self.problem = f"the {watched} was not a finite number in any of {epoch} epochs"
        if decision.best == len(self.history) - 1:
            self.best_epoch = epoch
            return True
        if self.stopped and self.best_epoch == 0:
            self.problem = f"the validation loss was not a finite number in any of {epoch} epochs"
        return False

    def _spread(self, y: np.ndarray) -> float | None:
        """Σ(y - ȳ)² of the validation targets; None for constant ones."""
        if self._total is None:
            self._total = float(((y.astype(np.float64) - y.mean(dtype=np.float64)) ** 2).sum()) if np.ptp(y) else 0.0
        return self._total or None

    def fail(self, losses: np.ndarray) -> None:
        """Note that loss or weights were no numbers in the coming epoch, and end."""
        bad = np.flatnonzero(~np.isfinite(losses))
        where = f"in step {bad[0] + 1} of epoch {self.epoch + 1}" if len(bad) else f"in epoch {self.epoch + 1}"
        what = "the loss" if len(bad) else "a weight"
        kept = "the best weights so far are kept" if self.best is not None else "no epoch was good before"
        self.problem = f"{what} stopped being a number {where}; {kept}"
        self.stopped = f"loss stopped being a number in epoch {self.epoch + 1}"


def _judging(trainer: Trainer) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
    """Return what judges validation rows: loss and score, and the outputs where further figures are asked for."""
    model, criterion, outputs = trainer._judged, trainer.criterion, bool(trainer.metrics.metrics)

    def judge(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        training = model.training
        model.eval()
        try:
            with no_grad():
                starts = range(0, len(x), EVALUATION_ROWS)
                output = cat([model(x[s : s + EVALUATION_ROWS]) for s in starts]) if len(starts) > 1 else model(x)
                found = criterion(output, y), score(criterion, output, y)
                several = outputs or (score_name(criterion, y) == "rmse" and np.prod(y.shape[1:]) > 1)
                return (*found, output) if several else found
        finally:
            model.train(training)

    return judge
