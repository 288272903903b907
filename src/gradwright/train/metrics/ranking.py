"""Figures of the order of scores: ROC-AUC and average precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.train.metrics.base import Metric, State
from gradwright.train.metrics.reading import IGNORE, ClassRows, read_classes

__all__ = ["ROCAUC", "AveragePrecision"]

#: Scores that are kept at most: 2 GiB in float64.
MOST_SCORES = 2**28


class _Ranking(Metric):
    """What needs all scores at once: they are kept, in the dtype in which they came."""

    _gathered = frozenset({"logits", "target", "weight"})

    def __init__(self, *, ignore_index: int = IGNORE) -> None:
        self.ignore_index = ignore_index

    def _names(self) -> tuple[str, ...]:
        return ("logits", "target", "weight")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = read_classes(type(self).__name__, output, target, weight, self.ignore_index)
        return {"logits": [rows.logits], "target": [rows.target], "weight": [rows.weight]}

    def _join(self, a: State, b: State) -> State:
        for name in a:
            a[name].extend(b[name])
        kept = sum(part.size for part in a["logits"])
        if kept > MOST_SCORES:
            raise ConfigError(
                f"{type(self).__name__} needs all scores at once, and these are {kept:,}, more than {MOST_SCORES:,}; "
                "take accuracy, f1_macro or log_loss, which only count"
            )
        return a

    def _figure(self, state: State) -> Any:
        rows = ClassRows(*(np.concatenate(state[name]) for name in self._names()))
        if not len(rows.logits) or rows.broken:
            return None
        figures = [self._of(scores, truth, w) for scores, truth, w in _questions(rows)]
        known = [f for f in figures if f is not None]
        return np.mean(known) if known else None

    def _of(self, scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float | None:
        """Return the figure of one class against the rest."""
        raise NotImplementedError


class ROCAUC(_Ranking):
    """The area under the ROC curve: the chance that a row of the class has a higher score than another row.

    Equation: Σ_{i in class, j not} w_i w_j ([s_i > s_j] + ½ [s_i = s_j]) / Σ w_i w_j. Of two classes that of class 1;
    of more, or of several labels, each against the rest and their mean, without those that have no rows or all.

    Parameters
    ----------
    ignore_index : int
        A target that does not count.

    Notes
    -----
    Memory grows with the rows; at most 2²⁸ scores are kept.

    Examples
    --------
    >>> m = ROCAUC()
    >>> m.update([[0.0, 0.1], [0.0, 0.4], [0.0, 0.35], [0.0, 0.8]], [0, 0, 1, 1])
    >>> m.compute()
    0.75

    References
    ----------
    J. A. Hanley, B. J. McNeil (Radiology 143, 1982).
    """

    def _of(self, scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float | None:
        _, hits, others = _by_score(scores, truth, weight)
        if hits.sum() == 0 or others.sum() == 0:
            return None
        below = np.cumsum(others[::-1])[::-1] - others  # scores fall, so what comes later is lower
        return float((hits * (below + others / 2)).sum() / (hits.sum() * others.sum()))


class AveragePrecision(_Ranking):
    """The mean of the precisions at each threshold, weighted by the recall it adds: Σ (R_k - R_{k-1}) P_k.

    Of two classes that of class 1; of more, or of several labels, each against the rest and their mean, without those
    that have no rows. Equal scores are one threshold; nothing is interpolated.

    Parameters
    ----------
    ignore_index : int
        A target that does not count.

    Notes
    -----
    Memory grows with the rows; at most 2²⁸ scores are kept.

    Examples
    --------
    >>> m = AveragePrecision()
    >>> m.update([[0.0, 0.1], [0.0, 0.4], [0.0, 0.35], [0.0, 0.8]], [0, 0, 1, 1])
    >>> round(m.compute(), 4)
    0.8333
    """

    def _of(self, scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float | None:
        _, hits, others = _by_score(scores, truth, weight)
        if hits.sum() == 0:
            return None
        precision = np.cumsum(hits) / np.cumsum(hits + others)
        return float((hits * precision).sum() / hits.sum())


def _questions(rows: ClassRows) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (scores, truth, weight) for each class that is asked about; rows of weight 0 are left out."""
    truth = rows.truth()
    if rows.multilabel:
        counts = rows.weight > 0
        return [
            (rows.logits[counts[:, k], k], truth[counts[:, k], k], rows.weight[counts[:, k], k])
            for k in range(truth.shape[1])
        ]
    z = rows.logits.astype(np.float64)
    if z.shape[1] == 2:
        return [(z[:, 1] - z[:, 0], truth[:, 1], rows.weight)]
    odds = _log_odds(z)
    return [(odds[:, k], truth[:, k], rows.weight) for k in range(z.shape[1])]


def _log_odds(z: np.ndarray) -> np.ndarray:
    """Return log p / (1 - p) of the softmax: ordered as the probabilities, but without their ties near 0 and 1.

    Sums are over sorted numbers, so that outputs in another order, which are as probable, are ties to the last bit.
    """
    shifted = z - z.max(1, keepdims=True)
    ordered = np.sort(shifted, 1)
    log_p = shifted - np.log(np.exp(ordered).sum(1, keepdims=True))
    odds = log_p - np.log1p(-np.exp(log_p))
    # of the most likely class 1 - p would round to 0: it is what all but one of the largest add up to
    second = ordered[:, -2:-1]
    return np.where(shifted == 0, -second - np.log(np.exp(ordered[:, :-1] - second).sum(1, keepdims=True)), odds)


def _by_score(scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct scores from the highest down, with the weight of the class and of the others at each."""
    distinct, place = np.unique(scores, return_inverse=True)
    hits = np.bincount(place, weight * truth, len(distinct))[::-1]
    others = np.bincount(place, weight * ~truth, len(distinct))[::-1]
    return distinct[::-1], hits, others
