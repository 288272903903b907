"""A preparation that was fitted on more than the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.data.column_preparation import Column, DroppedColumn
from gradwright.data.leakage.leak import Audited, Leak, quoted
from gradwright.data.leakage.target import known_target
from gradwright.data.messages import plural
from gradwright.data.preparation import Preparation
from gradwright.data.scaling import TargetScale
from gradwright.errors import DataError

__all__ = ["find_fitted_outside"]

_CLOSE = 1e-6  # two sums of the same numbers in another order differ by less


def find_fitted_outside(audited: Audited) -> list[Leak]:
    """Fit anew on the training rows and compare; where they differ, find out which rows would give what is there.

    Of the test part the inputs' means and categories are compared, nothing else; of one quantity's mean and deviation
    only training and validation (several quantities are not compared).
    """
    given = audited.preparation
    if given is None:
        return []
    train = audited.parts.train
    different, names = _differences(audited, given, train)
    if not different:
        return []
    everything = np.flatnonzero(audited.part >= 0)
    guesses = [
        ("training and validation", audited.known),
        ("training, validation and test", everything),
        ("all rows", np.arange(audited.dataset.rows)),
    ]
    source = next((name for name, rows in guesses if not _differences(audited, given, rows)[0]), "")
    fitted = f"Its figures are those of {source}" if source else "Its figures are not those of the training rows"
    return [
        Leak(
            "preparation",
            "problem" if source else "warning",
            "The preparation was fitted on more than the training part"
            if source
            else "The preparation was not fitted on the training part",
            f"{fitted}: {plural(len(different), 'difference')}, such as {'; '.join(different[:3])}. What held-out rows "
            f"put into means and categories reaches the network. Fit with "
            f"Preparation.fit(dataset.take(parts.train).features).",
            columns=tuple(names[:20]),
            counts={"differences": len(different)},
        )
    ]


def _differences(audited: Audited, given: Preparation, rows: np.ndarray) -> tuple[list[str], list[str]]:
    """What the preparation and one fitted on these rows do not share: in words, and the columns' names."""
    features = audited.dataset.features[rows]
    words: list[str] = []
    names: list[str] = []
    if given.images is not None:
        if isinstance(features, np.ndarray):
            anew = type(given.images).fit(features)[0]
            words += _unlike("all pixels", given.images.to_dict(), anew.to_dict())
    elif not isinstance(features, np.ndarray):
        for column in given.columns:
            if isinstance(column, DroppedColumn) or column.name not in features.columns:
                continue
            found = _unlike(f"column {quoted([column.name])}", column.to_dict(), _again(column, features))
            words += found
            names += [column.name] if found else []
    target = known_target(audited)
    if isinstance(given.target_scale, TargetScale) and target is not None and len(rows) <= len(audited.known):
        anew_scale = TargetScale.fit(target[np.isin(audited.known, rows)])
        words += _unlike("the target", given.target_scale.to_dict(), anew_scale.to_dict())
    return words, names


def _again(column: Column, features: Any) -> dict[str, Any]:
    """What the same kind of column is when fitted on these rows; empty where that cannot be said."""
    try:
        anew = Preparation.fit(features.select(column.name), max_categories=10**9).columns[0]
    except DataError:
        return {}
    return anew.to_dict() if anew.kind == column.kind else {}


def _unlike(what: str, given: dict[str, Any], anew: dict[str, Any]) -> list[str]:
    words = []
    scale = abs(float(anew.get("std") or 0)) + abs(float(anew.get("mean") or 0))
    for name in ("mean", "std", "median"):
        one, other = given.get(name), anew.get(name)
        if not (isinstance(one, float) and isinstance(other, float)):
            continue
        if not math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE * scale):
            words.append(f"{what} has {name} {one:.6g}, the training part {other:.6g}")
    more = set(given.get("categories") or ()) - set(anew.get("categories") or given.get("categories") or ())
    if more:
        words.append(f"{what} knows {quoted(sorted(more)[:3])}, which training never saw")
    return words
