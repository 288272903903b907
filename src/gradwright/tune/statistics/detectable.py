"""How large a difference must be before a comparison is likely to see it."""

from __future__ import annotations

import math

from gradwright.errors import ConfigError
from gradwright.tune.statistics.numbers import check_share
from gradwright.tune.statistics.words import Comparison

__all__ = ["detectable_accuracy", "detectable_difference", "not_seen"]


def detectable_difference(
    standard_error: float, df: float | None = None, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the true difference that a two-sided t test sees with the given power.

    Equation: (t₁₋α⸝₂ + t_power)·SE, quantiles of Student's t with `df` degrees of freedom, of the normal without.

    Parameters
    ----------
    standard_error : float
        Of the difference, >= 0, in its own unit.
    df : float, optional
        Degrees of freedom, > 0.
    alpha, power : float
        Share of false alarms accepted, and share of true differences of that size that are seen.

    Examples
    --------
    >>> round(detectable_difference(1.0), 3)
    2.802

    References
    ----------
    H. S. Bloom (Evaluation Review 19, 1995), "Minimum detectable effects".
    """
    from scipy import stats

    check_share("alpha", alpha)
    check_share("power", power)
    if not standard_error >= 0:
        raise ConfigError(f"standard_error: expected a number from 0, got {standard_error!r}")
    ppf = stats.norm.ppf if df is None else stats.t(df).ppf
    return float((ppf(1 - alpha / 2) + ppf(power)) * standard_error)


def detectable_accuracy(rows: int, disagree: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Return the true difference in accuracy that McNemar's test on one split sees with the given power.

    Equation: the δ with n = (z₁₋α⸝₂·√ψ + z_power·√(ψ − δ²))² / δ², ψ the share of rows that one of the two gets right
    and the other wrong.

    Parameters
    ----------
    rows : int
        Rows both were judged on, at least 1.
    disagree : float
        ψ, from 0 to 1. Without results, the sum of the two error rates is its upper end.
    alpha, power : float
        As for `detectable_difference`.

    Returns
    -------
    float or None
        None when no difference that ψ allows (δ <= ψ) would be seen so often.

    Examples
    --------
    >>> round(detectable_accuracy(1000, 0.1), 3)
    0.028

    References
    ----------
    R. J. Connor (Biometrics 43, 1987), equation for the sample size, solved for δ.
    """
    from scipy.stats import norm

    check_share("alpha", alpha)
    check_share("power", power)
    if rows < 1 or not 0 <= disagree <= 1:
        raise ConfigError(
            f"rows, disagree: expected at least 1 row and a share from 0 to 1, got {rows!r}, {disagree!r}"
        )
    test, seen = float(norm.ppf(1 - alpha / 2)), float(norm.ppf(power))
    # the quadratic (δ√n − z₁√ψ)² = z₂²(ψ − δ²), whose larger root has δ√n > z₁√ψ
    first = test * math.sqrt(rows * disagree)
    inner = first**2 - (rows + seen**2) * disagree * (test**2 - seen**2)
    if disagree == 0 or inner < 0:
        return None
    found = (first + math.sqrt(inner)) / (rows + seen**2)
    return found if found <= disagree else None


def not_seen(of: Comparison, smallest: float, given: str, *, power: float = 0.8) -> str:
    """Say which differences could not be relied upon to show."""
    return (
        f"{given}, a true difference below about {of.amount(smallest)} would have been missed "
        f"more often than {round(100 * (1 - power))} times in 100."
    )
