"""A part of the learning rate at first, all of it later: ConstantLR, LinearLR."""

from __future__ import annotations

from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.scheduler import RatioLR

__all__ = ["ConstantLR", "LinearLR"]


class ConstantLR(RatioLR):
    """Multiply the learning rate by a factor during the first steps.

    Equation: η_t = f · η_0 for t < total_iters, η_0 from then on.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float in (0, 1]
        f.
    total_iters : int >= 0
        How many steps.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2).values(4)["lr"][:, 0]
    array([0.4, 0.4, 0.8, 0.8])
    """

    def __init__(
        self,
        optimizer: Any,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        if not 0 < factor <= 1:
            raise ConfigError(f"ConstantLR: factor is {factor}; expected above 0 and at most 1")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return f at the start and 1 / f at the end."""
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1.0


class LinearLR(RatioLR):
    """Lead a factor of the learning rate from one value to another in a straight line.

    Equation: η_t = η_0 · [a + (b - a) · min(t, n) / n].

    Parameters
    ----------
    optimizer : Optimizer
    start_factor : float in (0, 1]
        a.
    end_factor : float in [0, 1]
        b.
    total_iters : int >= 0
        n, the steps from a to b.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.LinearLR(optimizer, 0.25, total_iters=3).values(5)["lr"][:, 0]
    array([0.2, 0.4, 0.6, 0.8, 0.8])
    """

    def __init__(
        self,
        optimizer: Any,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ConfigError(f"LinearLR: start_factor is {start_factor}; expected above 0 and at most 1")
        if not 0 <= end_factor <= 1:
            raise ConfigError(f"LinearLR: end_factor is {end_factor}; expected 0 to 1")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return the line's value at this step over that at the step before."""
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
