"""Figures of predicted probabilities: log loss, Brier score, calibration error."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from gradwright.errors import ConfigError
from gradwright.train.metrics.base import Metric, State
from gradwright.train.metrics.reading import IGNORE, ClassRows, read_classes

__all__ = ["Brier", "CalibrationError", "LogLoss"]


class _OfProbabilities(Metric):
    """A mean over rows, or over labels where several may hold, of what the logits' softmax or sigmoid says."""

    direction: ClassVar[Literal["max", "min"]] = "min"

    def __init__(self, *, ignore_index: int = IGNORE) -> None:
        self.ignore_index = ignore_index

    def _names(self) -> tuple[str, ...]:
        return ("sum", "total")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = read_classes(type(self).__name__, output, target, weight, self.ignore_index)
        values = np.where(rows.weight > 0, self._of(rows), 0.0) if len(rows.target) else np.zeros(rows.weight.shape)
        return {"sum": np.float64((rows.weight * values).sum()), "total": np.float64(rows.weight.sum())}

    def _figure(self, state: State) -> Any:
        return state["sum"] / state["total"] if state["total"] > 0 else None

    def _of(self, rows: ClassRows) -> np.ndarray:
        """Return the figure of each row, or of each label of each row."""
        raise NotImplementedError


class LogLoss(_OfProbabilities):
    """The mean of -log p of what is true, computed from the logits without rounding p to 0 or 1.

    Parameters
    ----------
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = LogLoss()
    >>> m.update([[0.0, 0.0], [1000.0, 0.0]], [1, 1])
    >>> round(m.compute(), 4)
    500.3466
    """

    def _of(self, rows: ClassRows) -> np.ndarray:
        z = rows.logits.astype(np.float64)
        if rows.multilabel:
            return np.maximum(z, 0) - z * rows.target + np.log1p(np.exp(-np.abs(z)))
        top = z.max(1, keepdims=True)
        total = np.log(np.exp(z - top).sum(1)) + top[:, 0]
        loss: np.ndarray = total - np.take_along_axis(z, rows.target[:, None], 1)[:, 0]
        return loss


class Brier(_OfProbabilities):
    """The mean squared error of the probabilities.

    Equation: Σ_k (p_k - [y = k])² a row, from 0 to 2; of two classes half of it, and of 0/1 labels (p - y)² a label.

    Parameters
    ----------
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = Brier()
    >>> m.update([[0.0, 0.0]], [1])
    >>> m.compute()
    0.25

    References
    ----------
    G. W. Brier (Monthly Weather Review 78, 1950), equation 2.
    """

    def _of(self, rows: ClassRows) -> np.ndarray:
        squares = (rows.probabilities() - rows.truth()) ** 2
        if rows.multilabel:
            return squares
        return squares.sum(1) * (0.5 if squares.shape[1] == 2 else 1.0)


class CalibrationError(Metric):
    """The expected calibration error: how far confidence is from how often it is right.

    Equation: Σ_b (n_b / n) · |right_b - confidence_b| over ``bins`` bins ((b-1)/bins, b/bins] of equal width. The
    confidence is the probability of the predicted class; of 0/1 labels that of the label, against whether it holds.

    Parameters
    ----------
    bins : int >= 1
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = CalibrationError()
    >>> m.update([[0.0, 0.0], [0.0, 0.0]], [0, 0])  # half sure, always right
    >>> m.compute()
    0.5

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht (AAAI 2015); C. Guo et al. (ICML 2017), equation 3.
    """

    direction: ClassVar[Literal["max", "min"]] = "min"

    def __init__(self, bins: int = 15, *, ignore_index: int = IGNORE) -> None:
        if bins < 1:
            raise ConfigError(f"CalibrationError: bins is {bins}; expected 1 or more")
        self.bins = bins
        self.ignore_index = ignore_index

    def _names(self) -> tuple[str, ...]:
        return ("right", "confidence", "total")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = read_classes("CalibrationError", output, target, weight, self.ignore_index)
        if rows.broken or not len(rows.target):
            nothing = np.full(self.bins, np.nan if rows.broken else 0.0)
            return {"right": nothing, "confidence": nothing.copy(), "total": nothing.copy()}
        p = rows.probabilities()
        if rows.multilabel:
            counts = rows.weight > 0
            confidence, right, w = p[counts], rows.target[counts], rows.weight[counts]
        else:
            claimed = rows.logits.argmax(1)
            confidence, right, w = p.max(1), claimed == rows.target, rows.weight
        bin_ = np.searchsorted(np.linspace(0, 1, self.bins + 1)[1:-1], confidence)
        return {
            "right": np.bincount(bin_, w * right, self.bins),
            "confidence": np.bincount(bin_, w * confidence, self.bins),
            "total": np.bincount(bin_, w, self.bins),
        }

    def _figure(self, state: State) -> Any:
        total = state["total"].sum()
        return np.abs(state["right"] - state["confidence"]).sum() / total if total != 0 else None
