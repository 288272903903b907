"""The same configuration with several seeds, and two configurations over seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.statistics.detectable import detectable_difference, not_seen
from gradwright.tune.statistics.numbers import check_share, finite, same_everywhere
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.words import Comparison, conclusion, percent

__all__ = ["SeedSummary", "compare_seeds", "summarize_seeds"]


@dataclass(frozen=True)
class SeedSummary:
    """N scores of one configuration: their mean with its interval, and how far seeds alone spread them.

    `std` (n − 1 in the denominator), `low` and `high` are None for a single seed.
    """

    seeds: int
    mean: float
    std: float | None
    low: float | None
    high: float | None
    smallest: float
    largest: float
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a record."""
        return asdict(self)


def summarize_seeds(scores: Any, *, alpha: float = 0.05, of: Comparison | None = None) -> SeedSummary:
    """Return mean, spread and interval of the mean over seeds.

    Equation: x̄ ± t₁₋α⸝₂·s/√N, Student's t with N − 1 degrees of freedom.

    The split is the same for all: the interval is about training again on these rows, not about other rows.

    Parameters
    ----------
    scores : (N,) numbers
        One a seed.
    alpha : float
        The interval has level 1 − alpha.
    of : Comparison, optional
        The measure, for the words; `a` is the configuration's name.

    Raises
    ------
    ConfigError
        For no scores, NaN or infinity.

    Examples
    --------
    >>> s = summarize_seeds([0.95, 0.96, 0.97, 0.96])
    >>> round(s.mean, 3), round(s.std, 4), round(s.low, 3), round(s.high, 3)
    (0.96, 0.0082, 0.947, 0.973)
    """
    of = of or Comparison()
    check_share("alpha", alpha)
    x = finite("scores", scores)
    mean, ends = float(x.mean()), (float(x.min()), float(x.max()))
    if len(x) == 1:
        words = f"One seed: how much {of.metric} changes from seed to seed is not known."
        return SeedSummary(1, mean, None, None, None, *ends, words)
    from scipy.stats import t

    std = 0.0 if same_everywhere(x) else float(x.std(ddof=1))
    half = float(t.ppf(1 - alpha / 2, len(x) - 1)) * std / np.sqrt(len(x))
    words = (
        f"Over {len(x)} seeds {of.metric} has a mean of {_figure(of, mean)} and a standard deviation of "
        f"{of.amount(std)}; the {percent(1 - alpha)} interval of the mean: {_figure(of, mean - half)} to "
        f"{_figure(of, mean + half)}. It is about training again on these rows, not about other rows."
    )
    return SeedSummary(len(x), mean, std, float(mean - half), float(mean + half), *ends, words)


def compare_seeds(a: Any, b: Any, *, paired: bool, alpha: float = 0.05, of: Comparison | None = None) -> TestResult:
    """Return the difference of two configurations over seeds, with a t test.

    Equation: over the same seeds t = d̄/(s_d/√N) with N − 1 degrees of freedom; over different ones Welch's
    t = (x̄ − ȳ)/√(s_x²/N + s_y²/M) with the Welch–Satterthwaite degrees of freedom.

    Parameters
    ----------
    a, b : (N,) and (M,) numbers
        Scores of the two, one a seed; in the same order of the same seeds when `paired`.
    paired : bool
        Whether both used the same seeds (and with them the same order of the data). When in doubt, False.
    alpha : float
        The share of false alarms that the words accept; the interval has level 1 − alpha.
    of : Comparison, optional
        Names and measure for the words.

    Returns
    -------
    TestResult
        The words call a difference smaller than the seeds' spread that; the spread is √((s_a² + s_b²)/2). With one
        seed an arm, or without any spread, there is no statistic, and the words say so.

    Raises
    ------
    ConfigError
        For no scores, NaN, infinity, or different numbers of scores when `paired`.

    Examples
    --------
    >>> r = compare_seeds([0.95, 0.96, 0.97, 0.96], [0.95, 0.95, 0.96, 0.97], paired=True)
    >>> round(r.difference, 4), round(r.p, 3)
    (0.0025, 0.638)

    References
    ----------
    Student (Biometrika 6, 1908); B. L. Welch (Biometrika 34, 1947).
    """
    of = of or Comparison()
    check_share("alpha", alpha)
    x, y = finite("a", a), finite("b", b)
    if paired and len(x) != len(y):
        raise ConfigError(f"a, b: expected the same seeds in both when paired, got {len(x)} and {len(y)} scores")
    name = "paired t test over seeds" if paired else "Welch's t test over seeds"
    source = "Student (Biometrika 6, 1908)" if paired else "B. L. Welch (Biometrika 34, 1947)"
    difference = float((x - y).mean() if paired else x.mean() - y.mean())
    if min(len(x), len(y)) < 2:
        words = f"{of.gap(difference, '')} One seed an arm: whether that is more than luck cannot be said."
        return TestResult(name, None, None, None, difference, None, None, words, source)
    still = same_everywhere(x - y) if paired else same_everywhere(x) and same_everywhere(y)
    if still:
        same = "Every seed gives the same difference" if paired else "The seeds make no difference within either arm"
        words = f"{of.gap(difference)} {same}, so there is no spread to judge it by."
        return TestResult(name, None, None, None, difference, None, None, words, source)
    from scipy.stats import t

    if paired:
        error, df = float((x - y).std(ddof=1) / np.sqrt(len(x))), float(len(x) - 1)
    else:
        error, df = _welch(x, y)
    statistic = difference / error
    p, half = float(2 * t.sf(abs(statistic), df)), float(t.ppf(1 - alpha / 2, df)) * error
    low, high = difference - half, difference + half
    spread = float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2))
    words = conclusion(
        of,
        difference,
        p,
        alpha=alpha,
        about="on average over seeds, trained and scored on these rows",
        interval=(low, high),
        detectable=not_seen(of, detectable_difference(error, df, alpha=alpha), "With these seeds and their spread"),
    )
    if abs(difference) < spread:
        words += (
            f" The difference is smaller than the seeds' spread (a standard deviation of {of.amount(spread)}): "
            "with one seed each, either could come out ahead."
        )
    return TestResult(name, statistic, p, (df,), difference, low, high, words, source)


def _welch(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the standard error of the difference of two means and its degrees of freedom."""
    # rounding in equal scores is no spread
    parts = [0.0 if same_everywhere(v) else float(v.var(ddof=1)) / len(v) for v in (x, y)]
    total = sum(parts)
    # shares of the total, whose squares do not vanish as those of tiny variances would
    shares = [(part / total) ** 2 / (len(v) - 1) for part, v in zip(parts, (x, y), strict=True)]
    return float(np.sqrt(total)), 1 / sum(shares)


def _figure(of: Comparison, value: float) -> str:
    return f"{value:.1%}" if of.share else f"{value:.4g}"
