"""Up in a straight line, then down with the square root of the steps."""

from __future__ import annotations

import math
from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["InverseSqrt"]


class InverseSqrt(LRScheduler):
    """Warm up in a straight line, then let the learning rate fall with the square root of the steps.

    Equation: η_t = η_0 · min( s / w, sqrt(w / s) ) with s = t + 1: η_0 is the peak, at the w-th step.

    Parameters
    ----------
    optimizer : Optimizer
    warmup_steps : int >= 1
        w.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.InverseSqrt(optimizer, warmup_steps=2).values(8)["lr"][[0, 1, 7], 0]
    array([0.4, 0.8, 0.4])

    References
    ----------
    A. Vaswani et al., *Attention is all you need* (NeurIPS 2017), equation 3, whose peak is 1 / sqrt(d_model · w); here
    it is the optimizer's learning rate.
    """

    def __init__(
        self, optimizer: Any, warmup_steps: int = 4000, last_epoch: int = -1, *, hyperparameter: str = "lr"
    ) -> None:
        if warmup_steps < 1:
            raise ConfigError(f"InverseSqrt: warmup_steps is {warmup_steps}; expected 1 or more")
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values."""
        s, w = self.last_epoch + 1, self.warmup_steps
        factor = min(s / w, math.sqrt(w / s))
        return [base * factor for base in self.base_lrs]
