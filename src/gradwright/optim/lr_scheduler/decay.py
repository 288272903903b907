"""The learning rate falls along a curve: ExponentialLR, PolynomialLR."""

from __future__ import annotations

from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.scheduler import RatioLR

__all__ = ["ExponentialLR", "PolynomialLR"]


class ExponentialLR(RatioLR):
    """Multiply the learning rate by γ at every step.

    Equation: η_t = η_0 · γ^t.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float
        γ.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).values(4)["lr"][:, 0]
    array([0.8, 0.4, 0.2, 0.1])
    """

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1, *, hyperparameter: str = "lr") -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return γ after the start."""
        return 1.0 if self._is_initial else self.gamma


class PolynomialLR(RatioLR):
    """Let the learning rate fall to 0 as a power of the steps that are left.

    Equation: η_t = η_0 · (1 - min(t, n) / n)^p.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int >= 1
        n.
    power : float > 0
        p; 1 is a straight line.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4).values(6)["lr"][:, 0]
    array([0.8, 0.6, 0.4, 0.2, 0. , 0. ])
    """

    def __init__(
        self, optimizer: Any, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1, *,
        hyperparameter: str = "lr",
    ) -> None:  # fmt: skip
        if total_iters < 1:
            raise ConfigError(f"PolynomialLR: total_iters is {total_iters}; expected 1 or more")
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def ratio(self) -> float:
        """Return the curve's value at this step over that at the step before."""
        t, n = self.last_epoch, self.total_iters
        if self._is_initial or t > n:
            return 1.0
        return float(((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power)
