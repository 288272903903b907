"""Each strategy through the conformance suite, and against what others make of the same."""

from __future__ import annotations

import itertools
import json

import numpy as np
import optuna
import pytest
from scipy.stats import qmc

from gradwright.errors import ConfigError, MissingDependencyError, StateError
from gradwright.tune import Bayesian, Choice, Grid, Linear, Log, LRSweep, QuasiRandom, Random, Space

from .conformance import SPACE, StrategySuite, score_of


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


class TestBayesian(StrategySuite):
    def make(self, seed=0, direction="minimize"):
        return Bayesian(SPACE, trials=14, seed=seed, direction=direction, startup=6)

    def test_one_at_a_time_it_is_optunas_own_loop(self) -> None:
        def objective(trial: optuna.Trial) -> float:
            values = {"lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True)}
            values["optimizer"] = trial.suggest_categorical("optimizer", ["sgd", "adam"])
            if values["optimizer"] == "sgd":
                values["momentum"] = trial.suggest_float("momentum", 0.0, 0.9)
            values["hidden"] = json.loads(trial.suggest_categorical("hidden", ["[8]", "[16, 16]"]))
            theirs.append(values)
            score = score_of(values)
            if score is None:
                raise ZeroDivisionError
            return score

        theirs: list[dict] = []
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        sampler = optuna.samplers.TPESampler(seed=4, n_startup_trials=6)
        optuna.create_study(sampler=sampler).optimize(objective, n_trials=20, catch=ZeroDivisionError)
        ours = Bayesian(SPACE, trials=20, seed=4, startup=6)
        for number in range(20):
            ours.tell(number, score_of(ours.ask(1)[0]))
        assert ours.asked == theirs

    def test_it_learns(self) -> None:
        space = Space({"lr": Log(1e-6, 1e2), "dropout": Linear(0.0, 0.9)})

        def found(strategy) -> float:
            while not strategy.done:
                for values in strategy.ask(4):
                    strategy.tell(len(strategy.scores), (np.log10(values["lr"]) + 2) ** 2 + 10 * values["dropout"])
            return strategy.scores[strategy.best()]

        better = [
            found(Bayesian(space, trials=48, seed=seed)) < found(Random(space, trials=48, seed=seed))
            for seed in range(6)
        ]
        assert sum(better) >= 5

    def test_a_batch_does_not_gather_in_one_place(self) -> None:
        search = Bayesian(Space({"lr": Log(1e-6, 1e2)}), trials=40, seed=2)
        for _ in range(4):
            for values in search.ask(6):
                search.tell(len(search.scores), (np.log10(values["lr"]) + 2) ** 2)
        batch = np.log10([values["lr"] for values in search.ask(6)])
        assert np.min(np.diff(np.sort(batch))) > 1e-3

    def test_samplers_that_are_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        for sampler, package in (("gp", "torch"), ("cmaes", "cmaes")):
            with pytest.raises(MissingDependencyError, match=f"sampler = {sampler}: it needs the package {package}"):
                Bayesian(SPACE, trials=3, sampler=sampler)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
        with pytest.raises(ConfigError, match="cmaes: it is for numbers without conditions"):
            Bayesian(SPACE, trials=3, sampler="cmaes")
        with pytest.raises(ConfigError, match="sampler = 'tep': expected tpe, gp, cmaes"):
            Bayesian(SPACE, trials=3, sampler="tep")


def test_gaussian_processes_learn_and_repeat() -> None:
    def run() -> list[dict]:
        search = Bayesian(Space({"lr": Log(1e-6, 1e2)}), trials=5, seed=2, sampler="gp", startup=3)
        while not search.done:
            for values in search.ask(3):
                search.tell(len(search.scores), (np.log10(values["lr"]) + 2) ** 2)
        assert min(search.scores[n] for n in (3, 4)) < min(search.scores[n] for n in (0, 1, 2))
        return search.asked

    assert run() == run()


class TestLRSweep(StrategySuite):
    seeded = False

    def make(self, seed=0, direction="minimize"):
        return LRSweep(direction=direction)

    def test_coarse_then_fine(self) -> None:
        sweep = self.make()
        rates = [values["lr"] for values in self.run(sweep)]  # the best is 0.01
        assert rates[:11] == [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0]
        np.testing.assert_allclose(rates[11:14], np.geomspace(3e-3, 1e-2, 5)[1:-1])
        np.testing.assert_allclose(rates[14:], np.geomspace(1e-2, 3e-2, 5)[1:-1])

    @pytest.mark.parametrize(("best", "between"), [(1e-5, (3e-6, 3e-5)), (1.0, (0.3, 3.0))])
    def test_the_best_at_an_end(self, best: float, between: tuple[float, float]) -> None:
        sweep = self.make()
        for number, values in enumerate(sweep.ask(99)):
            sweep.tell(number, None if values["lr"] != best else 0.0)
        rates = [values["lr"] for values in sweep.ask(99)]
        assert between[0] < min(rates) < best < max(rates) < between[1]
        assert len(rates) == 6
        assert sweep.done

    def test_a_stage_ends_a_batch(self) -> None:
        sweep = self.make()
        assert [len(sweep.ask(8)), len(sweep.ask(8))] == [8, 3]
        with pytest.raises(StateError, match="depend on the scores of trials 0, 1, 2, 3, 4, 5, 6, 7, …"):
            sweep.ask(1)


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
