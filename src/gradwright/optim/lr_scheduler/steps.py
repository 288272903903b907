"""The value falls at certain steps: StepLR, MultiStepLR."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.scheduler import RatioLR

__all__ = ["MultiStepLR", "StepLR"]


class StepLR(RatioLR):
    """Multiply the learning rate by γ every ``step_size`` steps.

    Equation: η_t = η_0 · γ^⌊t / step_size⌋.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int >= 1
    gamma : float
        γ.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5).values(5)["lr"][:, 0]
    array([0.8, 0.8, 0.4, 0.4, 0.2])
    """

    def __init__(
        self, optimizer: Any, step_size: int, gamma: float = 0.1, last_epoch: int = -1, *, hyperparameter: str = "lr"
    ) -> None:
        if step_size < 1:
            raise ConfigError(f"StepLR: step_size is {step_size}; expected 1 or more")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return γ at multiples of the step size."""
        return 1.0 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma


class MultiStepLR(RatioLR):
    """Multiply the learning rate by γ at each milestone.

    Equation: η_t = η_0 · γ^(number of milestones ≤ t). A milestone that is listed twice counts twice.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : iterable of int
    gamma : float
        γ.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.MultiStepLR(optimizer, [1, 4], gamma=0.5).values(5)["lr"][:, 0]
    array([0.8, 0.4, 0.4, 0.4, 0.2])
    """

    def __init__(
        self,
        optimizer: Any,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return γ at a milestone."""
        return self.gamma ** self.milestones.count(self.last_epoch)
