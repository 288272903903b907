"""What every search strategy has: ask for values, tell scores, and what it was is what it will be again."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from gradwright.errors import ConfigError, StateError
from gradwright.tune.space import Space

__all__ = ["Direction", "Strategy", "better_first"]

Direction = Literal["minimize", "maximize"]


class Strategy(ABC):
    """Which values to try next.

    Trials have numbers from 0 in the order in which they were asked for. What is proposed depends on the space, the
    seed, how many were asked for at once, and the scores in order of the trials' numbers: never on the order in which
    they were told, nor on time. So a study that was broken off goes on by asking and telling all over again.

    Parameters
    ----------
    space : Space
        What varies.
    trials : int >= 1
        How many there shall be in all.
    seed : int >= 0
        Of all that is drawn.
    direction : {"minimize", "maximize"}
        Which scores are better.
    """

    name: ClassVar[str]
    #: Whether proposals depend on scores; then all trials asked for must be told before the next are.
    adaptive: ClassVar[bool] = False

    def __init__(self, space: Space, *, trials: int, seed: int = 0, direction: Direction = "minimize") -> None:
        if type(trials) is not int or trials < 1:
            raise ConfigError(f"trials = {trials!r}: expected a whole number from 1")
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise ConfigError(f"seed = {seed!r}: expected a whole number from 0")
        if direction not in ("minimize", "maximize"):
            raise ConfigError(f"direction = {direction!r}: expected minimize or maximize")
        self.space, self.trials, self.seed, self.direction = space, trials, seed, direction
        self.asked: list[dict[str, Any]] = []
        self.scores: dict[int, float | None] = {}

    @property
    def done(self) -> bool:
        """Whether :meth:`ask` has nothing more to give."""
        return len(self.asked) >= self.trials

    def ask(self, count: int) -> list[dict[str, Any]]:
        """Return the values of the next trials: ``count`` of them, or as many as are left.

        Raises
        ------
        StateError
            When the next ones depend on scores that were not told yet.
        """
        if type(count) is not int or count < 1:
            raise ConfigError(f"count = {count!r}: expected a whole number from 1")
        waiting = [number for number in range(len(self.asked)) if number not in self.scores]
        if self.adaptive and waiting:
            shown = ", ".join(map(str, waiting[:8])) + (", …" if len(waiting) > 8 else "")
            raise StateError(
                f"{self.name} search: the next trials depend on the scores of trials {shown}; tell them first"
            )
        if self.done:
            return []
        proposed = self._propose(min(count, self.trials - len(self.asked)))
        self.asked += proposed
        return [dict(values) for values in proposed]

    def tell(self, number: int, score: float | None) -> None:
        """Take the score of a trial: None, or a number that is none, when it failed.

        Raises
        ------
        StateError
            For a trial that was not asked for, or told twice.
        """
        if not 0 <= number < len(self.asked):
            raise StateError(f"trial {number}: not asked for yet; there are {len(self.asked)}, numbered from 0")
        if number in self.scores:
            raise StateError(f"trial {number}: its score was told before")
        self.scores[number] = None if score is None or not math.isfinite(score) else float(score)

    def best(self) -> int | None:
        """Return the number of the best trial so far, the first of equals; None when none has a score."""
        return next(iter(better_first(self.scores, self.direction)), None)

    def record(self) -> dict[str, Any]:
        """Return what ``study.json`` holds of it."""
        return {"name": self.name, "trials": self.trials, "seed": self.seed}

    @abstractmethod
    def _propose(self, count: int) -> list[dict[str, Any]]:
        """Return the values of the next ``count`` trials, at least one and never more."""


def better_first(scores: Any, direction: Direction) -> list[int]:
    """Return the numbers of those that have a score, the best first and equals by their number.

    Examples
    --------
    >>> better_first({0: 0.5, 1: float("nan"), 2: 0.25, 3: 0.5, 4: None}, "minimize")
    [2, 0, 3]
    """
    sign = -1.0 if direction == "maximize" else 1.0
    there = [number for number, score in scores.items() if score is not None and math.isfinite(score)]
    return sorted(there, key=lambda number: (sign * scores[number], number))
