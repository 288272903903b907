"""Up to any schedule, and down from it: Warmup, Cooldown."""

from __future__ import annotations

from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.composed import SequentialLR
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["Cooldown", "Warmup"]


class _Ramp(LRScheduler):
    """A straight line from one factor of ``base_lrs`` to another."""

    def __init__(self, optimizer: Any, start: float, end: float, steps: int, *, hyperparameter: str) -> None:
        self.start_factor = start
        self.end_factor = end
        self.total_iters = steps
        super().__init__(optimizer, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        x = min(self.last_epoch, self.total_iters) / max(self.total_iters, 1)
        factor = self.start_factor + (self.end_factor - self.start_factor) * x
        return [base * factor for base in self.base_lrs]


class _RampFromHere(_Ramp):
    """A ramp from wherever the value is when it begins."""

    def _reset(self) -> None:
        self.base_lrs = self._now()


class Warmup(SequentialLR):
    """Lead the learning rate in a straight line up to where a schedule starts; then the schedule begins.

    Equation: η_t = S_0 · [f + (1 - f) · t / w] for t < w and S_{t-w} from then on, where S is the schedule.

    Parameters
    ----------
    scheduler : LRScheduler
        S, just made.
    steps : int >= 0
        w.
    start_factor : float in [0, 1]
        f.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> from gradwright.optim.lr_scheduler import ExponentialLR, Warmup
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> Warmup(ExponentialLR(optimizer, 0.5), steps=3, start_factor=0.25).values(6)["lr"][:, 0]
    array([0.2, 0.4, 0.6, 0.8, 0.4, 0.2])

    References
    ----------
    P. Goyal et al., *Accurate, large minibatch SGD: training ImageNet in 1 hour* (2017), section 2.2.
    """

    def __init__(self, scheduler: LRScheduler, steps: int, start_factor: float = 0.01) -> None:
        if not isinstance(scheduler, LRScheduler):
            raise ConfigError(f"Warmup: expected a schedule, got a {type(scheduler).__name__}")
        if steps < 0 or not 0 <= start_factor <= 1:
            raise ConfigError(
                f"Warmup: {steps} steps from a factor of {start_factor}; expected 0 or more steps, a factor of 0 to 1"
            )
        name, first = scheduler.hyperparameter, list(scheduler.get_last_lr())
        ramp = _Ramp(scheduler.optimizer, start_factor, 1.0, steps, hyperparameter=name)
        ramp.base_lrs = first
        super().__init__(scheduler.optimizer, [ramp, scheduler], [steps])

    def _advance(self) -> None:
        if self.last_epoch + 1 == self._milestones[0]:
            self._write(self._schedulers[0].base_lrs)  # the ramp's end, for schedules that start from what is there
        super()._advance()


class Cooldown(SequentialLR):
    """Follow a schedule, and from a step on lead its last value down in a straight line.

    Equation: η_t = S_t for t < a, then S_{a-1} · [1 - (1 - f) · min(t - a, c) / c], where S is the schedule.

    Parameters
    ----------
    scheduler : LRScheduler
        S, just made.
    steps : int >= 1
        c.
    after : int >= 1
        a, the step at which the cooling begins.
    end_factor : float in [0, 1]
        f.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> from gradwright.optim.lr_scheduler import Cooldown, ExponentialLR
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> Cooldown(ExponentialLR(optimizer, 0.5), steps=2, after=2).values(6)["lr"][:, 0]
    array([0.8, 0.4, 0.4, 0.2, 0. , 0. ])
    """

    def __init__(self, scheduler: LRScheduler, steps: int, after: int, end_factor: float = 0.0) -> None:
        if not isinstance(scheduler, LRScheduler):
            raise ConfigError(f"Cooldown: expected a schedule, got a {type(scheduler).__name__}")
        if steps < 1 or after < 1 or not 0 <= end_factor <= 1:
            raise ConfigError(
                f"Cooldown: {steps} steps after {after}, to a factor of {end_factor}; expected steps from 1 on, and a "
                "factor of 0 to 1"
            )
        ramp = _RampFromHere(scheduler.optimizer, 1.0, end_factor, steps, hyperparameter=scheduler.hyperparameter)
        super().__init__(scheduler.optimizer, [scheduler, ramp], [after])
