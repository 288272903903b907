"""How sure a cross-validated figure is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.train.metrics import Interval, wilson
from gradwright.tune.statistics.numbers import check_share, finite
from gradwright.tune.statistics.resampled import corrected_error
from gradwright.tune.statistics.words import percent

__all__ = ["fold_interval", "leave_one_out_interval"]


def fold_interval(
    scores: Any, train_rows: int | Sequence[int], test_rows: int | Sequence[int], *, alpha: float = 0.05
) -> Interval:
    """Return the mean score over folds with an interval corrected for the training rows that folds share.

    Equation: x̄ ± t₁₋α⸝₂·√((1/J + n_test/n_train)·s²), Student's t with J − 1 degrees of freedom. It is not cut at the
    ends of the measure's range.

    Parameters
    ----------
    scores : (J,) numbers, J >= 2; more dimensions are taken in order
        One a fold; for repeats all of them.
    train_rows, test_rows : int or (J,) integers
        Rows trained on and scored in a fold.
    alpha : float
        The interval has level 1 − alpha.

    Raises
    ------
    ConfigError
        For fewer than two scores, NaN, infinity, or sizes that make no sense.

    Examples
    --------
    >>> i = fold_interval([0.9, 0.92, 0.88, 0.94, 0.91], train_rows=80, test_rows=20)
    >>> round(i.value, 3), round(i.low, 3), round(i.high, 3)
    (0.91, 0.868, 0.952)

    References
    ----------
    C. Nadeau and Y. Bengio (Machine Learning 52, 2003), section 5.
    """
    from scipy.stats import t

    check_share("alpha", alpha)
    x = finite("scores", np.ravel(np.asarray(scores)), least=2)
    mean = float(x.mean())
    half = float(t.ppf(1 - alpha / 2, len(x) - 1)) * corrected_error(x, train_rows, test_rows)
    return Interval(mean, mean - half, mean + half, f"corrected resampled t over {len(x)} folds, {percent(1 - alpha)}")


def leave_one_out_interval(right: Any) -> Interval:
    """Return leave-one-out's accuracy with Wilson's 95% interval.

    A fold is one row, right or wrong, so the spread over folds says nothing that the accuracy does not; the rows are
    counted as trials. That the trainings share nearly all rows is not in it.

    Parameters
    ----------
    right : (rows,) of 0 and 1
        Whether each row was classified rightly by the network trained on all others.

    Examples
    --------
    >>> i = leave_one_out_interval([1] * 97 + [0] * 3)
    >>> i.value, round(i.low, 4), round(i.high, 4)
    (0.97, 0.9155, 0.9897)

    References
    ----------
    E. B. Wilson (JASA 22, 1927).
    """
    hits = finite("right", right)
    if not np.isin(hits, (0, 1)).all():
        raise ConfigError("right: expected 1 for a row classified rightly and 0 for a wrong one")
    return wilson(int(hits.sum()), len(hits))
