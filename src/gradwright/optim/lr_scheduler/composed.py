"""Schedules at the same time, and one after the other: ChainedScheduler, SequentialLR."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler.hyperparameter import groups_of, write
from gradwright.optim.lr_scheduler.plateau import ReduceLROnPlateau
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Composed(LRScheduler):
    """A schedule made of schedules."""

    _schedulers: list[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Any) -> None:
        who = type(self).__name__
        self._schedulers = list(schedulers)
        if not self._schedulers:
            raise ConfigError(f"{who}: no schedules given; expected at least one")
        for i, schedule in enumerate(self._schedulers):
            if not isinstance(schedule, LRScheduler):
                raise ConfigError(f"{who}: schedule {i} is a {type(schedule).__name__}; expected a schedule")
            if isinstance(schedule, ReduceLROnPlateau):
                raise ConfigError(f"{who}: schedule {i} is a ReduceLROnPlateau, whose steps need a figure")
            if schedule.optimizer is not (optimizer or self._schedulers[0].optimizer):
                raise ConfigError(f"{who}: schedule {i} belongs to another optimizer; all must share one")
        self.optimizer = optimizer or self._schedulers[0].optimizer
        self.hyperparameter = self._schedulers[0].hyperparameter
        self.base_lrs = list(self._schedulers[0].base_lrs)

    def _hyperparameters(self) -> list[str]:
        return list(dict.fromkeys(name for s in self._schedulers for name in s._hyperparameters()))

    def _undo(self) -> None:
        for schedule in self._schedulers:
            schedule._undo()

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer, the schedules' states among it."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit."""
        self._check_state(state_dict)
        schedules = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = schedules
        for schedule, state in zip(schedules, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(state)

    def _check_state(self, state: Mapping[str, Any]) -> None:
        super()._check_state(state)
        saved = state["_schedulers"]
        if len(saved) != len(self._schedulers):
            raise StateError(
                f"{type(self).__name__}.load_state_dict: saved with {len(saved)} schedules, this one has "
                f"{len(self._schedulers)}"
            )
        for schedule, part in zip(self._schedulers, saved, strict=True):
            schedule._check_state(part)


class ChainedScheduler(_Composed):
    """Step several schedules of one optimizer together: on one hyperparameter they multiply each other.

    They may also lead several hyperparameters, such as the learning rate and the weight decay.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
    optimizer : Optimizer, optional
        Theirs.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> from gradwright.optim.lr_scheduler import ChainedScheduler, ExponentialLR, LinearLR
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8, weight_decay=0.1)
    >>> schedule = ChainedScheduler(
    ...     [ExponentialLR(optimizer, 0.5), LinearLR(optimizer, 0.5, total_iters=1, hyperparameter="weight_decay")])
    >>> {name: values[:, 0] for name, values in schedule.values(3).items()}
    {'lr': array([0.8, 0.4, 0.2]), 'weight_decay': array([0.05, 0.1 , 0.1 ])}
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Any = None) -> None:
        self._take(schedulers, optimizer)
        self.last_epoch = 0
        self._step_count = 1
        self._last_lr = self._now()

    def _advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        for schedule in self._schedulers:
            schedule.step()
        self._last_lr = self._now()

    def _reset(self) -> None:
        for schedule in reversed(self._schedulers):  # the first of those on one hyperparameter has the last word
            schedule._reset()

    def _initial_step(self) -> None:
        for schedule in self._schedulers:
            schedule._initial_step()
        self.last_epoch, self._step_count, self._last_lr = 0, 1, self._now()

    def _rewind(self) -> None:
        for schedule in self._schedulers:
            schedule._rewind()
        self.last_epoch, self._step_count, self._last_lr = 0, 1, self._now()


class SequentialLR(_Composed):
    """Run one schedule after the other.

    At each milestone the next schedule begins, at its step 0 and from the learning rate that it was made with.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
    milestones : list of int
        The steps at which the second, third, … begins; one fewer than there are schedules.
    last_epoch : int
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> from gradwright.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> first, then = ConstantLR(optimizer, 0.25, total_iters=9), ExponentialLR(optimizer, 0.5)
    >>> SequentialLR(optimizer, [first, then], [2]).values(5)["lr"][:, 0]
    array([0.2, 0.2, 0.8, 0.4, 0.2])
    """

    def __init__(
        self, optimizer: Any, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        who = type(self).__name__
        if len({s.hyperparameter for s in self._schedulers}) > 1:
            raise ConfigError(f"{who}: all schedules must be of one hyperparameter; ChainedScheduler takes several")
        if len(milestones) != len(self._schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ConfigError(
                f"{who}: milestones are {list(milestones)} for {len(self._schedulers)} schedules; expected one fewer "
                "than schedules, in order"
            )
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        self._step_count = 1
        self.base_lrs = [group[f"initial_{self.hyperparameter}"] for group in groups_of(optimizer)]
        for group in groups_of(optimizer):
            for name in self._hyperparameters():
                write(group, name, group[f"initial_{name}"])
        self._undo()
        self._active(0)._initial_step()
        self._last_lr = self._now()

    def _active(self, step: int) -> LRScheduler:
        return self._schedulers[bisect_right(self._milestones, step)]

    def _advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        schedule = self._active(self.last_epoch)
        if self.last_epoch in self._milestones:
            schedule._begin()
        else:
            schedule.step()
        self._last_lr = self._now()

    def _reset(self) -> None:
        self._active(0)._reset()
        self._write(self.base_lrs)

    def _initial_step(self) -> None:
        self._active(0)._initial_step()
        self.last_epoch, self._step_count, self._last_lr = 0, 1, self._now()

    def _rewind(self) -> None:
        self._active(0)._rewind()
        self.last_epoch, self._step_count, self._last_lr = 0, 1, self._now()
