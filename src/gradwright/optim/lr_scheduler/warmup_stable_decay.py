"""Up, along, down: the schedule whose end can be put off."""

from __future__ import annotations

import math
from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["WarmupStableDecay"]


class WarmupStableDecay(LRScheduler):
    """Warm up in a straight line, stay, and fall at the end.

    Equation: η_t = η_0 · (t + 1) / w for t < w; η_0 for the next ``stable_steps``; then
    η_0 · [b + (1 - b) · f(x)], where x runs from 0 to 1 in ``decay_steps`` and f is 1 - x (``"linear"``),
    (1 + cos πx) / 2 (``"cos"``) or 1 - sqrt(x) (``"sqrt"``); or η_0 · b^x (``"exponential"``). It stays at η_0 · b.

    Parameters
    ----------
    optimizer : Optimizer
    warmup_steps, stable_steps, decay_steps : int >= 0
        w, and the lengths of the two other phases.
    end_factor : float in [0, 1]
        b; above 0 for ``"exponential"``.
    decay : {"sqrt", "linear", "cos", "exponential"}
        f.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> schedule = optim.lr_scheduler.WarmupStableDecay(optimizer, 2, 2, 4, decay="linear")
    >>> schedule.values(9)["lr"][:, 0]
    array([0.4, 0.8, 0.8, 0.8, 0.8, 0.6, 0.4, 0.2, 0. ])

    References
    ----------
    S. Hu et al., *MiniCPM* (COLM 2024), section 4. A. Hägele et al., *Scaling laws and compute-optimal training
    beyond fixed training durations* (NeurIPS 2024), for 1 - sqrt(x).
    """

    def __init__(
        self,
        optimizer: Any,
        warmup_steps: int,
        stable_steps: int,
        decay_steps: int,
        end_factor: float = 0.0,
        decay: str = "sqrt",
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        lengths = {"warmup_steps": warmup_steps, "stable_steps": stable_steps, "decay_steps": decay_steps}
        for name, value in lengths.items():
            if value < 0:
                raise ConfigError(f"WarmupStableDecay: {name} is {value}; expected 0 or more")
        if decay not in ("sqrt", "linear", "cos", "exponential"):
            raise ConfigError(
                f"WarmupStableDecay: decay is {decay!r}; expected 'sqrt', 'linear', 'cos' or 'exponential'"
            )
        if not 0 <= end_factor <= 1 or (decay == "exponential" and end_factor == 0):
            raise ConfigError(
                f"WarmupStableDecay: end_factor is {end_factor}; expected 0 to 1, and above 0 for exponential decay"
            )
        self.warmup_steps = warmup_steps
        self.stable_steps = stable_steps
        self.decay_steps = decay_steps
        self.end_factor = end_factor
        self.decay = decay
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values."""
        factor = self._factor()
        return [base * factor for base in self.base_lrs]

    def _factor(self) -> float:
        t, b = self.last_epoch, self.end_factor
        if t < self.warmup_steps:
            return (t + 1) / self.warmup_steps
        past = t - self.warmup_steps - self.stable_steps
        if past < 0:
            return 1.0
        if past >= self.decay_steps:
            return b
        x = past / self.decay_steps
        if self.decay == "exponential":
            return float(b**x)
        f = {"linear": 1 - x, "cos": (1 + math.cos(math.pi * x)) / 2, "sqrt": 1 - math.sqrt(x)}[self.decay]
        return b + (1 - b) * f
