"""Figures made of counts: accuracy, top k, precision, recall, F1."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from gradwright.errors import ConfigError
from gradwright.train.metrics.base import Metric, State
from gradwright.train.metrics.reading import IGNORE, ClassRows, read_classes

__all__ = ["F1", "Accuracy", "Precision", "Recall", "TopK"]

Average = Literal["micro", "macro", "binary"]


class _OfClasses(Metric):
    """A metric of logits (n, classes) with labels (n,), of (n, classes, length) with (n, length), or of 0/1 labels."""

    def __init__(self, *, ignore_index: int = IGNORE) -> None:
        self.ignore_index = ignore_index

    def _read(self, output: Any, target: Any, weight: Any) -> ClassRows:
        return read_classes(type(self).__name__, output, target, weight, self.ignore_index)


class Accuracy(_OfClasses):
    """The part of the labels that is right: Σ w [argmax output = target] / Σ w.

    Of a 0/1 target each label counts by itself, predicted where its logit is above 0. An output that is NaN claims
    nothing: then there is no figure.

    Parameters
    ----------
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = Accuracy()
    >>> m.update([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 1])
    >>> m.update([[0.0, 1.0]], [1])
    >>> m.compute()
    0.75
    """

    def _names(self) -> tuple[str, ...]:
        return ("right", "total")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = self._read(output, target, weight)
        if rows.multilabel:
            right = rows.weight[rows.claimed() == rows.target].sum()
        else:
            right = rows.weight[rows.logits.argmax(1) == rows.target].sum() if len(rows.target) else 0.0
        return {"right": np.float64(np.nan if rows.broken else right), "total": np.float64(rows.weight.sum())}

    def _figure(self, state: State) -> Any:
        return state["right"] / state["total"] if state["total"] > 0 else None


class TopK(Accuracy):
    """The part of the labels that is among the k largest outputs; of equal outputs the lower class comes first.

    Parameters
    ----------
    k : int >= 1
        Below the number of classes.
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = TopK(2)
    >>> m.update([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [1, 2])
    >>> m.compute()
    0.5
    """

    def __init__(self, k: int = 5, *, ignore_index: int = IGNORE) -> None:
        super().__init__(ignore_index=ignore_index)
        if k < 1:
            raise ConfigError(f"TopK: k is {k}; expected 1 or more")
        self.k = k

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = self._read(output, target, weight)
        classes = rows.logits.shape[1]
        if rows.multilabel or self.k >= classes:
            what = "several labels at once" if rows.multilabel else f"{classes} classes, where it is always 1"
            raise ConfigError(f"TopK: the {self.k} largest of {what}, have no meaning; take a smaller k, or accuracy")
        own = np.take_along_axis(rows.logits, rows.target[:, None], 1)
        earlier = np.arange(classes) < rows.target[:, None]
        before = ((rows.logits > own) | ((rows.logits == own) & earlier)).sum(1)
        right = rows.weight[before < self.k].sum()
        return {"right": np.float64(np.nan if rows.broken else right), "total": np.float64(rows.weight.sum())}


class _PerClass(_OfClasses):
    """What is made of hits, claims and support of each class."""

    def __init__(self, average: Average | None = "macro", *, ignore_index: int = IGNORE) -> None:
        super().__init__(ignore_index=ignore_index)
        if average not in ("macro", "micro", "binary", None):
            raise ConfigError(f"{type(self).__name__}: average is {average!r}; expected macro, micro, binary or None")
        self.average = average

    def _names(self) -> tuple[str, ...]:
        return ("hits", "claims", "support")

    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        rows = self._read(output, target, weight)
        classes = rows.logits.shape[1]
        if self.average == "binary" and classes != (1 if rows.multilabel else 2):
            raise ConfigError(f"{self!r}: class 1 of two was asked for, and there are {classes}; take macro or micro")
        if rows.multilabel:
            claimed, truth, w = rows.claimed(), rows.target, rows.weight
            state = {
                "hits": (w * (claimed & truth)).sum(0),
                "claims": (w * claimed).sum(0),
                "support": (w * truth).sum(0),
            }
        else:  # counted, not compared with every class: there may be many
            claims = rows.logits.argmax(1) if len(rows.target) else rows.target
            right = claims == rows.target
            state = {
                "hits": np.bincount(claims[right], rows.weight[right], classes),
                "claims": np.bincount(claims, rows.weight, classes),
                "support": np.bincount(rows.target, rows.weight, classes),
            }
        if rows.broken:
            state["hits"] = np.full(classes, np.nan)
        return state

    def compute(self) -> Any:
        """Return the figure, None where it has no meaning; with ``average=None`` a list of them, one a class."""
        if self.average is not None:
            return super().compute()
        if self._state is None:
            return None
        with np.errstate(all="ignore"):
            figures = self._ratio(self._state["hits"], self._state["claims"], self._state["support"])
        return [float(f) if np.isfinite(f) else None for f in figures]

    def _figure(self, state: State) -> Any:
        hits, claims, support = (state[name] for name in self._names())
        if self.average == "micro":
            return self._ratio(hits.sum(), claims.sum(), support.sum())
        figures = self._ratio(hits, claims, support)
        if self.average == "binary":
            return figures[-1]
        there = (claims > 0) | (support > 0)
        if not there.any() or np.isnan(hits).any():
            return None
        return np.where(np.isnan(figures), 0.0, figures)[there].mean()

    def _ratio(self, hits: Any, claims: Any, support: Any) -> Any:
        raise NotImplementedError


class Precision(_PerClass):
    """How much of what is claimed to be of a class is: hits / claims.

    Parameters
    ----------
    average : "macro", "micro", "binary" or None
        macro: the mean over the classes that are there (in the target or claimed); one that is never claimed or never
        true counts as 0. micro: of hits, claims and supports of all classes together. binary: class 1 of two, or the
        one label. None: ``compute`` returns a list, a figure a class, None where it has nothing to divide by.
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = Precision(average=None)
    >>> m.update([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 1, 1])
    >>> m.compute()
    [0.5, 1.0, None]
    """

    def _ratio(self, hits: Any, claims: Any, support: Any) -> Any:
        return hits / claims


class Recall(_PerClass):
    """How much of what is of a class is found: hits / support.

    Parameters
    ----------
    average : "macro", "micro", "binary" or None
        macro: the mean over the classes that are there (in the target or claimed); one that is never claimed or never
        true counts as 0. micro: of hits, claims and supports of all classes together. binary: class 1 of two, or the
        one label. None: ``compute`` returns a list, a figure a class, None where it has nothing to divide by.
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = Recall("binary")
    >>> m.update([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]], [0, 1, 1])
    >>> m.compute()
    0.5
    """

    def _ratio(self, hits: Any, claims: Any, support: Any) -> Any:
        return hits / support


class F1(_PerClass):
    """The harmonic mean of precision and recall: 2 · hits / (claims + support).

    Parameters
    ----------
    average : "macro", "micro", "binary" or None
        macro: the mean over the classes that are there (in the target or claimed); one that is never claimed or never
        true counts as 0. micro: of hits, claims and supports of all classes together. binary: class 1 of two, or the
        one label. None: ``compute`` returns a list, a figure a class, None where it has nothing to divide by.
    ignore_index : int
        A target that does not count.

    Examples
    --------
    >>> m = F1("micro")
    >>> m.update([[2.0, -1.0], [-2.0, 1.0]], [[1, 0], [1, 1]])
    >>> m.compute()
    0.8
    """

    def _ratio(self, hits: Any, claims: Any, support: Any) -> Any:
        return 2 * hits / (claims + support)
