"""What may be concluded from a comparison, and what may not, in plain words.

A p-value is how often methods that are equally good would give data at least this far apart. It is not the chance that
they are equal, nor the chance that A is better; no sentence here says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradwright.errors import ConfigError
from gradwright.tune.statistics.numbers import check_share

__all__ = ["Comparison", "conclusion", "count_of", "percent", "repeated_testing"]


@dataclass(frozen=True)
class Comparison:
    """Who is compared by what: names and a measure, from which sentences are made.

    Parameters
    ----------
    a, b : str
        Names of the two arms. Differences are A's figure minus B's.
    metric : str
        The measure's name for readers.
    share : bool
        Whether it lies between 0 and 1, so that differences are told in percentage points.
    higher_is_better : bool
        Whether more of it is better.

    Examples
    --------
    >>> Comparison("wide", "narrow").gap(0.008)
    "wide's mean accuracy is 0.8 percentage points higher than narrow's (higher is better)."
    >>> Comparison.by("rmse").gap(-0.25)
    "A's mean RMSE is 0.25 lower than B's (lower is better)."
    """

    a: str = "A"
    b: str = "B"
    metric: str = "accuracy"
    share: bool = True
    higher_is_better: bool = True

    @classmethod
    def by(cls, metric: str, a: str = "A", b: str = "B") -> Comparison:
        """Return the comparison by a run's measure, as `gradwright.train.assess` names it, or by ``"loss"``."""
        if metric == "loss":
            return cls(a, b, "loss", share=False, higher_is_better=False)
        from gradwright.train.assess import METRICS, is_share

        if metric not in METRICS:
            raise ConfigError(f"metric: expected one of {', '.join([*METRICS, 'loss'])}, got {metric!r}")
        name, higher = METRICS[metric]
        return cls(a, b, name, is_share(metric), higher)

    def amount(self, size: float) -> str:
        """Write the size of a difference, without its sign, with its unit."""
        return f"{_digits(abs(size) * 100)} percentage points" if self.share else _digits(abs(size))

    def gap(self, difference: float, figure: str = "mean ") -> str:
        """Say who is ahead, and by how much."""
        figure = "" if self.metric.startswith(figure) else figure  # no "mean mean R²"
        if difference == 0:
            return f"{self.a} and {self.b} have the same {figure}{self.metric}."
        way, wish = "higher" if difference > 0 else "lower", "higher" if self.higher_is_better else "lower"
        return (
            f"{self.a}'s {figure}{self.metric} is {self.amount(difference)} {way} than {self.b}'s ({wish} is better)."
        )

    def ahead(self, difference: float) -> str:
        """Return the name of the arm that a difference speaks for."""
        return self.a if (difference > 0) == self.higher_is_better else self.b

    def interval(self, low: float, high: float, level: float, method: str = "") -> str:
        """Say between what numbers the difference A − B lies."""
        unit, scale = (" percentage points", 100) if self.share else ("", 1)
        by = f" ({method})" if method else ""
        return (
            f"The {percent(level)} interval of {self.a} − {self.b}{by}: "
            f"{_signed(low * scale)} to {_signed(high * scale)}{unit}."
        )


def conclusion(
    of: Comparison,
    difference: float,
    p: float,
    *,
    alpha: float,
    about: str,
    event: str = "a difference this large or larger, in either direction,",
    interval: tuple[float, float] | None = None,
    interval_method: str = "",
    detectable: str = "",
    figure: str = "mean ",
) -> str:
    """Say what a test's p-value allows to conclude.

    Parameters
    ----------
    of : Comparison
        Who is compared by what.
    difference, p : float
        A minus B, and the two-sided p-value.
    alpha : float
        The share of false alarms that is accepted among comparisons of equal methods.
    about : str
        What the test speaks about, after "differ": "when trained on 90 rows like these".
    event : str
        What p counts.
    interval : (low, high), optional
        The interval of the difference at level 1 − alpha.
    detectable : str
        What could not have been seen, as a sentence.

    Returns
    -------
    str
        Sentences.
    """
    check_share("alpha", alpha)
    said = [of.gap(difference, figure)]
    said.append(f"If the two were equally good, {event} would turn up in {count_of(p)} such comparisons (p = {p:.2g}).")
    if p < alpha:
        said.append(
            f"That is rarer than the accepted {count_of(alpha, about=False)}: one may conclude that the two differ "
            + about
            + (f", with {of.ahead(difference)} ahead" if difference else "")
            + ". p is not the chance that this is wrong, nor does it say that the difference matters."
        )
    else:
        better = f"that {of.ahead(difference)} is better" if difference else "that either is better"
        said.append(f"This does not show {better}, and it does not show that the two are equal.")
    if interval is not None:
        said.append(of.interval(*interval, 1 - alpha, interval_method))
        if (p < alpha) != (interval[0] > 0 or interval[1] < 0):
            said.append("Test and interval are different approximations and disagree here: take it as undecided.")
    if detectable and p >= alpha:
        said.append(detectable)
    return " ".join(said)


def count_of(p: float, *, about: bool = True) -> str:
    """Write a share as a count, with as many digits as it deserves.

    Examples
    --------
    >>> count_of(0.31), count_of(0.004), count_of(2e-5), count_of(1.0)
    ('about 31 of 100', 'about 4 of 1,000', 'fewer than 1 of 1,000', 'all')
    """
    if p >= 1:
        return "all"
    if p < 0.001:
        return "fewer than 1 of 1,000"
    if p > 0.995:
        return "more than 99 of 100"
    of = 100 if p >= 0.00995 else 1000
    return f"{'about ' if about else ''}{round(of * p)} of {of:,}"


def repeated_testing(comparisons: int, *, alpha: float = 0.05) -> str:
    """Say what having compared before on the same data does to the next conclusion.

    Equation: by Boole's inequality, P(at least one false alarm among m) ≤ m·α, whatever the dependence; testing each at
    α/m keeps it at α.

    Parameters
    ----------
    comparisons : int
        How many comparisons were made on these data so far, this one included; at least 1.
    alpha : float
        The accepted share of false alarms.

    Examples
    --------
    >>> print(repeated_testing(4))
    This was the 4th comparison on the same data. Each has its own chance of a false alarm: with equal methods
    throughout, at least one of 4 falls below 0.05 by luck in up to 20 of 100 such series. To keep that at 5 of 100,
    correct the p-values (Holm), or call a difference shown only below p = 0.013.

    References
    ----------
    C. E. Bonferroni (1936); S. Holm (Scandinavian Journal of Statistics 6, 1979).
    """
    if comparisons < 1:
        raise ConfigError(f"comparisons: expected a count from 1, got {comparisons!r}")
    check_share("alpha", alpha)
    if comparisons == 1:
        return (
            "This was the first comparison on these data. Repeating it with other seeds, splits or settings until "
            "one comes out is a way to find differences that are not there."
        )
    most = "up to " + count_of(comparisons * alpha, about=False) if comparisons * alpha < 1 else "possibly all"
    return (
        f"This was the {_ordinal(comparisons)} comparison on the same data. Each has its own chance of a false alarm: "
        f"with equal methods throughout, at least one of {comparisons} falls below {alpha:g} by luck in {most} "
        f"such series. To keep that at {count_of(alpha, about=False)}, correct the p-values (Holm), or call a "
        f"difference shown only below p = {alpha / comparisons:.2g}."
    )


def percent(share: float) -> str:
    """Write a share in percent without needless digits."""
    return f"{round(100 * share, 2):g}%"


def _digits(size: float) -> str:
    if size >= 1000:
        return f"{size:,.0f}"
    return f"{size:.1f}" if size >= 10 else f"{size:.2g}"


def _signed(value: float) -> str:
    return ("−" if value < 0 else "+" if value > 0 else "") + _digits(abs(value))


def _ordinal(number: int) -> str:
    end = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{end}"
