"""How the trials of a job go: straight to their end, over rungs, promoted one by one, or exchanging weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.members import MemberResult, Members
from gradwright.tune.runner import Runner
from gradwright.tune.strategies import ASHA, PopulationBased, SuccessiveHalving

if TYPE_CHECKING:
    from gradwright.tune.work import Work

__all__ = ["COURSES", "TIME_UP", "Course"]

#: Why a trial ended that was under way when the time was up.
TIME_UP = "the time was up"
_TO_THE_END = 2**31


class Course:
    """Straight: each trial is trained to its end.

    Attributes
    ----------
    ended : list of dict
        What :meth:`Work.line` returns of the trials that have ended.
    """

    #: Whether trials pause between epochs, which what trains for itself cannot.
    pauses = False

    def __init__(
        self, work: Work, together: Members, settings: Mapping[str, Any], values: dict[int, dict[str, Any]]
    ) -> None:
        self.work, self.together, self.values = work, together, values
        self.settings = {name: value for name, value in settings.items() if name != "name"}
        self.ended: list[dict[str, Any]] = []
        self.rungs: dict[int, int] = {}
        self.parents: dict[int, int] = {}
        if self.pauses and (alone := [r.number for r in together.runners if r.trainer.eager]):
            shown = ", ".join(map(str, alone[:8])) + (", …" if len(alone) > 8 else "")
            raise ConfigError(
                f"{settings['name']} pauses its trials, and what runs eagerly or as L-BFGS does trains from beginning "
                f"to end (trials {shown}); take random, sobol or tpe, or another optimizer"
            )

    def run(self) -> None:
        """Train."""
        self.work.run(self.together)

    def end(self, result: MemberResult) -> None:
        """Take down how a trial ended, or why it does not go on."""
        # who is neither done nor broken was given up for better ones
        state = "complete" if result.stopped else "pruned"
        number = result.number
        self.ended.append(
            self.work.line(
                result, self.values[number], state=state, rung=self.rungs.get(number), parent=self.parents.get(number)
            )
        )

    def runners(self) -> dict[int, Runner]:
        """Return what trains, by number."""
        return {runner.number: runner for runner in self.together.runners}

    def scores(self, numbers: Collection[int]) -> dict[int, float | None]:
        """Return the scores so far, each at the trial's best epoch; None for one that failed."""
        found: dict[int, float | None] = {}
        metric = f"validation_{self.work.source.metric}"
        for number, runner in self.runners().items():
            if number in numbers:
                best = runner.history[runner.best_epoch - 1] if runner.best_epoch and not runner.problem else {}
                found[number] = best.get(metric)
        if any(found[n] is None and self.runners()[n].best_epoch for n in found):  # no figure that is added up
            for result in self.together.results(("outputs",)):
                if result.number in found:
                    found[result.number] = self.work.score(result)
        return found


class Halving(Course):
    """Over rungs: after each the better part goes on, packed anew into chunks."""

    pauses = True

    def run(self) -> None:
        """Train the trials of each rung, and let those that survive go on."""
        halving = SuccessiveHalving(**self.settings)
        alive = [member.number for member in self.together.members]
        for i, rung in enumerate(halving.rungs):
            self.work.run(self.together, dict.fromkeys(alive, rung.epochs))
            self.rungs |= dict.fromkeys(alive, i)
            alive = halving.survivors(i, self.scores(alive))


class Promotions(Course):
    """ASHA's: who is among the best of a rung goes on at once, and new trials fill the other places."""

    pauses = True

    def run(self) -> None:
        """Train batch by batch; each does what could be decided before it."""
        places = self.settings.pop("places")
        asha = ASHA(**self.settings)
        fresh = deque(member.number for member in self.together.members)
        last = len(asha.epochs_of) - 1
        finished: list[dict[int, float | None]] = [{} for _ in asha.epochs_of]
        while jobs := asha.jobs(finished, places, len(fresh)):
            goals = {fresh.popleft() if job.number is None else job.number: job.rung for job in jobs}
            # the last rung is the end, where the epochs are no power of eta
            until = {n: _TO_THE_END if rung == last else asha.epochs_of[rung] for n, rung in goals.items()}
            self.work.run(self.together, until)
            for number, score in self.scores(goals).items():
                finished[goals[number]][number] = score
            self.rungs |= goals


class Exchanges(Course):
    """Population-based: now and then the worst go on from the best ones' weights, with changed values.

    What goes on is a trial of its own, whose ``parent`` is the one it was copied from; the one that it displaced ends.
    """

    pauses = True

    def run(self) -> None:
        """Train, exchange, and train on."""
        interval = self.settings["interval"]
        population = PopulationBased(self.work.space, max(len(self.values), 2), **self.settings)
        for i, epoch in enumerate(range(interval, self.work.base.epochs, interval), 1):
            self.work.run(self.together, epoch)
            now = {runner.number: _last(runner, self.work) for runner in self.together.runners}
            if all(runner.stopped == TIME_UP for runner in self.together.runners):
                return
            copies = population.exchange(i, now, self.values)
            if not copies:
                continue
            before = {result.number: result for result in self.together.results(("outputs",))}
            for copy in copies:
                self.end(before[copy.to])
                number = len(self.values)
                self.values[number], self.parents[number] = copy.parameters, copy.source
                self.together.adopt(copy.to, copy.source, self.work.member(number, copy.parameters))
        self.work.run(self.together)


def _last(runner: Runner, work: Work) -> float | None:
    """Return how good a trial's weights are now; None when it failed.

    Where the task's figure is not added up in training, the loss ranks.
    """
    if runner.problem is not None:
        return None
    metric = f"validation_{work.source.metric}"
    for row in reversed(runner.history):
        if metric in row:
            return _number(row[metric])
        if "validation_loss" in row:
            loss = _number(row["validation_loss"])
            return loss if loss is None or work.source.direction == "minimize" else -loss
    return None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


#: By the name in a job.
COURSES: dict[str, type[Course]] = {
    "straight": Course,
    "halving": Halving,
    "asha": Promotions,
    "pbt": Exchanges,
}
