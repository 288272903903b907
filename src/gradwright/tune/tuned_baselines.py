"""Baselines searched within the network's budget: as many configurations, or as much time, on the same rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data import Baseline, Preparation, Task, fit_preparation
from gradwright.data.batches import epoch_order
from gradwright.train.assess import baseline_figure, higher_is_better, metric_of
from gradwright.train.config import CONTEXT, TOKENS, Config
from gradwright.train.judging import single
from gradwright.train.prepared import prepared_part
from gradwright.tune.folds import not_features
from gradwright.tune.source import Source

__all__ = ["Family", "TunedBaseline", "families", "fit_tuned", "tune_baselines"]

#: Values of the prepared matrix that a baseline is fitted to, as `fit_baselines` has it.
_VALUES = 8_000_000
#: Fewer are fitted by one thread.
_SHARED = 500_000


@dataclass(frozen=True)
class Family:
    """A kind of model, what varies of it, and how one is made.

    Attributes
    ----------
    name : str
    first : dict
        What is tried first: the library's own values.
    draw : callable
        From a random generator to the values of another one.
    make : callable
        From values to an estimator of scikit-learn.
    """

    name: str
    first: Mapping[str, Any]
    draw: Callable[[np.random.Generator], dict[str, Any]]
    make: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class TunedBaseline:
    """A baseline that was chosen by validation.

    Attributes
    ----------
    name, description : str
    model : object
        Fitted.
    classes : bool
        Whether it predicts classes or labels.
    """

    name: str
    description: str
    model: Any = field(repr=False)
    classes: bool

    def predict(self, features: NDArray[Any]) -> NDArray[Any]:
        """Class indices, labels or quantities."""
        return np.asarray(self.model.predict(features)).astype(np.int64 if self.classes else np.float64)


def families(task: Task) -> list[Family]:
    """Return what is searched for a kind of task: a linear model, nearest neighbours, boosted trees.

    Examples
    --------
    >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(1, 3))
    >>> [family.name for family in families(task)]
    ['logistic regression', 'nearest neighbours', 'gradient boosting']
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    if task.kind in ("tagging", "next_token"):
        return []
    numbers, several = task.kind == "regression", task.kind == "multilabel" or bool(task.targets)

    def logistic(values: Mapping[str, Any]) -> Any:
        model = LogisticRegression(**values, max_iter=200, tol=1e-3)
        return OneVsRestClassifier(model) if several else model

    name, linear = ("C", logistic) if not numbers else ("alpha", lambda v: Ridge(**v))
    neighbours, boosting = (
        (KNeighborsRegressor, HistGradientBoostingRegressor)
        if numbers
        else (KNeighborsClassifier, HistGradientBoostingClassifier)
    )
    found = [
        Family(
            "ridge regression" if numbers else "logistic regression",
            {name: 1.0},
            lambda rng: {name: _log(rng, 1e-4, 1e4)},
            linear,
        ),
        Family(
            "nearest neighbours",
            {"n_neighbors": 5, "weights": "uniform"},
            lambda rng: {
                "n_neighbors": round(_log(rng, 1, 50)),
                "weights": ("uniform", "distance")[int(rng.integers(2))],
            },
            lambda v: neighbours(**v),
        ),
    ]
    if not several:
        found.append(
            Family(
                "gradient boosting",
                {"learning_rate": 0.1, "max_depth": None, "max_iter": 100},
                lambda rng: {
                    "learning_rate": _log(rng, 0.02, 0.5),
                    "max_depth": (2, 3, 4, 6, None)[int(rng.integers(5))],
                    "max_iter": round(_log(rng, 30, 300)),
                },
                lambda v: boosting(**v, early_stopping=False, random_state=0),
            )
        )
    return found


def tune_baselines(
    source: Source,
    config: Config,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    *,
    trials: int,
    seconds: float,
    say: Callable[[str], None] | None = None,
    stopped: Callable[[], str | None] | None = None,
) -> list[dict[str, Any]]:
    """Search every family at random: as many configurations as the network had, or as long, whichever is less.

    The families take turns, so that the time is shared; each has at least its first, usual configuration.

    Parameters
    ----------
    source : Source
    config : Config
        Its seed decides the draws.
    train, validation : int64 arrays
        The rows that the network's trials were trained on and ranked by.
    trials : int
        Configurations of each family.
    seconds : float
        For all families together.
    say, stopped : callable, optional
        Told what goes on; asked whether to stop.

    Returns
    -------
    list of dict
        For each family ``name``, ``tried``, ``parameters`` and ``validation`` of the best (None when none could be
        fitted), ``description``.
    """
    task, metric = source.task, metric_of(source.task)
    kinds = families(task)
    if not kinds:
        return []
    preparation = _preparation(source, config, train)
    x, target, _ = prepared_part(task, preparation, source.dataset.take(train), config, [])
    vx, wanted, _ = prepared_part(task, preparation, source.dataset.take(validation), config, [])
    sign = -1.0 if higher_is_better(metric) else 1.0
    best: dict[str, tuple[float, Mapping[str, Any]]] = {}
    tried = dict.fromkeys((family.name for family in kinds), 0)
    end = time.monotonic() + seconds
    for i in range(trials):
        for j, family in enumerate(kinds):
            if i and time.monotonic() > end:
                break
            if stopped is not None and stopped():
                return []
            if say is not None:
                say(f"baselines: {family.name}, {i + 1} of {trials}")
            values = family.first if i == 0 else family.draw(np.random.default_rng([config.seed, j, i]))
            tried[family.name] += 1
            try:
                fitted = fit_tuned(family, values, task, single(x), target, seed=config.seed)
                figure = baseline_figure(task, fitted, single(vx), wanted)
            except ValueError:  # such as more neighbours than rows
                continue
            if np.isfinite(figure) and (family.name not in best or sign * figure < sign * best[family.name][0]):
                best[family.name] = figure, values
    return [
        {
            "name": f"tuned {family.name}",
            "tried": tried[family.name],
            "parameters": dict(best[family.name][1]) if family.name in best else None,
            "validation": best[family.name][0] if family.name in best else None,
            "description": _words(best[family.name][1], tried[family.name]) if family.name in best else "none fitted",
        }
        for family in kinds
    ]


def fit_tuned(
    family: Family, values: Mapping[str, Any], task: Task, x: NDArray[Any], target: NDArray[Any], *,
    seed: int, description: str = "",
) -> Baseline:  # fmt: skip
    """Fit one configuration to prepared rows; of very many values only to some rows, and its description says so."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    some = max(_VALUES // max(x.shape[1], 1), 1000)
    if len(x) > some:
        chosen = np.sort(epoch_order(len(x), key=seed, epoch=0)[:some])
        description += f", on {some:,} of {len(x):,} training rows"
        x, target = x[chosen], target[chosen]
    # threads that share small work wait for each other longer than they compute
    with warnings.catch_warnings(), threadpool_limits(limits=1 if x.size < _SHARED else None):
        warnings.simplefilter("ignore")  # that a solver has not converged, or a label is everywhere
        model = family.make(values).fit(x, target)
    return TunedBaseline(f"tuned {family.name}", description, model, task.kind != "regression")


def _preparation(source: Source, config: Config, train: NDArray[np.int64]) -> Preparation:
    return fit_preparation(
        source.task, source.dataset.take(train), context=config.context or CONTEXT, tokens=config.tokens or TOKENS,
        drop=not_features(config),
    )  # fmt: skip


def _words(values: Mapping[str, Any], tried: int) -> str:
    given = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
    return f"scikit-learn's, {given}: the best of {tried} by validation"


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
