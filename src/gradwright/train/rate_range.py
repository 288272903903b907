"""The learning-rate range test: a short training run in which the rate grows at every step, and nothing is kept."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.compile import CompiledStep, compile, place
from gradwright.data import epoch_order
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError, ShapeError
from gradwright.optim import Optimizer
from gradwright.optim.lr_scheduler import ExponentialLR
from gradwright.train.lr_suggestion import LRFind, smoothed_losses
from gradwright.train.nonfinite import ADVICE, Snapshot

__all__ = ["lr_find"]

Arrays = tuple[np.ndarray, np.ndarray]


def lr_find(
    model: nn.Module,
    criterion: nn.Module,
    optimizer: Optimizer,
    train: Arrays,
    held_out: Arrays,
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    clip_norm: float | None = None,
    smoothing: float = 0.9,
    divergence: float = 4.0,
    held_out_rows: int = 1024,
    eager: bool = False,
) -> LRFind:
    """Try learning rates from low to high, one a step, and suggest one.

    Step k of n trains on one batch at the rate start · (end / start)^(k / (n - 1)) and then measures the loss of the
    same held-out rows, smoothed by a running average. It ends early when that is not finite or above ``divergence``
    times its lowest. Weights, buffers, the optimizer's state and rates, gradients and the random stream are
    afterwards what they were, bit for bit, also after an error or Ctrl-C.

    Parameters
    ----------
    model, criterion, optimizer
        As for :class:`Trainer`. Parameter groups keep their rates' proportions to the first group's, which is the one
        that is suggested.
    train, held_out : (x, y)
        Prepared arrays, as :meth:`Trainer.fit` takes them.
    start, end : float > 0
        The first and the last rate.
    steps : int >= 10
    batch_size : int >= 1
    seed : int
        Decides the batches, and which rows are held out.
    clip_norm : float > 0, optional
        As for :class:`Trainer`.
    smoothing : float in [0, 1)
        β, the weight of the running average's past.
    divergence : float > 1
    held_out_rows : int >= 1
        At most so many rows of ``held_out`` are looked at.
    eager : bool
        Run on NumPy instead of compiling.

    Returns
    -------
    LRFind
        The curve, and what was read off it: where it falls most steeply when less than 0.3 of the loss is left at its
        lowest, the place three fifths down its longest fall when more than 0.4 is left, and between them between.

    Raises
    ------
    NonFiniteError
        When the loss is not finite at the first step.
    ConfigError
        When it falls at no rate; when a setting makes no sense.

    Notes
    -----
    Held-out rows go through the model as in training, dropout and batch statistics included: the running statistics
    that evaluation would use lag behind by tens of steps, and their catching up would look like a fall of the loss.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim, train
    >>> _ = gw.manual_seed(0)
    >>> x = gw.randn(200, 3).numpy(); y = (x.sum(1) > 0).astype("int64")
    >>> model = nn.Linear(3, 2)
    >>> found = train.lr_find(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), (x[:150], y[:150]),
    ...                       (x[150:], y[150:]))
    >>> 1e-3 < found.suggestion < 1
    True

    References
    ----------
    L. N. Smith, *Cyclical learning rates for training neural networks* (WACV 2017), section 3.3.
    """
    _check_settings(start, end, steps, batch_size, smoothing, divergence, held_out_rows)
    x, y = _checked("train", *train)
    vx, vy = _checked("held_out", *held_out)
    held = epoch_order(len(vx), key=seed, epoch=0)[:held_out_rows]
    parameters, groups = list(model.parameters()), optimizer.param_groups
    optimizer.ensure_slots()  # those that are missing are zeros now, and are put back as such
    kept = _Kept(model, criterion, optimizer)
    try:
        base = groups[0]["lr"]
        for group in groups:
            group["lr"] = start * (group["lr"] / base if base else 1.0)
        schedule = ExponentialLR(optimizer, (end / start) ** (1 / (steps - 1)))

        def step(x: Tensor, y: Tensor, vx: Tensor, vy: Tensor) -> Tensor:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(parameters, clip_norm)
            optimizer.step()
            schedule.step()
            with no_grad():
                loss: Tensor = criterion(model(vx), vy)
                return loss

        run = step if eager else compile(step, state=[model, criterion, optimizer])
        optimizer.zero_grad()
        model.train()
        looked_at = (Tensor(vx[held]), Tensor(vy[held])) if eager else place(vx[held], vy[held])
        rates: list[float] = []
        losses: list[float] = []
        stopped = f"all {steps} steps done"
        for rows in _batches(len(x), batch_size, seed, steps):
            rate, loss = float(groups[0]["lr"]), math.nan
            # clipping refuses a norm that is not finite; the loss then stays NaN
            with contextlib.suppress(NonFiniteError), np.errstate(all="ignore"):
                loss = float(run(Tensor(x[rows]), Tensor(y[rows]), *looked_at).item())
            if not math.isfinite(loss):
                stopped = f"the loss was not finite at the rate {rate:.3g}"
                break
            rates.append(rate)
            losses.append(loss)
            curve = smoothed_losses(losses, smoothing)
            lowest = float(curve.min())
            if curve[-1] > lowest + (divergence - 1) * abs(lowest):  # above so many times it, if it is positive
                stopped = f"the loss was {divergence:g} times its lowest at the rate {rate:.3g}"
                break
    finally:
        kept.restore()
    if not losses:
        raise NonFiniteError(f"lr_find: the loss is not finite after the first step, at the rate {start:.3g}. {ADVICE}")
    return LRFind.of(rates, losses, smoothing, stopped)


class _Kept:
    """Everything that a range test changes, as it was."""

    def __init__(self, model: nn.Module, criterion: nn.Module, optimizer: Optimizer) -> None:
        holder: CompiledStep = compile(lambda: None, state=[model, criterion, optimizer])
        self._tensors = Snapshot(holder)  # weights, buffers, slots, counts of steps, the random stream
        self._grads = [(p, p._grad) for _, p in holder.lifted().parameters]
        self._modes = [(m, m.training) for part in (model, criterion) for m in part.modules()]
        self._groups = [(group, dict(group)) for group in optimizer.param_groups]

    def restore(self) -> None:
        self._tensors.restore()
        for parameter, gradient in self._grads:
            parameter._grad = gradient
        for module, training in self._modes:
            module.training = training
        for group, before in self._groups:
            group.clear()
            group.update(before)


def _batches(n: int, batch_size: int, seed: int, steps: int) -> Any:
    """Yield the rows of each step: whole batches only, epoch after epoch."""
    size = min(batch_size, n)
    order, each = np.empty(0, np.int64), n // size
    for k in range(steps):
        if k % each == 0:
            order = epoch_order(n, key=seed, epoch=1 + k // each)
        yield order[k % each * size : (k % each + 1) * size]


def _checked(name: str, x: np.ndarray, y: np.ndarray) -> Arrays:
    x, y = np.asarray(x), np.asarray(y)
    if len(x) != len(y) or len(x) == 0:
        raise ShapeError(
            f"lr_find: {name} has {len(x)} rows of input and {len(y)} of target; need the same number, at least 1"
        )
    return x, y


def _check_settings(
    start: float, end: float, steps: int, batch_size: int, smoothing: float, divergence: float, held_out_rows: int
) -> None:
    if not 0 < start < end < math.inf:
        raise ConfigError(f"lr_find: rates from {start} to {end}; expected 0 < start < end")
    for name, value, least in (
        ("steps", steps, 10),
        ("batch_size", batch_size, 1),
        ("held_out_rows", held_out_rows, 1),
    ):
        if value < least:
            raise ConfigError(f"lr_find: {name} is {value}; expected {least} or more")
    if not 0 <= smoothing < 1:
        raise ConfigError(f"lr_find: smoothing is {smoothing}; expected 0 to below 1")
    if not divergence > 1:
        raise ConfigError(f"lr_find: divergence is {divergence}; expected above 1")
