"""Baselines on the same folds: what the network must beat, fitted and scored on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradwright.data import Note, fit_baselines
from gradwright.train.assess import baseline_figure
from gradwright.train.config import Config
from gradwright.train.judging import single
from gradwright.train.prepared import prepared_part
from gradwright.tune.folds import Fold
from gradwright.tune.held_out import prepare_fold
from gradwright.tune.source import Source

__all__ = ["MOST_FOLDS", "FoldBaseline", "baselines_on"]

#: Fitting a linear model anew for each of more folds would take longer than the networks.
MOST_FOLDS = 300


@dataclass(frozen=True)
class FoldBaseline:
    """A simple model's figure on each fold's held-out rows, and what it is."""

    name: str
    description: str
    scores: list[float]
    predicted: list[NDArray[np.generic]]


def baselines_on(
    source: Source, config: Config, folds: Sequence[Fold], say: Callable[[str], None] | None = None
) -> list[FoldBaseline]:
    """Fit baselines to all rows of each fold that are not scored, and score them.

    A baseline needs no rows to stop by, so it gets those too: the network and it have seen the same rows.

    Parameters
    ----------
    config : Config
        Resolved.
    """
    found: dict[str, FoldBaseline] = {}
    for i, fold in enumerate(folds):
        if say is not None:
            say(f"baselines, fold {i + 1} of {len(folds)}")
        rows = np.union1d(fold.train, fold.validation)
        preparation = prepare_fold(source, config, rows)
        notes: list[Note] = []
        x, target, _ = prepared_part(source.task, preparation, source.dataset.take(rows), config, notes)
        hx, held, _ = prepared_part(source.task, preparation, source.dataset.take(fold.held), config, notes)
        for baseline in fit_baselines(source.task, single(x), target, seed=config.seed % 2**32):
            one = found.setdefault(baseline.name, FoldBaseline(baseline.name, baseline.description, [], []))
            one.scores.append(baseline_figure(source.task, baseline, single(hx), held))
            one.predicted.append(baseline.predict(single(hx)))
    return list(found.values())
