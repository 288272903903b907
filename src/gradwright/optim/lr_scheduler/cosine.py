"""Half a cosine wave from top to bottom, once or again and again: CosineAnnealingLR, CosineAnnealingWarmRestarts."""

from __future__ import annotations

import math
from typing import Any

from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, ConfigError
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Let the learning rate swing between its start and a least value along a cosine.

    Equation: η_t = η_min + (η_0 - η_min) · (1 + cos(π t / T)) / 2. After T steps it rises again, as it fell. Computed
    from the value that is there, by the quotient of two neighbouring steps, so that other schedules on the same
    optimizer keep their effect.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int >= 1
        T, steps from the top to the bottom.
    eta_min : float
        η_min.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3).values(4)["lr"][:, 0]
    array([0.8, 0.6, 0.2, 0. ])

    References
    ----------
    I. Loshchilov and F. Hutter, *SGDR: stochastic gradient descent with warm restarts* (ICLR 2017), equation 5.
    """

    def __init__(
        self, optimizer: Any, T_max: int, eta_min: float = 0.0, last_epoch: int = -1, *, hyperparameter: str = "lr"
    ) -> None:
        if T_max < 1:
            raise ConfigError(f"CosineAnnealingLR: T_max is {T_max}; expected 1 or more")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values."""
        now, low, t, turn = self._now(), self.eta_min, self.last_epoch, self.T_max
        if self._is_initial:
            return now
        if (t - 1 - turn) % (2 * turn) == 0:  # the step before was at the bottom, where no quotient leads away from
            rise = (1 - math.cos(math.pi / turn)) / 2
            return [value + (base - low) * rise for value, base in zip(now, self.base_lrs, strict=True)]
        ratio = (1 + math.cos(math.pi * t / turn)) / (1 + math.cos(math.pi * (t - 1) / turn))
        return [low + ratio * (value - low) for value in now]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Let the learning rate fall along half a cosine and jump back to its start, in cycles that may get longer.

    Equation: η_t = η_min + (η_0 - η_min) · (1 + cos(π T_cur / T_i)) / 2, where T_cur counts the steps of the i-th
    cycle and T_i = T_0 · T_mult^i is that cycle's length.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int >= 1
        Steps of the first cycle.
    T_mult : int >= 1
        How many times as long each cycle is as the one before.
    eta_min : float
        η_min.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2).values(5)["lr"][:, 0]
    array([0.8, 0.4, 0.8, 0.4, 0.8])

    References
    ----------
    I. Loshchilov and F. Hutter, *SGDR: stochastic gradient descent with warm restarts* (ICLR 2017), section 3.
    """

    def __init__(
        self,
        optimizer: Any,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ConfigError(
                    f"CosineAnnealingWarmRestarts: {name} is {value!r}; expected a whole number from 1 on"
                )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Take a step, or go to a place of the schedule.

        Parameters
        ----------
        epoch : float >= 0, optional
            The place, also between two steps: ``epoch + batch / batches``. Not in a compiled step.
        """
        if epoch is None:
            super().step()
            return
        if trace_now.trace is not None:
            raise CompileError(
                "CosineAnnealingWarmRestarts.step(epoch): a compiled step can only go on to the next step; "
                "call step(epoch) between calls of the compiled step, or step() inside it"
            )
        if not epoch >= 0:
            raise ConfigError(f"CosineAnnealingWarmRestarts.step: epoch is {epoch}; expected 0 or more")
        self._step_count += 1
        self._go_to(epoch)

    def _advance(self) -> None:
        self._step_count += 1
        if self.last_epoch < 0:
            self._go_to(0)
            return
        self.last_epoch += 1
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur %= self.T_i
            self.T_i *= self.T_mult
        self._write(self.get_lr())

    def _go_to(self, epoch: float) -> None:
        if self.T_mult == 1 or epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:
            cycle = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**cycle
        self.last_epoch = math.floor(epoch)
        self._write(self.get_lr())
