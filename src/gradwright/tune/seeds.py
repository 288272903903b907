"""The same configuration with several seeds, all at once: how much of a figure is luck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gradwright.data import LookBook, SealedTest, corrected_claim
from gradwright.errors import ConfigError
from gradwright.train.assess import headline, metric_name, scale_of, show_figure
from gradwright.train.config import Config
from gradwright.train.metrics import Interval
from gradwright.tune.fold_baselines import baselines_on
from gradwright.tune.folds import Fold
from gradwright.tune.held_out import OnEpoch, Say, Scored, resolve_once, train_on_folds
from gradwright.tune.outcome import Outcome, curve_lines, summary, trial_line, within
from gradwright.tune.source import Source, read_source
from gradwright.tune.statistics import Comparison, summarize_seeds

__all__ = ["train_seeds"]


def train_seeds(
    config: Config,
    seeds: int,
    *,
    book: LookBook | None = None,
    run: str = "this study",
    on_epoch: OnEpoch | None = None,
    say: Say | None = None,
) -> Outcome:
    """Train a configuration with N seeds as one population, and look at the test part once for all of them.

    All have the split that `gradwright train` has with ``config.seed``; what differs are the initial weights, the order
    of the rows, dropout and all other noise. The first is the network that `gradwright train` trains. The look gives N
    figures, of which none may be chosen: their mean and spread are what it tells.

    Parameters
    ----------
    config : Config
        As of `gradwright train`. The seeds are ``config.seed``, ``config.seed + 1``, ….
    seeds : int
        How many, 2 or more.
    book, run : LookBook and str, optional
        Where the look is written down, and whose look it is.
    on_epoch, say : callable, optional
        As `train_members` takes them.

    Returns
    -------
    Outcome
        Of kind ``seeds``; scores are of the test part. A seed whose training broke down is in no figure, and the words
        say how many did.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> found = train_seeds(parse_config({"source": "iris", "hidden": [8], "epochs": 5, "lr": 0.05}), 3)
    >>> [row["seed"] for row in found.result["per_seed"]], found.result["looks"]
    ([0, 1, 2], 1)
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if seeds < 2:
        raise ConfigError(f"--seeds {seeds}: expected 2 or more; for one seed leave it away")
    source = read_source(config)
    parts = source.parts
    fold = Fold(0, 0, parts.train, parts.validation, parts.test)
    config = resolve_once(source, config, [fold])
    sealed = SealedTest(source.dataset, parts.test, book=book, run=run)
    training = train_on_folds(
        source, [config], [fold], seeds=seeds, on_epoch=on_epoch, say=say,
        before_scoring=lambda: sealed.open(reason=f"final evaluation of {seeds} seeds", command="train --seeds"),
    )  # fmt: skip
    # fitted to what the networks learn from, as in `gradwright train`
    alone = Fold(0, 0, parts.train, np.empty(0, np.int64), parts.test)
    baselines = baselines_on(source, config, [alone])
    per_seed = [_seed_row(source, one) for one in training.scored]
    test = [row["score"] for row in per_seed if row["score"] is not None]
    result: dict[str, Any] = {
        "seeds": seeds,
        "rows": len(parts.test),
        **_summary(source.metric, test),
        "spread": max(test) - min(test) if test else None,
        "per_seed": per_seed,
        "validation": _summary(source.metric, [row["validation"] for row in per_seed if row["validation"] is not None]),
        "baselines": [{"name": b.name, "description": b.description, "score": b.scores[0]} for b in baselines],
        **sealed.history.to_dict(),
        "notes": list(dict.fromkeys([*parts.notes, *training.notes])),
    }
    claim = {"value": result["mean"], "low": result["low"], "high": result["high"], "method": result["method"]}
    result["corrected"] = corrected_claim(claim, len(parts.test), sealed.looks, scale=scale_of(source.metric))
    finding = sealed.history.finding()
    result["words"] = " ".join([*_words(source, result, test), *([finding["detail"]] if finding else [])])
    record = {
        "kind": "seeds",
        **source.record(),
        "config": config.model_dump(),
        "space": {},
        "strategy": {"name": "seeds", "seeds": seeds, "first": config.seed},
        "groups": training.groups,
    }
    # the trials' folds would say nothing: all seeds have one split
    trials = [{**trial_line(one, source.metric), "fold": None, "repeat": None} for one in training.scored]
    return Outcome(record, trials, curve_lines(training.scored), result, started)


def _seed_row(source: Source, one: Scored) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seed": one.seed,
        "score": one.figures.get(source.metric),
        "loss": one.figures.get("loss"),
        "validation": one.validation.get(source.metric),
        "best_epoch": one.result.best_epoch,
        "problem": one.result.problem,
    }
    if one.figures and source.task.kind != "next_token":
        interval = headline(source.task, one.target, one.predicted)
        row |= {"low": interval.low, "high": interval.high}
    return row


def _summary(metric: str, scores: Sequence[float]) -> dict[str, Any]:
    if not scores:
        return {"mean": None, "std": None, "low": None, "high": None, "method": "none: no seed has a score"}
    found = summarize_seeds(scores, of=Comparison.by(metric))
    if found.low is None or found.high is None:
        return {"mean": found.mean, "std": None, "low": None, "high": None, "method": "none: one seed has a score"}
    if found.std == 0:
        return {"mean": found.mean, "std": 0.0, "low": None, "high": None, "method": "none: all seeds have one score"}
    method = f"Student's t over {found.seeds} seeds, 95%"
    return summary(scores, within(Interval(found.mean, found.low, found.high, method), metric))


def _words(source: Source, result: dict[str, Any], test: Sequence[float]) -> list[str]:
    metric, said = source.metric, []
    if not test:
        return ["No seed has a score."]
    if len(test) < result["seeds"]:
        gone = result["seeds"] - len(test)
        why = next(row["problem"] for row in result["per_seed"] if row["score"] is None)
        said.append(f"{gone} of {result['seeds']} trainings broke down and are in no figure ({why}).")
    if result["std"] == 0:
        said.append(f"All seeds have the same {metric_name(metric)} on these {result['rows']:,} test rows.")
    elif result["std"] is not None:
        of = Comparison.by(metric)
        said.append(
            f"From seed to seed {metric_name(metric)} on the same {result['rows']:,} test rows varies with a standard "
            f"deviation of {of.amount(result['std'])}, from {show_figure(metric, min(test))} to "
            f"{show_figure(metric, max(test))}: a difference to another configuration that is smaller may be the seed "
            f"alone."
        )
    first = next(row for row in result["per_seed"] if row["score"] is not None)
    if first.get("low") is not None:
        said.append(
            f"The interval of the mean is about training again, not about other rows: drawing other test rows moves "
            f"a figure too (of seed {first['seed']} alone: {show_figure(metric, first['score'])}, 95% interval "
            f"{show_figure(metric, first['low'])} to {show_figure(metric, first['high'])})."
        )
    said.append("The test part was looked at once for all seeds; choosing the best of them would be choosing by it.")
    return said
