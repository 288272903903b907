"""Hyperband: successive halving with several answers to how early one may judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gradwright.tune.strategies.base import Direction
from gradwright.tune.strategies.rungs import SuccessiveHalving, check_rungs, rounds

__all__ = ["Hyperband"]


@dataclass(frozen=True)
class Hyperband:
    """Brackets of successive halving, from many trials judged early to few that all train to the end.

    Bracket s, for s = s_max … 0 with s_max = ⌊log_eta(R/r)⌋, begins with n = ⌈(s_max + 1)·eta^s / (s + 1)⌉ trials of
    R·eta⁻ˢ epochs, so that all brackets cost about as much.

    Parameters
    ----------
    epochs : int >= 1
        The most that a trial is trained for, R.
    shortest : int >= 1
        The fewest, r.
    eta : int >= 2
        How many begin for one that goes on.
    direction : {"minimize", "maximize"}
        Which scores are better.

    References
    ----------
    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter
    Optimization", JMLR 18 (2018), Algorithm 1.

    Examples
    --------
    >>> [[(rung.members, rung.epochs) for rung in bracket.rungs] for bracket in Hyperband(epochs=9).brackets]
    [[(9, 1), (3, 3), (1, 9)], [(5, 3), (1, 9)], [(3, 9)]]
    """

    name: ClassVar[str] = "hyperband"
    epochs: int
    shortest: int = 1
    eta: int = 3
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        check_rungs(self.epochs, self.shortest, self.eta, self.direction)

    @property
    def brackets(self) -> tuple[SuccessiveHalving, ...]:
        """The brackets in order; each is trained by itself, with trials of its own."""
        most = rounds(self.epochs, self.shortest, self.eta)
        return tuple(self._bracket(s, most) for s in range(most, -1, -1))

    @property
    def members(self) -> int:
        """Trials of all brackets together."""
        return sum(bracket.members for bracket in self.brackets)

    def _bracket(self, s: int, most: int) -> SuccessiveHalving:
        members = -(-(most + 1) * self.eta**s // (s + 1))
        return SuccessiveHalving(members, self.epochs, self.epochs // self.eta**s, self.eta, self.direction)
