"""Several labels a row: found, missed, and falsely given."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.train.figures.resampling import DRAWS, sums_interval
from gradwright.train.metrics import Interval, wilson

__all__ = ["micro_f1", "of_labels"]


def _counts(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Hits, false alarms and misses of each row, shape (n, 3)."""
    t, p = target.astype(bool), predicted.astype(bool)
    return np.stack([(t & p).sum(1), (~t & p).sum(1), (t & ~p).sum(1)], axis=1)


def _f1(sums: np.ndarray) -> np.ndarray:
    """2·hits / (2·hits + false alarms + misses); NaN where no label is there and none was given."""
    hits, false, missed = sums.T
    return np.asarray(2 * hits / (2 * hits + false + missed))


def micro_f1(target: np.ndarray, predicted: np.ndarray, draws: int = DRAWS) -> Interval:
    """Return F1 over all labels of all rows together, rows drawn again for its interval; both (n, labels)."""
    return sums_interval(_counts(target, predicted), _f1, draws=draws)


def of_labels(target: np.ndarray, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
    """Return micro and macro F1, how many rows are right in all labels, and each label's figures.

    Parameters
    ----------
    target, predicted : (n, labels) of 0 and 1
    labels : list of str

    Notes
    -----
    ``accuracy`` is the share of all label decisions that are right, which is high where labels are rare. A label's
    figure is None where it has nothing to divide by; macro F1 is the mean over the labels that have one.
    """
    t, p = target.astype(bool), predicted.astype(bool)
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(labels):
        hit, claimed, support = int((t & p)[:, i].sum()), int(p[:, i].sum()), int(t[:, i].sum())
        rows.append(
            {
                "class": name,
                "precision": hit / claimed if claimed else None,
                "recall": hit / support if support else None,
                "f1": 2 * hit / (support + claimed) if support + claimed else None,
                "support": support,
            }
        )
    known = [row["f1"] for row in rows if row["f1"] is not None]
    right = (t == p).sum(1)
    each = np.stack([right, np.full(len(t), len(labels))], axis=1)
    return {
        "micro_f1": micro_f1(t, p).to_dict(),
        "macro_f1": float(np.mean(known)) if known else None,
        "subset_accuracy": wilson(int((right == len(labels)).sum()), len(t)).to_dict(),
        "accuracy": sums_interval(each, lambda s: s[:, 0] / s[:, 1]).to_dict(),
        "classes": labels,
        "per_class": rows,
    }
