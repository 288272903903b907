"""Rungs: halving, Hyperband, ASHA and population-based training against published tables and others' code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV

from gradwright.errors import ConfigError
from gradwright.tune import ASHA, Choice, Hyperband, Linear, Log, PopulationBased, Space, SuccessiveHalving
from gradwright.tune.strategies import Job

NAN = float("nan")


def table(hyperband: Hyperband) -> list[list[tuple[int, int]]]:
    return [[(rung.members, rung.epochs) for rung in bracket.rungs] for bracket in hyperband.brackets]


def test_hyperbands_brackets_are_the_published_ones() -> None:
    # Li et al. 2018, R = 81, eta = 3
    assert table(Hyperband(epochs=81)) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]
    # the manual of mlr3hyperband, R = 8, eta = 2
    assert table(Hyperband(epochs=8, eta=2)) == [
        [(8, 1), (4, 2), (2, 4), (1, 8)],
        [(6, 2), (3, 4), (1, 8)],
        [(4, 4), (2, 8)],
        [(4, 8)],
    ]
    assert Hyperband(epochs=81).members == 81 + 34 + 15 + 8 + 5


@pytest.mark.parametrize(("epochs", "shortest", "eta"), [(81, 1, 3), (64, 2, 4), (100, 1, 3), (27, 3, 3), (50, 7, 2)])
def test_hyperbands_brackets_are_optunas(epochs: int, shortest: int, eta: int) -> None:
    ours = Hyperband(epochs=epochs, shortest=shortest, eta=eta).brackets
    pruner = optuna.pruners.HyperbandPruner(min_resource=shortest, max_resource=epochs, reduction_factor=eta)
    study = optuna.create_study(pruner=pruner)
    study.ask().report(0.0, 0)
    pruner._try_initialization(study)
    assert pruner._n_brackets == len(ours)
    for s, bracket in enumerate(reversed(ours)):
        assert len(bracket.rungs) == s + 1
        assert bracket.rungs[-1].epochs == epochs
        assert bracket.rungs[0].epochs >= shortest


def test_every_setting_gives_rungs_that_rise() -> None:
    for eta in (2, 3, 4, 7):
        for epochs in [*range(1, 60), 81, 243, 1000]:
            for shortest in (s for s in (1, 2, 5, 50) if s <= epochs):
                for s, bracket in enumerate(reversed(Hyperband(epochs=epochs, shortest=shortest, eta=eta).brackets)):
                    rungs = bracket.rungs
                    assert len(rungs) == s + 1
                    assert rungs[0].epochs >= shortest
                    assert rungs[-1].epochs == epochs
                    for a, b in itertools.pairwise(rungs):
                        assert a.epochs < b.epochs
                        assert a.members // eta == b.members >= 1


class Learner(BaseEstimator):
    """Has a score that depends on its parameter and on how long it was trained, and needs no data."""

    def __init__(self, a: float = 0.0, rounds: int = 1) -> None:
        self.a, self.rounds = a, rounds

    def fit(self, X: Any, y: Any) -> Learner:
        return self

    def score(self, X: Any, y: Any) -> float:
        return score_at(self.a, self.rounds)


def score_at(a: float, rounds: int) -> float:
    return math.sin(37 * a) + math.cos(11 * a) * math.log(rounds)


@pytest.mark.parametrize(("members", "epochs", "eta"), [(27, 27, 3), (16, 40, 2), (81, 81, 3)])
def test_halving_keeps_whom_scikit_learn_keeps(members: int, epochs: int, eta: int) -> None:
    halving = SuccessiveHalving(members=members, epochs=epochs, eta=eta, direction="maximize")
    theirs = HalvingRandomSearchCV(
        Learner(),
        {"a": np.linspace(0, 1, members)},
        n_candidates=members,
        factor=eta,
        resource="rounds",
        min_resources=halving.rungs[0].epochs,
        max_resources=epochs,
        cv=2,
        refit=False,
        random_state=0,
    ).fit(np.zeros((4, 1)), [0, 1, 0, 1])
    results = theirs.cv_results_
    drawn = [p["a"] for p, i in zip(results["params"], results["iter"], strict=True) if i == 0]
    going = list(range(members))
    for rung, (n, epochs_there) in enumerate(zip(theirs.n_candidates_, theirs.n_resources_, strict=True)):
        there = {p["a"] for p, i in zip(results["params"], results["iter"], strict=True) if i == rung}
        assert {drawn[number] for number in going} == there
        assert len(going) == n == halving.rungs[rung].members
        # where R is a power of eta; else scikit-learn goes up from the first rung, and we down from the last
        if epochs % eta ** (len(halving.rungs) - 1) == 0:
            assert halving.rungs[rung].epochs == epochs_there
        going = halving.survivors(rung, {number: score_at(drawn[number], epochs_there) for number in going})
    assert going == []


DECIDERS = {
    "halving": lambda scores, direction: SuccessiveHalving(9, 9, direction=direction).survivors(0, scores),
    "hyperband": lambda scores, direction: Hyperband(9, direction=direction).brackets[0].survivors(0, scores),
    "asha": lambda scores, direction: sorted(
        job.number for job in ASHA(9, direction=direction).jobs([scores], len(scores), 0)
    ),
}


@pytest.mark.parametrize("decide", DECIDERS.values(), ids=DECIDERS)
class TestDecider:
    """Whoever decides who goes on: the same promises."""

    def test_the_best_go_on(self, decide: Any) -> None:
        scores = dict(enumerate([5.0, 1.0, 7.0, 3.0, 9.0, 2.0, 8.0, 6.0, 4.0]))
        assert decide(scores, "minimize") == [1, 3, 5]
        assert decide(scores, "maximize") == [2, 4, 6]

    def test_of_equals_the_first(self, decide: Any) -> None:
        assert decide(dict.fromkeys(range(9), 0.5), "minimize") == [0, 1, 2]
        assert decide(dict.fromkeys(reversed(range(9)), 0.5), "maximize") == [0, 1, 2]

    def test_who_failed_never_goes_on(self, decide: Any) -> None:
        scores = {0: NAN, 1: None, 2: math.inf, 3: 9.0, 4: -math.inf, 5: None, 6: NAN, 7: None, 8: 1.0}
        assert decide(scores, "minimize") == [3, 8]
        assert decide(scores, "maximize") == [3, 8]
        assert decide(dict.fromkeys(range(9), NAN), "minimize") == []

    def test_the_order_of_telling_counts_for_nothing(self, decide: Any) -> None:
        rng = np.random.default_rng(0)
        scores = dict(enumerate(rng.random(9)))
        shuffled = {int(n): scores[int(n)] for n in rng.permutation(9)}
        assert decide(shuffled, "minimize") == decide(scores, "minimize")


def get_job(rungs: list[dict[int, float]], promoted: list[set[int]], eta: int) -> tuple[int | None, int]:
    """Algorithm 2 of Li et al. 2020, line by line, for smaller-is-better scores without ties."""
    for k in range(len(rungs) - 2, -1, -1):
        candidates = sorted(rungs[k], key=lambda t: rungs[k][t])[: len(rungs[k]) // eta]
        promotable = [t for t in candidates if t not in promoted[k]]
        if promotable:
            return promotable[0], k + 1
    return None, 0


@pytest.mark.parametrize("batch", [1, 4])
def test_asha_is_the_papers_algorithm(batch: int) -> None:
    asha = ASHA(epochs=27)
    rng = np.random.default_rng(1)
    rungs: list[dict[int, float]] = [{} for _ in asha.epochs_of]
    promoted: list[set[int]] = [set() for _ in asha.epochs_of]
    begun = 0
    for _ in range(200 // batch):
        expected = []
        for _ in range(batch):
            number, rung = get_job(rungs, promoted, 3)
            if number is not None:
                promoted[rung - 1].add(number)
            expected.append(Job(number, rung))
        jobs = asha.jobs(rungs, batch, 1000)
        assert jobs == expected
        for job in jobs:
            number, begun = (begun, begun + 1) if job.number is None else (job.number, begun)
            rungs[job.rung][number] = float(rng.random())
    assert [len(rung) for rung in rungs[1:]] == pytest.approx([len(rungs[0]) / 3**k for k in (1, 2, 3)], rel=0.5)
    assert len(rungs[3]) >= 1


def test_asha_ends() -> None:
    asha = ASHA(epochs=9)
    rungs: list[dict[int, float | None]] = [{}, {}, {}]
    begun = trained = 0
    while jobs := asha.jobs(rungs, 5, 27 - begun):
        for job in jobs:
            trained += 1
            number = begun if job.number is None else job.number
            begun += job.number is None
            rungs[job.rung][number] = None if number % 7 == 0 else float(number % 5)
    assert begun == 27
    assert [len(rung) for rung in rungs] == [27, 9, 3]
    assert trained == 39


SPACE = Space({"lr": Log(1e-5, 1.0), "dropout": Linear(0.0, 0.5), "weight_decay": Log(1e-6, 1e-2)})


def exchanged(pbt: PopulationBased, scores: Mapping[int, float | None], interval: int = 1) -> list[Any]:
    return pbt.exchange(interval, scores, dict(enumerate(pbt.start())))


class TestPopulationBased:
    def test_the_worst_fifth_copy_the_best_fifth(self) -> None:
        pbt = PopulationBased(SPACE, members=20, interval=5, seed=3)
        scores = dict(enumerate(np.random.default_rng(0).permutation(20) / 20))
        order = sorted(scores, key=lambda n: scores[n])
        copies = exchanged(pbt, scores)
        assert [copy.to for copy in copies] == sorted(order[-4:])
        assert {copy.source for copy in copies} <= set(order[:4])
        upward = PopulationBased(SPACE, members=20, interval=5, seed=3, direction="maximize")
        assert exchanged(upward, {n: -s for n, s in scores.items()}) == copies

    @pytest.mark.parametrize(("members", "part"), [(2, 1), (3, 1), (5, 1), (6, 2), (10, 2), (35, 7), (100, 20)])
    def test_how_many(self, members: int, part: int) -> None:
        pbt = PopulationBased(SPACE, members=members, interval=1)
        copies = exchanged(pbt, {n: float(n) for n in range(members)})
        assert [copy.to for copy in copies] == list(range(members - part, members))
        assert {copy.source for copy in copies} <= set(range(part))

    def test_values_are_the_copied_ones_times_a_factor(self) -> None:
        pbt = PopulationBased(SPACE, members=50, interval=1, resample=0.0, truncation=0.5)
        now = dict(enumerate(pbt.start()))
        ratios = []
        for copy in pbt.exchange(1, {n: float(n) for n in now}, now):
            for name, value in copy.parameters.items():
                low, high = SPACE[name].low, SPACE[name].high  # type: ignore[attr-defined]
                before = now[copy.source][name]
                if low < value < high:
                    ratios.append(round(value / before, 12))
                else:
                    assert before * 0.8 <= low or before * 1.2 >= high
        assert set(ratios) == {0.8, 1.2}
        assert 0.3 < ratios.count(0.8) / len(ratios) < 0.7

    def test_values_drawn_anew_are_the_spaces(self) -> None:
        pbt = PopulationBased(SPACE, members=400, interval=1, resample=1.0, truncation=0.5)
        rates = [copy.parameters["lr"] for copy in exchanged(pbt, {n: float(n) for n in range(400)})]
        assert np.histogram(np.log10(rates), bins=5, range=(-5, 0))[0].min() > 20
        some = PopulationBased(SPACE, members=400, interval=1, truncation=0.5)
        now = dict(enumerate(some.start()))
        copies = some.exchange(1, {n: float(n) for n in range(400)}, now)
        kept = [c.parameters["lr"] / now[c.source]["lr"] for c in copies]
        anew = sum(not math.isclose(r, 0.8) and not math.isclose(r, 1.2) for r in kept) / len(kept)
        assert 0.15 < anew < 0.35

    def test_the_same_seed_and_interval_are_the_same_again(self) -> None:
        pbt = PopulationBased(SPACE, members=10, interval=1, seed=1)
        scores = {n: float(n) for n in range(10)}
        assert exchanged(pbt, scores) == exchanged(pbt, dict(reversed(scores.items())))
        assert exchanged(pbt, scores, 2) != exchanged(pbt, scores)
        assert exchanged(PopulationBased(SPACE, members=10, interval=1, seed=2), scores) != exchanged(pbt, scores)

    def test_who_failed_copies_and_is_never_copied(self) -> None:
        pbt = PopulationBased(SPACE, members=10, interval=1)
        scores = {n: NAN if n in (2, 5, 7) else float(n) for n in range(10)}
        copies = exchanged(pbt, scores)
        assert [copy.to for copy in copies] == [2, 5, 7]
        assert {copy.source for copy in copies} <= {0, 1}
        one_left = {n: 1.0 if n == 4 else None for n in range(10)}
        assert {(c.to, c.source) for c in exchanged(pbt, one_left)} == {(n, 4) for n in range(10) if n != 4}
        assert exchanged(pbt, dict.fromkeys(range(10))) == []

    def test_only_what_can_change_while_the_weights_stay(self) -> None:
        for space in (Space({"hidden": Choice([[8], [16]])}), Space({"lr": Choice([0.1, 0.2])})):
            with pytest.raises(ConfigError, match="population-based training changes numbers while the weights stay"):
                PopulationBased(space, members=4, interval=1)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: SuccessiveHalving(0, 9), "members = 0"),
        (lambda: SuccessiveHalving(9, 9, eta=1), "eta = 1: expected a whole number from 2"),
        (lambda: SuccessiveHalving(9, 9, shortest=10), "shortest = 10: more than the 9 epochs"),
        (lambda: SuccessiveHalving(9, 9).survivors(3, {}), "rung = 3: there are 3, from 0"),
        (lambda: Hyperband(0), "epochs = 0"),
        (lambda: Hyperband(9, direction="up"), "direction = 'up'"),  # type: ignore[arg-type]
        (lambda: ASHA(9).jobs([{}] * 4, 1, 1), "4 rungs finished: there are 3"),
        (lambda: PopulationBased(SPACE, members=1, interval=1), "members = 1"),
        (lambda: PopulationBased(SPACE, members=4, interval=1, truncation=0.6), "truncation = 0.6"),
        (lambda: PopulationBased(SPACE, members=4, interval=1, factors=(0.0, 1.2)), "factors"),
        (lambda: PopulationBased(SPACE, members=4, interval=1).exchange(0, {}, {}), "numbered from 1"),
    ],
)
def test_settings_that_are_none(make: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        make()
