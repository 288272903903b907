"""Which trials a search trains, in jobs: pieces of work that do not depend on who does them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.space import Space
from gradwright.tune.strategies import (
    ASHA,
    Bayesian,
    Direction,
    Grid,
    Hyperband,
    LRSweep,
    PopulationBased,
    QuasiRandom,
    Random,
    Strategy,
    SuccessiveHalving,
)

__all__ = ["STRATEGIES", "Plan", "SearchSettings", "make_plan"]

Job = dict[str, Any]
Result = Mapping[str, Any]

#: What ``--strategy`` names, and a line about each.
STRATEGIES = {
    "random": "values drawn independently of each other",
    "grid": "all combinations",
    "sobol": "quasi-random points, more evenly spread than random ones",
    "tpe": "what a model of good and of other trials finds promising (tree-structured Parzen estimator)",
    "gp": "what a Gaussian process finds promising; needs torch",
    "halving": "at each rung the best third goes on (successive halving)",
    "hyperband": "several brackets of successive halving, from strict to patient",
    "asha": "successive halving that promotes without waiting for a rung to be full",
    "pbt": "population-based training: the worst go on from the best one's weights with changed values",
    "lr-sweep": "learning rates 1e-5, 3e-5, … 1, then finer ones around the best; needs no space",
}
_RUNGS = ("halving", "hyperband", "asha")
#: Trials unless told otherwise, and in a job: of those that wait for no score, and of those that do.
_TRIALS, _BATCH, _ADAPTIVE_BATCH = 64, 64, 8
#: And of those that wait for no score where several workers share them: two chunks of the usual layout.
_SHARED_BATCH = 16
#: Rungs that the shortest training leaves unless told otherwise: the first judgement after 1/27 of the epochs.
_FIRST = 27
#: Exchanges of population-based training unless told otherwise.
_EXCHANGES = 10


@dataclass(frozen=True)
class SearchSettings:
    """How a search goes, as against what it searches.

    Attributes
    ----------
    strategy : str
        One of `STRATEGIES`.
    trials : int >= 1, optional
        How many; 64 unless given. A grid, a sweep and Hyperband know it themselves.
    batch : int >= 1, optional
        Trials in a job, which is trained together and is what is done again after a break: 64, and 8 where the next
        trials depend on scores. 16 in place of 64 where workers share them.
    eta : int >= 2
        Of rungs: how many begin for one that goes on.
    shortest : int >= 1, optional
        Of rungs: epochs before the first judgement; a 27th of all unless given.
    interval : int >= 1, optional
        Of population-based training: epochs between exchanges; a tenth of all unless given.
    nested : int
        Outer folds of nested validation; 0 is none.
    refit : bool
        Whether the winner is trained as a run of its own and looked at the test part.
    baselines : bool
        Whether simple models are searched as hard.
    timeout : float > 0, optional
        Seconds after which trials under way are ended where they stand.
    shared : bool
        Whether several workers share the jobs: these are then cut, and their trials laid out, by fixed rules, so that
        nothing depends on who they are and how many.
    """

    strategy: str = "random"
    trials: int | None = None
    batch: int | None = None
    eta: int = 3
    shortest: int | None = None
    interval: int | None = None
    nested: int = 0
    refit: bool = True
    baselines: bool = True
    timeout: float | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ConfigError(f"strategy = {self.strategy!r:.40}: expected one of {', '.join(STRATEGIES)}")
        for name, least in (("trials", 1), ("batch", 1), ("eta", 2), ("shortest", 1), ("interval", 1), ("nested", 0)):
            value = getattr(self, name)
            if value is not None and not (type(value) is int and least <= value < 2**31):
                raise ConfigError(f"{name} = {value!r:.40}: expected a whole number from {least}")
        if self.nested == 1:
            raise ConfigError("nested = 1: expected at least 2 outer folds, such as 5, or 0 for none")
        if self.timeout is not None and not 0 < self.timeout < 2**31:
            raise ConfigError(f"timeout = {self.timeout!r:.40}: expected seconds above 0")
        if self.trials is not None and self.strategy in ("grid", "hyperband", "lr-sweep"):
            raise ConfigError(f"trials = {self.trials}: {self.strategy} knows how many itself; leave it away")
        if self.shortest is not None and self.strategy not in _RUNGS:
            raise ConfigError(f"shortest = {self.shortest}: {self.strategy} has no rungs; {', '.join(_RUNGS)} have")
        if self.interval is not None and self.strategy != "pbt":
            raise ConfigError(f"interval = {self.interval}: only pbt exchanges weights")

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``study.json`` holds it."""
        return asdict(self)


class Plan(ABC):
    """Which trials there are, as jobs, by what was found so far.

    A job is plain JSON: ``{"id", "course", "trials": [{"number", "parameters"}]}``; ``course`` says how its trials go:
    straight to their end, over rungs, or exchanging weights. The same results in the same order make the same plan.

    Attributes
    ----------
    space : Space
        What varies.
    trials : int
        How many there shall be.
    """

    space: Space
    trials: int

    @abstractmethod
    def jobs(self) -> list[Job]:
        """Return what can be done now, in any order, by anybody; nothing when all is done."""

    def take(self, job: Job, result: Result) -> None:  # noqa: B027  # most plans need not know
        """Take what came of a job; jobs are taken in their order."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Return what ``study.json`` holds of the strategy."""

    @abstractmethod
    def sharing(self) -> str:
        """Say in words how workers share the jobs."""


class Asked(Plan):
    """Trials that a strategy is asked for; each is trained to its end."""

    def __init__(self, strategy: Strategy, batch: int | None, *, shared: bool = False) -> None:
        self.strategy, self.space, self.trials = strategy, strategy.space, strategy.trials
        self.batch = batch or (_ADAPTIVE_BATCH if strategy.adaptive else _SHARED_BATCH if shared else _BATCH)
        self._made = 0

    def jobs(self) -> list[Job]:
        """Ask; where proposals wait for no score, for all of them."""
        jobs: list[Job] = []
        while not self.strategy.done and (not jobs or not self.strategy.adaptive):
            first = len(self.strategy.asked)
            values = self.strategy.ask(self.batch)
            trials = [{"number": first + i, "parameters": v} for i, v in enumerate(values)]
            jobs.append({"id": self._made, "course": {"name": "straight"}, "trials": trials})
            self._made += 1
        return jobs

    def take(self, job: Job, result: Result) -> None:
        """Tell the scores."""
        for trial in result["trials"]:
            self.strategy.tell(trial["number"], trial["score"])

    def record(self) -> dict[str, Any]:
        """Return the strategy's record."""
        return {**self.strategy.record(), "batch": self.batch}

    def sharing(self) -> str:
        """Say how many jobs there are."""
        if self.strategy.adaptive:
            return (
                "each job waits for the scores of the one before, so one worker trains at a time; random, grid, sobol "
                "and hyperband make jobs that are shared"
            )
        jobs = -(-self.trials // self.batch)
        if jobs == 1:
            return f"all {self.trials} trials are one job, which one worker trains; a smaller --batch makes more"
        return f"{self.trials} trials in {jobs} jobs of at most {self.batch}"


class Rungs(Plan):
    """Brackets of successive halving, a job each."""

    def __init__(self, name: str, brackets: tuple[SuccessiveHalving, ...], space: Space, seed: int) -> None:
        self.name, self.brackets, self.space, self.seed = name, brackets, space, seed
        self.trials = sum(bracket.members for bracket in brackets)
        self._given = False

    def jobs(self) -> list[Job]:
        """Return all brackets at once."""
        if self._given:
            return []
        self._given = True
        jobs, first = [], 0
        for i, bracket in enumerate(self.brackets):
            trials = _drawn(self.space, self.seed, range(first, first + bracket.members))
            jobs.append({"id": i, "course": {**asdict(bracket), "name": "halving"}, "trials": trials})
            first += bracket.members
        return jobs

    def record(self) -> dict[str, Any]:
        """Return the rungs of each bracket."""
        rungs = [[asdict(rung) for rung in bracket.rungs] for bracket in self.brackets]
        record = {"name": self.name, "trials": self.trials, "seed": self.seed, "eta": self.brackets[0].eta}
        return {**record, "rungs": [", ".join(f"{r['members']} to epoch {r['epochs']}" for r in one) for one in rungs]}

    def sharing(self) -> str:
        """Say that a bracket is a job."""
        if len(self.brackets) > 1:
            return f"{len(self.brackets)} brackets, a job each"
        return f"{self.name} compares all trials at each rung, so they are one job, which one worker trains"


class Single(Plan):
    """All trials in one job, because each of its decisions looks at all of them."""

    def __init__(self, course: dict[str, Any], starts: list[dict[str, Any]], space: Space) -> None:
        self.course, self.space, self.trials = course, space, len(starts)
        self._starts: list[dict[str, Any]] | None = starts

    def jobs(self) -> list[Job]:
        """Return the one job."""
        starts, self._starts = self._starts, None
        return [] if starts is None else [{"id": 0, "course": self.course, "trials": starts}]

    def record(self) -> dict[str, Any]:
        """Return the course's settings."""
        return {**self.course, "trials": self.trials}

    def sharing(self) -> str:
        """Say that there is nothing to share."""
        return f"{self.course['name']} looks at all trials again and again: one job, which one worker trains"


def _drawn(space: Space, seed: int, numbers: range) -> list[dict[str, Any]]:
    """Draw trials as random search does: each by a stream of its own."""
    return [{"number": n, "parameters": space.sample(np.random.default_rng([seed, n]))} for n in numbers]


def make_plan(settings: SearchSettings, space: Space | None, *, epochs: int, seed: int, direction: Direction) -> Plan:
    """Return the plan that the settings name.

    Parameters
    ----------
    settings : SearchSettings
    space : Space or None
        What varies; a sweep of the learning rate needs none.
    epochs : int
        The most that a trial is trained for.
    seed : int
        Of all that is drawn.
    direction : {"minimize", "maximize"}
        Which scores are better.

    Raises
    ------
    ConfigError
        Without a space where one is needed, or with values that the strategy cannot search.

    Examples
    --------
    >>> plan = make_plan(SearchSettings("lr-sweep"), None, epochs=10, seed=0, direction="maximize")
    >>> [len(job["trials"]) for job in plan.jobs()], plan.trials
    ([11], 17)
    """
    name, trials = settings.strategy, settings.trials or _TRIALS
    if name == "lr-sweep":
        if space is not None:
            raise ConfigError("lr-sweep searches the learning rate alone; leave the space away, or name a strategy")
        return Asked(LRSweep(direction=direction), settings.batch, shared=settings.shared)
    if space is None:
        raise ConfigError(
            f"strategy = {name}: name what to search with --space FILE.toml, or sweep the learning rate with --lr-sweep"
        )
    shortest = min(settings.shortest or max(1, round(epochs / _FIRST)), epochs)
    if name == "halving":
        bracket = SuccessiveHalving(trials, epochs, shortest, settings.eta, direction)
        return Rungs(name, (bracket,), space, seed)
    if name == "hyperband":
        return Rungs(name, Hyperband(epochs, shortest, settings.eta, direction).brackets, space, seed)
    if name == "asha":
        rule = ASHA(epochs, shortest, settings.eta, direction)
        course = {**asdict(rule), "name": name, "places": settings.batch or max(_ADAPTIVE_BATCH, trials // 4)}
        return Single(course, _drawn(space, seed, range(trials)), space)
    if name == "pbt":
        interval = settings.interval or max(1, round(epochs / _EXCHANGES))
        population = PopulationBased(space, trials, interval, seed, direction=direction)
        starts = [{"number": i, "parameters": values} for i, values in enumerate(population.start())]
        return Single({"name": name, "interval": interval, "seed": seed, "direction": direction}, starts, space)
    strategy: Strategy
    if name == "grid":
        strategy = Grid(space, direction=direction)
    elif name == "random":
        strategy = Random(space, trials=trials, seed=seed, direction=direction)
    elif name == "sobol":
        strategy = QuasiRandom(space, trials=trials, seed=seed, direction=direction)
    else:
        sampler: Any = name
        strategy = Bayesian(space, trials=trials, seed=seed, direction=direction, sampler=sampler)
    return Asked(strategy, settings.batch, shared=settings.shared)
