"""ASHA: successive halving that promotes as soon as it can, so that no place stands empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from gradwright.errors import ConfigError
from gradwright.tune.strategies.base import Direction, better_first
from gradwright.tune.strategies.rungs import check_rungs, rounds

__all__ = ["ASHA", "Job"]


@dataclass(frozen=True)
class Job:
    """What a place does next.

    Attributes
    ----------
    number : int or None
        The trial that goes on; None for a new one.
    rung : int
        To which rung it is trained, from 0.
    """

    number: int | None
    rung: int


@dataclass(frozen=True)
class ASHA:
    """Who is in the best 1/eta of a rung goes on at once; where nobody is, a new trial begins.

    Rung k ends after r·eta^k epochs. The rule looks from the highest rung down for a trial among the best ⌊n/eta⌋ of
    the n that have finished the rung, and not yet gone on. Here places are filled in batches: the jobs of a batch
    depend only on what was finished before it, in order of the trials' numbers, never on which place was free first.

    With no more new trials to begin, up to eta - 1 good ones of a rung may stay where they are.

    Parameters
    ----------
    epochs : int >= 1
        The most that a trial is trained for, R.
    shortest : int >= 1
        The fewest, r.
    eta : int >= 2
        How many finish a rung for one that goes on.
    direction : {"minimize", "maximize"}
        Which scores are better.

    References
    ----------
    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht and Talwalkar, "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020, Algorithm 2.

    Examples
    --------
    >>> asha = ASHA(epochs=9)
    >>> asha.epochs_of
    (1, 3, 9)
    >>> asha.jobs([{0: 0.5, 1: 0.25, 2: 0.75}], count=2, new=10)
    [Job(number=1, rung=1), Job(number=None, rung=0)]
    """

    name: ClassVar[str] = "asha"
    epochs: int
    shortest: int = 1
    eta: int = 3
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        check_rungs(self.epochs, self.shortest, self.eta, self.direction)

    @property
    def epochs_of(self) -> tuple[int, ...]:
        """How many epochs a trial has seen, from the beginning, at the end of each rung."""
        last = rounds(self.epochs, self.shortest, self.eta)
        return tuple(self.shortest * self.eta**k for k in range(last + 1))

    def jobs(self, finished: Sequence[Mapping[int, float | None]], count: int, new: int) -> list[Job]:
        """Return what the next batch does.

        Parameters
        ----------
        finished : sequence of mapping of int to float or None
            For each rung the scores of all trials that finished it; None for one that failed, which never goes on.
            A trial in a rung is in all rungs below.
        count : int >= 1
            Places in the batch; fewer jobs than that mean that there is nothing more to do.
        new : int >= 0
            How many trials may still begin.
        """
        rungs = len(self.epochs_of)
        if len(finished) > rungs:
            raise ConfigError(f"{len(finished)} rungs finished: there are {rungs}")
        jobs: list[Job] = []
        for k in range(min(len(finished), rungs - 1) - 1, -1, -1):
            above = finished[k + 1] if k + 1 < len(finished) else {}
            best = better_first(finished[k], self.direction)[: len(finished[k]) // self.eta]
            jobs += [Job(number, k + 1) for number in best if number not in above]
        jobs = jobs[:count]
        return jobs + [Job(None, 0)] * min(count - len(jobs), new)
