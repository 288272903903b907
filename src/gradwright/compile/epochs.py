"""Many epochs as one program, which stops by itself when the loss no longer falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.compile.step import CompiledStep, _Job, check_rows, gather_batches, place, step_inputs, step_of
from gradwright.compile.trace import Program
from gradwright.errors import CompileError, ShapeError

__all__ = ["Plateau", "run_epochs"]


@dataclass
class Plateau:
    """When training stops: after more than ``patience`` epochs in a row that did not better the best loss by ``tol``.

    Attributes
    ----------
    tol : float >= 0
    patience : int or inf, >= 1
    best : float
        The least loss so far.
    stale : int
        Epochs in a row that have not been better.
    """

    tol: float
    patience: float
    best: float = np.inf
    stale: int = 0

    def over(self) -> bool:
        """Say whether training is to stop."""
        return self.stale > self.patience

    def take(self, loss: float) -> None:
        """Take an epoch's loss."""
        self.stale = self.stale + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)


def run_epochs(step: CompiledStep, *args: Any, order: np.ndarray, count: int, plateau: Plateau) -> np.ndarray:
    """Run up to ``count`` epochs of a step as one program and return the mean loss of each that was run.

    The program looks at the loss after each epoch, as the host would, and stops when ``plateau`` says so or when the
    loss is no longer a finite number. To small networks going back to the host costs more than an epoch.

    Parameters
    ----------
    step : CompiledStep
        Returns (loss, weight) of a batch, two numbers: an epoch's loss is the mean of its batches' by their weights.
    *args : Tensor or array
        The whole data set, (rows, …); batches are gathered inside the program.
    order : (epochs, steps, batch) integers
        Which rows make up each batch.
    count : int
        How many of these epochs to run at most. Another number needs no other program.
    plateau : Plateau
        When to stop; taken along.

    Raises
    ------
    CompileError
        When the step's gradients would pile up, or a schedule sets its numbers.
    """
    order = np.asarray(order, np.int32)
    if order.ndim != 3 or not 1 <= count <= len(order):
        raise ShapeError(f"run_epochs: {count} epochs of an order (epochs, steps, batch) of shape {order.shape}")
    one = step._scan_job(args, order[0])
    check_rows(order[1:].reshape(-1, order.shape[2]), one.inputs[0])
    if one.program.schedules:
        raise CompileError("run_epochs: a schedule sets the step's numbers; run the epochs one by one, by step.scan")
    rule = place(np.array([plateau.tol, plateau.patience, plateau.best, plateau.stale], np.float64))[0]._array
    key = ("epochs", order.shape, one.key)
    inputs = (one.inputs[0], order, np.int32(count), rule)
    job = _Job(key, one.program, one.lifted, lambda: _loop(one.program), inputs)
    job.check()
    losses, done = step._execute(job)
    found = np.asarray(losses)[: int(done)]
    for loss in found:
        plateau.take(float(loss))
    return found


def _loop(program: Program) -> Callable[..., Any]:
    """Return the loop over epochs around the loop over steps."""
    lax, jnp = jax_modules().lax, jax_modules().numpy

    def loop(written: Any, fixed: Any, numbers: Any, arrays: Any, order: Any, count: Any, rule: Any) -> Any:
        tol, patience = rule[0], rule[1]

        def go_on(carry: Any) -> Any:
            _, k, _, stale, losses = carry
            finite = (k == 0) | jnp.isfinite(losses[jnp.maximum(k - 1, 0)])
            return (k < count) & (stale <= patience) & finite

        def epoch(carry: Any) -> Any:
            state, k, best, stale, losses = carry
            inputs = step_inputs(gather_batches(arrays, order[k]), numbers)
            state, (loss, weight) = lax.scan(step_of(program, fixed, numbers), state, inputs)
            loss, weight = loss.astype(np.float64), weight.astype(np.float64)
            mean = (loss * weight).sum() / weight.sum()
            stale = jnp.where(mean > best - tol, stale + 1.0, 0.0)
            return state, k + np.int32(1), jnp.minimum(best, mean), stale, losses.at[k].set(mean)

        start = (written, np.int32(0), rule[2], rule[3], jnp.zeros(len(order), np.float64))
        state, done, _, _, losses = lax.while_loop(go_on, epoch, start)
        return state, [losses, done]

    return loop
