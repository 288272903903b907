"""One rise and one long fall for the whole training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.hyperparameter import check_name, groups_of, momentum_name, one_a_group, write
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["OneCycleLR"]


class _Phase(NamedTuple):
    """A rise or a fall: its last step, and where it leads from and to, by the keys in the groups."""

    end: float
    from_lr: str
    to_lr: str
    from_momentum: str
    to_momentum: str


class OneCycleLR(LRScheduler):
    """Lead the learning rate up to its maximum and down to almost nothing, the momentum the other way.

    Equations: from max_lr / div_factor up to max_lr in the first ``pct_start`` of the steps, then down to
    max_lr / (div_factor · final_div_factor). Between a and b: b + (a - b) · (1 + cos πx) / 2 (``"cos"``) or
    a + (b - a) · x (``"linear"``), where x runs from 0 to 1. With ``three_phase`` the fall first leads back to where
    the rise began, in as many steps, and then on. Momentum goes from ``max_momentum`` to ``base_momentum`` and back.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float, or a list of them, one for each parameter group
    total_steps : int >= 1, optional
        Steps of the whole training; or else ``epochs`` · ``steps_per_epoch``.
    epochs, steps_per_epoch : int >= 1, optional
    pct_start : float in [0, 1]
        Part of the steps that rises.
    anneal_strategy : {"cos", "linear"}
    cycle_momentum : bool
        Whether momentum (β₁ for Adam and its kin) is led too.
    base_momentum, max_momentum : float, or a list of them
    div_factor, final_div_factor : float > 0
    three_phase : bool
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Raises
    ------
    ConfigError
        Also from :meth:`step`, after the last step.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
    >>> schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=100)
    >>> schedule.values(100)["lr"][[0, 29, 99], 0]
    array([4.e-02, 1.e+00, 4.e-06])

    References
    ----------
    L. N. Smith and N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*
    (2018), section 3. Two phases instead of the paper's three are fastai's.
    """

    def __init__(
        self,
        optimizer: Any,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        check_name("OneCycleLR", optimizer, hyperparameter)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1:
            raise ConfigError(f"OneCycleLR: pct_start is {pct_start}; expected 0 to 1")
        if anneal_strategy not in ("cos", "linear"):
            raise ConfigError(f"OneCycleLR: anneal_strategy is {anneal_strategy!r}; expected 'cos' or 'linear'")
        self._anneal_func_type = anneal_strategy
        self.pct_start = pct_start
        self.three_phase = three_phase
        initial, high, low = (f"{which}_{hyperparameter}" for which in ("initial", "max", "min"))
        groups = groups_of(optimizer)
        if last_epoch == -1:
            for group, value in zip(groups, one_a_group("OneCycleLR", "max_lr", max_lr, optimizer), strict=True):
                group[initial], group[high] = value / div_factor, value
                group[low] = group[initial] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum_name = momentum_name("OneCycleLR", optimizer)
            most = one_a_group("OneCycleLR", "max_momentum", max_momentum, optimizer)
            least = one_a_group("OneCycleLR", "base_momentum", base_momentum, optimizer)
            if last_epoch == -1:
                for group, m, b in zip(groups, most, least, strict=True):
                    write(group, self._momentum_name, m)
                    group["max_momentum"], group["base_momentum"] = m, b
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return this step's values; sets the momentum as well."""
        t = self.last_epoch
        if t > self.total_steps:  # one more than there are, because loops step the schedule after the last batch too
            raise ConfigError(
                f"OneCycleLR: step {t} of a schedule of {self.total_steps}; total_steps counts every call of step(), "
                "batches, not epochs, if it is called after each batch"
            )
        begin, phases = 0.0, self._phases()
        while t > phases[0].end and len(phases) > 1:
            begin = phases.pop(0).end
        phase = phases[0]
        x = (t - begin) / (phase.end - begin) if phase.end != begin else 1.0
        groups = groups_of(self.optimizer)
        if self.cycle_momentum:
            for group in groups:
                write(
                    group, self._momentum_name, self._between(group[phase.from_momentum], group[phase.to_momentum], x)
                )
        return [self._between(group[phase.from_lr], group[phase.to_lr], x) for group in groups]

    def _phases(self) -> list[_Phase]:
        n, rise = self.total_steps, float(self.pct_start * self.total_steps)
        initial, high, low = (f"{which}_{self.hyperparameter}" for which in ("initial", "max", "min"))
        least, most = "base_momentum", "max_momentum"
        up = _Phase(rise - 1, initial, high, most, least)
        if not self.three_phase:
            return [up, _Phase(n - 1, high, low, least, most)]
        return [up, _Phase(2 * rise - 2, high, initial, least, most), _Phase(n - 1, initial, low, most, most)]

    def _between(self, start: float, end: float, x: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * x + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * x) + 1)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    given = (
        {"total_steps": total_steps}
        if total_steps is not None
        else {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    )
    total = 1
    for name, value in given.items():
        if value is None:
            raise ConfigError("OneCycleLR: pass total_steps, or both epochs and steps_per_epoch")
        if not isinstance(value, int) or value < 1:
            raise ConfigError(f"OneCycleLR: {name} is {value!r}; expected a whole number from 1 on")
        total *= value
    return total
