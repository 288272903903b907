"""Columns that tell the target alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import kind_of
from gradwright.data.leakage.leak import Audited, Leak
from gradwright.data.leakage.target import known_target
from gradwright.data.messages import plural, shown
from gradwright.data.rows import pixel_names

__all__ = ["find_giveaways"]

_ROWS = 2_000  # enough to see what is nearly perfect
_BINS = 32
_FOLDS = 3
_PIXELS = 4_096
_CLASSES, _NUMBERS = 0.98, 0.99  # Cohen's κ against the commonest class, and R², from which on it is too good
_STANDS_OUT = 0.7  # where the next best column stays below this, the task is not just easy


def find_giveaways(audited: Audited, ignore: Collection[str]) -> list[Leak]:
    """Find columns by which a shallow tree alone, cross-validated, is nearly always right.

    A column of few texts gets the rule "the commonest class (the mean) of each text" instead of a tree. Columns that
    are far from it by 32 bins are not cross-validated at all.
    """
    target = known_target(audited)
    if target is None or (audited.frame is not None and len(audited.columns) < 2):
        return []
    random = np.random.default_rng(0)
    rows = audited.known
    if len(rows) > _ROWS:
        chosen = np.sort(random.choice(len(rows), _ROWS, replace=False))
        rows, target = rows[chosen], target[chosen]
    classes = audited.task.classes is not None
    if len(rows) < 3 * _FOLDS or len(np.unique(target)) < 2:
        return []
    folds = random.permutation(len(rows)) % _FOLDS
    least, quick = (_CLASSES, 0.7) if classes else (_NUMBERS, 0.9)
    scores: dict[str, float] = {}
    perfect: list[str] = []
    for name, values, texts in _columns(audited, rows):
        if name in ignore:
            continue
        scores[name] = _in_bins(values, target, classes, texts)
        if scores[name] >= quick:
            scores[name] = _cross_validated(values, target, folds, classes, texts)
            if scores[name] >= least:
                perfect.append(name)
    others = max((score for name, score in scores.items() if name not in perfect), default=0.0)
    measure = "κ" if classes else "R²"
    leaks = []
    for name in perfect:
        alone = others < _STANDS_OUT
        leaks.append(
            Leak(
                "giveaway",
                "problem" if alone else "warning",
                f"Column {shown(name)} gives the target away",
                f"A shallow tree on this column alone reaches a {measure} of {scores[name]:.3f} in cross-validation on "
                f"{plural(len(rows), 'row')} of training and validation"
                + (f", the best other column {max(others, 0.0):.2f}" if len(scores) > len(perfect) else "")
                + ". If its value is made from the target, or is known only after it, leave the column out"
                + ("." if alone else "; other columns tell much, too, so the task may just be easy."),
                audited.name_rows(rows),
                (name,),
                {"rows": len(rows)},
            )
        )
    return leaks


def _columns(audited: Audited, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.float64], bool]]:
    """Name, values (NaN where missing) and whether they are numbers of texts."""
    if audited.frame is None:
        images = np.asarray(audited.dataset.features)
        flat = images[rows].reshape(len(rows), -1)[:, :_PIXELS]
        for i, name in enumerate(pixel_names(images.shape[1:], _PIXELS)):
            yield name, flat[:, i].astype(np.float64), False
        return
    for column in audited.columns:
        kind, taken = kind_of(column), column[rows]
        if kind == "category":
            if taken.n_unique() <= len(rows) // 3:  # what comes back too seldom cannot be learnt by its name
                yield column.name, taken.rank("dense").fill_null(0).to_numpy().astype(np.float64), True
        elif kind != "other":
            numbers = taken.to_physical().cast(float, strict=False)
            yield column.name, numbers.fill_null(float("nan")).to_numpy(), False


def _in_bins(values: NDArray[np.float64], target: NDArray[Any], classes: bool, texts: bool) -> float:
    """How well the bins of a column explain the target, in the sample itself."""
    if texts or len(np.unique(values)) <= 2 * _BINS:
        codes = np.unique(values, return_inverse=True)[1]
    else:
        edges = np.nanquantile(values, np.linspace(0, 1, min(_BINS, max(len(values) // 5, 2)) + 1)[1:-1])
        codes = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return _score(target, _fitted(codes, codes, target, classes), classes)


def _cross_validated(
    values: NDArray[np.float64], target: NDArray[Any], folds: NDArray[np.int64], classes: bool, texts: bool
) -> float:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    predicted = np.zeros(len(target), target.dtype)
    for fold in range(_FOLDS):
        held = folds == fold
        if texts:
            predicted[held] = _fitted(values[~held].astype(int), values[held].astype(int), target[~held], classes)
            continue
        tree = (
            DecisionTreeClassifier(max_leaf_nodes=4 * len(np.unique(target)), random_state=0)
            if classes
            else DecisionTreeRegressor(max_leaf_nodes=64, random_state=0)
        )
        predicted[held] = tree.fit(values[~held, None], target[~held]).predict(values[held, None])
    return _score(target, predicted, classes)


def _fitted(codes: NDArray[np.int64], asked: NDArray[np.int64], target: NDArray[Any], classes: bool) -> NDArray[Any]:
    """The commonest class or the mean of each code, and of all where a code is new."""
    size = int(max(codes.max(initial=0), asked.max(initial=0))) + 1
    if classes:
        width = int(target.max()) + 1
        table = np.bincount(codes * width + target, minlength=size * width).reshape(size, width)
        rule: NDArray[Any] = np.where(table.sum(1) > 0, table.argmax(1), np.bincount(target).argmax())
    else:
        count = np.bincount(codes, minlength=size)
        sums = np.bincount(codes, weights=target, minlength=size)
        rule = np.where(count > 0, sums / np.maximum(count, 1), target.mean())
    return rule[asked]


def _score(target: NDArray[Any], predicted: NDArray[Any], classes: bool) -> float:
    """κ against always saying the commonest class, or R²."""
    if classes:
        base = np.bincount(target).max() / len(target)
        return float((np.mean(predicted == target) - base) / (1 - base))
    total = np.square(target - target.mean()).sum()
    return float(1 - np.square(target - predicted).sum() / total) if total > 0 else 0.0
