"""A member trained by itself, by the trainer that `gradwright train` uses: what a population must equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradwright as gw
from gradwright.data import LabeledRows, Split, TargetScale, Task, fit_preparation
from gradwright.train.assembly import make_stopping, make_trainer
from gradwright.train.criteria import make_criterion
from gradwright.train.history import History
from gradwright.train.network import build_network
from gradwright.train.prepared import PreparedRows, prepared_part
from gradwright.train.trainer import Trainer
from gradwright.tune import Member, MemberResult

#: Figures that are not compared: seconds, and norms, which only the trainer takes down.
NOT_COMPARED = {"seconds", "norms"}


@dataclass
class Alone:
    """What came of it: figures in the target's own unit, and the trainer with its last state."""

    history: History
    rows: list[dict[str, Any]]
    trainer: Trainer
    stream: Any
    outputs: np.ndarray


def train_alone(dataset: LabeledRows, task: Task, member: Member, *, eager: bool = True) -> Alone:
    """Train one member as `gradwright train` would with its settings on its rows; eagerly, so that nothing compiles."""
    config = member.config
    parts = Split(
        member.train, member.validation, np.empty(0, np.int64),
        by=None if config.group is None else "groups", column=config.group,
    )  # fmt: skip
    rows, held = dataset.take(member.train), dataset.take(member.validation)
    preparation = fit_preparation(task, rows, drop=parts.not_features)
    x, target, y = prepared_part(task, preparation, rows, config, [])
    vx, validation_target, vy = prepared_part(task, preparation, held, config, [])
    data = PreparedRows(dataset, task, preparation, [], x, y, vx, vy, target, validation_target, parts)
    config = config.resolved(len(x), preparation.width, task.kind).model_copy(update={"eager": eager})
    generator = gw.Generator(config.seed)
    with gw.use_generator(generator):
        model = build_network(config, data.shape, data.outputs, x, data.vocabulary)
        criterion = make_criterion(task, config, data.weights(config.class_weights))
        trainer = make_trainer(config, model, criterion, data)
        history = trainer.fit(
            (x, y), (vx, vy), epochs=config.epochs, batch_size=config.batch_size or 32,
            early_stopping=make_stopping(config), validate_every=config.validate_every,
        )  # fmt: skip
        outputs = trainer.predict(vx)
    target_scale = preparation.target_scale
    scale = float(target_scale.std) if isinstance(target_scale, TargetScale) else 1.0
    own = [{k: v * scale if k.endswith("_rmse") else v for k, v in row.items()} for row in history.rows]
    return Alone(history, own, trainer, generator.get_state(), outputs)


@dataclass
class Differences:
    """The largest differences between a member of a population and the same trained alone, relative above 1."""

    figures: float = 0.0
    state: float = 0.0
    outputs: float = 0.0
    where: dict[str, str] = field(default_factory=dict)

    def see(self, kind: str, where: str, mine: Any, theirs: Any) -> None:
        """Take a pair of numbers or arrays."""
        a, b = np.asarray(mine, float), np.asarray(theirs, float)
        assert a.shape == b.shape, where
        if a.size:
            apart = float((np.abs(a - b) / np.maximum(1.0, np.abs(b))).max())
            assert np.isfinite(apart), where
            if apart > getattr(self, kind):
                setattr(self, kind, apart)
                self.where[kind] = where

    def largest(self) -> float:
        """Return the largest of all."""
        return max(self.figures, self.state, self.outputs)


def compare(runner: Any, result: MemberResult, alone: Alone) -> Differences:
    """Assert what must be the same exactly; return how far the numbers are apart.

    Exactly: how many epochs and what figures they have, the best epoch, why it ended, how far the random stream went,
    and how often each parameter was updated. Numbers: all figures of all epochs; weights, buffers, averages and slots
    at the end (the model's own at the best epoch); outputs.
    """
    found = Differences()
    assert (result.problem, len(result.rows)) == (None, len(alone.rows))
    assert (result.best_epoch, result.stopped) == (alone.history.best_epoch, alone.history.stopped)
    assert runner.generator.get_state() == alone.stream, "the same number of random draws"
    for mine, theirs in zip(result.rows, alone.rows, strict=True):
        assert set(mine) - NOT_COMPARED == set(theirs) - NOT_COMPARED
        for key in set(mine) - NOT_COMPARED:
            assert (mine[key] is None) == (theirs[key] is None), key
            if mine[key] is not None:
                found.see("figures", f"{key} of epoch {mine['epoch']}", mine[key], theirs[key])
    states = [dict(trainer._compiled.lifted().tensors) for trainer in (runner.trainer, alone.trainer)]
    for path, tensor in states[1].items():
        mine, theirs = (t.detach().numpy() for t in (states[0][path], tensor))
        if theirs.dtype.kind in "iub":
            np.testing.assert_array_equal(mine, theirs, err_msg=path)
        else:
            found.see("state", path, mine, theirs)
    weights = alone.trainer.weights()
    assert result.weights is not None
    assert list(result.weights) == list(weights)
    for name, weight in weights.items():
        found.see("state", name, result.weights[name], weight.detach().numpy())
    found.see("outputs", "outputs", result.outputs, alone.outputs)
    return found
