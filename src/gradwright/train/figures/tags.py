"""A tag for each token: token by token, and entity by entity where tags are BIO."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.train.figures.resampling import DRAWS, sums_interval
from gradwright.train.figures.spans import is_bio, spans
from gradwright.train.metrics import Interval, confusion_matrix, per_class

__all__ = ["entity_f1", "of_tags", "token_accuracy"]


def token_accuracy(target: np.ndarray, predicted: np.ndarray, draws: int = DRAWS) -> Interval:
    """Return the share of tokens tagged rightly, sentences drawn again for its interval.

    Parameters
    ----------
    target, predicted : (n, length) int64
        Where the target is negative, nothing counts.
    """
    there = target >= 0
    rows = np.stack([((predicted == target) & there).sum(1), there.sum(1)], axis=1)
    return sums_interval(rows, lambda s: s[:, 0] / s[:, 1], "sentences", draws=draws)


def _found(target: np.ndarray, predicted: np.ndarray, tags: list[str]) -> list[tuple[set[Any], set[Any]]]:
    """The entities of each row, true and predicted."""
    out = []
    for t, p in zip(target, predicted, strict=True):
        there = t >= 0
        out.append((set(spans([tags[i] for i in t[there]])), set(spans([tags[i] for i in p[there]]))))
    return out


def _entity_rows(found: list[tuple[set[Any], set[Any]]]) -> np.ndarray:
    return np.array([[len(t & p), len(p), len(t)] for t, p in found]).reshape(-1, 3)


def entity_f1(target: np.ndarray, predicted: np.ndarray, tags: list[str], draws: int = DRAWS) -> Interval:
    """Return F1 of whole entities: right are those whose type, first and last token are; sentences drawn again."""
    return _f1(_found(target, predicted, tags), draws)


def _f1(found: list[tuple[set[Any], set[Any]]], draws: int = DRAWS) -> Interval:
    return sums_interval(_entity_rows(found), lambda s: 2 * s[:, 0] / (s[:, 1] + s[:, 2]), "sentences", draws=draws)


def of_tags(target: np.ndarray, predicted: np.ndarray, tags: list[str]) -> dict[str, Any]:
    """Return figures of tokens, and of entities where the tags are BIO.

    Parameters
    ----------
    target, predicted : (n, length) int64
        Where the target is negative, nothing counts. A sentence that takes several rows is judged row by row.
    tags : list of str

    Notes
    -----
    F1 of an entity type is None where it neither stands nor was given. ``macro_f1`` is the mean over the tags.
    """
    there = target >= 0
    confusion = confusion_matrix(target[there], predicted[there], len(tags))
    rows = per_class(confusion, tags)
    known = [row["f1"] for row in rows if row["f1"] is not None]
    out: dict[str, Any] = {
        "tokens": int(there.sum()),
        "accuracy": token_accuracy(target, predicted).to_dict(),
        "macro_f1": float(np.mean(known)) if known else None,
        "classes": tags,
        "confusion": confusion.tolist(),
        "per_class": rows,
    }
    if not is_bio(tags):
        return out
    found = _found(target, predicted, tags)
    hit, claimed, support = (int(n) for n in _entity_rows(found).sum(0))
    types = sorted({tag[2:] for tag in tags if tag != "O"})
    return {
        **out,
        "entity_f1": _f1(found).to_dict(),
        "entity_precision": hit / claimed if claimed else None,
        "entity_recall": hit / support if support else None,
        "per_entity": [_of_type(found, name) for name in types],
    }


def _of_type(found: list[tuple[set[Any], set[Any]]], name: str) -> dict[str, Any]:
    hit = sum(1 for t, p in found for s in t & p if s[0] == name)
    claimed = sum(1 for _, p in found for s in p if s[0] == name)
    support = sum(1 for t, _ in found for s in t if s[0] == name)
    return {
        "class": name,
        "precision": hit / claimed if claimed else None,
        "recall": hit / support if support else None,
        "f1": 2 * hit / (claimed + support) if claimed + support else None,
        "support": support,
    }
