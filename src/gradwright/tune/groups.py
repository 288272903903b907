"""Train any members: those that can share a program together, the others for themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.engine.random import use_generator
from gradwright.errors import NonFiniteError
from gradwright.optim import Optimizer
from gradwright.tune.cohort import Cohort, OnEpoch, placed, refuse_shared
from gradwright.tune.layout import Layout, LayoutChoice, choose_layout, fixed_layout
from gradwright.tune.runner import Runner, Until

__all__ = ["Group", "Groups"]


@dataclass(frozen=True)
class Group:
    """Members that share a program, and how they are laid out.

    Attributes
    ----------
    members : tuple of int
        Their numbers.
    choice : LayoutChoice
        The layout.
    bytes : int
        Memory that the program takes in all lanes, as XLA says.
    """

    members: tuple[int, ...]
    choice: LayoutChoice
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study's record holds it."""
        why = "one program" if len(self.members) > 1 else "a program of its own"
        return {"members": list(self.members), "why": why, "layout": self.choice.to_dict(), "bytes": self.bytes}


class Groups:
    """Members, grouped by program.

    What numbers differ in (learning rate, dropout rate, decay, seed, order, rows, initial weights) is an input of a
    program; what changes the program (layers, widths, update rule, batch size) parts members into groups.

    Parameters
    ----------
    runners : sequence of Runner
    data, held : (x, y)
        All rows to train on and to validate with; each runner names its own.
    layouts : mapping of tuple of int to Layout, optional
        The layouts to take for the groups with these members, as an earlier study has recorded them.
    layout : Layout, optional
        The layout of all others; unless given, the fastest in a short probe.
    fixed : bool
        Not to probe, but to cut chunks by the number of members alone, the same on all machines.
    """

    def __init__(
        self,
        runners: Sequence[Runner],
        data: tuple[Any, Any],
        held: tuple[Any, Any],
        *,
        layouts: Mapping[tuple[int, ...], Layout] | None = None,
        layout: Layout | None = None,
        fixed: bool = False,
    ) -> None:
        self.runners = list(runners)
        self.data, self.held = data, held
        self._layouts, self._layout = dict(layouts or {}), layout
        self._choose = fixed_layout if fixed else choose_layout
        compiled = [r for r in self.runners if not r.trainer.eager]
        self._alone = [r for r in self.runners if r.trainer.eager]
        refuse_shared([(r.number, _trained(r.trainer.optimizer)) for r in self.runners])
        _same_slots(compiled)
        found: dict[Any, list[Runner]] = {}
        for runner in compiled:
            found.setdefault(runner.key(), []).append(runner)
        self._parts = list(found.values())
        self._cohorts: dict[int, Cohort] = {}
        self._placed: tuple[list[Any], list[Any]] | None = None  # once for all cohorts
        self._chosen: dict[int, LayoutChoice] = {}
        self.groups: list[Group] = []

    def __len__(self) -> int:
        """How many programs there are."""
        return len(self._parts) + len(self._alone)

    def run(
        self,
        until: Until = None,
        on_epoch: OnEpoch | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Train all that may go on, up to an epoch (None: to their end); the next group is prepared meanwhile."""
        todo = [i for i, part in enumerate(self._parts) if any(r.goes_on(until) for r in part)]
        with ThreadPoolExecutor(1, thread_name_prefix="next group") as pool:
            coming = pool.submit(self._cohort, todo[0]) if todo else None
            for position, i in enumerate(todo):
                assert coming is not None
                cohort = coming.result()
                later = todo[position + 1 : position + 2]
                choice = self._choice(i, cohort, say)
                coming = pool.submit(self._cohort, later[0]) if later else None
                cohort.run(choice.layout, until, on_epoch)
        for runner in self._alone:
            if runner.goes_on(until):
                _run_alone(runner, self.data, self.held, on_epoch)
                choice = LayoutChoice(Layout(1, 1), "its way depends on values, so it trains for itself")
                self.groups.append(Group((runner.number,), choice, 0))

    @property
    def firsts(self) -> list[Runner]:
        """A member of each program."""
        return [*[part[0] for part in self._parts], *self._alone]

    def settle(self) -> None:
        """Put each member's best weights into its model."""
        for cohort in self._cohorts.values():
            cohort.settle()

    def cohort_of(self, runner: Runner) -> Cohort | None:
        """Return the cohort that a member is in; None for one that trains for itself."""
        return next((c for c in self._cohorts.values() if any(r is runner for r in c.runners)), None)

    def _cohort(self, i: int) -> Cohort:
        if i not in self._cohorts:
            self._placed = self._placed or (placed(self.data), placed(self.held))
            self._cohorts[i] = Cohort(self._parts[i], self.data, self.held, self._placed)
        return self._cohorts[i]

    def _choice(self, i: int, cohort: Cohort, say: Callable[[str], None] | None) -> LayoutChoice:
        if i in self._chosen:
            return self._chosen[i]
        numbers = tuple(r.number for r in self._parts[i])
        given = self._layouts.get(numbers, self._layout)
        choice = LayoutChoice(given, "as recorded or asked for") if given is not None else self._choose(cohort, say)
        self._chosen[i] = choice
        layout = choice.layout
        cohort.programs(layout)  # all that it takes, that of an epoch's end too
        self.groups.append(Group(numbers, choice, cohort.bytes(layout)))
        return choice


def _trained(optimizer: Optimizer) -> list[Any]:
    """Return an optimizer and what it trains."""
    return [optimizer, *[p for group in optimizer.param_groups for p in group["params"]]]


def _same_slots(runners: Sequence[Runner]) -> None:
    """Give members that could be alike the state that any has: beside momentum, one without has a buffer too."""
    alike: dict[Any, list[Runner]] = {}
    for runner in runners:
        alike.setdefault(tuple(type(o) for o in runner.states[0].owners), []).append(runner)
    for some in alike.values():
        for same in zip(*[r.states[0].owners for r in some], strict=True):
            names = dict.fromkeys(name for owner in same for name in owner.slot_names())
            added = [owner.ensure_slots(names) for owner in same]
            if any(added):
                for runner in some:
                    runner.look_again()


def _run_alone(runner: Runner, data: tuple[Any, Any], held: tuple[Any, Any], on_epoch: OnEpoch | None) -> None:
    """Train a member whose way depends on values, as L-BFGS's does, by its trainer, from beginning to end."""
    trainer = runner.trainer
    parts = [tuple(np.asarray(a)[rows] for a in part) for part, rows in ((data, runner.rows), (held, runner.held))]
    with use_generator(runner.generator):
        try:
            history = trainer.fit(
                parts[0], parts[1], epochs=runner.epochs, batch_size=runner.batch_size,
                early_stopping=runner.rule, validate_every=runner.validate_every,
            )  # fmt: skip
            runner.history, runner.best_epoch = history.rows, history.best_epoch
            runner.stopped, runner.problem = history.stopped, history.problem
        except NonFiniteError as error:
            runner.history = trainer.history.rows
            runner.problem = str(error)
            runner.stopped = "loss stopped being a number"
    if on_epoch is not None:
        on_epoch(runner)
