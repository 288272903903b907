"""``Population``: its members are what their trainers would have become alone, whatever they share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim, train, tune
from gradwright.errors import ConfigError, ShapeError
from gradwright.tune.memory import available_memory

LOSS = 2e-6  # four times what the test of `compile`'s population measured

_random = np.random.default_rng(0)
X = _random.normal(size=(130, 5)).astype(np.float32)
Y = (X[:, :2].sum(1) > 0).astype(np.int64)
PARTS = (X[:100], Y[:100]), (X[100:], Y[100:])


def build(lr: float = 0.01, dropout: float = 0.1, width: int = 8, seed: int = 0) -> train.Trainer:
    # before batch norm a bias has no gradient but rounding, which Adam would magnify
    model = nn.Sequential(
        nn.Linear(5, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2)
    )
    optimizer = optim.Adam(model.parameters(), lr=lr)
    return train.Trainer(model, nn.CrossEntropyLoss(), optimizer, seed=seed)


def alone(stream: int = 0, *, epochs: int = 4, patience: int | None = None, **parameters: Any) -> train.Trainer:
    gw.manual_seed(stream)
    trainer = build(**parameters)
    trainer.fit(*PARTS, epochs=epochs, batch_size=16, patience=patience)
    return trainer


def difference(history: list[dict[str, Any]], other: list[dict[str, Any]]) -> float:
    assert [row["epoch"] for row in history] == [row["epoch"] for row in other]
    names = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
    return max(abs(a[name] - b[name]) for a, b in zip(history, other, strict=True) for name in names)


SETTINGS = [{"lr": 0.003 * (i + 1), "dropout": [0.0, 0.1, 0.4][i % 3], "seed": i % 2} for i in range(7)]


@pytest.fixture(scope="module")
def fitted() -> tune.Population:
    population = tune.Population(build, SETTINGS, seeds=range(7))
    population.fit(*PARTS, epochs=4, batch_size=16, layout=tune.Layout(3, 2))
    return population


def test_members_are_what_they_would_be_alone(fitted: tune.Population) -> None:
    """Seven members in chunks of three, two at a time: places of the last chunk stay empty."""
    for i in (0, 4, 6):
        trainer = alone(i, **SETTINGS[i])
        assert difference(fitted.histories[i], trainer.history.rows) < LOSS
        assert fitted.best_epochs[i] == trainer.history.best_epoch
        for key, value in trainer.model.state_dict().items():
            theirs = fitted.trainers[i].model.state_dict()[key].numpy()
            assert np.abs(theirs - value.numpy()).max() < 4e-6, key
    assert len(fitted.groups) == 1
    assert fitted.groups[0].choice.layout == tune.Layout(3, 2)


def test_the_proof_would_notice_another_seed(fitted: tune.Population) -> None:
    assert difference(fitted.histories[4], alone(5, **SETTINGS[4]).history.rows) > 100 * LOSS


@pytest.mark.parametrize("layout", [tune.Layout(1, 1), tune.Layout(7, 1)], ids=lambda layout: layout.name)
def test_layouts_agree(fitted: tune.Population, layout: tune.Layout) -> None:
    population = tune.Population(build, SETTINGS, seeds=range(7))
    found = population.fit(*PARTS, epochs=4, batch_size=16, layout=layout)
    for mine, theirs in zip(found, fitted.histories, strict=True):
        assert difference(mine, theirs) < LOSS


def test_shared_batches_are_the_same_batches() -> None:
    settings = [{"lr": 0.003 * (i + 1)} for i in range(4)]
    found = [
        tune.Population(build, settings).fit(*PARTS, epochs=3, batch_size=16, layout=tune.Layout(4, 1, shared))
        for shared in (False, True)
    ]
    assert max(difference(*pair) for pair in zip(*found, strict=True)) < LOSS


def test_a_place_that_becomes_free_is_taken_by_the_next_member() -> None:
    """With early stopping members end at different epochs; each is still what it is alone."""
    settings = [{"lr": lr, "seed": i} for i, lr in enumerate([0.3, 1e-7, 0.05, 0.2, 1e-7])]
    population = tune.Population(build, settings)
    found = population.fit(*PARTS, epochs=12, batch_size=16, patience=2, layout=tune.Layout(2, 1))
    lengths = [len(rows) for rows in found]
    assert len(set(lengths)) > 1
    for i in (0, 2, 4):
        rows = alone(epochs=12, patience=2, **settings[i]).history.rows
        assert len(rows) == lengths[i]
        assert difference(found[i], rows) < 2e-5  # a rate of 0.3 magnifies what rounding left


def test_members_of_several_widths_are_grouped() -> None:
    population = tune.Population(build, [{"width": 8}, {"width": 4}, {"width": 8, "lr": 0.1}])
    told: list[tuple[int, int]] = []
    found = population.fit(*PARTS, epochs=2, batch_size=16, on_epoch=lambda i, row: told.append((i, row["epoch"])))
    assert [group.members for group in population.groups] == [(0, 2), (1,)]
    assert sorted(told) == [(i, e) for i in range(3) for e in (1, 2)]
    assert all(len(rows) == 2 for rows in found)


def test_folds_are_trained_on_their_own_rows() -> None:
    """Folds of 45 and 46 rows have last batches of other sizes: two programs."""
    rows = np.random.default_rng(1).permutation(91)
    folds = [(rows[46:], np.arange(30)), (rows[:46], np.arange(30)), (rows[45:], np.arange(5, 30))]
    found = tune.Population(build, [{}] * 3).fit(*PARTS, epochs=2, batch_size=16, folds=folds)
    for i, (mine, held) in enumerate(folds):
        gw.manual_seed(0)
        trainer = build()
        trainer.fit((X[mine], Y[mine]), (X[100:][held], Y[100:][held]), epochs=2, batch_size=16)
        assert difference(found[i], trainer.history.rows) < LOSS


def test_one_members_nan_stays_its_own() -> None:
    settings = [{"lr": 0.01}, {"lr": 1e30}, {"lr": 0.02}]
    good = tune.Population(build, [settings[0], settings[2], settings[2]])
    bad = tune.Population(build, settings)
    layout = tune.Layout(3, 1)
    expected = good.fit(*PARTS, epochs=3, batch_size=16, layout=layout)
    found = bad.fit(*PARTS, epochs=3, batch_size=16, layout=layout)
    assert difference(found[0], expected[0]) == 0
    assert difference(found[2], expected[1]) == 0
    assert found[1] == []
    assert "stopped being a number in step" in bad.problems[1]
    assert bad.best() in (0, 2)


def test_each_member_has_its_own_schedule() -> None:
    def scheduled(gamma: float) -> train.Trainer:
        trainer = build()
        schedule = optim.lr_scheduler.ExponentialLR(trainer.optimizer, gamma)
        return train.Trainer(trainer.model, trainer.criterion, trainer.optimizer, scheduler=schedule)

    gammas = [0.9, 0.7, 0.9]
    population = tune.Population(scheduled, [{"gamma": gamma} for gamma in gammas])
    found = population.fit(*PARTS, epochs=2, batch_size=16, layout=tune.Layout(2, 1))
    for rows, gamma in zip(found, gammas, strict=True):
        assert rows[0]["learning_rate"] == pytest.approx(0.01 * gamma**7)  # 6 whole batches and a short one
        assert rows[1]["learning_rate"] == pytest.approx(0.01 * gamma**14)
        gw.manual_seed(0)
        trainer = scheduled(gamma)
        trainer.fit(*PARTS, epochs=2, batch_size=16)
        assert difference(rows, trainer.history.rows) < LOSS


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="build cannot take member 0's parameters"):
        tune.Population(build, [{"rate": 1}])
    with pytest.raises(ConfigError, match=r"expected a train\.Trainer"):
        tune.Population(lambda: nn.Linear(1, 1), [{}])  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigError, match="2 seeds for 1 members"):
        tune.Population(build, [{}], seeds=[1, 2])
    with pytest.raises(ConfigError, match="expected a Space"):
        tune.Population(build, 3)
    population = tune.Population(build, [{}])
    with pytest.raises(ShapeError, match="rows of input"):
        population.fit((X, Y[:5]), PARTS[1])
    with pytest.raises(ConfigError, match="a fold names row 100 of train"):
        population.fit(*PARTS, folds=[(np.array([100]), np.arange(3))])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is room for few members at a time, chunks are small, and that is said."""
    assert available_memory() > 2**20
    population = tune.Population(build, [{"lr": 0.01 * (i + 1)} for i in range(8)])
    monkeypatch.setattr("gradwright.tune.layout.memory_budget", lambda: 60_000)
    population.fit(*PARTS, epochs=1, batch_size=16)
    (group,) = population.groups
    assert group.choice.layout.chunk < 4
    assert "memory has room for" in group.choice.why
    assert group.bytes <= 60_000


def test_layouts_are_timed_when_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradwright.tune.layout.WORTH", 0.0)
    said: list[str] = []
    population = tune.Population(build, [{"lr": 0.01 * (i + 1)} for i in range(4)])
    population.fit(*PARTS, epochs=1, batch_size=16, say=said.append)
    choice = population.groups[0].choice
    assert len(choice.seconds) >= 3
    assert all(seconds > 0 for seconds in choice.seconds.values())
    assert "timing layouts" in said[0]
    fastest = min(choice.seconds, key=choice.seconds.__getitem__)
    assert choice.layout.name == fastest or "no other was faster" in choice.why
