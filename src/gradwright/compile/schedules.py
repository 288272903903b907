"""Hyperparameters that change from step to step: the host runs the schedules ahead for the program."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from gradwright.compile.lift import Lifted
from gradwright.compile.trace import Program
from gradwright.engine.tracing import Schedule
from gradwright.errors import CompileError

__all__ = ["Paused", "advance", "numbers_ahead"]


class Paused:
    """Where schedules and the numbers that they set stand, to go back to."""

    def __init__(self, schedules: Sequence[Schedule], lifted: Lifted) -> None:
        self._schedules = [(s, copy.deepcopy(s.state_dict())) for s in schedules]
        self._numbers = [(cell, cell.get()) for cell in lifted.numbers]
        self._constants = [(name, name.now()) for name in lifted.constants if isinstance(name.holder, dict)]

    def restore(self) -> None:
        """Go back."""
        for schedule, state in self._schedules:
            schedule.load_state_dict(copy.deepcopy(state))
        for cell, value in self._numbers:
            cell.put(value)
        for name, value in self._constants:
            name.holder[name.key] = value


def advance(program: Program) -> None:
    """A step has run: let the schedules set the numbers of the next."""
    for schedule in program.schedules:
        schedule.step()


def numbers_ahead(program: Program, lifted: Lifted, steps: int) -> np.ndarray | None:
    """Run the schedules ``steps`` steps on; return the numbers for each step, an array (steps, numbers).

    None when a number leaves the value that stands in the program's text: a weight decay of 0 that a schedule raises
    needs a program in which the decay is there. The caller goes back then, as after an error (:class:`Paused`).
    """
    taken = set(program.numbers)
    fixed = [(cell, cell.get()) for i, cell in enumerate(lifted.numbers) if i not in taken]
    constants = [(name, name.now()) for name in lifted.constants]
    rows = np.empty((steps, len(program.numbers)))
    for i in range(steps):
        rows[i] = program.numbers_now(lifted)
        for key in [name.key for name, value in constants if name.now() != value]:
            raise CompileError(
                f"compile: a schedule changes {key}, which is no number but decides what the program says. Change it "
                "between calls."
            )
        if any(cell.get() != value for cell, value in fixed):
            for owner in lifted.owners:
                owner.ensure_slots()  # a momentum that is no longer 0 wants its buffer
            return None
        advance(program)
    return rows
