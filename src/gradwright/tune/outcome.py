"""What a study found: the records of its folder, before they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.train.assess import scale_of
from gradwright.train.folder import write_bytes
from gradwright.train.metrics import Interval
from gradwright.tune.held_out import Scored
from gradwright.tune.study import curve_line, write_study

__all__ = ["Outcome", "trial_line", "within"]


@dataclass(frozen=True)
class Outcome:
    """A study's records.

    Attributes
    ----------
    record, result : dict
        ``study.json`` and ``result.json``.
    trials, curves : list of dict
        ``trials.jsonl`` and ``curves.jsonl``.
    started : str
        When it began: UTC, ISO 8601.
    roles : bytes, optional
        ``folds.npz``: which row did what in each fold.
    """

    record: dict[str, Any]
    trials: list[dict[str, Any]]
    curves: list[dict[str, Any]] = field(repr=False)
    result: dict[str, Any]
    started: str
    roles: bytes | None = field(default=None, repr=False)

    def write(self, folder: Path | str) -> None:
        """Write the records into a study's folder, each whole or not at all."""
        folder = Path(folder)
        if self.roles is not None:
            write_bytes(folder / "folds.npz", self.roles)
        write_study(folder, self.record, self.trials, self.curves, self.result, started=self.started)


def trial_line(one: Scored, metric: str, *, arm: str | None = None) -> dict[str, Any]:
    """Return a network's line of ``trials.jsonl``; its score is that of the rows held out."""
    result, good = one.result, bool(one.figures)
    return {
        "number": result.number,
        "parameters": {},
        "state": "complete" if good else "failed",
        "score": one.figures.get(metric),
        "loss": one.figures.get("loss"),
        "validation": one.validation,
        "epochs": len(result.rows),
        "best_epoch": result.best_epoch,
        "stopped": result.stopped,
        "seed": one.seed,
        "fold": one.fold.fold,
        "repeat": one.fold.repeat,
        "arm": arm,
        "problem": result.problem,
        "parent": None,
        "rung": None,
    }


def curve_lines(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Return the lines of ``curves.jsonl``."""
    return [curve_line(one.result.number, one.result.rows) for one in scored]


def within(interval: Interval, metric: str) -> Interval:
    """Cut an interval at the ends of its measure's range: a t interval of accuracies near 1 leaves it.

    Examples
    --------
    >>> cut = within(Interval(0.97, 0.92, 1.02, "t, 95%"), "accuracy")
    >>> cut.low, cut.high, cut.method
    (0.92, 1.0, 't, 95%, cut at the ends of its range')
    """
    scale = scale_of(metric)
    low = interval.low if scale == "any" else max(interval.low, 0.0)
    high = min(interval.high, 1.0) if scale == "share" else interval.high
    if (low, high) == (interval.low, interval.high):
        return interval
    return Interval(interval.value, low, high, f"{interval.method}, cut at the ends of its range")


def summary(values: Sequence[float], interval: Interval) -> dict[str, Any]:
    """Return mean, standard deviation and interval, as results hold them."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {
        "mean": interval.value, "std": spread, "low": interval.low, "high": interval.high, "method": interval.method,
    }  # fmt: skip


def differing(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings in which configurations differ."""
    return [name for name in configs[0] if any(config[name] != configs[0][name] for config in configs[1:])]
