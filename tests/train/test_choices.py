"""Every name that a setting can have: it builds, it trains, and it says what it is."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError
from gradwright.train import Trainer
from gradwright.train.choices import (
    FULL_BATCH,
    SHELVES,
    check_choice,
    make_augmentation,
    make_network,
    make_optimizer,
    make_penalty,
    make_schedule,
    shelf_lines,
)
from gradwright.train.config import Config
from gradwright.train.network import build_network


def problem(rows: int = 60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return gw.tensor(x), gw.tensor((x[:, 0] + x[:, 1] > 0).astype(np.int64))


@pytest.mark.parametrize("name", SHELVES["optimizers"])
def test_every_optimizer_lowers_a_loss(name: str) -> None:
    gw.manual_seed(0)
    x, y = problem()
    model, criterion = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), nn.CrossEntropyLoss()
    optimizer = make_optimizer(name, model.parameters(), momentum=0.5 if name == "sgd" else None)
    start = criterion(model(x), y).item()
    trainer = Trainer(model, criterion, optimizer, eager=True)
    rows = trainer.fit((x.numpy(), y.numpy()), (x.numpy(), y.numpy()), epochs=20, batch_size=60).rows
    assert rows[-1]["train_loss"] < start - 1e-4


def test_what_a_rule_does_not_have_is_refused_with_those_that_have_it() -> None:
    parameters = [gw.nn.Parameter(gw.zeros(2))]
    with pytest.raises(ConfigError, match=r"momentum = 0.9: adam has no momentum; these have: .*sgd"):
        make_optimizer("adam", parameters, momentum=0.9)
    with pytest.raises(ConfigError, match=r"rprop has no weight decay"):
        make_optimizer("rprop", parameters, weight_decay=0.1)
    assert isinstance(make_optimizer("rprop", parameters, weight_decay=0.0), optim.Rprop)
    assert make_optimizer("adamw", parameters).param_groups[0]["weight_decay"] == 0.01, "the rule's own default"


@pytest.mark.parametrize("warmup", [0.0, 0.2])
@pytest.mark.parametrize("name", [None, *SHELVES["schedules"]])
def test_every_schedule_fits_the_training(name: str | None, warmup: float) -> None:
    steps = 50
    optimizer = optim.SGD([gw.nn.Parameter(gw.zeros(1))], lr=0.4)
    schedule = make_schedule(name, optimizer, steps, warmup)
    if name == "plateau" or (name is None and not warmup):
        assert schedule is None or isinstance(schedule, optim.lr_scheduler.ReduceLROnPlateau)
        return
    rates = schedule.values(steps)["lr"][:, 0]
    assert rates.shape == (steps,)
    assert 0.1 < rates.max() <= 0.4 + 1e-12
    assert rates.min() >= 0
    assert np.ptp(rates) > 0.1
    if warmup:
        assert rates[0] < 0.05
    if name in ("cosine", "cosine-restarts", "linear", "exponential", "onecycle", "step", "polynomial"):
        assert rates[-1] < 0.05, "at the end it is low"
    for _ in range(steps):  # to the end of the longest training, which none may overrun
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("name", SHELVES["activations"])
def test_every_activation_makes_a_network(name: str) -> None:
    config = Config(source="x", activation=name).resolved(100, 4)
    assert build_network(config, (4,), 3)(gw.zeros(2, 4)).shape == (2, 3)


@pytest.mark.parametrize("name", [n for n in SHELVES["initialisations"] if n != "lsuv"])
def test_every_initialisation_fills_a_network(name: str) -> None:
    config = Config(source="x", init=name, hidden=(8,)).resolved(100, 4)
    gw.manual_seed(0)
    weights = build_network(config, (4,), 3)[0].weight
    assert np.isfinite(weights.detach().numpy()).all()


@pytest.mark.parametrize("shape", [(12, 12), (12, 12, 3), (28, 28)])
@pytest.mark.parametrize("name", ["lenet", "resnet"])
def test_networks_of_images_take_flat_rows(name: str, shape: tuple[int, ...]) -> None:
    config = Config(source="x", network=name, width=4 if name == "resnet" else None).resolved(100, 4)
    model = make_network(config, shape, 3)
    x = np.random.default_rng(0).normal(size=(2, int(np.prod(shape)))).astype(np.float32)
    assert model(gw.tensor(x)).shape == (2, 3)
    image = model[0](gw.tensor(x)) if len(shape) == 2 else model[1](model[0](gw.tensor(x)))
    want = x.reshape(2, *shape)
    want = want[:, None] if len(shape) == 2 else want.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(image.numpy(), want)


def test_networks_of_images_refuse_tables() -> None:
    with pytest.raises(ConfigError, match="lenet: it takes images, and a row of this data is 30 numbers"):
        make_network(Config(source="x", network="lenet").resolved(100, 30), (30,), 2)


@pytest.mark.parametrize("name", ["linear", "highway"])
def test_networks_of_tables(name: str) -> None:
    config = Config(source="x", network=name, **({"depth": 2} if name == "highway" else {})).resolved(100, 6)
    assert make_network(config, (6,), 3)(gw.zeros(2, 6)).shape == (2, 3)


def test_muon_moves_matrices_and_adamw_all_else() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    opt = make_optimizer("muon", model.parameters(), lr=0.02)
    assert isinstance(opt, optim.Together)
    assert [type(o).__name__ for o in opt.optimizers] == ["Muon", "AdamW"]
    assert [len(o.param_groups[0]["params"]) for o in opt.optimizers] == [1, 3]
    with pytest.raises(ConfigError, match="no weight matrix"):
        make_optimizer("muon", [nn.Parameter(gw.zeros(3))])


def test_stochastic_depth_grows_with_the_block() -> None:
    config = Config(source="x", network="resnet", width=4, stochastic_depth=0.3).resolved(100, 64)
    rates = [m.p for m in make_network(config, (12, 12), 3).modules() if isinstance(m, nn.StochasticDepth)]
    assert rates == pytest.approx([0.1, 0.2, 0.3])


def test_penalties_add_up_to_what_the_formulas_say() -> None:
    model = nn.Linear(3, 2).double()
    w = model.weight.detach().numpy()
    config = Config(source="x", l1=0.1, l2=0.3, prior="gaussian=2")
    expected = 0.1 * np.abs(w).sum() + 0.15 * (w**2).sum()
    for classes, factor in ((True, 1.0), (False, 2.0)):
        prior = factor * (w**2).sum() / (2 * 4) / 50
        got = make_penalty(config, 50, classes)(model).item()
        constant = factor * w.size * np.log(2 * np.sqrt(2 * np.pi)) / 50
        assert got == pytest.approx(expected + prior, rel=1e-12) or got == pytest.approx(
            expected + prior + constant, rel=1e-12
        )
    assert make_penalty(Config(source="x"), 50, True) is None
    with pytest.raises(ConfigError, match="scale must be"):
        make_penalty(Config(source="x", prior="gaussian=-1"), 50, True)
    with pytest.raises(ConfigError, match="expected a scale"):
        make_penalty(Config(source="x", prior="laplace=wide"), 50, True)


@pytest.mark.parametrize("name", SHELVES["augmentations"])
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
def test_every_augmentation_changes_flat_rows(name: str, shape: tuple[int, ...]) -> None:
    gw.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(16, int(np.prod(shape)))).astype(np.float32)
    y = np.arange(16) % 4
    change = make_augmentation([name], shape, 4, ground=-1.0)
    got, targets = change(gw.tensor(x), gw.tensor(y))
    assert got.shape == x.shape
    assert (got.numpy() != x).any()
    if name in ("mixup", "cutmix"):
        np.testing.assert_allclose(targets.numpy().sum(1), 1, rtol=1e-6)
    else:
        np.testing.assert_array_equal(targets.numpy(), y)


def test_channels_that_come_last_stay_in_their_pixels() -> None:
    gw.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(6, 5, 7, 3)).astype(np.float32)
    got, _ = make_augmentation(["flip=1"], (5, 7, 3), None)(gw.tensor(x.reshape(6, -1)), gw.zeros(6, 1))
    np.testing.assert_array_equal(got.numpy().reshape(x.shape), x[:, :, ::-1])


def test_augmentation_of_images_refuses_tables_and_noise_takes_them() -> None:
    with pytest.raises(ConfigError, match="augment = flip: it takes images"):
        make_augmentation(["noise", "flip"], (4,), 2)
    assert make_augmentation(["noise"], (4,), 2) is not None
    assert make_augmentation([], (4,), 2) is None


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_name_on_a_shelf_is_explained_in_a_line(shelf: str) -> None:
    lines = shelf_lines(shelf)
    assert len(lines) == len(SHELVES[shelf])
    assert len({words for _, words in lines}) == len(lines), "no two say the same"
    for name, words in lines:
        assert 12 < len(words) < 240, (name, words)
        assert "\n" not in words
        assert "`" not in words


def test_rules_for_all_rows_at_once_are_on_the_shelf() -> None:
    assert set(FULL_BATCH) <= set(SHELVES["optimizers"])
    for setting, name in (("optimizer", "adam"), ("augment", "shift=2"), ("prior", "laplace=0.1")):
        check_choice(setting, name)
