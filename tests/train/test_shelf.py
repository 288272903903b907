"""The loop with schedules, augmentation, penalties and what is called about each update."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import augment, nn, optim
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError
from gradwright.optim.lr_scheduler import ExponentialLR, OneCycleLR, ReduceLROnPlateau
from gradwright.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from gradwright.train import Trainer

ROWS, EPOCHS, BATCH = 40, 3, 16


def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, 3)).astype(np.float32)
    return (x[:32], (x[:32].sum(1) > 0).astype(np.int64)), (x[32:], (x[32:].sum(1) > 0).astype(np.int64))


def trained(eager: bool, **how):
    """Train with what ``how`` makes of the model and its optimizer; return the trainer and its rows."""
    gw.manual_seed(5)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    made = {name: make(model, optimizer) for name, make in how.items()}
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, eager=eager, seed=2, **made)
    return trainer, trainer.fit(*data(), epochs=EPOCHS, batch_size=BATCH).rows


WAYS = {
    "a schedule": {"scheduler": lambda m, o: OneCycleLR(o, 0.5, total_steps=20, base_momentum=0.3, max_momentum=0.6)},
    "augmentation": {"augment": lambda m, o: augment.from_names("noise=0.3,mixup=0.4", num_classes=2)},
    "a penalty": {"penalty": lambda m, o: nn.regularization.L2(0.1)},
    "noise on gradients": {"before_update": lambda m, o: [_noise(m)]},
    "an average of the weights": {
        "average": lambda m, o: AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True)
    },
    "max-norm": {"after_update": lambda m, o: [_bound(m)]},
}


def _noise(model):
    noise, parameters = nn.regularization.GradientNoise(0.05), list(model.parameters())
    return lambda: noise(parameters)


def _bound(model):
    bound = nn.regularization.MaxNorm(0.5)
    return lambda: bound(model)


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_eager_and_compiled_agree_with_one_trace(how) -> None:
    eager, slow = trained(True, **how)
    compiled, fast = trained(False, **how)
    for a, b in zip(slow, fast, strict=True):
        for key in ("train_loss", "validation_loss", "learning_rate"):
            assert a[key] == pytest.approx(b[key], rel=2e-5), key
    for mine, theirs in zip(eager.model.parameters(), compiled.model.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach(), theirs.detach(), rtol=1e-4, atol=1e-5)
    assert compiled._compiled.traces == 1
    _, plain = trained(True)
    assert [r["validation_loss"] for r in plain] != [r["validation_loss"] for r in slow], "it makes a difference"


def test_the_average_is_what_is_validated_and_kept() -> None:
    trainer, rows = trained(False, **WAYS["an average of the weights"])
    x, y = data()[1]
    best = min(r["validation_loss"] for r in rows)
    assert trainer.loss(trainer.model(Tensor(x)).detach().numpy(), y) == pytest.approx(best, rel=1e-5)
    assert trainer.loss(trainer.predict(x), y) == pytest.approx(best, rel=1e-5)


def test_the_schedule_has_gone_on_once_for_each_update() -> None:
    trainer, rows = trained(False, scheduler=lambda m, o: ExponentialLR(o, 0.9))
    assert trainer.scheduler.last_epoch == EPOCHS * 2
    assert rows[-1]["learning_rate"] == pytest.approx(0.2 * 0.9**6, rel=1e-12)


@pytest.mark.parametrize("rule", [optim.LBFGS, optim.Newton])
def test_rules_that_look_at_the_loss_themselves(rule) -> None:
    (x, y), held = data()
    losses = []
    for eager in (True, False):
        gw.manual_seed(0)
        model = nn.Linear(3, 2)
        trainer = Trainer(model, nn.CrossEntropyLoss(), rule(model.parameters()), penalty=_ridge, eager=eager)
        rows = trainer.fit((x, y), held, epochs=3, batch_size=len(x)).rows
        losses.append([r["train_loss"] for r in rows])
        assert trainer.eager is (eager or rule is optim.LBFGS)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    model.zero_grad()
    (nn.functional.cross_entropy(model(Tensor(x)), Tensor(y)) + _ridge(model)).backward()
    assert max(float(p.grad.abs().max().item()) for p in model.parameters()) < 0.02, "near the minimum in three steps"


def _ridge(model):
    return 0.05 * (model.weight**2).sum()


def test_plateau_goes_by_the_validation_loss_of_each_epoch() -> None:
    trainer, rows = trained(
        False, scheduler=lambda m, o: ReduceLROnPlateau(o, factor=0.1, patience=0, threshold=0.9, threshold_mode="rel")
    )
    assert [r["learning_rate"] for r in rows] == pytest.approx([0.2, 0.2, 0.02])
    assert trainer._compiled.traces == 1


def test_the_penalty_is_trained_but_not_reported() -> None:
    trainer, rows = trained(True, penalty=lambda m, o: nn.regularization.L2(3.0))
    plain, _ = trained(True)
    norm = [sum(float((p.detach() ** 2).sum().item()) for p in t.model.parameters()) for t in (trainer, plain)]
    assert norm[0] < 0.7 * norm[1]
    x, y = data()[1]
    assert trainer.loss(trainer.predict(x), y) == pytest.approx(min(r["validation_loss"] for r in rows), rel=1e-6)


def test_max_norm_holds_after_every_epoch() -> None:
    trainer, _ = trained(False, **WAYS["max-norm"])
    for layer in (trainer.model[0], trainer.model[3]):
        assert np.linalg.norm(layer.weight.detach().numpy(), axis=1).max() <= 0.5 * (1 + 1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_a_loss_that_breaks_down_leaves_the_schedule_where_the_good_weights_were(eager: bool) -> None:
    gw.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = ExponentialLR(optimizer, 0.5)
    trainer = Trainer(model, _Breaking(), optimizer, scheduler=schedule, eager=eager, after_update=[])
    before = model.weight.detach().numpy().copy()
    with pytest.raises(NonFiniteError, match="epoch 1, step 2"):
        trainer.fit(*data(), epochs=2, batch_size=BATCH)
    np.testing.assert_array_equal(model.weight.detach().numpy(), before)
    assert (schedule.last_epoch, optimizer.param_groups[0]["lr"]) == (0, 0.1)


class _Breaking(nn.Module):
    """A loss that is infinite once the weights have moved."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", gw.zeros(()))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if self.training and output.shape[0] == BATCH:
            with gw.no_grad():
                self.seen._assign(self.seen + 1)
            return nn.functional.cross_entropy(output, target) / (2 - self.seen)
        return nn.functional.cross_entropy(output, target)


def test_gradients_that_a_rule_computes_itself_cannot_be_clipped() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ConfigError, match="LBFGS computes its gradients itself"):
        Trainer(model, nn.CrossEntropyLoss(), optim.LBFGS(model.parameters()), clip_norm=1.0)


def test_an_average_of_batch_norm_is_validated_on_a_single_row() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), average=average)
    (x, y), (vx, vy) = data()
    trainer.fit((x, y), (vx[:1], vy[:1]), epochs=1, batch_size=BATCH)
    assert trainer._forward.traces == 1
