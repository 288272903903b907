"""The t test for scores of overlapping training sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.statistics.detectable import detectable_difference, not_seen
from gradwright.tune.statistics.numbers import check_share, finite, same_everywhere
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.words import Comparison, conclusion

__all__ = ["corrected_error", "corrected_resampled_t"]

_NAME = "corrected resampled t test"
_SOURCE = "C. Nadeau and Y. Bengio (Machine Learning 52, 2003); R. R. Bouckaert and E. Frank (PAKDD 2004)"


def corrected_error(values: np.ndarray, train_rows: int | Sequence[int], test_rows: int | Sequence[int]) -> float:
    """Return the standard error of a mean over J splits, corrected for the rows that their training sets share.

    Equation: √((1/J + n_test/n_train)·s²), s² the unbiased variance over the splits.

    Parameters
    ----------
    values : (J,) numbers
        One a split.
    train_rows, test_rows : int or (J,) integers
        Rows trained on and scored; for splits of unequal size their sums are divided, which for k folds gives
        1/(k − 1) exactly.

    Raises
    ------
    ConfigError
        For sizes below 1 or another number of sizes than of values.
    """
    sizes = []
    for name, given in (("train_rows", train_rows), ("test_rows", test_rows)):
        rows = (
            np.broadcast_to(np.asarray(given, np.float64), values.shape) if np.ndim(given) == 0 else np.asarray(given)
        )
        if rows.shape != values.shape or not (rows >= 1).all():
            raise ConfigError(
                f"{name}: expected rows of a split, at least 1, or {len(values)} of them; got {given!r:.80}"
            )
        sizes.append(float(rows.sum()))
    return float(np.sqrt((1 / len(values) + sizes[1] / sizes[0]) * values.var(ddof=1)))


def corrected_resampled_t(
    differences: Any,
    train_rows: int | Sequence[int],
    test_rows: int | Sequence[int],
    *,
    alpha: float = 0.05,
    of: Comparison | None = None,
) -> TestResult:
    """Return the corrected resampled t test, for k-fold, repeated k-fold (10×10) and random splits.

    Equation: t = d̄ / √((1/J + n_test/n_train)·s²), against Student's t with J − 1 degrees of freedom. The ordinary t
    test has 1/J alone: it takes the splits for independent, although they share most of their training rows, and finds
    differences that are not there.

    Parameters
    ----------
    differences : (J,) numbers, J >= 2; more dimensions are taken in order
        A's score minus B's on every split; for r repeats of k folds all J = r·k of them.
    train_rows, test_rows : int or (J,) integers
        Rows trained on and scored in a split.
    alpha : float
        The share of false alarms that the words accept; the interval has level 1 − alpha.
    of : Comparison, optional
        Names and measure for the words.

    Returns
    -------
    TestResult
        With the interval d̄ ± t₁₋α⸝₂·SE. Without any spread there is no statistic, and the words say so.

    Raises
    ------
    ConfigError
        For fewer than two differences, NaN, infinity, or sizes that make no sense.

    Examples
    --------
    >>> r = corrected_resampled_t([0.02, 0.03, -0.01, 0.04, 0.01], train_rows=80, test_rows=20)
    >>> round(r.statistic, 3), round(r.p, 3), r.df
    (1.395, 0.235, (4.0,))

    References
    ----------
    C. Nadeau and Y. Bengio (Machine Learning 52, 2003), section 5; R. R. Bouckaert and E. Frank (PAKDD 2004),
    section 2.2, for 10×10 folds.
    """
    of = of or Comparison()
    check_share("alpha", alpha)
    d = finite("differences", np.ravel(np.asarray(differences)), least=2)
    mean, df = float(d.mean()), len(d) - 1
    error = corrected_error(d, train_rows, test_rows)
    if same_everywhere(d):
        if not d.any():
            words = f"{of.a} and {of.b} scored the same on all {len(d)} splits: there is nothing to test."
        else:
            words = f"{of.gap(mean)} All {len(d)} differences are the same, so there is no spread to judge them by."
        return TestResult(_NAME, None, None, None, mean, None, None, words, _SOURCE)
    from scipy.stats import t

    statistic = mean / error
    p = float(2 * t.sf(abs(statistic), df))
    half = float(t.ppf(1 - alpha / 2, df)) * error
    rows = round(float(np.mean(train_rows)))
    words = conclusion(
        of,
        mean,
        p,
        alpha=alpha,
        about=f"when trained on {rows:,} rows like these",
        interval=(mean - half, mean + half),
        detectable=not_seen(
            of, detectable_difference(error, df, alpha=alpha), f"With these {len(d)} splits and their spread"
        ),
    )
    return TestResult(_NAME, statistic, p, (float(df),), mean, mean - half, mean + half, words, _SOURCE)
