"""Each strategy through the conformance suite, and against what others make of the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import qmc

from gradwright.errors import ConfigError
from gradwright.tune import Choice, Grid, Linear, Log, QuasiRandom, Random, Space

from .conformance import SPACE, StrategySuite


class TestGrid(StrategySuite):
    seeded = False

    def make(self, seed=0, direction="minimize"):
        return Grid(SPACE, direction=direction)

    def test_all_once(self) -> None:
        asked = self.run(self.make())
        assert asked == SPACE.grid()
        assert len(asked) == 3 * (2 + 1) * 2


class TestRandom(StrategySuite):
    def make(self, seed=0, direction="minimize"):
        return Random(SPACE, trials=11, seed=seed, direction=direction)

    def test_neighbouring_seeds_and_numbers_share_nothing(self) -> None:
        space = Space({"lr": Log(1e-4, 1e-1), "dropout": Linear(0.0, 0.5)})
        drawn = [
            v for seed in range(20) for values in Random(space, trials=20, seed=seed).ask(20) for v in values.values()
        ]
        assert len(set(drawn)) == len(drawn)


class TestQuasiRandom(StrategySuite):
    def make(self, seed=0, direction="minimize"):
        return QuasiRandom(SPACE, trials=11, seed=seed, direction=direction)

    def test_the_points_are_scipys(self) -> None:
        asked = self.make(9).ask(11)
        points = qmc.Sobol(4, seed=np.random.default_rng(9)).random_base2(4)
        assert asked == [SPACE.from_unit(u) for u in points[:11]]

    def test_spread_more_evenly_than_random_ones(self) -> None:
        space = Space({"dropout": Linear(0.0, 0.5), "label_smoothing": Linear(0.0, 0.5)})
        seen = {}
        for make in (QuasiRandom, Random):
            asked = make(space, trials=64, seed=3).ask(64)
            seen[make] = qmc.discrepancy(np.array([[2 * v for v in values.values()] for values in asked]))
        assert seen[QuasiRandom] < 0.2 * seen[Random]

    def test_one_trial_and_one_parameter(self) -> None:
        assert len(QuasiRandom(Space({"lr": Log(1e-4, 1e-1)}), trials=1).ask(5)) == 1


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"trials": 2.5}, {"seed": -1}, {"direction": "up"}])
def test_settings_that_are_none(wrong) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Random(SPACE, **{"trials": 3, **wrong})


def test_a_grid_of_conditional_choices() -> None:
    space = Space(
        {
            "network": Choice(["mlp", "highway"]),
            "hidden": Choice([[8], [16]], when={"network": ["mlp"]}),
            "batch_norm": Choice([False, True], when={"hidden": [[16]]}),
        }
    )
    grid = list(itertools.chain(Grid(space).ask(10)))
    assert grid == [
        {"network": "mlp", "hidden": [8]},
        {"network": "mlp", "hidden": [16], "batch_norm": False},
        {"network": "mlp", "hidden": [16], "batch_norm": True},
        {"network": "highway"},
    ]
