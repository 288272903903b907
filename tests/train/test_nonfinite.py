"""Faults 3 and 4: numbers that stop being numbers, and inputs that do not fit, are named; the good weights stay."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gradwright import nn
from gradwright.engine.tensor import Tensor
from gradwright.errors import GradwrightError, IndexOutOfRangeError, NonFiniteError, ShapeError
from gradwright.train import Callback, Trainer

pytestmark = pytest.mark.parametrize("eager", [True, False], ids=["eager", "compiled"])


def weights(trainer: Trainer) -> dict[str, np.ndarray]:
    return {k: v.numpy().copy() for k, v in trainer.model.state_dict().items()}


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    for key, value in a.items():
        np.testing.assert_array_equal(value, b[key], err_msg=key)


class Spoil(Callback):
    """Set the learning rate sky-high after an epoch."""

    def __init__(self, after: int, lr: float = 1e30) -> None:
        self.after, self.lr = after, lr

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        if row["epoch"] == self.after:
            trainer.optimizer.param_groups[0]["lr"] = self.lr


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_huge_learning_rate_is_named_with_its_place(make_trainer, blobs, eager, batch_norm) -> None:
    data = blobs()
    trainer = make_trainer(lr=1e30, rule="sgd", batch_norm=batch_norm, eager=eager)
    before = weights(trainer)
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(data.train, data.validation, epochs=3, batch_size=16)
    message = str(caught.value)
    assert re.match(r"epoch 1, step \d: (forward|backward|the update)", message), message
    assert re.search(r"in module \w+|parameter \d\.\w+", message), message
    assert "learning rate" in message
    assert_same(before, weights(trainer))  # the block is undone


def test_the_message_names_operation_module_and_parameter(make_trainer, blobs, eager) -> None:
    data = blobs()
    trainer = make_trainer(eager=eager)
    before = weights(trainer)
    spoilt = before["0.weight"].copy()
    spoilt[2, 1] = np.nan
    trainer.model.load_state_dict({**before, "0.weight": spoilt})
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(data.train, data.validation, epochs=1, batch_size=16)
    message = str(caught.value)
    assert message.startswith("epoch 1, step 1: forward: "), message
    assert "linear in module 0 (Linear) gave nan" in message, message
    assert "0.weight (8, 4)" in message, message
    assert "1 not finite" in message, message
    assert_same({k: v for k, v in before.items() if k != "0.weight"}, weights(trainer))


@pytest.mark.parametrize(("rule", "clip_norm"), [("sgd", None), ("adam", None), ("sgd", 1.0)])
def test_later_nan_ends_training_and_keeps_the_best_weights(
    make_trainer, blobs, recorder, eager, rule, clip_norm
) -> None:
    data = blobs()
    trainer = make_trainer(rule=rule, eager=eager, clip_norm=clip_norm, callbacks=[recorder, Spoil(3)])
    history = trainer.fit(data.train, data.validation, epochs=9, batch_size=16)
    assert len(history.rows) == 3
    assert history.problem is not None
    assert re.match(r"epoch 4, step \d", history.problem), history.problem
    assert "epoch 4" in history.stopped
    assert "best weights" in history.stopped
    assert 1 <= history.best_epoch <= 3
    assert_same(recorder.weights[history.best_epoch - 1], weights(trainer))
    assert recorder.calls[-1] == ("end",)
    assert np.isfinite(trainer.predict(data.validation[0])).all()


def test_nan_before_anything_good_is_an_error_and_not_a_result(make_trainer, blobs, eager) -> None:
    # one step an epoch: its loss is finite, then the weights are so large that validation overflows
    data = blobs()
    trainer = make_trainer(lr=1e38, rule="sgd", eager=eager)
    before = weights(trainer)
    with pytest.raises(NonFiniteError, match="epoch"):
        trainer.fit(data.train, data.validation, epochs=3, batch_size=70)
    assert_same(before, weights(trainer))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["train", "validation"])
def test_rows_that_are_not_finite_are_named_before_training(make_trainer, blobs, recorder, eager, value, part) -> None:
    data = blobs()
    getattr(data, part)[0][17, 2] = value
    with pytest.raises(NonFiniteError, match=f"{part} input .* row 17"):
        make_trainer(eager=eager, callbacks=[recorder]).fit(data.train, data.validation, epochs=1)
    assert recorder.calls == []
    data = blobs(regression=True)
    getattr(data, part)[1][4, 0] = value
    with pytest.raises(NonFiniteError, match=f"{part} target .* row 4"):
        make_trainer(regression=True, eager=eager, callbacks=[recorder]).fit(data.train, data.validation, epochs=1)
    assert recorder.calls == []


@pytest.mark.parametrize("label", [3, -1, 10**6])
@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_label_out_of_range_is_named_before_any_step(make_trainer, blobs, eager, label, part) -> None:
    data = blobs()
    getattr(data, part)[1][23] = label
    trainer = make_trainer(eager=eager)
    before = weights(trainer)
    with pytest.raises(IndexOutOfRangeError) as caught:
        trainer.fit(data.train, data.validation, epochs=2, batch_size=8)
    assert "row 23" in str(caught.value)
    assert str(label) in str(caught.value)
    assert "3 classes" in str(caught.value)
    assert_same(before, weights(trainer))


@pytest.mark.parametrize("part", ["train", "validation"])
def test_all_targets_ignored_is_named(make_trainer, blobs, eager, part) -> None:
    data = blobs()
    getattr(data, part)[1][:] = -100
    trainer = make_trainer(eager=eager)
    before = weights(trainer)
    with pytest.raises(GradwrightError, match="ignored"):
        trainer.fit(data.train, data.validation, epochs=2, batch_size=8)
    assert_same(before, weights(trainer))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x, y: (x[:, :3], y), r"\(\d+, 3\)"),  # too few features
        (lambda x, y: (x[:-1], y), "69 rows of input and 70 of target"),
        (lambda x, y: (x[:0], y[:0]), "0 rows"),
        (lambda x, y: (x, y[:, None]), r"\(\d+, 1\)"),  # labels as a column
    ],
)
def test_train_shapes_that_do_not_fit_are_named(make_trainer, blobs, eager, change, expected) -> None:
    data = blobs()
    trainer = make_trainer(eager=eager)
    before = weights(trainer)
    with pytest.raises(ShapeError, match=expected):
        trainer.fit(change(*data.train), data.validation, epochs=1, batch_size=16)
    assert_same(before, weights(trainer))


@pytest.mark.parametrize("change", [lambda x, y: (x[:, :3], y), lambda x, y: (x, y[:, None])])
def test_validation_shapes_that_do_not_fit_are_named_before_training(make_trainer, blobs, eager, change) -> None:
    data = blobs()
    trainer = make_trainer(eager=eager)
    before = weights(trainer)
    with pytest.raises(ShapeError):
        trainer.fit(data.train, change(*data.validation), epochs=1, batch_size=16)
    assert_same(before, weights(trainer))


def test_regression_targets_without_their_axis_are_refused(make_trainer, blobs, eager) -> None:
    data = blobs(regression=True)
    trainer = make_trainer(regression=True, eager=eager)
    before = weights(trainer)
    with pytest.raises(ShapeError, match=r"\(\d+, 1\).*\(\d+,\)"):
        trainer.fit((data.train[0], data.train[1][:, 0]), data.validation, epochs=1, batch_size=16)
    assert_same(before, weights(trainer))


def test_optimizer_state_that_overflows_is_named_though_all_losses_are_finite(make_trainer, blobs, eager) -> None:
    data = blobs(regression=True)
    x, y = data.train
    trainer = make_trainer(regression=True, eager=eager)
    with pytest.raises(NonFiniteError, match=r"epoch 1, step 1: the update left .*exp_avg_sq"):
        trainer.fit((30 * x, 1e18 * y), data.validation, epochs=2, batch_size=16)


class Log(nn.Module):
    """NaN as soon as its input is negative."""

    def forward(self, x: Tensor) -> Tensor:
        return x.log()


def test_the_step_is_the_first_bad_one(make_trainer, blobs, eager) -> None:
    data = blobs()
    x, y = data.train
    x = np.abs(x) + 0.1
    model = nn.Sequential(Log(), nn.Linear(4, 3))
    trainer = make_trainer(model=model, lr=1e-3, eager=eager, seed=0)
    from gradwright.data import epoch_order

    position = 37  # of the row in the first epoch's order: the third step of 16
    x[epoch_order(70, key=0, epoch=1)[position], 1] = -1.0
    with pytest.raises(
        NonFiniteError, match=r"^epoch 1, step 3: forward: log in module 0 \(Log\) gave nan at \[5, 1\]"
    ):
        trainer.fit((x, y), (np.abs(data.validation[0]) + 0.1, data.validation[1]), epochs=2, batch_size=16)
