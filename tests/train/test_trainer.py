"""The training loop: what it computes, when it stops, what it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradwright as gw
from gradwright import nn, optim
from gradwright.data import epoch_order, read
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.train import Callback, Trainer, forward
from gradwright.train import trainer as module
from gradwright.train.trainer import blocks


def without_seconds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


# --- eager and compiled ---
@pytest.mark.slow
def test_eager_and_compiled_agree_on_digits() -> None:
    digits = read("digits")
    x = (np.asarray(digits.features).reshape(digits.rows, -1) / 16).astype(np.float32)
    y = digits.target.to_numpy().astype(np.int64)
    rows: dict[bool, list[dict[str, Any]]] = {}
    weights: dict[bool, dict[str, np.ndarray]] = {}
    for eager in (False, True):
        gw.manual_seed(4)
        model = nn.Sequential(
            nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10)
        )
        trainer = Trainer(
            model,
            nn.CrossEntropyLoss(),
            optim.Adam(model.parameters(), lr=1e-3),
            clip_norm=1.0,
            eager=eager,
            seed=4,
        )
        rows[eager] = trainer.fit((x[:1500], y[:1500]), (x[1500:], y[1500:]), epochs=3, batch_size=64).rows
        weights[eager] = {k: v.numpy() for k, v in model.state_dict().items()}
        if not eager:
            assert trainer._compiled.traces == 2  # whole batches and the short one, however many epochs
    for a, b in zip(rows[False], rows[True], strict=True):
        for key in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"):
            assert a[key] == pytest.approx(b[key], rel=1.3e-6, abs=1e-5), key
    for key, value in weights[False].items():
        np.testing.assert_allclose(value, weights[True][key], rtol=1e-4, atol=2e-5, err_msg=key)
    assert rows[True][-1]["train_loss"] < 0.7 * rows[True][0]["train_loss"]


@pytest.mark.parametrize("regression", [False, True])
def test_one_program_serves_all_epochs_and_learning_rates(make_trainer, blobs, regression) -> None:
    data = blobs(regression=regression)

    class Slower(Callback):
        def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
            trainer.optimizer.param_groups[0]["lr"] *= 0.5

    histories = []
    for eager in (False, True):
        trainer = make_trainer(regression=regression, eager=eager, callbacks=[Slower()])
        histories.append(trainer.fit(data.train, data.validation, epochs=4, batch_size=16).rows)
        if not eager:
            assert trainer._compiled.traces == 2
    assert [r["learning_rate"] for r in histories[0]] == [0.05, 0.025, 0.0125, 0.00625]
    for a, b in zip(*histories, strict=True):
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-5)
        assert a["validation_loss"] == pytest.approx(b["validation_loss"], rel=1e-5)


# --- the figures of an epoch ---
@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("batch_size", [16, 70, 1000])
def test_an_epoch_is_the_hand_written_loop(network, make_trainer, blobs, regression, batch_size) -> None:
    data = blobs(regression=regression)
    x, y = data.train
    trainer = make_trainer(regression=regression, eager=True, seed=9)
    rows = trainer.fit(data.train, data.validation, epochs=3, batch_size=batch_size).rows

    model = network(1 if regression else 3)
    criterion = nn.MSELoss() if regression else nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for epoch, row in enumerate(rows, 1):
        order = epoch_order(70, key=9, epoch=epoch)
        losses, hits = [], []
        for start in range(0, 70, batch_size):
            index = order[start : start + batch_size]
            optimizer.zero_grad()
            output = model(Tensor(x[index]))
            loss = criterion(output, Tensor(y[index]))
            loss.backward()
            optimizer.step()
            losses += [loss.item()] * len(index)  # each row weighs the same, also in the short last batch
            out = output.detach().numpy()
            hits += list((out - y[index])[:, 0] ** 2 if regression else out.argmax(1) == y[index])
        assert len(hits) == 70
        assert row["train_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
        out = model(Tensor(data.validation[0])).detach().numpy()
        if regression:
            assert row["train_rmse"] == pytest.approx(np.sqrt(np.mean(hits)), rel=1e-5)
            assert row["validation_rmse"] == pytest.approx(np.sqrt(np.mean((out - data.validation[1]) ** 2)), rel=1e-5)
        else:
            assert row["train_accuracy"] == pytest.approx(np.mean(hits))
            assert row["validation_accuracy"] == pytest.approx(np.mean(out.argmax(1) == data.validation[1]))


class SeenRows(nn.Module):
    """The first input column holds row numbers; write down which come by."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.seen: list[np.ndarray] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x.numpy()[:, 0].astype(int))
        return self.inner(x[:, 1:])


@pytest.mark.parametrize(
    ("n", "batch_size", "batch_norm", "sizes"),
    [
        (70, 16, False, [16, 16, 16, 16, 6]),
        (64, 16, False, [16] * 4),
        (65, 16, False, [16, 16, 16, 16, 1]),
        (65, 16, True, [16] * 4),  # one row has no variance
        (66, 16, True, [16, 16, 16, 16, 2]),
        (10, 16, True, [10]),
        (5, 1, False, [1] * 5),
    ],
)
def test_every_row_once_an_epoch(make_trainer, network, blobs, n, batch_size, batch_norm, sizes) -> None:
    data = blobs(n=n)
    x = np.concatenate([np.arange(n, dtype=np.float32)[:, None], data.train[0]], 1)
    vx = np.concatenate([np.zeros((30, 1), np.float32), data.validation[0]], 1)
    model = SeenRows(network(batch_norm=batch_norm))
    trainer = make_trainer(model=model, eager=True)
    trainer.fit((x, data.train[1]), (vx, data.validation[1]), epochs=2, batch_size=batch_size)
    assert [len(s) for s in model.seen] == sizes * 2
    epochs = [np.concatenate(model.seen[: len(sizes)]), np.concatenate(model.seen[len(sizes) :])]
    for rows in epochs:
        assert len(set(rows)) == len(rows) == sum(sizes)
    if n > 10:
        assert not np.array_equal(*epochs)  # reshuffled
    if sum(sizes) < n:
        assert set(epochs[0]) != set(epochs[1])  # another row sits out


def test_batches_of_one_row_with_batch_norm_are_refused(make_trainer, blobs) -> None:
    data = blobs()
    with pytest.raises(ConfigError, match="at least 2 rows"):
        make_trainer(batch_norm=True, eager=True).fit(data.train, data.validation, batch_size=1)


@pytest.mark.parametrize("setting", ["epochs", "batch_size", "patience"])
def test_settings_below_one_are_refused(make_trainer, blobs, setting) -> None:
    data = blobs()
    with pytest.raises(ConfigError, match=setting):
        make_trainer(eager=True).fit(data.train, data.validation, **{setting: 0})


# --- early stopping ---
class Scripted(nn.Module):
    """A criterion whose validation value is written down beforehand; trains on the true loss."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = list(values)
        self.true = nn.CrossEntropyLoss()

    def forward(self, output: Tensor, y: Tensor) -> Tensor:
        if len(y) == 30 and bool(output.numpy().any()):  # the validation part, not the rehearsal with zeros
            return Tensor(np.float32(self.values.pop(0)))
        return self.true(output, y)


@pytest.mark.parametrize(
    ("values", "patience", "epochs", "best", "stopped"),
    [
        ([5, 4, 3, 3.5, 3.2, 3.1, 1], 3, 6, 3, "early: validation loss did not improve for 3 epochs"),
        ([5, 6, 1, 1], 1, 2, 1, "early: validation loss did not improve for 1 epoch"),
        ([5, 5, 5, 5], 2, 3, 1, "early: validation loss did not improve for 2 epochs"),  # equal is not better
        ([5, 6, 4, 6, 3, 6, 2], 2, 7, 7, "all 7 epochs done"),
        ([3, 4, 5, 6, 7, 8, 9], None, 7, 1, "all 7 epochs done"),
    ],
)
def test_early_stopping(make_trainer, blobs, recorder, values, patience, epochs, best, stopped) -> None:
    data = blobs()
    trainer = make_trainer(criterion=Scripted(values), eager=True, callbacks=[recorder])
    history = trainer.fit(data.train, data.validation, epochs=7, batch_size=20, patience=patience)
    assert (len(history.rows), history.best_epoch, history.stopped) == (epochs, best, stopped)
    kept = trainer.model.state_dict()
    for key, value in recorder.weights[best - 1].items():
        np.testing.assert_array_equal(kept[key].numpy(), value)
    if best < epochs:
        assert any((kept[k].numpy() != v).any() for k, v in recorder.weights[-1].items())
    assert not trainer.model.training


def test_compiled_training_restores_the_best_weights_too(make_trainer, blobs, recorder) -> None:
    data = blobs()
    trainer = make_trainer(lr=0.3, batch_norm=True, callbacks=[recorder])  # too high: validation goes up and down
    history = trainer.fit(data.train, data.validation, epochs=12, batch_size=16)
    assert 0 < history.best_epoch < 12
    assert history.best_epoch == 1 + int(np.argmin([r["validation_loss"] for r in history.rows]))
    for key, value in recorder.weights[history.best_epoch - 1].items():
        np.testing.assert_array_equal(trainer.model.state_dict()[key].numpy(), value)
    output = trainer.predict(data.validation[0])
    assert trainer.loss(output, data.validation[1]) == history.rows[history.best_epoch - 1]["validation_loss"]


def test_callbacks_are_called_in_order(make_trainer, blobs, recorder, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    data = blobs()
    make_trainer(eager=True, callbacks=[recorder]).fit(data.train, data.validation, epochs=2, batch_size=16)
    an_epoch = [("steps", 2), ("steps", 4), ("steps", 5)]
    expected: list[tuple[Any, ...]] = [("start", 2, 5)]
    for epoch in (1, 2):
        expected += [("steps", epoch, step) for _, step in an_epoch] + [("epoch", epoch)]
    assert recorder.calls == [*expected, ("end",)]


# --- blocks ---
@given(st.integers(0, 100_000))
def test_blocks_cover_every_step_once(steps: int) -> None:
    cut = blocks(steps, module.BLOCK)
    assert [b[0] for b in cut] == ([0] + [b[1] for b in cut])[: len(cut)]
    assert (cut[-1][1] if cut else 0) == steps
    lengths = [stop - start for start, stop in cut]
    assert all(0 < length <= module.BLOCK for length in lengths)
    assert len(set(lengths[:-1])) <= 1  # one program serves all but the last
    assert not lengths or lengths[-1] <= lengths[0]


def test_blocks_do_not_change_the_result(make_trainer, blobs, monkeypatch) -> None:
    data = blobs()
    histories = []
    for block in (250, 3):
        monkeypatch.setattr(module, "BLOCK", block)
        rows = make_trainer(dropout=0.3).fit(data.train, data.validation, epochs=2, batch_size=10).rows
        histories.append(without_seconds(rows))
    for a, b in zip(*histories, strict=True):
        assert a == pytest.approx(b, rel=1e-6)


def test_prediction_in_blocks_is_prediction_at_once(make_trainer, blobs, monkeypatch) -> None:
    data = blobs()
    x = data.train[0]
    for eager in (True, False):
        trainer = make_trainer(batch_norm=True, dropout=0.5, eager=eager)
        whole = trainer.predict(x)
        with monkeypatch.context() as patch:
            patch.setattr(forward, "EVALUATION_ROWS", 32)
            np.testing.assert_allclose(trainer.predict(x), whole, rtol=1e-5, atol=1e-6)
        assert trainer.predict(x[:0]).shape == (0, 3)
        assert trainer.model.training  # the mode is put back


# --- what it leaves alone, and what decides it ---
@pytest.mark.parametrize("eager", [True, False])
def test_the_arrays_are_unchanged(make_trainer, blobs, eager) -> None:
    data, same = blobs(), blobs()
    make_trainer(eager=eager).fit(data.train, data.validation, epochs=2, batch_size=16)
    for given_, kept in zip((*data.train, *data.validation), (*same.train, *same.validation), strict=True):
        np.testing.assert_array_equal(given_, kept)


@pytest.mark.parametrize("eager", [True, False])
def test_the_seed_decides_everything(make_trainer, blobs, eager) -> None:
    data = blobs()
    runs = []
    for seed in (5, 5, 6):
        if seed == 6 and not eager:
            return  # compiling costs seconds, and another seed gives other batches either way
        with gw.use_generator(gw.Generator(0)):
            trainer = make_trainer(dropout=0.3, batch_norm=True, eager=eager, seed=seed)
            rows = trainer.fit(data.train, data.validation, epochs=3, batch_size=16).rows
        runs.append((without_seconds(rows), {k: v.numpy() for k, v in trainer.model.state_dict().items()}))
    assert runs[0][0] == runs[1][0]
    for key, value in runs[0][1].items():
        np.testing.assert_array_equal(value, runs[1][1][key])
    assert runs[0][0] != runs[2][0]


def test_float64_stays_float64(make_trainer, blobs) -> None:
    data = blobs(dtype="float64")
    for eager in (True, False):
        trainer = make_trainer(dtype="float64", eager=eager)
        trainer.fit(data.train, data.validation, epochs=1, batch_size=16)
        assert {v.dtype for v in trainer.model.state_dict().values()} == {np.dtype("float64")}
        assert trainer.predict(data.validation[0]).dtype == np.float64


def test_a_row_alone_sits_out_where_images_are_normalised_over_the_batch():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    y = np.array([0, 1, 0, 1, 1])
    model = nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), eager=True)
    trainer.fit((x, y), (x, y), epochs=2, batch_size=4)
    assert model[1].num_batches_tracked.item() == 2  # one whole batch an epoch
    with pytest.raises(ConfigError, match="at least 2 rows"):
        trainer.fit((x, y), (x, y), epochs=1, batch_size=1)
