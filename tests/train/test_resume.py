"""A training that was stopped and goes on gives what it would have given, to the bit, wherever it was stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import StateError, TrainingInterrupted
from gradwright.train import Callback, Trainer
from gradwright.train import trainer as module


class StopAfter(Callback):
    """Ask to stop after so many blocks, or while the so-many-th epoch is validated; keep the state."""

    def __init__(self, blocks: int | None = None, validation: int | None = None) -> None:
        self.blocks, self.validation = blocks, validation
        self.seen = 0
        self.state: dict[str, Any] | None = None

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        self.seen += 1
        if self.seen == self.blocks:
            trainer.stop("test")

    def on_validation_start(self, trainer: Trainer, epoch: int) -> None:
        if epoch == self.validation:
            trainer.stop("test")

    def on_interrupt(self, trainer: Trainer) -> None:
        self.state = trainer.state_dict()


def everything(make_trainer: Any, eager: bool, callbacks: list[Callback]) -> Trainer:
    """A trainer with everything that has state: dropout, batch norm, momentum, schedule, average, noise."""
    gw.manual_seed(8)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3))
    noise, parameters = nn.regularization.GradientNoise(0.01), list(model.parameters())
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return Trainer(
        model,
        nn.CrossEntropyLoss(),
        optim.Lookahead(optimizer, k=3),
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, 40),
        average=optim.swa_utils.AveragedModel(
            model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.8), use_buffers=True
        ),
        before_update=[lambda: noise(parameters)],
        norms=True,
        eager=eager,
        callbacks=callbacks,
    )


def outcome(trainer: Trainer) -> tuple[Any, ...]:
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history.rows]
    weights = {k: v.numpy().tobytes() for k, v in trainer.model.state_dict().items()}
    steps = {k: v.tobytes() for k, v in trainer.history.steps.items()}
    return rows, weights, steps, trainer.history.stopped, trainer.history.best_epoch


@pytest.mark.parametrize("eager", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_resumed_at_every_block_is_uninterrupted(make_trainer, blobs, monkeypatch, eager) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    data = blobs()
    settings = {"epochs": 3, "batch_size": 16, "patience": 3}

    def run(stop: StopAfter | None, state: dict[str, Any] | None = None) -> Trainer:
        trainer = everything(make_trainer, eager, [] if stop is None else [stop])
        if state is not None:
            gw.rand(3)  # the stream stands elsewhere
            trainer.load_state_dict(state)
        trainer.fit(data.train, data.validation, **settings)
        return trainer

    whole = outcome(run(None))
    # compiled: a few places, for every trainer compiles anew
    stops = [*[StopAfter(blocks=k) for k in range(1, 10)], *[StopAfter(validation=k) for k in (1, 2, 3)]]
    for stop in stops if eager else [stops[1], stops[4], stops[-2]]:
        with pytest.raises(TrainingInterrupted, match="test in epoch"):
            run(stop)
        assert stop.state is not None
        assert outcome(run(None, stop.state)) == whole


def test_a_state_of_another_network_or_format_is_refused(make_trainer, blobs) -> None:
    stop = StopAfter(blocks=1)
    trainer = make_trainer(eager=True, callbacks=[stop])
    data = blobs()
    with pytest.raises(TrainingInterrupted):
        trainer.fit(data.train, data.validation, epochs=1)
    assert stop.state is not None
    with pytest.raises(StateError, match="scheduler"):
        make_trainer(eager=True).load_state_dict({**stop.state, "scheduler": {}})
    with pytest.raises(StateError, match="format 7"):
        make_trainer(eager=True).load_state_dict({**stop.state, "format": 7})
    with pytest.raises(StateError, match="lacks history"):
        make_trainer(eager=True).load_state_dict({k: v for k, v in stop.state.items() if k != "history"})
    with pytest.raises(StateError):
        make_trainer(eager=True, model=nn.Linear(4, 3)).load_state_dict(stop.state)


def test_an_error_in_a_callback_leaves_the_best_weights_and_evaluation_mode(make_trainer, blobs, recorder) -> None:
    class Fail(Callback):
        def on_epoch_start(self, trainer: Trainer, epoch: int) -> None:
            if epoch == 3:
                raise KeyError("mine")

    data = blobs()
    trainer = make_trainer(eager=True, callbacks=[recorder, Fail()])
    with pytest.raises(KeyError, match="mine"):
        trainer.fit(data.train, data.validation, epochs=5)
    assert not trainer.model.training
    for key, value in recorder.weights[trainer.history.best_epoch - 1].items():
        np.testing.assert_array_equal(trainer.model.state_dict()[key].numpy(), value)


def test_hooks_run_in_the_order_that_is_written_down(make_trainer, blobs) -> None:
    calls: list[str] = []
    hooks = [name for name in vars(Callback) if name.startswith("on_") and name != "on_step_end"]
    watcher = type("Watcher", (Callback,), {h: (lambda self, *a, _h=h, **k: calls.append(_h)) for h in hooks})
    data = blobs()
    make_trainer(eager=True, callbacks=[watcher()]).fit(data.train, data.validation, epochs=2, batch_size=64)
    epoch = [
        "on_epoch_start",
        "on_steps_end",
        "on_steps_end",
        "on_validation_start",
        "on_validation_end",
        "on_epoch_end",
    ]
    assert calls == ["on_fit_start", *epoch, *epoch, "on_epochs_end", "on_fit_end"]


def test_who_asks_for_every_step_gets_every_step(make_trainer, blobs) -> None:
    class Every(Callback):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int, float]] = []

        def on_step_end(self, trainer: Trainer, *, epoch: int, step: int, loss: float) -> None:
            self.seen.append((epoch, step, loss))

    data, every = blobs(), Every()
    trainer = make_trainer(eager=True, callbacks=[every])
    history = trainer.fit(data.train, data.validation, epochs=2, batch_size=16)
    assert [(e, s) for e, s, _ in every.seen] == [(e, s) for e in (1, 2) for s in range(1, 6)]
    np.testing.assert_array_equal([loss for *_, loss in every.seen], history.steps["loss"])


def test_validation_every_few_epochs(make_trainer, blobs) -> None:
    data = blobs()
    trainer = make_trainer(eager=True)
    history = trainer.fit(data.train, data.validation, epochs=5, batch_size=32, validate_every=2)
    assert [row["epoch"] for row in history.rows if "validation_loss" in row] == [2, 4, 5]
    assert history.best_epoch in (2, 4, 5)


@pytest.mark.parametrize("block", [1, 4])
def test_what_a_loss_learns_and_an_augmentation_draws_goes_on_too(network, blobs, monkeypatch, block) -> None:
    """A criterion with a parameter, a function with a random stream of its own, a rate that a callback changes."""
    monkeypatch.setattr(module, "BLOCK", block)
    data = blobs()

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(gw.ones(1))

        def forward(self, output: Any, y: Any) -> Any:
            return nn.functional.cross_entropy(output * self.scale, y)

    class Less(Callback):
        def on_epoch_start(self, trainer: Trainer, epoch: int) -> None:
            if epoch == 2:
                trainer.model[2].p = 0.1

    def run(stop: StopAfter | None, state: dict[str, Any] | None = None) -> Trainer:
        model, criterion, stream = network(dropout=0.4), Scaled(), gw.Generator(5)

        def shake(x: Any, y: Any) -> Any:
            with gw.use_generator(stream):
                return x + 0.1 * gw.randn(*x.shape), y

        optimizer = optim.Adam([*model.parameters(), *criterion.parameters()], lr=0.05)
        callbacks = [Less(), *([] if stop is None else [stop])]
        trainer = Trainer(model, criterion, optimizer, augment=shake, eager=True, callbacks=callbacks)
        if state is not None:
            trainer.load_state_dict(state)
        trainer.fit(data.train, data.validation, epochs=3, batch_size=16)
        return trainer

    whole = run(None)
    for blocks in range(1, 3 * (5 // block)):
        stop = StopAfter(blocks=blocks)
        with pytest.raises(TrainingInterrupted):
            run(stop)
        again = run(None, stop.state)
        assert outcome(again) == outcome(whole)
        assert again.criterion.scale.item() == whole.criterion.scale.item()


def test_a_request_to_stop_is_neither_lost_nor_kept(make_trainer, blobs) -> None:
    data = blobs()
    trainer = make_trainer(eager=True)
    trainer.stop("early")  # a signal before the first step counts
    with pytest.raises(TrainingInterrupted, match="early in epoch 1"):
        trainer.fit(data.train, data.validation, epochs=2)
    trainer.predict(data.train[0])
    assert len(trainer.fit(data.train, data.validation, epochs=2).rows) == 2


def test_a_long_history_is_not_read_anew_every_epoch(make_trainer, blobs) -> None:
    from gradwright.train import EarlyStopping

    class Counted(list):  # type: ignore[type-arg]
        reads = 0

        def __getitem__(self, index: Any) -> Any:
            Counted.reads += 1
            return super().__getitem__(index)

    rule, rows = EarlyStopping(patience=None), Counted()
    for epoch in range(1, 301):
        rows.append({"epoch": epoch, "validation_loss": 1.0 / epoch})
        assert rule.decide(rows).best == epoch - 1
    assert Counted.reads < 5 * 300
    assert rule.decide([{"epoch": 1, "validation_loss": 2.0}]).best == 0  # another history
