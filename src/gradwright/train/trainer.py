"""The training loop: epochs as compiled programs, early stopping, the best weights kept, resumable at every block."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradwright import nn
from gradwright.backend import one_blas_thread
from gradwright.compile import CompiledStep, compile, place
from gradwright.data import epoch_order
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError, TrainingInterrupted
from gradwright.nn.summary import summary_info
from gradwright.optim import Optimizer
from gradwright.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from gradwright.optim.swa_utils import AveragedModel
from gradwright.train.callbacks import Callback, wants_every_step
from gradwright.train.checks import check_counts, checked_part, epoch_batches, has_batch_norm, rehearse
from gradwright.train.clipping import ClipNorm
from gradwright.train.forward import EVALUATION_ROWS, forward_rows
from gradwright.train.history import History
from gradwright.train.metrics import Metric, MetricCollection, r2
from gradwright.train.nonfinite import ADVICE
from gradwright.train.norms import NORMS
from gradwright.train.programs import forward_program, make_step, run_block
from gradwright.train.score import score, score_name, score_value
from gradwright.train.state import load_trainer_state, trainer_state
from gradwright.train.stopping import EarlyStopping
from gradwright.train.stream import RowStream

__all__ = ["Progress", "Trainer"]

#: Steps that run as one program at most; between programs there is time for a progress bar, a checkpoint, for Ctrl-C.
BLOCK = 250
#: Arithmetic of a block at most, a backward pass counted as two forward passes: a few seconds on two cores.
BLOCK_FLOPS = 200 * 10**9

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass
class Progress:
    """Where a training stands: which epoch, how many of its steps are done, and their sums so far."""

    epoch: int = 1
    step: int = 0
    rows: int = 0
    loss: float = 0.0
    score: float = 0.0
    count: float = 0.0
    norms: list[list[float]] | None = None  # of the epoch's last step, a row a parameter


class Trainer:
    """Train a model with minibatches, early stopping on validation loss, and the best weights kept.

    Parameters
    ----------
    model : Module
        What is trained.
    criterion : Module
        The loss: ``criterion(model(x), y)``, a mean over the rows.
    optimizer : Optimizer
        The update rule. L-BFGS and Newton want all rows in a batch, and no dropout; L-BFGS runs eagerly.
    scheduler : LRScheduler, optional
        Goes on by one after each update, inside the compiled step; :class:`ReduceLROnPlateau` after each epoch, by its
        validation loss.
    augment : callable, optional
        ``augment(x, y) → (x, y)`` for each batch, on tensors; drawn anew in each epoch.
    penalty : callable, optional
        ``penalty(model) → Tensor``, added to the loss that is trained; the losses that are reported leave it out.
    average : AveragedModel, optional
        An average of the model's weights, updated after each step: what is validated, and whose best weights end up in
        the model.
    before_update, after_update : sequences of callables
        Called without arguments in every step, compiled with it: on the gradients (clipping each layer, noise), and on
        the new weights (max-norm, averaging).
    clip_norm : float > 0, optional
        Bound on the norm of all gradients together.
    metrics : names, or dict of name to Metric
        Further figures of the validation, as ``gradwright list metrics`` names them; rows have them as
        ``validation_<name>``.
    precision : {"float32", "bfloat16"}
        What the training steps compute products and convolutions in, as :class:`gradwright.autocast` does. Weights,
        losses, updates and validation stay as they are.
    accumulate : int >= 1
        Compute each batch in so many parts, one after the other, for less memory; the gradient is the whole batch's,
        also of a short last one. Batch normalisation then sees the parts.
    norms : bool
        Take down the norms of each parameter's gradient (as clipped), of itself and of its update, in the last step of
        every epoch: ``row["norms"]``. That step is a program of its own then.
    eager : bool
        Run on NumPy instead of compiling; the same numbers up to rounding.
    seed : int
        Decides the batch order of every epoch.
    callbacks : sequence of Callback
        Their hooks and the order in which they run are in :class:`Callback`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim, train
    >>> _ = gw.manual_seed(0)
    >>> x = gw.randn(200, 3).numpy(); y = (x.sum(1) > 0).astype("int64")
    >>> model = nn.Linear(3, 2)
    >>> trainer = train.Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.05))
    >>> history = trainer.fit((x[:150], y[:150]), (x[150:], y[150:]), epochs=20, batch_size=30)
    >>> history.rows[-1]["validation_accuracy"] > 0.9
    True
    >>> len(history.steps["loss"])
    100
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: nn.Module,
        optimizer: Optimizer,
        *,
        scheduler: LRScheduler | None = None,
        augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
        penalty: Callable[[nn.Module], Tensor] | None = None,
        average: AveragedModel | None = None,
        before_update: Sequence[Callable[[], Any]] = (),
        after_update: Sequence[Callable[[], Any]] = (),
        clip_norm: float | None = None,
        metrics: Iterable[str] | Mapping[str, Metric] = (),
        precision: Literal["float32", "bfloat16"] = "float32",
        accumulate: int = 1,
        norms: bool = False,
        eager: bool = False,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.model = model.name_parts()
        self.criterion = criterion
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.augment = augment
        self.penalty = penalty
        self.average = average
        self.before_update = list(before_update)
        self.after_update = list(after_update)
        if clip_norm is not None:
            parameters, bound = list(model.parameters()), ClipNorm(clip_norm)
            self.before_update.append(lambda: bound(parameters))
        if self.before_update and optimizer.closure is not None:
            raise ConfigError(
                f"Trainer: {type(optimizer).__name__} computes its gradients itself, where nothing can change them: "
                "leave clip_norm and before_update away"
            )
        if accumulate < 1:
            raise ConfigError(f"Trainer: accumulate is {accumulate}; expected 1 or more")
        if accumulate > 1 and optimizer.closure is not None:
            raise ConfigError(
                f"Trainer: {type(optimizer).__name__} computes its gradients itself, so accumulate must be 1"
            )
        if precision not in ("float32", "bfloat16"):
            raise ConfigError(f"Trainer: precision is {precision!r}; expected 'float32' or 'bfloat16'")
        self._judged = model if average is None else average.module
        if average is not None:
            self.after_update.append(lambda: average.update_parameters(model))
        if scheduler is not None and not isinstance(scheduler, ReduceLROnPlateau):
            self.after_update.append(scheduler.step)
        self.eager = eager or optimizer.closure == "gradients"  # such a rule's way depends on the loss's value
        self.seed = seed
        self.metrics = MetricCollection(metrics)
        self.callbacks = list(callbacks)
        self.history = History()
        self.progress = Progress()
        self.best_weights: dict[str, Tensor] | None = None
        self._resumed = False
        self._block_steps = BLOCK
        self._stop = ""
        how: dict[str, Any] = {
            "augment": augment, "penalty": penalty, "before": self.before_update, "after": self.after_update,
            "precision": precision, "accumulate": accumulate,
        }  # fmt: skip
        state = [model, criterion, optimizer, [augment, penalty], self.before_update, self.after_update]
        self._compiled: CompiledStep = compile(make_step(model, criterion, optimizer, **how), state=state)
        self._measured = self._compiled  # what runs the last step of an epoch
        if norms and optimizer.closure is None:
            measuring = make_step(model, criterion, optimizer, **how, measured=list(model.parameters()))
            self._measured = compile(measuring, state=state)
        self._last_step = 0
        self._forward: CompiledStep = compile(forward_program(self._judged), state=[self._judged])

    # --- training ---------------------------------------------------------------------------------------------------
    def fit(
        self,
        train: Arrays | RowStream,
        validation: Arrays,
        *,
        epochs: int = 100,
        batch_size: int = 32,
        patience: int | None = None,
        early_stopping: EarlyStopping | None = None,
        validate_every: int = 1,
    ) -> History:
        """Train until ``epochs`` are over or validation loss has not improved for ``patience`` epochs.

        After :meth:`load_state_dict` it goes on where the state was taken, bit for bit as if nothing had happened.

        Parameters
        ----------
        train, validation : (x, y)
            Arrays (rows, features) in the model's dtype, and (rows,) int64 labels or (rows, 1) numbers. To train on,
            also a :class:`RowStream`, read block by block in an order and in batches of its own:
            ``fit(streamed.train, streamed.validation.arrays())`` of :func:`gradwright.data.stream`.
        epochs, batch_size : int >= 1
        patience : int >= 1, optional
            None: no early stopping. The weights of the best epoch are put back either way.
        early_stopping : EarlyStopping, optional
            Instead of ``patience``: another rule, another figure, a warm-up, a least improvement.
        validate_every : int >= 1
            Epochs from one validation to the next; the last one is always validated.

        Raises
        ------
        NonFiniteError
            When loss or weights become NaN or infinite before any epoch was good; later, training ends, the best
            weights are put back and ``history.problem`` says what happened.
        ShapeError, IndexOutOfRangeError
            When inputs, targets and model do not fit together; before anything is changed.
        TrainingInterrupted
            After :meth:`stop`, at the end of the block of steps that is running.
        """
        check_counts(epochs=epochs, batch_size=batch_size, patience=patience, validate_every=validate_every)
        if early_stopping is not None and patience is not None:
            raise ConfigError("fit: give patience or early_stopping, not both; EarlyStopping has a patience of its own")
        rule = early_stopping or EarlyStopping(patience=patience)
        first = train.example() if isinstance(train, RowStream) else train
        parts = {"train": checked_part("train", *first), "validation": checked_part("validation", *validation)}
        for name, part in parts.items():
            rehearse(name, self.model, self.criterion, *part)
        rows = len(parts["train"][0])
        if isinstance(train, RowStream):
            rows, batch_size = train.rows, train.batch_size
        batch_size = min(batch_size, rows)
        if batch_size == 1 and has_batch_norm(self.model):
            raise ConfigError("fit: batch normalisation needs batches of at least 2 rows; batch_size is 1")
        full, rest = epoch_batches(self.model, rows, batch_size)
        if not self._resumed:
            self.history, self.progress, self.best_weights = History(), Progress(), None
        self._resumed = False
        initial = self.weights()
        self.model.train()
        data = train if isinstance(train, RowStream) else self._place(*parts["train"])
        self._last_step = full + (rest > 0)
        self._block_steps = block_steps(self.model, parts["train"][0], batch_size)
        try:
            self._tell("on_fit_start", epochs=epochs, steps=full + (rest > 0))
            if not self.eager:
                self._prepare(data, parts["validation"][0], batch_size, full, rest)
            with self._same_on_any_cores():
                stopped = self._epochs(
                    data, parts["validation"], epochs, batch_size, (full, rest), rule, validate_every
                )
            self._tell("on_epochs_end")
            if self.best_weights is None:
                raise NonFiniteError(f"the validation loss was not a finite number in any of {epochs} epochs. {ADVICE}")
        except TrainingInterrupted:
            self._tell("on_interrupt")
            self._put(self.best_weights or self.weights())
            self.model.eval()
            raise
        except BaseException as error:
            self._tell("on_error", error)
            self._put(self.best_weights or initial)
            self.model.eval()
            raise
        finally:
            self._stop = ""
        self.history.stopped = stopped
        self._put(self.best_weights)
        self.model.eval()
        self._tell("on_fit_end")
        return self.history

    def _epochs(
        self,
        data: tuple[Any, Any] | RowStream,
        validation: Arrays,
        epochs: int,
        batch_size: int,
        steps: tuple[int, int],
        rule: EarlyStopping,
        validate_every: int,
    ) -> str:
        """Run epoch after epoch; return why it ended."""
        progress, history = self.progress, self.history
        decision = rule.decide(history.rows)
        while True:
            if reason := decision.stop:
                return reason
            epoch = progress.epoch
            if epoch > epochs:
                return f"all {epochs} epochs done"
            started = time.perf_counter()
            if progress.step == 0:
                self._tell("on_epoch_start", epoch)
            try:
                self._epoch(data, batch_size, steps)
                row = self._row(epoch, validation, time.perf_counter() - started, epochs, validate_every)
            except NonFiniteError as error:
                if self.best_weights is None:
                    raise
                history.problem = str(error)
                return f"loss stopped being a number in epoch {epoch}; the best weights so far are kept"
            history.rows.append(row)
            if not history.first_epoch_seconds:
                history.first_epoch_seconds = time.perf_counter() - started
            if isinstance(self.scheduler, ReduceLROnPlateau) and "validation_loss" in row:
                self.scheduler.step(row["validation_loss"])
            decision = rule.decide(history.rows)
            if decision.best == len(history.rows) - 1:
                history.best_epoch, self.best_weights = epoch, self.weights()
            self.progress = progress = Progress(epoch + 1)
            self._tell("on_epoch_end", row)
            self._check_stop()

    def _epoch(self, data: tuple[Any, Any] | RowStream, batch_size: int, steps: tuple[int, int]) -> None:
        """Run the steps of the epoch that are not done yet."""
        progress, (full, rest) = self.progress, steps
        if not isinstance(data, RowStream):
            order = epoch_order(len(data[0]), key=self.seed, epoch=progress.epoch)
            self._batches(data, order, batch_size, steps)
            return
        with contextlib.closing(data.blocks(progress.epoch, progress.step)) as pieces:
            for x, y in pieces:
                first = progress.step
                whole = min(len(x) // batch_size, full - first)
                short = rest if len(x) > whole * batch_size else 0
                self._batches(self._place(x, y), np.arange(len(x)), batch_size, (whole, short), first)

    def _batches(
        self, data: tuple[Any, Any], order: np.ndarray, batch_size: int, steps: tuple[int, int], first: int = 0
    ) -> None:
        """Run whole batches of the rows in this order, and a short one; the first of them is step ``first``."""
        progress, (full, rest) = self.progress, steps
        batches = order[: full * batch_size].reshape(full, batch_size)
        single = any(wants_every_step(callback) for callback in self.callbacks)
        for start, stop in blocks(full, 1 if single else self._block_steps):
            if stop > progress.step - first:
                self._block(data, batches[max(start, progress.step - first) : stop])
        if rest and progress.step - first == full:
            self._block(data, order[full * batch_size : full * batch_size + rest][None])

    def _block(self, data: tuple[Any, Any], batches: np.ndarray) -> None:
        """Run steps as one program and add up what came of them; where norms are asked for, the epoch's last alone."""
        progress, size = self.progress, batches.shape[1]
        ends = progress.step + len(batches) == self._last_step
        if ends and self._measured is not self._compiled and len(batches) > 1:
            self._block(data, batches[:-1])
            self._block(data, batches[-1:])
            return
        result = run_block(
            self._measured if ends else self._compiled, data, batches,
            eager=self.eager, schedules=[] if self.scheduler is None else [self.scheduler],
            epoch=progress.epoch, first=progress.step,
        )  # fmt: skip
        self.history.steps.append(epoch=progress.epoch, loss=result.losses, learning_rate=result.rates)
        progress.norms = None if result.norms is None else result.norms.astype(float).tolist()
        progress.step += len(batches)
        progress.rows += len(batches) * size
        # one after the other, so that the sum does not depend on how the steps were cut into blocks
        for loss, score_, count in zip(result.losses, result.scores, result.counts, strict=True):
            progress.loss += float(loss) * size
            progress.score += float(score_)
            progress.count += float(count)
        if len(batches) == 1:
            self._tell_step(float(result.losses[0]))
        self._tell("on_steps_end", epoch=progress.epoch, step=progress.step)
        self._check_stop()

    def _prepare(
        self, data: tuple[Any, Any] | RowStream, vx: np.ndarray, batch_size: int, full: int, rest: int
    ) -> None:
        """Have the smaller programs compiled in the background while the epoch's own is compiled and run."""
        last = rest or (batch_size if self._measured is not self._compiled else 0)
        if last and full and not isinstance(data, RowStream):
            self._measured.prepare_scan(*data, order=np.zeros((1, last), np.int32))
        training = self._judged.training
        self._judged.eval()
        self._forward.prepare(Tensor(vx[:EVALUATION_ROWS]))
        self._judged.train(training)

    # --- stopping and going on --------------------------------------------------------------------------------------
    def stop(self, reason: str = "asked to stop") -> None:
        """Ask a running :meth:`fit` to stop at the end of its block of steps; a signal's handler may call it."""
        self._stop = reason

    def _check_stop(self) -> None:
        if self._stop:
            raise TrainingInterrupted(
                f"{self._stop} in epoch {self.progress.epoch}, after {self.progress.step} of its steps"
            )

    def state_dict(self) -> dict[str, Any]:
        """Return all that a later :meth:`fit` needs to go on from here: plain data and arrays."""
        return trainer_state(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state of a trainer made alike; the next :meth:`fit` goes on from there.

        Raises
        ------
        StateError
            When the state belongs to another model, optimizer or schedule.
        """
        load_trainer_state(self, state)
        self._resumed = True

    # --- evaluation -------------------------------------------------------------------------------------------------
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs for rows, in evaluation mode."""
        with self._same_on_any_cores():
            return self._predict(x)

    def _predict(self, x: np.ndarray, between: Callable[[], None] | None = None) -> np.ndarray:
        return forward_rows(self._judged, x, None if self.eager else self._forward, between)

    def loss(self, output: np.ndarray, y: np.ndarray) -> float:
        """Return the criterion of outputs that are there already."""
        with no_grad():
            return float(self.criterion(Tensor(output), Tensor(y)).item())

    def _row(self, epoch: int, validation: Arrays, seconds: float, epochs: int, validate_every: int) -> dict[str, Any]:
        """Return the epoch's line of the history, validated when it is time."""
        started = time.perf_counter()
        vx, vy = validation
        progress, name = self.progress, score_name(self.criterion, vy)
        row: dict[str, Any] = {"epoch": epoch, "train_loss": progress.loss / progress.rows}
        if progress.norms is not None:
            names = [name for name, _ in self.model.named_parameters()]
            columns = zip(*progress.norms, strict=True)
            row["norms"] = {kind: dict(zip(names, c, strict=True)) for kind, c in zip(NORMS, columns, strict=True)}
        row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        row[f"train_{name}"] = score_value(name, progress.score, progress.count)
        if epoch % validate_every == 0 or epoch == epochs:
            self._tell("on_validation_start", epoch)
            with np.errstate(all="ignore"):  # weights on their way to infinity overflow here first
                output = self._predict(vx, self._check_stop)
                row["validation_loss"] = self.loss(output, vy)
                total, count = score(self.criterion, Tensor(output), Tensor(vy)).numpy().astype(float)
                row[f"validation_{name}"] = score_value(name, total, count)
                if name == "rmse":
                    row["validation_r2"] = r2(vy, output)
                self.metrics.reset()
                self.metrics.update(output, vy)
                row |= self.metrics.compute("validation_")
            self._tell("on_validation_end", row)
        row["seconds"] = seconds + time.perf_counter() - started
        return row

    def _same_on_any_cores(self) -> contextlib.AbstractContextManager[Any]:
        """Eagerly, BLAS would cut its sums by the number of cores; XLA's pool has a fixed size."""
        return one_blas_thread() if self.eager else contextlib.nullcontext()

    # --- helpers ----------------------------------------------------------------------------------------------------
    def _place(self, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        """Put the data where the programs will read it, once."""
        if self.eager:
            return x, y
        a, b = place(x, y)
        return a._array, b._array

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights that are validated."""
        return self._judged.state_dict()

    def _put(self, weights: dict[str, Tensor]) -> None:
        self.model.load_state_dict(weights)
        if self._judged is not self.model:
            self._judged.load_state_dict(weights)

    def _tell(self, hook: str, *args: Any, **kwargs: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self, *args, **kwargs)

    def _tell_step(self, loss: float) -> None:
        for callback in self.callbacks:
            if wants_every_step(callback):
                callback.on_step_end(self, epoch=self.progress.epoch, step=self.progress.step, loss=loss)


def block_steps(model: nn.Module, x: np.ndarray, batch_size: int) -> int:
    """Return how many steps a block has: so few of a large network's that stopping need not wait long."""
    flops = summary_info(model, Tensor(x[:1])).flops
    return int(min(BLOCK, max(1, BLOCK_FLOPS // max(1, 3 * flops * batch_size))))


def blocks(steps: int, most: int) -> list[tuple[int, int]]:
    """Cut an epoch into blocks of one length, so that one program serves them all; the last may be shorter.

    How it is cut changes nothing in what is computed, to the bit.
    """
    if steps == 0:
        return []
    count = -(-steps // most)
    even = [c for c in range(count, 2 * count + 1) if steps % c == 0]
    size = steps // even[0] if even else -(-steps // count)
    return [(s, min(s + size, steps)) for s in range(0, steps, size)]
