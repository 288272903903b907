"""Bayesian search, by Optuna's samplers."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gradwright.errors import ConfigError, MissingDependencyError
from gradwright.tune.space import Space
from gradwright.tune.strategies.base import Direction, Strategy

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["Bayesian"]

#: The samplers, and the package that each needs besides Optuna.
_NEEDS = {"tpe": None, "gp": "torch", "cmaes": "cmaes"}


class Bayesian(Strategy):
    """Values that a model of the scores so far finds promising.

    The tree-structured Parzen estimator (``tpe``) models where good trials lie, l(x), and where the others do, g(x),
    and proposes where l(x)/g(x) is large. Within a batch, trials that have no score yet count as bad ones ("constant
    liar"), so that a batch does not gather in one place. ``gp`` is a Gaussian process; ``cmaes`` an evolution strategy
    for numbers without conditions.

    Parameters
    ----------
    space, trials, seed, direction
        As :class:`Strategy` has them. A failed trial's values are not learnt from.
    sampler : {"tpe", "gp", "cmaes"}
        Which of Optuna's.
    startup : int >= 1
        Random trials before the model is asked.

    Raises
    ------
    MissingDependencyError
        When the package that ``gp`` (torch) or ``cmaes`` needs is not installed.

    References
    ----------
    Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; Ginsbourger, Le
    Riche and Carraro, "Kriging Is Well-Suited to Parallelize Optimization", 2010 (the constant liar).

    Examples
    --------
    >>> import math
    >>> from gradwright.tune import Log, Space
    >>> search = Bayesian(Space({"lr": Log(1e-5, 1.0)}), trials=40, seed=1)
    >>> while not search.done:
    ...     for values in search.ask(4):  # the batch is the study's, not the machine's
    ...         search.tell(len(search.scores), (math.log10(values["lr"]) + 2) ** 2)
    >>> bool(search.scores[search.best()] < 0.01)
    True
    """

    name: ClassVar[str] = "bayesian"
    adaptive: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        *,
        trials: int,
        seed: int = 0,
        direction: Direction = "minimize",
        sampler: Literal["tpe", "gp", "cmaes"] = "tpe",
        startup: int = 10,
    ) -> None:
        super().__init__(space, trials=trials, seed=seed, direction=direction)
        if type(startup) is not int or startup < 1:
            raise ConfigError(f"startup = {startup!r}: expected a whole number from 1")
        if sampler not in _NEEDS:
            raise ConfigError(f"sampler = {sampler!r}: expected {', '.join(_NEEDS)}")
        package = _NEEDS[sampler]
        if package is not None and importlib.util.find_spec(package) is None:
            raise MissingDependencyError(
                f"sampler = {sampler}: it needs the package {package}; install it, or take tpe"
            )
        if sampler == "cmaes" and any(p.kind == "categorical" or p.when for p in space.values()):
            raise ConfigError("sampler = cmaes: it is for numbers without conditions; take tpe")
        self.sampler, self.startup = sampler, startup
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a sampler or one of its arguments may change
            self._study = optuna.create_study(direction=direction, sampler=self._make())
        self._trials: list[Any] = []
        self._told = 0

    def record(self) -> dict[str, Any]:
        return {**super().record(), "sampler": self.sampler, "startup": self.startup}

    def _make(self) -> BaseSampler:
        from optuna import samplers

        seed = self.seed % 2**32  # as NumPy's old generators have it
        if self.sampler == "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=self.startup)
        if self.sampler == "cmaes":
            return samplers.CmaEsSampler(seed=seed, n_startup_trials=self.startup)
        return samplers.TPESampler(seed=seed, n_startup_trials=self.startup, constant_liar=True)

    def _propose(self, count: int) -> list[dict[str, Any]]:
        from optuna.trial import TrialState

        for number in range(self._told, len(self._trials)):
            score = self.scores[number]
            state = TrialState.FAIL if score is None else TrialState.COMPLETE
            self._study.tell(self._trials[number], score, state)
        self._told = len(self._trials)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [self._ask() for _ in range(count)]

    def _ask(self) -> dict[str, Any]:
        trial = self._study.ask()
        self._trials.append(trial)
        values: dict[str, Any] = {}
        for name, parameter in self.space.items():
            if self.space.active(name, values):
                values[name] = parameter.loaded(_suggest(trial, name, parameter.distribution()))
        return values


def _suggest(trial: Any, name: str, distribution: Any) -> Any:
    from optuna import distributions

    if isinstance(distribution, distributions.CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    ask = trial.suggest_int if isinstance(distribution, distributions.IntDistribution) else trial.suggest_float
    return ask(name, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
