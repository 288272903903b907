"""Mixed precision and accumulated gradients, as the trainer runs them."""

from __future__ import annotations

import numpy as np
import pytest

from gradwright import nn, optim
from gradwright.errors import ConfigError
from gradwright.train import Callback, Trainer


@pytest.mark.parametrize("eager", [True, False])
def test_accumulated_training_is_the_whole_batches_training(make_trainer, blobs, eager) -> None:
    data = blobs(dtype="float64")
    weights = rows = None
    for parts in (1, 3, 7):
        trainer = make_trainer(dtype="float64", eager=eager, accumulate=parts, penalty=nn.regularization.L2(0.01))
        history = trainer.fit(data.train, data.validation, epochs=2, batch_size=16)  # the last batch has 6 rows
        now = {k: v.numpy() for k, v in trainer.model.state_dict().items()}
        if weights is None:
            weights, rows = now, history.rows
        for key, value in now.items():
            np.testing.assert_allclose(value, weights[key], rtol=1e-9, atol=1e-12)
        assert rows is not None
        assert history.rows[-1]["train_loss"] == pytest.approx(rows[-1]["train_loss"], rel=1e-9)
        assert history.rows[-1]["train_accuracy"] == rows[-1]["train_accuracy"]
        if not eager:
            assert trainer._compiled.traces == 2


def test_bfloat16_trains_nearly_the_same_with_float32_weights(make_trainer, blobs) -> None:
    data = blobs()
    rows = {}
    for precision in ("float32", "bfloat16"):
        trainer = make_trainer(eager=True, precision=precision)
        rows[precision] = trainer.fit(data.train, data.validation, epochs=4, batch_size=16).rows
        assert {v.dtype for v in trainer.model.state_dict().values()} == {np.dtype("float32")}
    losses = {k: np.array([row["train_loss"] for row in v]) for k, v in rows.items()}
    assert (losses["float32"] != losses["bfloat16"]).all()  # it does compute in fewer digits
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)  # of 8 bits: 0.4% a product


def test_what_makes_no_sense_is_refused(make_trainer) -> None:
    with pytest.raises(ConfigError, match="accumulate is 0"):
        make_trainer(eager=True, accumulate=0)
    with pytest.raises(ConfigError, match="precision is 'float16'"):
        make_trainer(eager=True, precision="float16")
    model = nn.Linear(4, 3)
    with pytest.raises(ConfigError, match="LBFGS computes its gradients itself"):
        Trainer(model, nn.CrossEntropyLoss(), optim.LBFGS(model.parameters()), accumulate=2)


@pytest.mark.parametrize(("eager", "batch_size"), [(True, 16), (True, 35), (False, 16)])
def test_norms_of_the_last_step_of_each_epoch(make_trainer, blobs, eager, batch_size) -> None:
    """Against the same training by hand in PyTorch's order: gradient, weight before, update."""
    data = blobs(dtype="float64")
    trainer = make_trainer(dtype="float64", eager=eager, norms=True, rule="sgd", lr=0.1)
    before: dict[str, np.ndarray] = {}

    class Before(Callback):
        def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
            now = {k: v.numpy().copy() for k, v in trainer.model.state_dict().items()}
            if step == len(range(0, 70, batch_size)):
                seen.append({k: now[k] - before[k] for k in now})
            before.clear()
            before.update(now)

    seen: list[dict[str, np.ndarray]] = []
    trainer.callbacks.append(Before())
    rows = trainer.fit(data.train, data.validation, epochs=2, batch_size=batch_size).rows
    for row, moved in zip(rows, seen, strict=True):
        assert row["norms"]["update"].keys() == dict(trainer.model.named_parameters()).keys()
        for name, update in row["norms"]["update"].items():
            assert update == pytest.approx(np.linalg.norm(moved[name]), rel=1e-5)
            assert row["norms"]["gradient"][name] == pytest.approx(update / 0.1, rel=1e-5)
            assert row["norms"]["weight"][name] > 0
    plain = make_trainer(dtype="float64", eager=eager, rule="sgd", lr=0.1)
    other = plain.fit(data.train, data.validation, epochs=2, batch_size=batch_size).rows
    assert "norms" not in other[0]
    assert other[-1]["validation_loss"] == pytest.approx(rows[-1]["validation_loss"], rel=1e-12)
