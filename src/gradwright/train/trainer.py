"""The training loop: epochs as compiled programs, early stopping, the best weights kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.compile import CompiledStep, compile, place
from gradwright.data import epoch_order
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, NonFiniteError, ShapeError
from gradwright.nn.batchnorm import BatchNorm
from gradwright.optim import Optimizer
from gradwright.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from gradwright.optim.swa_utils import AveragedModel
from gradwright.train.callbacks import Callback
from gradwright.train.metrics import r2, rmse
from gradwright.train.nonfinite import ADVICE, Snapshot, explain_nonfinite

__all__ = ["History", "Trainer", "forward_rows"]

#: Steps that run as one program; between programs there is time for a progress bar and for Ctrl-C.
BLOCK = 250
#: Rows that are evaluated as one program.
EVALUATION_ROWS = 8192

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass
class History:
    """What happened, an epoch a row, and how it ended."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = ""
    problem: str | None = None
    first_epoch_seconds: float = 0.0  # with what is compiled in it


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
    eager : bool
        Run on NumPy instead of compiling; the same numbers up to rounding.
    seed : int
        Decides the batch order of every epoch.
    callbacks : sequence of Callback

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
        self.before_update = list(before_update)
        self.after_update = list(after_update)
        if clip_norm is not None:
            parameters = list(model.parameters())
            self.before_update.append(lambda: nn.utils.clip_grad_norm_(parameters, clip_norm))
        if self.before_update and optimizer.closure is not None:
            raise ConfigError(
                f"Trainer: {type(optimizer).__name__} computes its gradients itself, where nothing can change them: "
                "leave clip_norm and before_update away"
            )
        self._judged = model if average is None else average.module
        if average is not None:
            self.after_update.append(lambda: average.update_parameters(model))
        if scheduler is not None and not isinstance(scheduler, ReduceLROnPlateau):
            self.after_update.append(scheduler.step)
        self.eager = eager or optimizer.closure == "gradients"  # such a rule's way depends on the loss's value
        self.seed = seed
        self.callbacks = list(callbacks)
        self.history = History()
        self._step = self._make_step()
        state = [model, criterion, optimizer, [augment, penalty], self.before_update, self.after_update]
        self._compiled: CompiledStep = compile(self._step, state=state)
        self._forward: CompiledStep = compile(self._make_forward(), state=[self._judged])

    # --- the two programs -------------------------------------------------------------------------------------------
    def _make_step(self) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        model, criterion, optimizer = self.model, self.criterion, self.optimizer
        augment, penalty, before, after = self.augment, self.penalty, self.before_update, self.after_update

        def update(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            output = model(inputs)
            loss = criterion(output, targets)
            (loss if penalty is None else loss + penalty(model)).backward()
            for change in before:
                change()
            optimizer.step()
            return output, loss

        def search(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            """Let a rule that asks for the loss itself look where it likes; return what came of it."""

            def closure() -> Tensor:
                loss: Tensor = criterion(model(inputs), targets)
                total = loss if penalty is None else loss + penalty(model)
                if optimizer.closure == "gradients":
                    optimizer.zero_grad()
                    total.backward()
                return total

            optimizer.step(closure)
            with no_grad():
                output = model(inputs)
                return output, criterion(output, targets)

        move = update if optimizer.closure is None else search

        def step(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            optimizer.zero_grad()
            inputs, targets = (x, y) if augment is None else augment(x, y)
            output, loss = move(inputs, targets)
            for change in after:
                change()
            return loss.detach(), _score(output.detach(), y)

        return step

    def _make_forward(self) -> Callable[[Tensor], Tensor]:
        model = self._judged

        def forward(x: Tensor) -> Tensor:
            with no_grad():
                out: Tensor = model(x)
                return out

        return forward

    # --- training ---------------------------------------------------------------------------------------------------
    def fit(
        self,
        train: Arrays,
        validation: Arrays,
        *,
        epochs: int = 100,
        batch_size: int = 32,
        patience: int | None = None,
    ) -> History:
        """Train until ``epochs`` are over or validation loss has not improved for ``patience`` epochs.

        Parameters
        ----------
        train, validation : (x, y)
            Arrays (rows, features) in the model's dtype, and (rows,) int64 labels or (rows, 1) numbers.
        epochs, batch_size : int >= 1
        patience : int >= 1, optional
            None: no early stopping. The weights of the best epoch are put back either way.

        Raises
        ------
        NonFiniteError
            When loss or weights become NaN or infinite before any epoch was good; later, training ends, the best
            weights are put back and ``history.problem`` says what happened.
        ShapeError, IndexOutOfRangeError
            When inputs, targets and model do not fit together; before anything is changed.
        """
        for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
            if value is not None and value < 1:
                raise ConfigError(f"fit: {name} is {value}; expected 1 or more")
        x, y = self._checked("train", *train)
        self._checked("validation", *validation)
        n = len(x)
        batch_size = min(batch_size, n)
        self._refuse_single_row(batch_size)
        full, rest = epoch_batches(self.model, n, batch_size)
        self.history = History()
        best, best_weights, since_best = np.inf, self._weights(), 0
        self._tell("on_fit_start", epochs=epochs, steps=full + (rest > 0))
        self.model.train()
        data = self._place(x, y)
        if not self.eager:
            self._prepare(data, np.asarray(validation[0]), batch_size, full, rest)
        stopped = f"all {epochs} epochs done"
        for epoch in range(1, epochs + 1):
            epoch_started = time.perf_counter()
            order = epoch_order(n, key=self.seed, epoch=epoch)
            try:
                loss, score = self._epoch(data, order, batch_size, full, rest, epoch)
            except NonFiniteError as error:
                if self.history.best_epoch == 0:
                    self._put(best_weights)
                    raise
                self.history.problem = str(error)
                stopped = f"loss stopped being a number in epoch {epoch}; the best weights so far are kept"
                break
            row = self._row(epoch, loss, score, y, validation, time.perf_counter() - epoch_started)
            if epoch == 1:
                self.history.first_epoch_seconds = time.perf_counter() - epoch_started
            self.history.rows.append(row)
            if isinstance(self.scheduler, ReduceLROnPlateau):
                self.scheduler.step(row["validation_loss"])
            if row["validation_loss"] < best:
                best, best_weights, since_best = row["validation_loss"], self._weights(), 0
                self.history.best_epoch = epoch
            else:
                since_best += 1
            self._tell("on_epoch_end", row)
            if patience is not None and since_best >= patience:
                stopped = f"early: validation loss did not improve for {patience} epochs"
                break
        if self.history.best_epoch == 0:
            self._put(best_weights)
            raise NonFiniteError(f"the validation loss was not a finite number in any of {epochs} epochs. {ADVICE}")
        self.history.stopped = stopped
        self._put(best_weights)
        self.model.eval()
        self._tell("on_fit_end")
        return self.history

    def _prepare(self, data: tuple[Any, Any], vx: np.ndarray, batch_size: int, full: int, rest: int) -> None:
        """Have the smaller programs compiled in the background while the epoch's own is compiled and run."""
        if rest and full:
            self._compiled.prepare_scan(*data, order=np.zeros((1, rest), np.int32))
        training = self._judged.training
        self._judged.eval()
        self._forward.prepare(Tensor(vx[:EVALUATION_ROWS]))
        self._judged.train(training)

    def _epoch(
        self, data: tuple[Any, Any], order: np.ndarray, batch_size: int, full: int, rest: int, epoch: int
    ) -> tuple[float, float]:
        """Run one epoch; return the mean loss and the summed score over its rows."""
        batches = order[: full * batch_size].reshape(full, batch_size)
        total = score = 0.0
        for start, stop in _blocks(full):
            losses, scores = self._run(data, batches[start:stop], epoch, start)
            total += float(np.sum(losses, dtype=np.float64)) * batch_size
            score += float(np.sum(scores, dtype=np.float64))
            self._tell("on_steps_end", epoch=epoch, step=stop)
        rows = full * batch_size
        if rest:
            losses, scores = self._run(data, order[rows : rows + rest][None], epoch, full)
            total += float(losses[0]) * rest
            score += float(scores[0])
            self._tell("on_steps_end", epoch=epoch, step=full + 1)
            rows += rest
        return total / rows, score / rows

    def _run(self, data: tuple[Any, Any], batches: np.ndarray, epoch: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Run a block of steps and refuse a loss that is not a number, saying where it came from."""
        snapshot = Snapshot(self._compiled, [] if self.scheduler is None else [self.scheduler])
        x, y = data
        if self.eager:
            losses, scores = np.full(len(batches), np.nan), np.zeros(len(batches))
            # clipping refuses a norm that is not finite; the loss then stays NaN
            with contextlib.suppress(NonFiniteError), np.errstate(all="ignore"):
                for k, rows in enumerate(batches):
                    pair = self._step(Tensor(x[rows]), Tensor(y[rows]))
                    losses[k], scores[k] = pair[0].item(), pair[1].item()
        else:
            both = self._compiled.scan(x, y, order=batches)
            losses, scores = (t.numpy() for t in both)
        bad = np.flatnonzero(~np.isfinite(losses))
        if bad.size or snapshot.bad() is not None:
            k = int(bad[0]) if bad.size else len(batches) - 1
            snapshot.restore()
            message = explain_nonfinite(self._step, snapshot, x, y, batches, k, epoch, first)
            snapshot.restore()
            raise NonFiniteError(message)
        return losses, scores

    # --- evaluation -------------------------------------------------------------------------------------------------
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs for rows, in evaluation mode."""
        return forward_rows(self._judged, x, self._make_forward() if self.eager else self._forward)

    def loss(self, output: np.ndarray, y: np.ndarray) -> float:
        """Return the criterion of outputs that are there already."""
        with no_grad():
            return float(self.criterion(Tensor(output), Tensor(y)).item())

    def _row(
        self, epoch: int, loss: float, score: float, y: np.ndarray, validation: Arrays, seconds: float
    ) -> dict[str, Any]:
        started = time.perf_counter()
        vx, vy = validation
        row: dict[str, Any] = {"epoch": epoch, "train_loss": loss}
        with np.errstate(all="ignore"):  # weights on their way to infinity overflow here first
            output = self.predict(vx)
            row["validation_loss"] = self.loss(output, vy)
            row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
            if y.dtype.kind == "i":
                row["train_accuracy"] = score
                row["validation_accuracy"] = float(np.mean(output.argmax(1) == vy))
            else:
                row["train_rmse"] = float(np.sqrt(score))
                row["validation_rmse"] = rmse(vy, output)
                row["validation_r2"] = r2(vy, output)
        row["seconds"] = seconds + time.perf_counter() - started
        return row

    # --- helpers ----------------------------------------------------------------------------------------------------
    def _checked(self, name: str, x: np.ndarray, y: np.ndarray) -> Arrays:
        x, y = np.asarray(x), np.asarray(y)
        if len(x) != len(y) or len(x) == 0:
            raise ShapeError(
                f"fit: {name} has {len(x)} rows of input and {len(y)} of target; need the same number, at least 1"
            )
        if not np.isfinite(x).all():
            row = int(np.argwhere(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))[0, 0])
            raise NonFiniteError(
                f"fit: {name} input has a value that is not finite in row {row}; prepare the data first"
            )
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            row = int(np.argwhere(~np.isfinite(y.reshape(len(y), -1)).all(axis=1))[0, 0])
            raise NonFiniteError(f"fit: {name} target is not finite in row {row}")
        self._rehearse(name, x, y)
        return x, y

    def _rehearse(self, name: str, x: np.ndarray, y: np.ndarray) -> None:
        """Send one row through the model and all targets through the criterion: what does not fit shows now."""
        training = self.model.training
        self.model.eval()
        try:
            with no_grad():
                output = self.model(Tensor(x[:1]))
                self.criterion(Tensor(np.zeros((len(y), *output.shape[1:]), output.dtype)), Tensor(y))
        except (ShapeError, IndexOutOfRangeError, DTypeError) as error:
            raise type(error)(f"fit: {name}: {error}") from None
        finally:
            self.model.train(training)

    def _refuse_single_row(self, batch_size: int) -> None:
        if batch_size == 1 and has_batch_norm(self.model):
            raise ConfigError("fit: batch normalisation needs batches of at least 2 rows; batch_size is 1")

    def _place(self, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        """Put the data where the programs will read it, once."""
        if self.eager:
            return x, y
        a, b = place(x, y)
        return a._array, b._array

    def _weights(self) -> dict[str, Tensor]:
        return self._judged.state_dict()

    def _put(self, weights: dict[str, Tensor]) -> None:
        self.model.load_state_dict(weights)
        if self._judged is not self.model:
            self._judged.load_state_dict(weights)

    def _tell(self, hook: str, *args: Any, **kwargs: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self, *args, **kwargs)


def forward_rows(model: nn.Module, x: np.ndarray, forward: Callable[[Tensor], Tensor] | None = None) -> np.ndarray:
    """Return the outputs for many rows in evaluation mode, block by block, without recording anything."""
    training = model.training
    model.eval()
    try:
        with no_grad():
            parts = []
            for start in range(0, max(len(x), 1), EVALUATION_ROWS):
                rows = Tensor(x[start : start + EVALUATION_ROWS])
                parts.append(np.asarray((forward or model)(rows)._array))
            return np.concatenate(parts)
    finally:
        model.train(training)


def _score(output: Tensor, y: Tensor) -> Tensor:
    """Count right labels, or add up squared errors: what accuracy and RMSE are made of."""
    if y.dtype.kind in "iu":
        return (output.argmax(1) == y).sum()
    d = output - y
    return (d * d).sum() * (1.0 / d.shape[1])


def has_batch_norm(model: nn.Module) -> bool:
    """Say whether a part of the model normalises over the batch."""
    return any(isinstance(m, BatchNorm) for m in model.modules())


def steps_per_epoch(model: nn.Module, rows: int, batch_size: int) -> int:
    """Return how many steps an epoch has."""
    full, rest = epoch_batches(model, rows, batch_size)
    return full + (rest > 0)


def epoch_batches(model: nn.Module, rows: int, batch_size: int) -> tuple[int, int]:
    """Return how many whole batches an epoch has, and how many rows its last, short one (0: there is none)."""
    full, rest = divmod(rows, min(batch_size, rows))
    if rest == 1 and has_batch_norm(model):
        rest = 0  # one row has no variance to normalise with; another row sits out in each epoch
    return full, rest


def _blocks(steps: int) -> list[tuple[int, int]]:
    """Cut an epoch into blocks of one length, so that one program serves them all; the last may be shorter."""
    if steps == 0:
        return []
    count = -(-steps // BLOCK)
    even = [c for c in range(count, 2 * count + 1) if steps % c == 0]
    size = steps // even[0] if even else -(-steps // count)
    return [(s, min(s + size, steps)) for s in range(0, steps, size)]
