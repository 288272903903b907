"""What all schedules share: the count of steps, the values at the start, saving, looking ahead."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from gradwright.engine.state import Lift, Stateful
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler.hyperparameter import check_name, groups_of, numbers_in, read, write

__all__ = ["LRScheduler", "RatioLR", "load_function", "saved_function"]


class LRScheduler(Stateful):
    """Give an optimizer's hyperparameter another value at every step.

    A subclass says in :meth:`get_lr` what the values are at step ``last_epoch``, one for each parameter group; it may
    read ``base_lrs``, the values at the start, and the groups as they stand. The learning rate is what is scheduled
    unless ``hyperparameter`` names another one.

    Inside a compiled step ``step()`` only says that it is to happen: it runs on the host, after each executed step, so
    that a schedule may be any Python and needs no trace of its own.

    Parameters
    ----------
    optimizer : Optimizer
        Whose parameter groups are changed. Also any object that has the number as an attribute, such as a ``Dropout``
        with its rate ``"p"``: it counts as a single group.
    last_epoch : int
        Steps that have been taken; -1 starts anew. Otherwise the groups hold the value at the start, under
        ``initial_lr``, as a loaded optimizer's do.
    hyperparameter : str
        What is scheduled: ``"lr"``, ``"momentum"``, ``"weight_decay"``, ``"betas[0]"``, …

    Raises
    ------
    ConfigError
        When a group has no number of that name.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> from gradwright.optim.lr_scheduler import LRScheduler
    >>> class Halving(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> schedule = Halving(optimizer)
    >>> schedule.step(); schedule.get_last_lr()
    [0.4]
    """

    def __init__(self, optimizer: Any, last_epoch: int = -1, *, hyperparameter: str = "lr") -> None:
        self.optimizer = optimizer
        self.hyperparameter = hyperparameter
        check_name(type(self).__name__, optimizer, hyperparameter)
        initial = f"initial_{hyperparameter}"
        for i, group in enumerate(groups_of(optimizer)):
            if last_epoch == -1:
                group.setdefault(initial, read(group, hyperparameter))
            elif initial not in group:
                raise ConfigError(
                    f"{type(self).__name__}: last_epoch is {last_epoch}, but group {i} has no {initial!r} to go on "
                    "from. Load the optimizer's state first, or start with last_epoch=-1."
                )
        self.base_lrs: list[float] = [group[initial] for group in groups_of(optimizer)]
        self.last_epoch = last_epoch
        self._initial_step()

    # --- stepping ---------------------------------------------------------------------------------------------------
    def get_lr(self) -> list[float]:
        """Return the values at step ``last_epoch``, one a group; :meth:`get_last_lr` gives those in use."""
        raise TypeError(f"{type(self).__name__} has no get_lr(); get_last_lr() returns the values in use")

    def get_last_lr(self) -> list[float]:
        """Return the values in use, one for each parameter group."""
        return self._last_lr

    def step(self) -> None:
        """Take a step of the schedule: call it after the optimizer's, once a batch or once an epoch."""
        if trace_now.trace is not None:
            trace_now.trace.after_step(self)
            return
        self._advance()

    def _advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        self._write(self.get_lr())

    def _initial_step(self) -> None:
        """Take the step that leads to the start, which some schedules do not change anything at."""
        self._step_count = 0
        self._is_initial = True
        try:
            self._advance()
        finally:
            self._is_initial = False

    def _begin(self) -> None:
        """Start anew from the values at the start, as the next phase of a :class:`SequentialLR` does."""
        self._reset()
        self._rewind()

    def _reset(self) -> None:
        """Put the values at the start back."""
        self._write(self.base_lrs)

    def _rewind(self) -> None:
        """Take the first step anew, from the values that are there."""
        self.last_epoch = -1
        self._initial_step()

    def _undo(self) -> None:
        """Take back the step that the constructor took."""
        self.last_epoch -= 1

    def _hyperparameters(self) -> list[str]:
        return [self.hyperparameter]

    # --- the groups -------------------------------------------------------------------------------------------------
    def _now(self) -> list[float]:
        return [read(group, self.hyperparameter) for group in groups_of(self.optimizer)]

    def _write(self, values: list[float]) -> None:
        groups = groups_of(self.optimizer)
        if len(values) != len(groups):
            raise StateError(
                f"{type(self).__name__}: there are values for {len(values)} parameter groups, but the optimizer has "
                f"{len(groups)}. Make the schedule after all groups have been added."
            )
        for group, value in zip(groups, values, strict=True):
            write(group, self.hyperparameter, value)
        self._last_lr = self._now()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the optimizer, whose numbers are the schedule's only part in a compiled step."""
        lift.visit(f"{path}.optimizer", self.optimizer)

    # --- looking ahead ----------------------------------------------------------------------------------------------
    def values(self, steps: int) -> dict[str, np.ndarray]:
        """Compute the values of this step and those after it; nothing is changed.

        Parameters
        ----------
        steps : int >= 1
            How many, this step included.

        Returns
        -------
        dict of float64 arrays, shape (steps, groups)
            The scheduled hyperparameter first, then others that change along with it, by their names.

        Examples
        --------
        >>> from gradwright import nn, optim
        >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
        >>> optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).values(3)
        {'lr': array([[0.8], [0.4], [0.2]])}
        """
        if steps < 1:
            raise ConfigError(f"{type(self).__name__}.values: steps is {steps}; expected 1 or more")
        groups = groups_of(self.optimizer)
        before, state = [dict(group) for group in groups], copy.deepcopy(self.state_dict())
        try:
            rows = [[numbers_in(group) for group in groups]]
            for _ in range(steps - 1):
                self.step()
                rows.append([numbers_in(group) for group in groups])
        finally:
            for group, old in zip(groups, before, strict=True):
                for key in group.keys() - old.keys():
                    del group[key]
                group.update(old)
            self.load_state_dict(state)
        everywhere = [n for n in rows[0][0] if all(n in numbers for row in rows for numbers in row)]
        found = {n: np.array([[numbers[n] for numbers in row] for row in rows]) for n in everywhere}
        names = [
            self.hyperparameter,
            *(n for n in found if n != self.hyperparameter and np.ptp(found[n], axis=0).any()),
        ]
        return {name: found[name] for name in names}

    def plot(self, steps: int = 200) -> Any:
        """Draw :meth:`values`: one picture a hyperparameter, one line a parameter group.

        Parameters
        ----------
        steps : int >= 1
            How many steps, from this one on.

        Returns
        -------
        matplotlib.figure.Figure
            Notebooks show it; ``.savefig(path)`` saves it.

        Raises
        ------
        MissingDependencyError
            When Matplotlib is not installed.
        """
        from gradwright.optim.lr_scheduler.drawing import draw_values

        return draw_values(self.values(steps), first=self.last_epoch)

    # --- saving -----------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer, whose state is saved on its own and holds the current values."""
        return {k: list(v) if isinstance(v, list) else v for k, v in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit.

        Raises
        ------
        StateError
            When it is the state of another schedule, hyperparameter or number of groups.
        """
        self._check_state(state_dict)
        vars(self).update({k: list(v) if isinstance(v, list) else v for k, v in state_dict.items()})

    def _check_state(self, state: Mapping[str, Any]) -> None:
        who, own = type(self).__name__, self.state_dict()
        if own.keys() != state.keys():
            missing, foreign = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
            raise StateError(
                f"{who}.load_state_dict: not the state of a {who}: {', '.join(missing) or 'nothing'} is missing, "
                f"{', '.join(foreign) or 'nothing'} is unexpected"
            )
        if state["hyperparameter"] != self.hyperparameter:
            raise StateError(
                f"{who}.load_state_dict: saved for {state['hyperparameter']!r}, this one schedules "
                f"{self.hyperparameter!r}"
            )
        groups = len(groups_of(self.optimizer))
        if len(state["_last_lr"]) != groups:
            raise StateError(
                f"{who}.load_state_dict: saved for {len(state['_last_lr'])} parameter groups, the optimizer has "
                f"{groups}"
            )


class RatioLR(LRScheduler):
    """A schedule that multiplies the value that is there, so that several on one optimizer multiply each other."""

    def ratio(self) -> float:
        """Return by what the step to ``last_epoch`` multiplies."""
        raise TypeError(f"{type(self).__name__} defines no ratio")

    def get_lr(self) -> list[float]:
        """Return the current values times the ratio."""
        ratio = self.ratio()
        return [value * ratio for value in self._now()]


def saved_function(function: Any) -> dict[str, Any] | None:
    """Return what a state holds of a function: the attributes of a callable object, nothing of a plain function."""
    return None if function is None or isinstance(function, FunctionType) else dict(getattr(function, "__dict__", {}))


def load_function(function: Any, saved: Mapping[str, Any] | None) -> None:
    """Put saved attributes back into a callable object."""
    if saved:
        vars(function).update(saved)
