"""Lead the learning rate to the constant one of stochastic weight averaging."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.hyperparameter import check_name, groups_of, one_a_group
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["SWALR"]


class SWALR(LRScheduler):
    """Lead the learning rate from where it is to the one at which weights are averaged, and leave it there.

    Equation: η_t = (1 - α_t) · η + α_t · η_swa, where η is the value at the first step, and α rises from 0 to 1 in
    ``anneal_epochs`` steps: (1 - cos πx) / 2 (``"cos"``) or x (``"linear"``).

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float, or a list of them, one for each parameter group
        η_swa.
    anneal_epochs : int >= 0
    anneal_strategy : {"cos", "linear"}
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.SWALR(optimizer, 0.2, anneal_epochs=2).values(4)["lr"][:, 0]
    array([0.8, 0.5, 0.2, 0.2])

    References
    ----------
    P. Izmailov et al., *Averaging weights leads to wider optima and better generalization* (UAI 2018), section 3.
    """

    def __init__(
        self,
        optimizer: Any,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        check_name("SWALR", optimizer, hyperparameter)
        if anneal_strategy not in ("cos", "linear"):
            raise ConfigError(f"SWALR: anneal_strategy is {anneal_strategy!r}; expected 'cos' or 'linear'")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ConfigError(f"SWALR: anneal_epochs is {anneal_epochs!r}; expected a whole number from 0 on")
        values = one_a_group("SWALR", "swa_lr", swa_lr, optimizer)
        for group, value in zip(groups_of(optimizer), values, strict=True):
            group[f"swa_{hyperparameter}"] = value
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, alpha = self._alpha(step - 1), self._alpha(step)
        out = []
        for group, value in zip(groups_of(self.optimizer), self._now(), strict=True):
            goal = group[f"swa_{self.hyperparameter}"]
            # where the line began, from where it is: somebody else may have changed the value since
            start = goal if before == 1 else (value - before * goal) / (1 - before)
            out.append(goal * alpha + start * (1 - alpha))
        return out

    def _alpha(self, step: int) -> float:
        x = max(0, min(1, step / max(1, self.anneal_epochs)))
        return x if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * x)) / 2

    def _reset(self) -> None:
        """Begin from the value that is there, also as a later phase."""
