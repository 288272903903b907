"""Configurations compared on the same folds, all of them as one population."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError
from gradwright.train.assess import headline
from gradwright.train.config import Config
from gradwright.tune.comparison_book import ComparisonBook
from gradwright.tune.cross_validation import fold_scores, mean_over
from gradwright.tune.folds import Fold, draw_folds, one_split, roles_npz, rows_words
from gradwright.tune.held_out import OnEpoch, Say, Scored, Training, resolve_once, train_on_folds
from gradwright.tune.outcome import Outcome, curve_lines, differing, summary, trial_line
from gradwright.tune.source import Source, read_source
from gradwright.tune.statistics import (
    Comparison,
    TestResult,
    bootstrap_difference,
    corrected_resampled_t,
    five_by_two_f,
    five_by_two_t,
    holm,
    holm_words,
    mcnemar,
    mcnemar_table,
    repeated_testing,
    root_mean,
)

__all__ = ["TESTS", "compare_configurations"]

#: What decides the rows and the seeds: the same for all arms, or they would not be compared on the same.
_SHARED = ("source", "target", "task", "context", "tokens", "group", "time", "seed", "validation", "test")

Test = Literal["5x2cv", "5x2cv-t", "resampled", "mcnemar", "bootstrap"]
TESTS: tuple[Test, ...] = ("5x2cv", "5x2cv-t", "resampled", "mcnemar", "bootstrap")
_ONE_SPLIT = ("mcnemar", "bootstrap")
ALPHA = 0.05  # the accepted share of false alarms of all pairs together


def compare_configurations(
    arms: Mapping[str, Config],
    *,
    test: Test = "5x2cv",
    folds: int = 10,
    repeats: int | None = None,
    seeds: int = 1,
    book: ComparisonBook | None = None,
    run: str = "this study",
    on_epoch: OnEpoch | None = None,
    say: Say | None = None,
) -> Outcome:
    """Train two or more configurations on the same folds with the same seeds, and test their differences.

    The test part stays sealed: folds share out the other rows, and one split is scored on what `gradwright train`
    validates with.

    Parameters
    ----------
    arms : mapping of str to Config
        By name, all with the same source, target, task, split and seed. Arms that can share a program do.
    test : {"5x2cv", "5x2cv-t", "resampled", "mcnemar", "bootstrap"}
        Fixed beforehand: the combined 5×2cv F test, the 5×2cv t test, the corrected resampled t test on `folds` ×
        `repeats`, McNemar's test or a bootstrap of the difference on one split.
    folds, repeats : int
        Of the resampled test alone; repeats are 3, and 1 by time.
    seeds : int
        Networks an arm and fold, whose mean is compared. McNemar's test compares two networks, those of the first seed.
    book : ComparisonBook, optional
        Where comparisons on the same data are counted.
    run : str
        Whose comparison it is.
    on_epoch, say : callable, optional
        As `train_members` takes them.

    Returns
    -------
    Outcome
        Of kind ``compare``: every arm's mean, a test for every pair (corrected by Holm's method where there are
        several), and what may be concluded.

    Raises
    ------
    ConfigError
        Fewer than two arms, arms that are the same, or that are not about the same rows; a test that the task's
        measure has no use for.
    DataError
        Too few rows, groups or times.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> base = {"source": "iris", "hidden": [8], "epochs": 5}
    >>> arms = {str(lr): parse_config({**base, "lr": lr}) for lr in (0.001, 0.1)}
    >>> found = compare_configurations(arms, test="mcnemar")
    >>> found.result["tests"][0]["name"].startswith("McNemar")
    True
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    names, configs = list(arms), list(arms.values())
    _check(arms, test, seeds)
    source = read_source(configs[0])
    _check_measure(source, test)
    cuts, notes, repeats = _cuts(source, configs[0], test, folds, repeats)
    configs = [resolve_once(source, config, cuts) for config in configs]
    dumped = [config.model_dump() for config in configs]
    different = differing(dumped)
    for (i, a), (j, b) in itertools.combinations(enumerate(dumped), 2):
        if a == b:
            raise ConfigError(f"{names[i]} and {names[j]} are the same settings on these data: nothing to compare")
    before = 0
    if book is not None:
        before = book.count(source.dataset.fingerprint)
        book.append(source.dataset.fingerprint, run=run, test=test, arms=names)
    training = train_on_folds(source, configs, cuts, seeds=seeds, on_epoch=on_epoch, say=say)
    made = [
        _Arm(name, training.of(i), cuts, source, {key: dumped[i][key] for key in different})
        for i, name in enumerate(names)
    ]
    pairs = _pairs(source, made, test, cuts)
    tests = _rows(pairs)
    result = {
        "test": test,
        "folds": len(cuts) // repeats,
        "repeats": repeats,
        "seeds": seeds,
        "arms": [arm.row(test) for arm in made],
        "tests": tests,
        "comparisons": before + len(pairs),
        "words": [
            *_conclusions(source, pairs, tests, seeds, test),
            repeated_testing(before + len(pairs)),
            rows_words(cuts, source),
        ],
        "notes": [*notes, *training.notes],
    }
    return _outcome(source, configs[0], names, training, cuts, result, different, started)


@dataclass(frozen=True)
class _Arm:
    """One configuration and its networks."""

    name: str
    scored: list[Scored]
    cuts: Sequence[Fold]
    source: Source
    settings: Mapping[str, Any]

    @property
    def problem(self) -> str | None:
        """What went wrong with the first network that has no score."""
        return next((one.result.problem or one.result.stopped for one in self.scored if not one.figures), None)

    @property
    def scores(self) -> list[float | None]:
        """A score a fold."""
        return fold_scores(self.scored, self.cuts, self.source.metric)

    @property
    def of_seeds(self) -> NDArray[np.float64]:
        """The mean over folds with each of the seeds."""
        each = len(self.scored) // len(self.cuts)
        return np.array([one.figures[self.source.metric] for one in self.scored]).reshape(-1, each).mean(0)

    def row(self, test: str) -> dict[str, Any]:
        """Return it as the result holds it."""
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in self.settings.items()}
        said = ", ".join(f"{k.replace('_', ' ')} {_written(v)}" for k, v in settings.items())
        row: dict[str, Any] = {"name": self.name, "description": said, "settings": settings, "scores": self.scores}
        if self.problem is not None:
            return row | {
                "mean": None,
                "std": None,
                "low": None,
                "high": None,
                "method": "none",
                "problem": self.problem,
            }
        known = [score for score in self.scores if score is not None]
        if test == "mcnemar" or (test == "bootstrap" and len(self.scored) == 1):
            first = self.scored[0]
            row |= summary([], headline(self.source.task, first.target, first.predicted))
        elif test == "bootstrap":
            none = {"std": None, "low": None, "high": None}
            row |= {"mean": known[0], **none, "method": f"none: the mean of {len(self.scored)} seeds"}
        else:
            row |= mean_over(self.source, known, self.cuts)
        if len(self.scored) > len(self.cuts):
            row["per_seed"] = self.of_seeds.tolist()
        return row


@dataclass(frozen=True)
class _Pair:
    a: _Arm
    b: _Arm
    found: TestResult | None


def _check(arms: Mapping[str, Config], test: str, seeds: int) -> None:
    if len(arms) < 2:
        raise ConfigError("compare: expected two configurations or more; name two TOML files")
    if test not in TESTS:
        raise ConfigError(f"--test {test}: expected one of {', '.join(TESTS)}")
    if seeds < 1:
        raise ConfigError(f"--seeds {seeds}: expected 1 or more")
    (first, one), *others = arms.items()
    for name, other in others:
        for setting in _SHARED:
            a, b = getattr(one, setting), getattr(other, setting)
            if a != b:
                raise ConfigError(
                    f"compare: {setting} is {_written(a)} in {first} and {_written(b)} in {name}; configurations are "
                    "compared on the same rows with the same seeds, so give both the same, or leave it out of both"
                )


def _check_measure(source: Source, test: str) -> None:
    kind, metric = source.task.kind, source.metric
    if test == "mcnemar" and kind not in ("binary", "multiclass"):
        raise ConfigError(
            f"--test mcnemar: it counts rows that are right or wrong, and the task is {kind}; ask for 5x2cv"
        )
    if test == "bootstrap" and (
        kind not in ("binary", "multiclass", "regression") or metric not in ("accuracy", "rmse")
    ):
        raise ConfigError(
            f"--test bootstrap: of accuracy and RMSE only, and this is {metric}; ask for 5x2cv or resampled"
        )


def _cuts(
    source: Source, config: Config, test: str, folds: int, repeats: int | None
) -> tuple[list[Fold], list[str], int]:
    if test in _ONE_SPLIT:
        return *one_split(source, config), 1
    if test == "resampled":
        repeats = repeats or (1 if config.time is not None else 3)
        return *draw_folds(source, config, folds, repeats=repeats), repeats
    if config.time is not None:
        raise ConfigError(
            f"--test {test}: it halves the rows at random, and by time they have an order; ask for resampled"
        )
    return *draw_folds(source, config, 2, repeats=5), 5


def _pairs(source: Source, arms: Sequence[_Arm], test: str, cuts: Sequence[Fold]) -> list[_Pair]:
    """Test every pair, each at the level that Holm's method gives it, so that words and correction agree."""
    both = list(itertools.combinations(arms, 2))
    levels = np.full(len(both), ALPHA / len(both))
    if test != "bootstrap" and len(both) > 1:
        alone = [_tested(source, a, b, test, cuts, ALPHA) for a, b in both]
        known = [i for i, found in enumerate(alone) if found is not None and found.p is not None]
        levels[known] = _levels([found.p for found in alone if found is not None and found.p is not None])
    return [
        _Pair(a, b, _tested(source, a, b, test, cuts, float(level))) for (a, b), level in zip(both, levels, strict=True)
    ]


def _levels(p: Sequence[float]) -> NDArray[np.float64]:
    """Return the level at which Holm's method tests each p-value: α/m the smallest, α/(m − 1) the next, ….

    Where one is not below its level, the larger ones are not tested any more and keep that level.

    Examples
    --------
    >>> _levels([0.04, 0.01, 0.03]).round(4).tolist()
    [0.025, 0.0167, 0.025]
    """
    levels, level, stopped = np.empty(len(p)), ALPHA, False
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        level = level if stopped else ALPHA / (len(p) - rank)
        stopped = stopped or p[i] >= level
        levels[i] = level
    return levels


def _tested(source: Source, a: _Arm, b: _Arm, test: str, cuts: Sequence[Fold], alpha: float) -> TestResult | None:
    """Return the test of a pair; None where a network of theirs has no score."""
    if a.problem is not None or b.problem is not None:
        return None
    of = Comparison.by(source.metric, a.name, b.name)
    if test == "mcnemar":
        one, other = a.scored[0], b.scored[0]
        return mcnemar(mcnemar_table(one.target, one.predicted, other.predicted), alpha=alpha, of=of)
    if test == "bootstrap":
        figure: Callable[..., Any] = np.mean if source.metric == "accuracy" else root_mean
        return bootstrap_difference(_by_row(source, a), _by_row(source, b), figure, alpha=alpha, of=of)
    gap = np.array(a.scores, np.float64) - np.array(b.scores, np.float64)
    if test == "resampled":
        train = [len(cut.train) + len(cut.validation) for cut in cuts]
        return corrected_resampled_t(gap, train, [len(cut.held) for cut in cuts], alpha=alpha, of=of)
    return (five_by_two_f if test == "5x2cv" else five_by_two_t)(gap.reshape(5, 2), alpha=alpha, of=of)


def _by_row(source: Source, arm: _Arm) -> NDArray[np.float64]:
    """Return what each row adds, the mean over seeds: whether it is right, or its squared error."""
    if source.metric == "accuracy":
        return np.mean([one.predicted == one.target for one in arm.scored], axis=0)
    return np.mean([(one.predicted - one.target.astype(np.float64)) ** 2 for one in arm.scored], axis=0)


def _rows(pairs: Sequence[_Pair]) -> list[dict[str, Any]]:
    """Return the tests as the result holds them, p-values corrected by Holm's method where there are several."""
    rows = []
    for pair in pairs:
        row: dict[str, Any] = {"a": pair.a.name, "b": pair.b.name}
        if pair.found is None:
            broken = pair.a if pair.a.problem is not None else pair.b
            words = f"Not tested: a network of {broken.name} has no score ({broken.problem})."
            rows.append(row | {"name": "none", "statistic": None, "p": None, "df": None, "words": words, "source": ""})
            continue
        row |= pair.found.to_dict()
        if len(pairs) > 1:
            row["name"] = f"{pair.a.name} and {pair.b.name}: {pair.found.name}"
        rows.append(row)
    known = [row for row in rows if row["p"] is not None]
    if len(known) > 1:
        for row, corrected in zip(known, holm([row["p"] for row in known]), strict=True):
            row["p_corrected"] = float(corrected)
    return rows


def _conclusions(
    source: Source,
    pairs: Sequence[_Pair],
    tests: Sequence[Mapping[str, Any]],
    seeds: int,
    test: str,
) -> list[str]:
    """Say what may be concluded: of two arms the test's words, of more the corrected tests first."""
    said = []
    known = [row for row in tests if row["p"] is not None]
    if len(known) > 1:
        said.append(holm_words([f"{row['a']} and {row['b']}" for row in known], [row["p"] for row in known]))
    elif len(tests) > 1 and all(row["p"] is None for row in tests):
        said.append(f"{len(tests)} pairs are compared; the intervals are so wide that all hold together with 95%.")
    said += [str(row["words"]) for row in tests]
    if seeds == 1:
        if test in _ONE_SPLIT:
            said.append("One seed an arm: how far seeds alone move these figures is not known; --seeds 5 tells.")
        return said
    if test == "mcnemar":
        said.append(f"The test compares the networks of the first of {seeds} seeds.")
    return [*said, *(_beside_seeds(source, pair.a, pair.b) for pair in pairs if pair.found is not None)]


def _beside_seeds(source: Source, a: _Arm, b: _Arm) -> str:
    """Say whether a difference is smaller than what seeds alone do."""
    of = Comparison.by(source.metric, a.name, b.name)
    x, y = a.of_seeds, b.of_seeds
    gap = abs(float(x.mean() - y.mean()))
    spread = float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2))
    sizes = f"{of.amount(gap)} against a standard deviation of {of.amount(spread)} over {len(x)} seeds"
    if gap < spread:
        return (
            f"The difference of {a.name} and {b.name} is smaller than the seeds' spread ({sizes}): "
            "with one seed each, either could come out ahead."
        )
    return f"The difference of {a.name} and {b.name} is larger than the seeds' spread ({sizes})."


def _outcome(
    source: Source,
    base: Config,
    names: Sequence[str],
    training: Training,
    cuts: Sequence[Fold],
    result: dict[str, Any],
    different: Sequence[str],
    started: str,
) -> Outcome:
    sealed = len(source.parts.test)
    record = {
        "kind": "compare",
        **source.record(),
        "rows": {"all": source.dataset.rows, "compared on": len(source.explored), "in the sealed test part": sealed},
        "config": {k: v for k, v in base.model_dump().items() if k not in different},
        "space": {},
        "strategy": {"name": result["test"], **{k: result[k] for k in ("folds", "repeats", "seeds")}},
        "groups": training.groups,
    }
    trials = [trial_line(one, source.metric, arm=names[one.arm]) for one in training.scored]
    roles = roles_npz(cuts, source.dataset.rows)
    return Outcome(record, trials, curve_lines(training.scored), result, started, roles)


def _written(value: Any) -> str:
    if value is None:
        return "not given"
    return "-".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
