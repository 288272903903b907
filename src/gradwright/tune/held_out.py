"""Configurations trained on folds as one population, and scored on the rows that each fold held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data import Preparation, fit_preparation
from gradwright.train.assess import brief_figures, predictions
from gradwright.train.config import CONTEXT, TOKENS, Config
from gradwright.tune.folds import Fold, not_features
from gradwright.tune.members import Member, MemberResult, Members
from gradwright.tune.memory import memory_budget
from gradwright.tune.source import Source

__all__ = ["Scored", "Training", "prepare_fold", "resolve_once", "train_on_folds"]

OnEpoch = Callable[[int, Mapping[str, Any]], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scored:
    """One network and what it says about its fold's held-out rows.

    Attributes
    ----------
    arm : int
        Which of the configurations.
    seed : int
    fold : Fold
    result : MemberResult
    figures, validation : dict
        ``loss`` and the task's measure on the held-out rows, and on those that decided when to stop; empty for a
        training without a good epoch.
    target, predicted : arrays
        The true values, and the network's: classes, or quantities in their own unit.
    """

    arm: int
    seed: int
    fold: Fold
    result: MemberResult
    figures: dict[str, float]
    validation: dict[str, float]
    target: NDArray[Any] = field(repr=False)
    predicted: NDArray[Any] = field(repr=False)


@dataclass(frozen=True)
class Training:
    """All networks of a study on folds, in the order of arms, folds, seeds; how they were grouped; remarks on rows."""

    scored: list[Scored]
    groups: list[dict[str, Any]]
    notes: list[str]

    def of(self, arm: int) -> list[Scored]:
        """Return one configuration's networks."""
        return [one for one in self.scored if one.arm == arm]


def prepare_fold(source: Source, config: Config, rows: NDArray[np.int64]) -> Preparation:
    """Fit what prepares rows, on these alone."""
    return fit_preparation(
        source.task, source.dataset.take(rows), context=config.context or CONTEXT, tokens=config.tokens or TOKENS,
        drop=not_features(config),
    )  # fmt: skip


def resolve_once(source: Source, config: Config, folds: Sequence[Fold]) -> Config:
    """Fill in what depends on the data, once for all folds: else a fold of a row more might get other batches."""
    train = min((fold.train for fold in folds), key=len)
    return config.resolved(len(train), prepare_fold(source, config, train).width, source.task.kind)


def train_on_folds(
    source: Source,
    configs: Sequence[Config],
    folds: Sequence[Fold],
    *,
    seeds: int = 1,
    on_epoch: OnEpoch | None = None,
    say: Say | None = None,
    before_scoring: Callable[[], Any] | None = None,
) -> Training:
    """Train every configuration on every fold with every seed, all together, and score the held-out rows.

    Parameters
    ----------
    source : Source
    configs : sequence of Config
        Resolved. Those that can share a program do.
    folds : sequence of Fold
    seeds : int
        Networks of each configuration and fold; the repeat r's are ``config.seed + r·seeds + 0, 1, …``, the same for
        all configurations.
    on_epoch, say : callable, optional
        As `train_members` takes them.
    before_scoring : callable, optional
        Called when a population is trained, before its held-out rows are looked at.
    """
    scored: list[Scored] = []
    groups: list[dict[str, Any]] = []
    notes: list[str] = []
    number = 0
    for wave in _waves(source, configs, folds):
        plan = [
            (arm, fold, config.seed + fold.repeat * seeds + s)
            for arm, config in enumerate(configs)
            for fold in wave
            for s in range(seeds)
        ]
        members = [
            Member(number + i, configs[arm].model_copy(update={"seed": seed}), fold.train, fold.validation)
            for i, (arm, fold, seed) in enumerate(plan)
        ]
        number += len(members)
        together = Members(source.dataset, source.task, members)
        together.run(None, on_epoch, say)
        results = together.results(keep=())
        if before_scoring is not None:
            before_scoring()
        scored += [
            _score(source, together, arm, fold, seed, result)
            for (arm, fold, seed), result in zip(plan, results, strict=True)
        ]
        groups += together.record()
        notes = list(dict.fromkeys([*notes, *map(str, together.notes)]))
    scored.sort(key=lambda one: one.arm)  # stable: the waves have them fold by fold
    return Training(scored, groups, notes)


def _score(source: Source, members: Members, arm: int, fold: Fold, seed: int, result: MemberResult) -> Scored:
    task = source.task
    if result.best_epoch == 0 or result.preparation is None:
        return Scored(arm, seed, fold, result, {}, {}, np.empty(0), np.empty(0))
    preparation = result.preparation

    def figures(outputs: NDArray[Any], target: NDArray[Any], loss: float) -> dict[str, float]:
        return {k: float(v) for k, v in brief_figures(task, preparation, outputs, target, loss).items()}

    outputs, target, loss = members.predict(result.number, fold.held)
    validation = {k: v for k, v in result.validation.items() if k in ("loss", source.metric)}
    if len(validation) < 2:  # epochs have accuracy and RMSE; F1 of entities, perplexity and others are judged here
        validation = figures(*members.predict(result.number, fold.validation))
    said = predictions(task, preparation, outputs)
    return Scored(arm, seed, fold, result, figures(outputs, target, loss), validation, target, said)


def _waves(source: Source, configs: Sequence[Config], folds: Sequence[Fold]) -> Iterator[list[Fold]]:
    """Cut the folds into parts whose prepared rows fit into memory side by side: of leave-one-out there are many."""
    # tokens are as many as a text has, so of them the source's size would be no guide; they are not folded by the row
    width = max(prepare_fold(source, config, folds[0].train).width for config in configs[:1])
    row = width * max(np.dtype(config.dtype).itemsize for config in configs)
    most = memory_budget() // 4  # they are joined, and laid on the device
    wave: list[Fold] = []
    size = 0
    for fold in folds:
        more = (len(fold.train) + len(fold.validation)) * row
        if wave and size + more > most:
            yield wave
            wave, size = [], 0
        wave.append(fold)
        size += more
    yield wave
