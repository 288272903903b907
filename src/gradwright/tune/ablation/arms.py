"""The configurations of an ablation, each trained with every seed, all of them together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradwright.train.assess import brief_figures
from gradwright.train.config import Config
from gradwright.tune.ablation.parts import Part, changed
from gradwright.tune.members import Member, MemberResult, Members
from gradwright.tune.source import Source
from gradwright.tune.study import curve_line

__all__ = ["Arm", "Arms", "without"]

OnEpoch = Callable[[int, Mapping[str, Any]], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Arm:
    """A configuration to train.

    Attributes
    ----------
    name : str
    config : Config
        Resolved.
    columns : tuple of str
        Columns that it does not see.
    """

    name: str
    config: Config
    columns: tuple[str, ...] = ()


def without(base: Config, name: str, parts: Sequence[Part], source: Source, width: int) -> Arm:
    """Return a configuration without some parts, taken away in this order."""
    config = base
    for part in parts:
        config = changed(config, part.change(config))
    config = config.resolved(len(source.parts.train), width, source.task.kind)
    return Arm(name, config, tuple(dict.fromkeys(c for part in parts for c in part.columns)))


@dataclass
class Arms:
    """Train arms over seeds, and keep what came of them.

    Attributes
    ----------
    source : Source
    width : int
        Prepared values of a row.
    seeds : int
        Seeds of each arm: the base's own, and those that follow.
    masked : bool
        Whether columns are left out by a mask.
    on_epoch, say : callable, optional
        As `train_members` takes them.
    """

    source: Source
    width: int
    seeds: int
    masked: bool
    on_epoch: OnEpoch | None = None
    say: Say | None = None
    trials: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def train(self, arms: Sequence[Arm], seeds: int | None = None) -> list[list[float | None]]:
        """Return each arm's scores on the validation part, one a seed; None for a training without a good epoch."""
        count = self.seeds if seeds is None else seeds
        train, validation = self.source.parts.train, self.source.parts.validation
        first = len(self.trials)
        plan = [(arm, arm.config.seed + k) for arm in arms for k in range(count)]
        members = []
        for i, (arm, seed) in enumerate(plan):
            config = arm.config.model_copy(update={"seed": seed % 2**63})
            hidden = {"masked": arm.columns} if self.masked else {"without": arm.columns}
            members.append(Member(first + i, config, train, validation, **hidden))
        together = Members(self.source.dataset, self.source.task, members)
        together.run(None, self.on_epoch, self.say)
        scores: list[float | None] = []
        for (arm, _), member, result in zip(plan, members, together.results(keep=()), strict=True):
            score = self._score(together, result)
            scores.append(score)
            self.trials.append(_line(arm, member, result, score))
            self.curves.append(curve_line(result.number, result.rows))
        self.groups += together.record()
        self.notes = list(dict.fromkeys([*self.notes, *map(str, together.notes)]))
        return [scores[i * count : (i + 1) * count] for i in range(len(arms))]

    def _score(self, together: Members, result: MemberResult) -> float | None:
        metric = self.source.metric
        if result.best_epoch == 0 or result.preparation is None:
            return None
        score = result.validation.get(metric)
        if score is None:
            outputs, target, loss = together.predict(result.number, self.source.parts.validation)
            score = float(brief_figures(self.source.task, result.preparation, outputs, target, loss)[metric])
        return score if math.isfinite(score) else None


def _line(arm: Arm, member: Member, result: MemberResult, score: float | None) -> dict[str, Any]:
    return {
        "number": result.number,
        "parameters": {},
        "state": "failed" if score is None else "complete",
        "score": score,
        "loss": result.validation.get("loss"),
        "epochs": len(result.rows),
        "best_epoch": result.best_epoch,
        "stopped": result.stopped,
        "seed": member.config.seed,
        "fold": None,
        "repeat": None,
        "arm": arm.name,
        "problem": result.problem or ("no epoch has a finite score" if score is None else None),
        "parent": None,
        "rung": None,
    }
