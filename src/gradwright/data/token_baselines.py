"""Counting tokens: what a network that reads sequences must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["TokenFrequencies", "TokenTags"]


@dataclass(frozen=True)
class TokenTags:
    """Gives each token the tag that it has most often in training; to an unknown one the commonest tag of all."""

    table: NDArray[np.int64] = field(repr=False)
    otherwise: int
    name: ClassVar[str] = "commonest tag of each token"
    description: ClassVar[str] = "looks the token up, whatever stands around it"

    @classmethod
    def fit(cls, tokens: NDArray[np.int64], tags: NDArray[np.int64], otherwise: int) -> TokenTags:
        """Count; both int64, shape (n, length), tags negative where a row is filled up.

        Examples
        --------
        >>> TokenTags.fit(np.array([[2, 3, 2, 2]]), np.array([[0, 1, 0, 1]]), 0).table.tolist()
        [0, 0, 0, 1]
        """
        there = tags >= 0
        pairs, counts = np.unique(np.stack([tokens[there], tags[there]], axis=1), axis=0, return_counts=True)
        table = np.full(int(tokens.max()) + 1, otherwise, np.int64)
        order = np.argsort(counts, kind="stable")  # the commonest is written last, and stays
        table[pairs[order, 0]] = pairs[order, 1]
        table[:2] = otherwise  # filling, and unknown tokens
        return cls(table, otherwise)

    def predict(self, features: NDArray[Any]) -> NDArray[np.int64]:
        """Tags, shape (n, length)."""
        tokens = features.astype(np.int64)
        known = tokens < len(self.table)
        return np.where(known, self.table[np.where(known, tokens, 0)], self.otherwise)


@dataclass(frozen=True)
class TokenFrequencies:
    """Says each token as often as in training (unigrams), or as often as after the token before (bigrams).

    Equations: p(b) = (n(b) + 1) / (n + V) over the V tokens seen; p(b | a) = (n(ab) + p(b)) / (n(a) + 1).

    Notes
    -----
    Source: D. J. C. MacKay and L. C. Bauman Peto, A hierarchical Dirichlet language model, Natural Language
    Engineering 1, 1995, equation 24, with a prior of weight 1.
    """

    order: int
    counts: NDArray[np.int64] = field(repr=False)
    pairs: NDArray[np.int64] = field(repr=False)
    pair_counts: NDArray[np.int64] = field(repr=False)
    before: NDArray[np.int64] = field(repr=False)

    @classmethod
    def fit(cls, x: NDArray[np.int64], y: NDArray[np.int64], order: int) -> TokenFrequencies:
        """Count tokens and pairs; both int64, shape (n, length), `y` negative where a window is filled up."""
        a, b = x[y >= 0], y[y >= 0]
        size = int(max(a.max(), b.max())) + 1
        pairs, pair_counts = np.unique(a * size + b, return_counts=True)
        return cls(order, np.bincount(b, minlength=size), pairs, pair_counts, np.bincount(a, minlength=size))

    @property
    def name(self) -> str:
        """Its name, as reports print it."""
        return "unigrams" if self.order == 1 else "bigrams"

    @property
    def description(self) -> str:
        """What it does, in words."""
        if self.order == 1:
            return "says each token as often as it stands in training"
        return "says each token as often as it stands after the one before in training"

    def probabilities(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of each token `y` after the token `x`, both of one shape.

        Examples
        --------
        >>> x, y = np.array([[2, 3, 2]]), np.array([[3, 2, 3]])
        >>> TokenFrequencies.fit(x, y, 1).probabilities(x, y).round(3).tolist()
        [[0.429, 0.286, 0.429]]
        """
        size = len(self.counts)
        known = np.where(y < size, y, 0)
        single = (np.where(y < size, self.counts[known], 0) + 1) / (self.counts.sum() + size)
        if self.order == 1:
            return np.asarray(single, np.float64)
        first = np.where(x < size, x, 0)
        key = np.where((x < size) & (y < size), first * size + known, -1)
        at = np.minimum(np.searchsorted(self.pairs, key), len(self.pairs) - 1)
        together = np.where(self.pairs[at] == key, self.pair_counts[at], 0)
        return np.asarray((together + single) / (np.where(x < size, self.before[first], 0) + 1), np.float64)

    def losses(self, features: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
        """Return -ln p of each token that comes, shape (n, length); NaN where a window is filled up."""
        p = self.probabilities(features.astype(np.int64), np.maximum(target, 0))
        return np.where(target >= 0, -np.log(p), np.nan)

    def predict(self, features: NDArray[Any]) -> NDArray[np.int64]:
        """The likeliest next token, shape (n, length)."""
        best = np.full(len(self.counts), int(self.counts.argmax()), np.int64)
        if self.order == 2:
            order = np.argsort(self.pair_counts, kind="stable")
            best[self.pairs[order] // len(self.counts)] = self.pairs[order] % len(self.counts)
        tokens = features.astype(np.int64)
        return best[np.where(tokens < len(best), tokens, 0)]
