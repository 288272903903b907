"""An ablation: a configuration beside itself without each of its parts, over seeds, all trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gradwright.data import Preparation
from gradwright.errors import ConfigError
from gradwright.train.config import Config
from gradwright.train.metrics import Interval
from gradwright.tune.ablation.arms import Arm, Arms, OnEpoch, Say, without
from gradwright.tune.ablation.columns import column_parts, columns_of
from gradwright.tune.ablation.differences import corrected, difference, order_of_harm
from gradwright.tune.ablation.parts import Change, Part, select_parts, setting_parts
from gradwright.tune.ablation.retune import retuned
from gradwright.tune.ablation.words import ablation_words
from gradwright.tune.held_out import prepare_fold
from gradwright.tune.masking import masking_is_exact
from gradwright.tune.outcome import Outcome, within
from gradwright.tune.source import read_source
from gradwright.tune.statistics import Comparison, summarize_seeds

__all__ = ["WHOLE", "ablate"]

#: The name of the arm with all parts.
WHOLE = "the whole"


def ablate(
    config: Config,
    *,
    seeds: int = 5,
    only: Sequence[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    cumulative: bool = True,
    retune: bool = False,
    on_epoch: OnEpoch | None = None,
    say: Say | None = None,
) -> Outcome:
    """Leave out or replace each part of a configuration, one by one and cumulatively, and say what each is worth.

    Every arm is trained with the same seeds on the same rows, so differences to the whole are paired by seed. All is
    decided and scored on the validation part; the test part stays sealed.

    Parameters
    ----------
    config : Config
        As of `gradwright train`.
    seeds : int
        Trainings of each arm: ``config.seed``, ``config.seed + 1``, …; the split is that of ``config.seed`` for all.
    only : sequence of str
        Parts or families of parts to leave out (``dropout``, ``columns``, ``augment``, …); by default all.
    groups : mapping of str to patterns, optional
        Groups of feature columns, as :func:`~gradwright.tune.ablation.columns.column_parts` takes them.
    cumulative : bool
        Also leave out one part after the other, those first that do the least harm alone.
    retune : bool
        Sweep the learning rate of the whole first, and of the optimizer that replaces its own.
    on_epoch, say : callable, optional
        As `train_members` takes them.

    Returns
    -------
    Outcome
        Of kind ``ablate``.

    Raises
    ------
    ConfigError
        Nothing to leave out, or an unknown part.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> config = parse_config({"source": "iris", "network": "linear", "epochs": 3, "lr": 0.05})
    >>> found = ablate(config, seeds=2, only=["columns"], cumulative=False)
    >>> [part["name"] for part in found.result["parts"]][:2], len(found.trials)
    (['column sepal length (cm)', 'column sepal width (cm)'], 10)

    References
    ----------
    R. Meyes et al., *Ablation studies in artificial neural networks* (arXiv:1901.08644, 2019).
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if seeds < 1:
        raise ConfigError(f"--seeds {seeds}: expected 1 or more")
    source = read_source(config)
    preparation = prepare_fold(source, config, source.parts.train)
    base = config.resolved(len(source.parts.train), preparation.width, source.task.kind)
    parts, absent = setting_parts(base)
    # of an image each pixel has its place, so that none can go; a network that is not exact gets other columns instead
    masked = masking_is_exact(base) or preparation.images is not None
    listed = column_parts(columns_of(preparation), groups, masked=masked)
    chosen = select_parts([*parts, *listed], only, absent)
    arms = Arms(source, preparation.width, seeds, masked and any(p.columns for p in chosen), on_epoch, say)
    higher = source.direction == "maximize"

    tuned: list[dict[str, Any]] = []
    if retune:
        base, chosen, tuned = _retuned(arms, base, chosen, higher)
    first = [Arm(WHOLE, base), *(without(base, p.name, [p], source, preparation.width) for p in chosen)]
    whole, *left = arms.train(first)
    rows = [difference(p, whole, scores, source.metric) for p, scores in zip(chosen, left, strict=True)]
    chain: list[dict[str, Any]] = []
    if cumulative:
        chain = _chain(arms, base, chosen, rows, whole, preparation, higher)
    result: dict[str, Any] = {
        "metric": source.metric,
        "seeds": seeds,
        "base": _summary(whole, source.metric),
        "parts": corrected(rows, higher_is_better=higher),
        "cumulative": corrected(chain, higher_is_better=higher, what="these so far"),
        "absent": absent if not only else [],
        "retuned": tuned,
        "notes": arms.notes,
    }
    result["words"] = ablation_words(result, seeds=seeds, columns=_columns_words(base, chosen, preparation))
    record = {
        "kind": "ablate",
        **source.record(),
        "config": base.model_dump(),
        "space": {},
        "strategy": {
            "name": "ablation",
            "seeds": seeds,
            "parts": [p.name for p in chosen],
            "cumulative": cumulative,
            "retune": retune,
        },
        "groups": arms.groups,
    }
    return Outcome(record, arms.trials, arms.curves, result, started)


def _retuned(
    arms: Arms, base: Config, chosen: Sequence[Part], higher: bool
) -> tuple[Config, list[Part], list[dict[str, Any]]]:
    """Give the whole, and the rule that replaces its own, the best rate of a sweep each."""
    wanted = [Arm(WHOLE, base)]
    wanted += [without(base, p.name, [p], arms.source, arms.width) for p in chosen if p.name == "optimizer"]
    (whole, record), *others = retuned(arms, wanted, higher_is_better=higher)
    parts = list(chosen)
    for arm, _ in others:
        rate = arm.config.lr
        at = next(i for i, part in enumerate(parts) if part.name == arm.name)
        words = f"{base.optimizer} replaced by {arm.config.optimizer}, rate {rate:g} after a sweep as of the whole"
        parts[at] = replace(parts[at], what=words, change=_with_rate(parts[at].change, rate))
    return whole.config, parts, [record, *(own for _, own in others)]


def _with_rate(change: Change, rate: Any) -> Change:
    return lambda config: {**change(config), "lr": rate}


def _chain(
    arms: Arms,
    base: Config,
    chosen: Sequence[Part],
    rows: Sequence[dict[str, Any]],
    whole: Sequence[float | None],
    preparation: Preparation,
    higher: bool,
) -> list[dict[str, Any]]:
    """Leave out one part after the other, in the order of least harm; columns as long as one is left."""
    by_name = {part.name: part for part in chosen if not part.replaced}
    kept = set(columns_of(preparation))
    steps: list[Part] = []
    for name in order_of_harm([row for row in rows if row["name"] in by_name], higher_is_better=higher):
        part = by_name[name]
        if part.columns and not kept - set(part.columns):
            continue
        kept -= set(part.columns)
        steps.append(part)
    if len(steps) < 2:
        return []
    made = [
        without(base, _chain_name(steps[: i + 1]), steps[: i + 1], arms.source, arms.width)
        for i in range(1, len(steps))
    ]
    first = next(row for row in rows if row["name"] == steps[0].name)
    found = [first]
    for part, scores in zip(steps[1:], arms.train(made), strict=True):
        found.append(difference(part, whole, scores, arms.source.metric))
    return found


def _chain_name(steps: Sequence[Part]) -> str:
    return "without " + ", ".join(part.name for part in steps)


def _summary(scores: Sequence[float | None], metric: str) -> dict[str, Any]:
    known = [score for score in scores if score is not None]
    row: dict[str, Any] = {"per_seed": list(scores), "failed": len(scores) - len(known)}
    if not known:
        return {**row, "mean": None, "std": None, "low": None, "high": None, "words": "No training has a score."}
    found = summarize_seeds(known, of=Comparison.by(metric, WHOLE))
    low, high = found.low, found.high
    if low is not None and high is not None:
        cut = within(Interval(found.mean, low, high, ""), metric)
        low, high = cut.low, cut.high
    return {**row, "mean": found.mean, "std": found.std, "low": low, "high": high, "words": found.words}


def _columns_words(base: Config, chosen: Sequence[Part], preparation: Preparation) -> str:
    if not any(part.columns for part in chosen):
        return ""
    if masking_is_exact(base):
        return (
            "A column is left out by setting it to its mean: with these settings the network trains as one that never "
            "had it, its other weights starting as those of the whole."
        )
    if preparation.images is not None:
        return "Pixels are set to their mean: the network keeps its size, and their weights stay in its norms."
    return "A column is left out before anything is prepared, so those networks have other initial weights."
