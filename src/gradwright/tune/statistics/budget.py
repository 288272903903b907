"""The best score to expect from a budget: what fewer configurations would have found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.tune.statistics.numbers import finite

__all__ = ["ExpectedBest", "expected_best"]


@dataclass(frozen=True)
class ExpectedBest:
    """The best validation score to expect, by the number of configurations tried.

    `expected[i]` and `std[i]`, its standard deviation, belong to ``budget[i] = i + 1`` configurations.
    """

    budget: NDArray[np.int64]
    expected: NDArray[np.float64]
    std: NDArray[np.float64]
    words: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a record."""
        return {
            "budget": self.budget.tolist(),
            "expected": self.expected.tolist(),
            "std": self.std.tolist(),
            "words": self.words,
            "source": self.source,
        }


def expected_best(scores: Any, *, higher_is_better: bool = True) -> ExpectedBest:
    """Return the expected best of 1, 2, …, N configurations drawn at random.

    Equation: E[max of n] = Σᵢ vᵢ·(P(V <= vᵢ)ⁿ − P(V < vᵢ)ⁿ), P the shares among the N scores; the variance from the
    same weights. Where lower is better, the least in place of the largest.

    It draws with replacement from the scores themselves: at n = N it stays below the best one found, and it says
    nothing beyond N. It holds for random search; a search that learns from its trials does not draw them alike.

    Parameters
    ----------
    scores : (N,) numbers
        Validation scores in any order; failed trainings left out.
    higher_is_better : bool
        Which end is best.

    Raises
    ------
    ConfigError
        For no scores, NaN or infinity.

    Examples
    --------
    >>> expected_best([0.9, 0.8]).expected.round(3).tolist()
    [0.85, 0.875]

    References
    ----------
    J. Dodge, S. Gururangan, D. Card, R. Schwartz and N. A. Smith (EMNLP 2019), equations 4 to 8.
    """
    wish = 1.0 if higher_is_better else -1.0
    v = np.sort(wish * finite("scores", scores))
    n = len(v)
    budget = np.arange(1, n + 1)
    below = (np.arange(n + 1) / n)[:, None] ** budget  # (N + 1, budgets): P(at most i of N)ⁿ; equal scores add up
    weights = np.diff(below, axis=0)
    mean = v @ weights
    # from the mean, not as E[V²] − E[V]², which loses all digits of a small variance
    std = np.sqrt(((v[:, None] - mean) ** 2 * weights).sum(axis=0))
    words = (
        f"The best validation score to expect had only some of the {n:,} configurations been tried at random. It holds "
        "for random search, and says nothing beyond what was tried."
    )
    source = "J. Dodge et al. (EMNLP 2019)"
    return ExpectedBest(budget.astype(np.int64), wish * mean, std, words, source)
