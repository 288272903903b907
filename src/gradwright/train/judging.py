"""A look at one part: the network's figures and the baselines', from rows in memory or block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.data import Baseline, LabeledRows, Note, Preparation, StreamPart, Task, network_targets
from gradwright.train.assess import assess, baseline_interval, predictions
from gradwright.train.config import Config
from gradwright.train.continuation import samples
from gradwright.train.figures import running_figures
from gradwright.train.forward import EVALUATION_ROWS
from gradwright.train.prepared import Prepared, prepared_part
from gradwright.train.trainer import Trainer

__all__ = ["judge", "judge_stream", "single"]

_NOTES = 20  # remarks of a part, at most


def judge(
    data: Prepared, test: LabeledRows | StreamPart, trainer: Trainer, config: Config, baselines: Sequence[Baseline]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return ``result.json``'s figures of a part, and each baseline's interval there; remarks go to ``data.notes``."""
    task, preparation = data.task, data.preparation
    if isinstance(test, StreamPart):
        return judge_stream(
            task, preparation, test, trainer.predict, trainer.criterion, baselines=baselines, notes=data.notes
        )
    x, target, y = prepared_part(task, preparation, test, config, data.notes)
    output = trainer.predict(x)
    figures = assess(task, preparation, output, target, trainer.loss(output, y))
    if task.kind == "next_token":
        figures["samples"] = samples(trainer.model, preparation, x)
    return figures, [baseline_interval(task, b, single(x), target) for b in baselines]


def judge_stream(
    task: Task,
    preparation: Preparation,
    part: StreamPart,
    predict: Callable[[np.ndarray], np.ndarray],
    criterion: nn.Module,
    *,
    baselines: Sequence[Baseline] = (),
    notes: list[Note],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the same of the part of a stream, of which no more than a block is in memory at a time.

    Parameters
    ----------
    predict : callable
        From prepared rows to the network's outputs.
    criterion : Module
        The loss, a mean over rows that may weigh classes.
    notes : list of Note
        Remarks on the rows are added, each once.
    """
    network = running_figures(task, preparation)
    others = [running_figures(task, preparation) for _ in baselines]
    seen: list[Note] = []
    total, weight = 0.0, 0.0
    for x, target in part.in_order(EVALUATION_ROWS, seen):
        output, y = predict(x), network_targets(preparation, target)
        of_rows = _weight(criterion, y)
        total, weight = total + of_rows * _loss(criterion, output, y), weight + of_rows
        network.add(target, predictions(task, preparation, output))
        for baseline, figures in zip(baselines, others, strict=True):
            figures.add(target, baseline.predict(x))
    notes += list({(note.column, str(note.value)): note for note in reversed(seen)}.values())[::-1][:_NOTES]
    return {"rows": part.rows, "loss": total / weight, **network.figures()}, [o.headline().to_dict() for o in others]


def single(x: np.ndarray) -> np.ndarray:
    """Return numbers in single precision, as baselines take them; tokens as they are."""
    return x.astype(np.float32, copy=False) if x.dtype.kind == "f" else x


def _loss(criterion: nn.Module, output: np.ndarray, y: np.ndarray) -> float:
    from gradwright.engine.mode import no_grad
    from gradwright.engine.tensor import Tensor

    with no_grad():
        return float(criterion(Tensor(output), Tensor(y)).item())


def _weight(criterion: nn.Module, y: np.ndarray) -> float:
    """Return what the criterion divides by: how much all rows of a block weigh together."""
    weights = getattr(criterion, "weight", None)
    return float(len(y)) if weights is None else float(weights.numpy().astype(np.float64)[y].sum())
