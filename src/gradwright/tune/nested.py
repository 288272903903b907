"""Nested validation: the whole search repeated inside folds, its winner scored on rows that it never saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.errors import TrainingInterrupted
from gradwright.train.assess import brief_figures, is_share, metric_name, show_figure
from gradwright.tune.folds import Fold, draw_folds
from gradwright.tune.job_book import JobBook
from gradwright.tune.members import Members
from gradwright.tune.plans import Plan
from gradwright.tune.search import StudyReporter, search
from gradwright.tune.statistics import fold_interval
from gradwright.tune.work import Work

__all__ = ["nested"]


def nested(
    make_plan: Callable[[], Plan],
    work: Work,
    folds: int,
    book_of: Callable[[int], JobBook],
    reporter: StudyReporter | None = None,
) -> dict[str, Any]:
    """Estimate what the whole procedure (search, choose, train the winner) gives on new rows.

    The rows of training and validation part are cut into outer folds. In each, the search sees the other folds only,
    cut anew into training and validation; its winner is trained on these and looks at the outer fold once. Nothing was
    chosen by the outer rows, so the mean of the scores is not flattered; it speaks of searching so, on this many rows,
    not of one configuration.

    Parameters
    ----------
    make_plan : callable
        Makes the search's plan anew.
    work : Work
        The search's; its settings, space and data.
    folds : int >= 2
        Outer folds.
    book_of : callable
        The book of a fold's jobs.
    reporter : StudyReporter, optional

    Returns
    -------
    dict
        ``folds``, ``mean``, ``std``, ``low``, ``high``, ``method``, ``words``, and for each fold its rows, its winner,
        the winner's score inside and on the outer rows.

    References
    ----------
    S. Varma and R. Simon, Bias in error estimation when using cross-validation for model selection (BMC Bioinformatics
    7, 2006); the interval is Nadeau and Bengio's.
    """
    reporter = reporter or StudyReporter()
    cuts, notes = draw_folds(work.source, work.base, folds)
    per_fold = []
    for i, fold in enumerate(cuts):
        inner = Work(work.source, work.base, work.space, fold.train, fold.validation, work.hooks, work.fixed)
        found = search(make_plan(), inner, book_of(i), reporter=reporter, name=f"fold {i + 1}/{folds}")
        best = found.best()
        row: dict[str, Any] = {
            "fold": i,
            "rows": {"train": len(fold.train), "validation": len(fold.validation), "held": len(fold.held)},
            "tried": len(found.trials),
            "best": None if best is None else best["number"],
            "parameters": None if best is None else best["parameters"],
            "inner": None if best is None else best["score"],
            "score": None,
        }
        if best is not None:
            row["score"] = _outer(inner, best, fold)
        per_fold.append(row)
    return _summary(work, folds, per_fold, notes)


def _outer(work: Work, best: dict[str, Any], fold: Fold) -> float | None:
    """Train a fold's winner as it would be refitted, and score it on the rows held out."""
    source = work.source
    together = Members(source.dataset, source.task, [work.member(best["number"], best["parameters"])])
    together.run()
    words = work.hooks.stopped()
    if words:
        raise TrainingInterrupted(words)
    result = together.results(())[0]
    if result.problem is not None or not result.best_epoch or result.preparation is None:
        return None
    outputs, target, loss = together.predict(result.number, fold.held)
    return float(brief_figures(source.task, result.preparation, outputs, target, loss)[source.metric])


def _summary(work: Work, folds: int, per_fold: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
    metric = work.source.metric
    good = [row for row in per_fold if row["score"] is not None]
    scores = [row["score"] for row in good]
    summary: dict[str, Any] = {"folds": folds, "mean": None, "std": None, "low": None, "high": None, "method": None}
    if len(good) >= 2:
        train = [row["rows"]["train"] + row["rows"]["validation"] for row in good]
        interval = fold_interval(scores, train, [row["rows"]["held"] for row in good])
        inner = sum(row["inner"] for row in good) / len(good)
        low, high = (float(end) for end in (interval.low, interval.high))
        if is_share(metric):  # the interval knows no ends
            low, high = max(low, 0.0), min(high, 1.0)
        spread = (sum((s - interval.value) ** 2 for s in scores) / (len(scores) - 1)) ** 0.5
        shown = [show_figure(metric, float(v)) for v in (interval.value, low, high, inner)]
        summary |= {
            "mean": interval.value, "std": spread, "low": low, "high": high,
            "method": interval.method,
            "words": f"Nested validation in {folds} folds: searching like this gives {metric_name(metric)} {shown[0]} "
            f"on rows that nothing was chosen by (95% interval {shown[1]} to {shown[2]}); inside, its winners promised "
            f"{shown[3]}.",
        }  # fmt: skip
    else:
        summary["words"] = f"Nested validation: only {len(good)} of {folds} folds have a score, which is no estimate."
    return {**summary, "inner": sum(r["inner"] for r in good) / len(good) if good else None,
            "per_fold": per_fold, "notes": notes}  # fmt: skip
