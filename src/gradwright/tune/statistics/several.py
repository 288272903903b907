"""P-values of several comparisons, corrected so that the whole family keeps its share of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError
from gradwright.tune.statistics.numbers import check_share, finite

__all__ = ["bonferroni", "holm", "holm_words"]


def bonferroni(p: Any) -> NDArray[np.float64]:
    """Return p-values corrected by Bonferroni's method, in the order given.

    Equation: p̃ᵢ = min(1, m·pᵢ).

    Parameters
    ----------
    p : (m,) numbers from 0 to 1

    Examples
    --------
    >>> bonferroni([0.01, 0.04, 0.6]).round(3).tolist()
    [0.03, 0.12, 1.0]
    """
    return np.minimum(1.0, _p(p) * np.size(p))


def holm(p: Any) -> NDArray[np.float64]:
    """Return p-values corrected by Holm's step-down method, in the order given: never larger than Bonferroni's.

    Equation: with p₍₁₎ <= … <= p₍ₘ₎: p̃₍ᵢ₎ = max over j <= i of min(1, (m − j + 1)·p₍ⱼ₎). Those below α may be called
    shown, with at most α chance of a single false one among them, whatever the tests' dependence.

    Parameters
    ----------
    p : (m,) numbers from 0 to 1

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]

    References
    ----------
    S. Holm (Scandinavian Journal of Statistics 6, 1979).
    """
    values = _p(p)
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1.0, values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(steps)
    return corrected


def holm_words(names: Sequence[str], p: Any, *, alpha: float = 0.05) -> str:
    """Say which of several comparisons hold once they are corrected for one another.

    Parameters
    ----------
    names : sequence of m str
        What each compares.
    p : (m,) numbers from 0 to 1
        Their p-values.
    alpha : float
        The accepted share of false alarms of all together.

    Examples
    --------
    >>> print(holm_words(["A with B", "A with C"], [0.04, 0.01]))
    2 comparisons were made at once; corrected for that (Holm), p is 0.04 for A with B (0.04 alone), 0.02 for A with C
    (0.01 alone). Below 0.05: A with B, A with C.
    """
    check_share("alpha", alpha)
    values = _p(p)
    if len(names) != len(values):
        raise ConfigError(f"names: expected one a p-value, {len(values)}, got {len(names)}")
    corrected = holm(values)
    each = ", ".join(f"{c:.2g} for {n} ({v:.2g} alone)" for n, c, v in zip(names, corrected, values, strict=True))
    shown = [name for name, c in zip(names, corrected, strict=True) if c < alpha]
    return (
        f"{len(values)} comparisons were made at once; corrected for that (Holm), p is {each}. "
        f"Below {alpha:g}: {', '.join(shown) or 'none of them'}."
    )


def _p(p: Any) -> NDArray[np.float64]:
    values = finite("p", p)
    if (values < 0).any() or (values > 1).any():
        place = int(np.flatnonzero((values < 0) | (values > 1))[0])
        raise ConfigError(f"p: expected numbers from 0 to 1, got {values[place]} at [{place}]")
    return values
