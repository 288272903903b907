"""What trying many configurations does to the best score."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError
from gradwright.tune.statistics.numbers import finite
from gradwright.tune.statistics.words import Comparison

__all__ = [
    "Optimism",
    "best_without_luck",
    "expected_largest",
    "one_standard_error",
    "score_noise",
    "selection_optimism",
]


@dataclass(frozen=True)
class Optimism:
    """How much of the best score is luck in being chosen.

    Attributes
    ----------
    tried : int
        Configurations that got a score.
    best : float
        The best validation score.
    noise : float or None
        The standard deviation of one score over draws of the validation rows.
    bound : float or None
        The largest expected optimism, as if all were equally good.
    estimate : float or None
        The expected optimism, given how far the scores lie apart or, better, how they change with the rows.
    corrected : float or None
        The best score less the estimate (or plus, where lower is better).
    words, source : str
        What that means, and who says so.
    """

    tried: int
    best: float
    noise: float | None
    bound: float | None
    estimate: float | None
    corrected: float | None
    words: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a record."""
        return asdict(self)


def expected_largest(count: int) -> float:
    """Return the expected largest of independent standard normal numbers.

    Equation: ∫ z·K·φ(z)·Φ(z)ᴷ⁻¹ dz <= √(2·ln K).

    Parameters
    ----------
    count : int
        K, at least 1.

    Examples
    --------
    >>> round(expected_largest(2), 4), round(expected_largest(10), 4)
    (0.5642, 1.5388)

    References
    ----------
    H. L. Harter (Biometrika 48, 1961), table 1.
    """
    if count < 1:
        raise ConfigError(f"count: expected at least 1, got {count!r}")
    if count == 1:
        return 0.0
    from scipy.special import log_ndtr

    # smooth and gone at both ends, where equal steps are as good as any rule
    z = np.linspace(-12.0, 12.0, 4801)
    density = np.exp(math.log(count) - z**2 / 2 - math.log(2 * math.pi) / 2 + (count - 1) * log_ndtr(z))
    return float((z * density).sum() * (z[1] - z[0]))


def score_noise(metric: str, score: float, rows: int) -> float | None:
    """Return the standard deviation of one score over draws of its rows, None for a measure without a simple one.

    Equations: a share of n rows: √(p̃(1 − p̃)/n), p̃ = (p·n + 2)/(n + 4); RMSE with normal errors: RMSE/√(2n).

    Parameters
    ----------
    metric : {"accuracy", "rmse"}
        Another measure gives None.
    score : float
        The measure's value.
    rows : int
        Rows it was measured on, at least 1.

    Examples
    --------
    >>> round(score_noise("accuracy", 0.9, 400), 4), round(score_noise("rmse", 2.0, 200), 4)
    (0.0153, 0.1)

    References
    ----------
    A. Agresti and B. A. Coull (The American Statistician 52, 1998), p̃, which keeps a score of 1 from having no noise.
    """
    if rows < 1:
        raise ConfigError(f"rows: expected at least 1, got {rows!r}")
    if metric == "accuracy":
        share = (score * rows + 2) / (rows + 4)
        return math.sqrt(share * (1 - share) / rows)
    return score / math.sqrt(2 * rows) if metric == "rmse" else None


def selection_optimism(scores: Any, noise: float | None, *, of: Comparison | None = None) -> Optimism:
    """Return how much the best of several validation scores promises too much, from the scores alone.

    Equations: bound σ·m_K, m_K the expected largest of K standard normal numbers; estimate min(σ², S²)/S·m_C over the C
    contenders, the scores within 4σ of the best, and S their standard deviation: what a normal score of variance S²,
    of which σ² is noise, is expected to owe to noise when it is the largest of C.

    Assumptions: scores have normal noise with the same σ. The bound holds whatever the true scores are and however they
    hang together, as long as no two noises are correlated negatively (independent noise is the worst case); scores on
    the same validation rows share much of their noise, which moves all of them alike and chooses none. The
    estimate takes them as independent, and so errs on the large side there; `best_without_luck` needs no such guess.

    Parameters
    ----------
    scores : (K,) numbers
        The validation score of each configuration tried; failed ones left out.
    noise : float or None
        σ, from `score_noise`; None when it is not known, and only words come back.
    of : Comparison, optional
        The measure, for the words and for which end is best.

    Raises
    ------
    ConfigError
        For no scores, NaN, infinity or a negative noise.

    Examples
    --------
    >>> o = selection_optimism([0.93, 0.95, 0.94, 0.96, 0.95], score_noise("accuracy", 0.96, 100))
    >>> round(o.bound, 3), round(o.estimate, 3), round(o.corrected, 3)
    (0.027, 0.013, 0.947)

    References
    ----------
    D. Slepian (Bell System Technical Journal 41, 1962), independence as the worst case; G. C. Cawley and
    N. L. C. Talbot (Journal of Machine Learning Research 11, 2010), the effect.
    """
    of = of or Comparison()
    x = finite("scores", scores)
    if noise is not None and not (noise >= 0 and math.isfinite(noise)):
        raise ConfigError(f"noise: expected a number from 0 or None, got {noise!r}")
    best = float(x.max() if of.higher_is_better else x.min())
    source = "D. Slepian (1962); G. C. Cawley and N. L. C. Talbot (JMLR 11, 2010)"
    if len(x) == 1:
        words = "One configuration was tried: its score was not chosen, so choosing has not flattered it."
        return Optimism(1, best, noise, 0.0, 0.0, best, words, source)
    told = f"{len(x):,} configurations were tried and the best was kept. The best of many scores is partly the luckiest"
    if noise is None:
        words = f"{told}: expect less on other rows."
        return Optimism(len(x), best, None, None, None, None, words, source)
    bound = noise * expected_largest(len(x))
    contenders = x[np.abs(x - best) <= 4 * noise]
    estimate = 0.0
    if len(contenders) > 1 and np.ptp(contenders) > 0:
        spread = float(contenders.std(ddof=1))
        estimate = min(noise**2, spread**2) / spread * expected_largest(len(contenders))
    # equal scores hold no evidence that any was lucky: nothing was chosen among them
    corrected = best - estimate if of.higher_is_better else best + estimate
    words = (
        f"{told}: one score is known to about ±{of.amount(noise)} (one standard deviation over draws of the validation "
        f"rows). Were all equally good, the best would be expected to promise up to {of.amount(bound)} too much; "
        f"as the scores lie, about {of.amount(estimate)}. Both take the scores' noise as independent, the worst case."
    )
    return Optimism(len(x), best, noise, bound, estimate, corrected, words, source)


def best_without_luck(
    rows: Any,
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    *,
    draws: int = 500,
    seed: int = 0,
    of: Comparison | None = None,
) -> Optimism:
    """Return the best score corrected for having been chosen, from what every configuration did on every row.

    Equation: figure(mean over draws r* of rows[k*, not in r*]), k* the best configuration on the drawn rows r*: the
    choice is repeated on rows drawn with replacement, and the chosen one is scored on the rows that were not drawn
    (bootstrap bias-corrected cross-validation). The scores' correlation is in it, for all are drawn the same rows.

    Parameters
    ----------
    rows : (K, n) numbers
        What each validation row adds to each configuration's figure: 1 for a hit and 0 for a miss, or squared errors.
    figure : callable, optional
        From means over rows to the measure: nothing for accuracy, `numpy.sqrt` for RMSE.
    draws : int
        At least 100.
    seed : int
        Of the draws.
    of : Comparison, optional
        The measure, for the words and for which end is best.

    Raises
    ------
    ConfigError
        For another shape, NaN, infinity, fewer than 10 rows or 100 draws.

    Examples
    --------
    >>> luck = np.random.default_rng(1).random((40, 200)) < 0.8  # 40 equally good ones
    >>> o = best_without_luck(luck)
    >>> round(o.best, 3), abs(o.corrected - 0.8) < 0.02
    (0.85, True)

    References
    ----------
    I. Tsamardinos, E. Greasidou and G. Borboudakis (Machine Learning 107, 2018), algorithm 5 (BBC-CV).
    """
    of = of or Comparison()
    table = np.asarray(rows)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 10:
        raise ConfigError(f"rows: expected (configurations, at least 10 rows), got shape {table.shape}")
    if draws < 100:
        raise ConfigError(f"draws: expected at least 100, got {draws!r}")
    x = finite("rows", table, shape=table.shape)
    count, n = x.shape
    measure = figure if figure is not None else _itself
    wish = 1.0 if of.higher_is_better else -1.0
    scores = measure(x.mean(axis=1))
    best = float(wish * (wish * scores).max())
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)  # (draws, n) how often each row
    left = (drawn == 0).astype(np.float64)
    chosen = np.argmax(wish * measure(drawn @ x.T / n), axis=1)
    # the chosen one's mean over the rows left out; with 10 rows or more some nearly always are
    some = left.sum(axis=1) > 0
    outside = np.einsum("dn,dn->d", left[some], x[chosen[some]]) / left[some].sum(axis=1)
    corrected = float(measure(outside.mean(keepdims=True))[0])
    estimate = wish * (best - corrected)
    source = "I. Tsamardinos, E. Greasidou and G. Borboudakis (Machine Learning 107, 2018)"
    if count == 1:
        words = "One configuration was tried: its score was not chosen, so choosing has not flattered it."
        return Optimism(1, best, None, 0.0, 0.0, best, words, source)
    if estimate < 0:
        estimate, corrected = 0.0, best
    words = (
        f"{count:,} configurations were tried and the best was kept. The best of many scores is partly the luckiest: "
        f"repeating the choice on {draws:,} draws of the {n:,} validation rows, the chosen one does about "
        f"{of.amount(estimate)} worse on the rows that it was not chosen by."
        if estimate
        else f"{count:,} configurations were tried and the best was kept. Repeating the choice on {draws:,} draws of "
        f"the {n:,} validation rows shows no luck in it."
    )
    return Optimism(count, best, None, None, float(estimate), corrected, words, source)


def one_standard_error(scores: Any, errors: Any, complexity: Any, *, higher_is_better: bool = True) -> int:
    """Return the place of the simplest configuration that scores within one standard error of the best.

    Equation: argmin of complexity over {k : score_k >= max score − SE of the best}, or the mirror image; among equally
    simple ones the better.

    Parameters
    ----------
    scores, errors, complexity : (K,) numbers
        Mean scores, their standard errors, and any measure of size, such as the count of weights.
    higher_is_better : bool
        Which end is best.

    Examples
    --------
    >>> one_standard_error([0.95, 0.94, 0.90], [0.02, 0.02, 0.02], [5000, 800, 100])
    1

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone, Classification and Regression Trees (1984), section 3.4.3.
    """
    x = finite("scores", scores)
    se, size = finite("errors", errors, shape=x.shape), finite("complexity", complexity, shape=x.shape)
    gain = x if higher_is_better else -x
    best = int(gain.argmax())
    within = np.flatnonzero(gain >= gain[best] - se[best])
    return int(min(within, key=lambda k: (size[k], -gain[k])))


def _itself(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means
