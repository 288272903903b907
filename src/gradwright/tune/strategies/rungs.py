"""Rungs: after so many epochs, only the better part of the trials goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from gradwright.errors import ConfigError
from gradwright.tune.strategies.base import Direction, better_first

__all__ = ["Rung", "SuccessiveHalving", "check_rungs", "rounds"]


@dataclass(frozen=True)
class Rung:
    """How many trials are trained until they have seen so many epochs.

    Attributes
    ----------
    epochs : int
        From the beginning of the training, not from the rung before.
    members : int
        How many trials, if none failed.
    """

    epochs: int
    members: int


@dataclass(frozen=True)
class SuccessiveHalving:
    """At each rung the best 1/eta of the trials go on, and train eta times as long.

    Rung i trains n_i = ⌊n·eta⁻ⁱ⌋ trials to r_i = r·eta^(i - s) epochs, for i = 0 … s, where r are the most epochs.

    Parameters
    ----------
    members : int >= 1
        Trials to begin with, n.
    epochs : int >= 1
        The most that one is trained for, r.
    shortest : int >= 1
        The fewest: no rung ends before so many.
    eta : int >= 2
        How many begin for one that goes on.
    direction : {"minimize", "maximize"}
        Which scores are better.

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.

    Examples
    --------
    >>> halving = SuccessiveHalving(members=9, epochs=27, shortest=3)
    >>> halving.rungs
    (Rung(epochs=3, members=9), Rung(epochs=9, members=3), Rung(epochs=27, members=1))
    >>> halving.survivors(0, {n: abs(n - 4) for n in range(9)})
    [3, 4, 5]
    """

    name: ClassVar[str] = "halving"
    members: int
    epochs: int
    shortest: int = 1
    eta: int = 3
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        if type(self.members) is not int or self.members < 1:
            raise ConfigError(f"members = {self.members!r}: expected a whole number from 1")
        check_rungs(self.epochs, self.shortest, self.eta, self.direction)

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The rungs in order; there are no more than there are trials for."""
        last = rounds(self.epochs, self.shortest, self.eta)
        while self.members // self.eta**last < 1:
            last -= 1
        return tuple(
            Rung(round(Fraction(self.epochs, self.eta ** (last - i))), self.members // self.eta**i)
            for i in range(last + 1)
        )

    def survivors(self, rung: int, scores: Mapping[int, float | None]) -> list[int]:
        """Return the numbers of the trials that go on from a rung, in order; of equal scores the first.

        Parameters
        ----------
        rung : int
            From 0.
        scores : mapping of int to float or None
            Of those that were trained in this rung. Who failed, or has a score that is no number, never goes on.
        """
        rungs = self.rungs
        if not 0 <= rung < len(rungs):
            raise ConfigError(f"rung = {rung}: there are {len(rungs)}, from 0")
        if rung == len(rungs) - 1:
            return []
        return sorted(better_first(scores, self.direction)[: rungs[rung + 1].members])


def rounds(epochs: int, shortest: int, eta: int) -> int:
    """Return the largest s with shortest·eta^s ≤ epochs, in whole numbers: ⌊log(epochs / shortest) / log(eta)⌋.

    Examples
    --------
    >>> rounds(243, 1, 3)  # where the logarithms, rounded, give 4
    5
    """
    s = 0
    while shortest * eta ** (s + 1) <= epochs:
        s += 1
    return s


def check_rungs(epochs: int, shortest: int, eta: int, direction: str) -> None:
    """Refuse settings from which no rungs follow."""
    for name, value, least in (("epochs", epochs, 1), ("shortest", shortest, 1), ("eta", eta, 2)):
        if type(value) is not int or not least <= value < 2**31:
            raise ConfigError(f"{name} = {value!r}: expected a whole number from {least}")
    if shortest > epochs:
        raise ConfigError(f"shortest = {shortest}: more than the {epochs} epochs that a trial is trained for at most")
    if direction not in ("minimize", "maximize"):
        raise ConfigError(f"direction = {direction!r}: expected minimize or maximize")
