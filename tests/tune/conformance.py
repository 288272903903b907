"""What every strategy must do, written once; test_strategies.py has a class a strategy that inherits it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gradwright.errors import ConfigError, StateError
from gradwright.tune import Choice, Linear, Log, Space, Strategy

SPACE = Space(
    {
        "lr": Log(1e-4, 1e-1, count=3),
        "optimizer": Choice(["sgd", "adam"]),
        "momentum": Linear(0.0, 0.9, count=2, when={"optimizer": ["sgd"]}),
        "hidden": Choice([[8], [16, 16]]),
    }
)


def score_of(values: dict[str, Any]) -> float | None:
    """A score with its best at lr = 0.01 and no dropout; some trials fail."""
    if values.get("hidden") == [16, 16] and values.get("momentum", 0) > 0.8:
        return None
    return (np.log10(values["lr"]) + 2) ** 2 + values.get("momentum", 0.0) + len(values)


class StrategySuite:
    """Conformance: a subclass says how to make one."""

    batch = 4
    seeded = True

    def make(self, seed: int = 0, direction: str = "minimize") -> Strategy:
        raise NotImplementedError

    def run(self, strategy: Strategy, sign: float = 1.0, order: int = 1) -> list[dict[str, Any]]:
        """Ask in batches until it is done, telling each batch's scores in an order."""
        number = 0
        while not strategy.done:
            asked = strategy.ask(self.batch)
            assert 1 <= len(asked) <= self.batch
            for i in list(range(len(asked)))[::order]:
                score = score_of(asked[i])
                strategy.tell(number + i, None if score is None else sign * score)
            number += len(asked)
        assert strategy.ask(self.batch) == []
        assert number == len(strategy.asked)
        return strategy.asked

    def test_the_same_seed_gives_the_same_trials(self) -> None:
        first = self.run(self.make(5))
        assert self.run(self.make(5)) == first
        if self.seeded:
            assert self.run(self.make(6)) != first

    def test_the_order_of_telling_counts_for_nothing(self) -> None:
        assert self.run(self.make(5), order=-1) == self.run(self.make(5))

    def test_a_better_score_is_better_either_way(self) -> None:
        low, high = self.make(5), self.make(5, "maximize")
        assert self.run(low) == self.run(high, sign=-1.0)
        assert low.best() == high.best()

    def test_values_belong_to_the_space(self) -> None:
        strategy = self.make(7)
        for values in self.run(strategy):
            assert list(values) == [name for name in strategy.space if strategy.space.active(name, values)]
            for name, value in values.items():
                parameter = strategy.space[name]
                assert parameter.distribution()._contains(
                    parameter.distribution().to_internal_repr(parameter.stored(value))
                )

    def test_all_failing_comes_to_an_end(self) -> None:
        strategy = self.make(1)
        while not strategy.done:
            number = len(strategy.asked)
            for i in range(len(strategy.ask(self.batch))):
                strategy.tell(number + i, float("nan") if i % 2 else None)
        assert strategy.best() is None

    def test_what_is_asked_belongs_to_the_asker(self) -> None:
        strategy = self.make()
        asked = strategy.ask(1)[0]
        before = dict(asked)
        asked["lr"] = -1.0
        assert strategy.asked[0] == before

    def test_telling_nonsense(self) -> None:
        strategy = self.make()
        with pytest.raises(StateError, match="trial 0: not asked for yet"):
            strategy.tell(0, 1.0)
        strategy.ask(2)
        strategy.tell(1, 1.0)
        with pytest.raises(StateError, match="trial 1: its score was told before"):
            strategy.tell(1, 2.0)
        with pytest.raises(StateError, match="not asked for"):
            strategy.tell(-1, 2.0)
        with pytest.raises(ConfigError, match="count = 0"):
            strategy.ask(0)

    def test_waits_for_scores_it_depends_on(self) -> None:
        strategy = self.make()
        strategy.ask(2)
        strategy.tell(1, 1.0)
        if strategy.adaptive:
            with pytest.raises(StateError, match="depend on the scores of trials 0; tell them first"):
                strategy.ask(2)
        else:
            first = list(strategy.asked)
            assert first + strategy.ask(3) == self.make().ask(5)

    def test_the_record_is_json(self) -> None:
        strategy = self.make(3)
        record = json.loads(json.dumps(strategy.record(), allow_nan=False))
        assert record["name"] == strategy.name
        assert record.get("seed", 3) == 3
