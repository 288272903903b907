"""A training step and a forward pass, as the programs that the loop runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from gradwright import nn
from gradwright.backend import is_array
from gradwright.compile import CompiledStep
from gradwright.engine.autocast import autocast
from gradwright.engine.mode import no_grad
from gradwright.engine.op import wrap
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.engine.tracing import Schedule
from gradwright.errors import NonFiniteError
from gradwright.optim import Optimizer
from gradwright.train.accumulation import accumulated
from gradwright.train.nonfinite import Snapshot, explain_nonfinite
from gradwright.train.norms import layer_norms, norms_before
from gradwright.train.score import score

__all__ = ["BlockResult", "forward_program", "make_step", "run_block"]

Step = Callable[[Tensor, Tensor], tuple[Tensor, ...]]


class BlockResult(NamedTuple):
    """What the steps of a block gave: loss, score, what the score counts, learning rate; each of shape (steps,).

    Of steps that measure norms also those of the last one, (parameters, 3).
    """

    losses: np.ndarray
    scores: np.ndarray
    counts: np.ndarray
    rates: np.ndarray
    norms: np.ndarray | None = None


def make_step(
    model: nn.Module,
    criterion: nn.Module,
    optimizer: Optimizer,
    *,
    augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None,
    penalty: Callable[[nn.Module], Tensor] | None,
    before: Sequence[Callable[[], Any]],
    after: Sequence[Callable[[], Any]],
    precision: str,
    accumulate: int,
    measured: Sequence[Parameter] = (),
) -> Step:
    """Return one training step: ``step(x, y) → (loss, score and count, learning rate)``, and norms of ``measured``."""

    def forward(inputs: Tensor) -> Tensor:
        if precision == "float32":
            return cast(Tensor, model(inputs))
        with autocast("cpu"):  # the name of the device makes no difference
            output: Tensor = model(inputs)
        return output.float()  # the loss is computed in float32

    def update(inputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        if accumulate > 1:
            output, loss = accumulated(forward, criterion, inputs, targets, min(accumulate, len(inputs)))
            if penalty is not None:
                penalty(model).backward()
        else:
            output = forward(inputs)
            loss = criterion(output, targets)
            (loss if penalty is None else loss + penalty(model)).backward()
        for change in before:
            change()
        held = norms_before(measured) if measured else None
        optimizer.step()
        return (output, loss) if held is None else (output, loss, layer_norms(measured, held))

    def search(inputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
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

    def step(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        optimizer.zero_grad()
        inputs, targets = (x, y) if augment is None else augment(x, y)
        rate = optimizer.param_groups[0]["lr"]
        output, loss, *norms = move(inputs, targets)
        for change in after:
            change()
        with no_grad():
            scored = score(criterion, output.detach(), y)
        return loss.detach(), scored, wrap(rate) if is_array(rate) else Tensor(np.array(rate, np.float64)), *norms

    return step


def forward_program(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return the forward pass, without recording."""

    def forward(x: Tensor) -> Tensor:
        with no_grad():
            out: Tensor = model(x)
            return out

    return forward


def run_block(
    program: CompiledStep,
    data: tuple[Any, Any],
    batches: np.ndarray,
    *,
    eager: bool,
    schedules: Sequence[Schedule],
    epoch: int,
    first: int,
) -> BlockResult:
    """Run a block of steps and refuse a loss that is not a number, saying where it came from.

    Parameters
    ----------
    program : CompiledStep
        What :func:`make_step` returned, compiled; eagerly its function is called.
    data : (x, y)
        All rows, placed where the programs read them.
    batches : (steps, batch) integers
        The rows of each step.
    epoch, first : int
        Where the block stands, for messages: its epoch, and how many steps of it came before.
    """
    step, norms = program.function, None
    snapshot = Snapshot(program, schedules)
    x, y = data
    if eager:
        losses, scores = np.full(len(batches), np.nan), np.zeros((len(batches), 2))
        rates = np.zeros(len(batches))
        # clipping refuses a norm that is not finite; the loss then stays NaN
        with contextlib.suppress(NonFiniteError), np.errstate(all="ignore"):
            for k, rows in enumerate(batches):
                results = [t.numpy() for t in step(Tensor(x[rows]), Tensor(y[rows]))]
                losses[k], scores[k], rates[k] = results[:3]
                norms = results[3] if results[3:] else None
    else:
        losses, scores, rates, *more = (t.numpy() for t in program.scan(x, y, order=batches))
        norms = more[0][-1] if more else None
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size or snapshot.bad() is not None:
        k = int(bad[0]) if bad.size else len(batches) - 1
        snapshot.restore()
        message = explain_nonfinite(step, snapshot, x, y, batches, k, epoch, first)
        snapshot.restore()
        raise NonFiniteError(message)
    return BlockResult(losses, scores[:, 0], scores[:, 1], rates, norms)
