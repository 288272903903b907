"""One job of a search: its trials trained together, plain JSON in and plain JSON out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import GradwrightError, TrainingInterrupted
from gradwright.train.assess import brief_figures, predictions
from gradwright.train.config import Config
from gradwright.train.folder import plain
from gradwright.train.prepared import prepared_part
from gradwright.tune.courses import COURSES, TIME_UP
from gradwright.tune.layout import Layout
from gradwright.tune.members import Member, MemberResult, Members
from gradwright.tune.source import Source
from gradwright.tune.space import Space
from gradwright.tune.study import curve_line
from gradwright.tune.workers.arrays import packed
from gradwright.tune.workers.progress import tick

__all__ = ["Hooks", "Work"]


def _nothing(*_: Any) -> None:
    return None


@dataclass
class Hooks:
    """What a job in this process tells, and asks; all of it is left away elsewhere.

    Attributes
    ----------
    on_epoch : callable
        ``on_epoch(number, row)`` after each epoch of each trial.
    say : callable
        Told in words what takes long.
    on_layouts : callable
        Told how trials are grouped and laid out, as soon as that is chosen.
    stopped : callable
        Returns words when all shall be broken off at once, as by Ctrl-C.
    over : callable
        Says whether the time is up: trials then end where they stand, and count.
    """

    on_epoch: Callable[[int, Mapping[str, Any]], None] = _nothing
    say: Callable[[str], None] = _nothing
    on_layouts: Callable[[list[dict[str, Any]]], None] = _nothing
    stopped: Callable[[], str | None] = _nothing
    over: Callable[[], bool | None] = _nothing


@dataclass
class Work:
    """What all jobs of a search have in common; called with a job, it returns the result.

    Attributes
    ----------
    source : Source
        The data; its test part is not touched.
    base : Config
        Settings of all trials, before their own.
    space : Space
    train, validation : int64 arrays
        Rows to train on and to score by.
    hooks : Hooks
    fixed : bool
        Whether trials are laid out by a rule that all machines share, rather than by what this one is best at.
    """

    source: Source
    base: Config
    space: Space
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    hooks: Hooks = field(default_factory=Hooks)
    fixed: bool = False

    def __call__(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Train the trials of a job.

        Parameters
        ----------
        job : dict
            As :class:`~gradwright.tune.plans.Plan` makes it; ``"layouts"`` are those of its earlier, broken-off run.

        Returns
        -------
        dict
            ``trials`` as lines of ``trials.jsonl`` (in order of their numbers; weights that were copied make more of
            them), ``curves`` as lines of ``curves.jsonl``, ``outcomes`` (what each validation row adds to the score, by
            number), ``groups`` and ``seconds``.
        """
        began = time.monotonic()
        refused: dict[int, str] = {}
        members = []
        for trial in job["trials"]:
            try:
                members.append(self.member(trial["number"], trial["parameters"]))
            except GradwrightError as error:
                refused[trial["number"]] = str(error)
        layouts = _layouts(job.get("layouts") or [])
        together = Members(
            self.source.dataset, self.source.task, members, layouts=layouts, fixed=self.fixed, refused=refused
        )
        values = {trial["number"]: trial["parameters"] for trial in job["trials"]}
        course = COURSES[job["course"]["name"]](self, together, job["course"], values)
        if together.members:
            course.run()
        for result in together.results(("outputs",)):
            course.end(result)
        ended = [*course.ended, *(self.refused(n, values[n], words) for n, words in refused.items())]
        ended.sort(key=lambda one: one["trial"]["number"])
        return {
            "trials": [plain(one["trial"]) for one in ended],
            "curves": [plain(one["curve"]) for one in ended if one["trial"]["epochs"]],
            "outcomes": {str(one["trial"]["number"]): one["outcome"] for one in ended if one.get("outcome")},
            "groups": together.record(),
            "seconds": time.monotonic() - began,
        }

    def member(self, number: int, parameters: Mapping[str, Any]) -> Member:
        """Return a trial as something to train."""
        return Member(number, self.space.apply(self.base, parameters), self.train, self.validation)

    def run(self, together: Members, until: Any = None) -> None:
        """Train up to an epoch, telling and asking after each one."""
        known = len(together.groups)

        def told(number: int, row: Mapping[str, Any]) -> None:
            nonlocal known
            if len(together.groups) > known:
                known = len(together.groups)
                self.hooks.on_layouts(together.record())
            tick()
            self.hooks.on_epoch(number, row)
            words = self.hooks.stopped()
            if words:
                raise TrainingInterrupted(words)
            if self.hooks.over():
                for runner in together.runners:
                    runner.stopped = runner.stopped or TIME_UP

        together.run(until, told, self.hooks.say)

    def score(self, result: MemberResult) -> float | None:
        """Return a trial's score: the task's figure on the validation rows at its best epoch."""
        metric = self.source.metric
        if result.problem is not None or not result.best_epoch:
            return None
        if metric not in result.validation and result.outputs is not None:
            target = self._target(result)
            figures = brief_figures(self.source.task, _preparation(result), result.outputs, target, 0.0)
            return _finite(figures[metric])
        return _finite(result.validation.get(metric))

    def outcome(self, result: MemberResult) -> dict[str, Any] | None:
        """Return what each validation row adds to the score: 1 for a hit and 0 for a miss, or a squared error."""
        if result.outputs is None or result.problem is not None or self.source.metric not in ("accuracy", "rmse"):
            return None
        target = self._target(result)
        predicted = predictions(self.source.task, _preparation(result), result.outputs)
        if target.ndim != 1 or predicted.shape != target.shape:
            return None
        if self.source.metric == "accuracy":
            return packed((predicted == target).astype(np.uint8))
        return packed(((predicted.astype(np.float64) - target) ** 2).astype(np.float32))

    def _target(self, result: MemberResult) -> NDArray[Any]:
        rows = self.source.dataset.take(self.validation)
        return prepared_part(self.source.task, _preparation(result), rows, self.base, [])[1]

    def line(
        self,
        result: MemberResult,
        parameters: Mapping[str, Any],
        *,
        state: str,
        rung: int | None = None,
        parent: int | None = None,
    ) -> dict[str, Any]:
        """Return what is kept of a trial: its lines and its outcome."""
        score = self.score(result)
        problem = result.problem
        if result.stopped == TIME_UP:
            problem = problem or f"ended after epoch {len(result.rows)}: {TIME_UP}"
        if score is None:
            state, problem = "failed", problem or "no epoch had a score"
        trial = {
            "number": result.number,
            "parameters": dict(parameters),
            "state": state,
            "score": score,
            "loss": _finite(result.validation.get("loss")),
            "epochs": len(result.rows),
            "best_epoch": result.best_epoch or None,
            "seed": self.base.seed,
            "fold": None,
            "repeat": None,
            "arm": None,
            "problem": problem,
            "parent": parent,
            "rung": rung,
        }
        return {"trial": trial, "curve": curve_line(result.number, result.rows), "outcome": self.outcome(result)}

    def refused(self, number: int, parameters: Mapping[str, Any], words: str) -> dict[str, Any]:
        """Return what is kept of a trial that could not begin."""
        return self.line(MemberResult(number, [], 0, "", words, {}), parameters, state="failed")


def _preparation(result: MemberResult) -> Any:
    return result.preparation


def _layouts(groups: Sequence[Mapping[str, Any]]) -> dict[tuple[int, ...], Layout]:
    """Return the layouts of recorded groups."""
    found = {}
    for group in groups:
        layout = group["layout"]
        found[tuple(group["members"])] = Layout(layout["chunk"], layout["lanes"], bool(layout["shared"]))
    return found


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
