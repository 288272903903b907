"""Cross-validation: all folds as one population, and a mean with an interval that is honest about shared rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gradwright.data import LookBook, SealedTest
from gradwright.errors import ConfigError
from gradwright.train.assess import headline, metric_name, show_figure
from gradwright.train.config import Config
from gradwright.train.metrics import Interval
from gradwright.tune.fold_baselines import MOST_FOLDS, FoldBaseline, baselines_on
from gradwright.tune.folds import Fold, draw_folds, roles_npz, rows_words
from gradwright.tune.held_out import OnEpoch, Say, Scored, resolve_once, train_on_folds
from gradwright.tune.outcome import Outcome, curve_lines, summary, trial_line, within
from gradwright.tune.source import Source, read_source
from gradwright.tune.statistics import Comparison, corrected_resampled_t, fold_interval

__all__ = ["cross_validate"]

_POOLED = ("binary", "multiclass", "multilabel", "regression")


def cross_validate(
    config: Config,
    *,
    folds: int = 5,
    repeats: int = 1,
    leave_one_out: bool = False,
    seeds: int = 1,
    all_rows: bool = False,
    book: LookBook | None = None,
    run: str = "this study",
    on_epoch: OnEpoch | None = None,
    say: Say | None = None,
) -> Outcome:
    """Train a configuration on every fold, all folds together, and score the rows that each fold held out.

    By default the folds share out all rows but the test part, which stays sealed for the one look that `gradwright
    train` takes with the same settings: who chooses by cross-validation has not seen it. With `all_rows` the test part
    is shared out too, which is a look at it and is written down as one.

    Parameters
    ----------
    config : Config
        As of `gradwright train`. ``group`` keeps groups whole; with ``time`` each fold is later than what it trains on.
    folds, repeats : int
        Folds (2 or more), and how often they are drawn anew.
    leave_one_out : bool
        A fold for each row, or with ``config.group`` for each group; `folds` is then without meaning.
    seeds : int
        Networks in each fold, whose mean is the fold's score.
    all_rows : bool
        Share out the test part too.
    book, run : LookBook and str, optional
        Where a look is written down, and whose look it is.
    on_epoch, say : callable, optional
        As `train_members` takes them.

    Returns
    -------
    Outcome
        Of kind ``cv``. `result` has the mean, its standard deviation and interval, the score of each fold, and
        baselines on the same folds. Without a score for every fold there is no mean.

    Raises
    ------
    ConfigError
        Settings that do not fit together.
    DataError
        Too few rows, groups or times.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> config = parse_config({"source": "iris", "hidden": [8], "epochs": 5, "lr": 0.05})
    >>> found = cross_validate(config, folds=3)
    >>> len(found.result["per_fold"]), found.result["mean"] > 0.5
    (3, True)

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the Generalization Error (Machine Learning 52, 2003): the interval.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if seeds < 1:
        raise ConfigError(f"--seeds {seeds}: expected 1 or more")
    if leave_one_out and seeds > 1:
        raise ConfigError("--leave-one-out: a fold is a row that is right or wrong; leave --seeds away")
    source = read_source(config)
    if leave_one_out and source.task.kind not in _POOLED:
        raise ConfigError(f"--leave-one-out: not for {source.task.kind.replace('_', ' ')}; ask for --folds")
    cuts, notes = draw_folds(source, config, folds, repeats=repeats, leave_one_out=leave_one_out, all_rows=all_rows)
    config = resolve_once(source, config, cuts)
    if all_rows:
        sealed = SealedTest(source.dataset, source.parts.test, book=book, run=run)
        sealed.open(reason="cross-validation over all rows", command="cv")
    training = train_on_folds(source, [config], cuts, seeds=seeds, on_epoch=on_epoch, say=say)
    baselines = baselines_on(source, config, cuts, say) if len(cuts) <= MOST_FOLDS else []
    result = {
        "folds": len(cuts) // repeats,
        "repeats": repeats,
        "seeds": seeds,
        **_mean(source, training.scored, cuts, one_by_one=leave_one_out and config.group is None),
        "per_fold": _per_fold(training.scored, cuts, source.metric),
        "rows": rows_words(cuts, source, all_rows=all_rows),
        "notes": [*notes, *training.notes],
    }
    result["baselines"] = _baselines(source, result, baselines, cuts, training.scored, pooled=leave_one_out)
    result["words"] = _words(source, result, training.scored)
    record = {
        "kind": "cv",
        **source.record(),
        "rows": _rows(source, all_rows),
        "config": config.model_dump(),
        "space": {},
        "strategy": _strategy(config, cuts, repeats, seeds, leave_one_out),
        "groups": training.groups,
    }
    trials = [trial_line(one, source.metric) for one in training.scored]
    roles = roles_npz(cuts, source.dataset.rows)
    return Outcome(record, trials, curve_lines(training.scored), result, started, roles)


def fold_scores(scored: Sequence[Scored], cuts: Sequence[Fold], metric: str) -> list[float | None]:
    """Return a score a fold, the mean over seeds; None where one of them has none, or none that is a number."""
    by_fold: dict[tuple[int, int], list[float | None]] = {}
    for one in scored:
        by_fold.setdefault((one.fold.repeat, one.fold.fold), []).append(one.figures.get(metric))
    found = []
    for cut in cuts:
        values = [v for v in by_fold[cut.repeat, cut.fold] if v is not None and math.isfinite(v)]
        found.append(float(np.mean(values)) if len(values) == len(by_fold[cut.repeat, cut.fold]) else None)
    return found


def mean_over(source: Source, scores: Sequence[float], cuts: Sequence[Fold]) -> dict[str, Any]:
    """Return the mean of scores of folds, with the interval that is corrected for the rows they share.

    Where all are the same there is none: a width of zero would claim what a few folds cannot know.
    """
    if max(scores) == min(scores):
        same = {"low": None, "high": None, "method": f"none: all {len(scores)} folds have the same score"}
        return {"mean": scores[0], "std": 0.0, **same}
    train = [len(cut.train) + len(cut.validation) for cut in cuts]
    interval = fold_interval(scores, train, [len(cut.held) for cut in cuts])
    return summary(scores, within(interval, source.metric))


def _mean(source: Source, scored: Sequence[Scored], cuts: Sequence[Fold], *, one_by_one: bool) -> dict[str, Any]:
    scores = fold_scores(scored, cuts, source.metric)
    # a single row has no R², but all of them together do
    missing = sum(not one.figures for one in scored) if one_by_one else sum(score is None for score in scores)
    if missing:
        method = f"none: {missing} of {len(scores)} folds have no score"
        return {"mean": None, "std": None, "low": None, "high": None, "method": method}
    known = [score for score in scores if score is not None]
    if one_by_one:
        return pooled(source, [one.target for one in scored], [one.predicted for one in scored])
    return mean_over(source, known, cuts)


def pooled(source: Source, target: Sequence[Any], predicted: Sequence[Any]) -> dict[str, Any]:
    """Return the figure of all held-out rows together: of single rows there are no scores to take the mean of."""
    interval = headline(source.task, np.concatenate(target), np.concatenate(predicted))
    method = f"{interval.method}, all rows together, each judged by a network that had not seen it"
    return {**summary([], Interval(interval.value, interval.low, interval.high, method))}


def _per_fold(scored: Sequence[Scored], cuts: Sequence[Fold], metric: str) -> list[dict[str, Any]]:
    rows = []
    for cut, score in zip(cuts, fold_scores(scored, cuts, metric), strict=True):
        own = [one for one in scored if one.fold is cut]
        rows.append(
            {
                "repeat": cut.repeat,
                "fold": cut.fold,
                "score": score,
                "train_rows": len(cut.train),
                "validation_rows": len(cut.validation),
                "held_rows": len(cut.held),
                **({"per_seed": [one.figures.get(metric) for one in own]} if len(own) > 1 else {}),
            }
        )
    return rows


def _baselines(
    source: Source,
    result: dict[str, Any],
    baselines: Sequence[FoldBaseline],
    cuts: Sequence[Fold],
    scored: Sequence[Scored],
    *,
    pooled: bool,
) -> list[dict[str, Any]]:
    """Return each baseline's mean and, fold by fold, how far the network is from it."""
    own = [row["score"] for row in result["per_fold"]]
    train = [len(cut.train) + len(cut.validation) for cut in cuts]
    held = [len(cut.held) for cut in cuts]
    rows = []
    for baseline in baselines:
        row: dict[str, Any] = {"name": baseline.name, "description": baseline.description}
        if max(held) == 1:
            target = [one.target for one in scored]
            good = all(len(t) for t in target)
            row |= _pooled(source, target, baseline.predicted) if good else {}
        else:
            row |= mean_over(source, baseline.scores, cuts) | {"per_fold": baseline.scores}
            if None not in own:
                gap = np.array(own, float) - np.array(baseline.scores)
                of = Comparison.by(source.metric, "the network", f"{baseline.name}")
                row["words"] = corrected_resampled_t(gap, train, held, of=of).words
        rows.append(row)
    return rows


_pooled = pooled


def _words(source: Source, result: dict[str, Any], scored: Sequence[Scored]) -> list[str]:
    said = [result["rows"]]
    failed = [one for one in scored if not one.figures]
    if failed:
        first = failed[0]
        said.append(
            f"{len(failed)} of {len(scored)} networks have no score, so there is no mean; the first, fold "
            f"{first.fold.fold} of repeat {first.fold.repeat}: {first.result.problem or first.result.stopped}"
        )
    elif max(row["held_rows"] for row in result["per_fold"]) > 1:
        said.append(
            "The interval is of the mean over such folds and allows for the training rows that folds share "
            "(Nadeau and Bengio 2003); it is an approximation, and rough for few folds."
        )
    elif source.task.kind in ("binary", "multiclass") and result["baselines"]:
        said.append(
            "Leaving a row out makes its class rarer among the others, which is unfair to the majority class where "
            "classes are about even."
        )
    return said


def _rows(source: Source, all_rows: bool) -> dict[str, int]:
    if all_rows:
        return {"all": source.dataset.rows, "in folds": len(source.task.usable)}
    return {
        "all": source.dataset.rows,
        "in folds": len(source.explored),
        "in the sealed test part": len(source.parts.test),
    }


def _strategy(config: Config, cuts: Sequence[Fold], repeats: int, seeds: int, one_out: bool) -> dict[str, Any]:
    name = "leave one group out" if one_out and config.group else "leave one out" if one_out else "k-fold"
    by = {"group": config.group} if config.group else {"time": config.time} if config.time else {}
    return {"name": name, "folds": len(cuts) // repeats, "repeats": repeats, "seeds": seeds, **by}


def table(metric: str, result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the short table: a name, and a figure with its interval."""
    rows = [("this network", result), *((b["name"], b) for b in result["baselines"])]
    return [(name, figure_words(metric, row)) for name, row in rows if "mean" in row]


def figure_words(metric: str, row: dict[str, Any]) -> str:
    """Write a mean with its interval."""
    if row["mean"] is None:
        return "none"
    shown = show_figure(metric, row["mean"])
    if row["low"] is None:
        return shown
    return f"{shown} (95% interval {show_figure(metric, row['low'])} to {show_figure(metric, row['high'])})"


def title(metric: str, result: dict[str, Any]) -> str:
    """Write the headline of the short table."""
    plan = f"{result['repeats']} × {result['folds']} folds" if result["repeats"] > 1 else f"{result['folds']} folds"
    name = metric_name(metric)
    return f"{name[:1].upper()}{name[1:]} on the rows held out, {plan}:"
