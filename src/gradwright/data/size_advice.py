"""How sure a figure can be, said before anything is trained: by the number of rows it will be of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradwright.data.messages import plural
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.data.splits import Split
    from gradwright.data.streaming import Streamed
    from gradwright.data.task import Task

__all__ = ["SizeAdvice", "size_advice"]

NARROW = 10_000  # test rows: ±0.6 points at an accuracy of 90%, ±1.4% of an RMSE
SMALL = 1_000  # below it: ±1.9 points or more at 90%, ±4.4% of an RMSE
_Z = 1.959963984540054  # the normal quantile of 97.5%


@dataclass(frozen=True)
class SizeAdvice:
    """What the parts' sizes allow to be said.

    Attributes
    ----------
    test, validation : int
        Rows there are.
    measure : {"accuracy", "rmse"}
        What the half-width is of.
    expected : float or None
        The accuracy that was supposed; None for RMSE.
    half_width : float
        Half of the test figure's 95% interval: of an accuracy as a share, of an RMSE relative to it. NaN without a
        test part.
    small : bool
        Whether the test part has fewer than 1,000 rows, or validation fewer than half of that.
    notes : tuple of str
        The advice in words.
    """

    test: int
    validation: int
    measure: str
    expected: float | None
    half_width: float
    small: bool
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields, as `data.json` holds them."""
        return {
            "test": self.test,
            "validation": self.validation,
            "measure": self.measure,
            "expected": self.expected,
            "half_width": None if math.isnan(self.half_width) else self.half_width,
            "small": self.small,
            "notes": list(self.notes),
        }


def size_advice(task: Task, parts: Split | Streamed, *, expected: float = 0.9) -> SizeAdvice:
    """Say what half-width the test figure's 95% interval will have, and whether the parts are large enough.

    For an accuracy p of n rows it is Wilson's, z/(1 + z²/n) · sqrt(p(1-p)/n + z²/4n²) with z = 1.96; for an RMSE, as
    a share of it, about 1.96/sqrt(2n), which supposes normal errors: long tails make it wider. About 10,000 test rows
    give a narrow interval, and half as many suffice for validation, which only has to put models in order.

    Parameters
    ----------
    task : Task
        Its kind: RMSE for regression, accuracy (of a row, a label or a token) for all others.
    parts : Split or Streamed
    expected : float
        The accuracy that may be expected, from 0 to 1; without meaning for regression.

    Returns
    -------
    SizeAdvice
        Where the parts are small its notes name the remedy, `k_fold`.

    Raises
    ------
    ConfigError
        ``expected`` is no share.

    Examples
    --------
    >>> from gradwright.data import infer_task, read, split
    >>> digits = read("digits")
    >>> task = infer_task(digits)
    >>> advice = size_advice(task, split(digits, task))
    >>> round(advice.half_width, 4), advice.small
    (0.036, True)
    >>> print(advice.notes[0])
    The test part has 270 rows: at an accuracy of 90% its 95% interval will be about ±3.6 points wide. ...

    References
    ----------
    E. B. Wilson (JASA 22, 1927), equation 3. The variance of a normal sample's standard deviation: s²/2n.
    """
    if not (isinstance(expected, int | float) and 0 <= expected <= 1):
        raise ConfigError(f"cannot advise: the expected accuracy is {expected!r}; expected a number from 0 to 1")
    test, validation = len(parts.test), len(parts.validation)
    regression = task.kind == "regression"
    width, narrow = (_half_width(n, None if regression else expected) for n in (test, NARROW))
    measure = "RMSE" if regression else f"accuracy of {expected:.0%}"
    notes = []
    if test == 0:
        notes.append("There is no test part: the figures are of validation, which was also used to choose.")
    elif regression:
        notes.append(
            f"The test part has {plural(test, 'row')}: the 95% interval of its RMSE will be about ±{width:.1%} of it "
            f"wide, more where errors have long tails."
        )
    else:
        notes.append(
            f"The test part has {plural(test, 'row')}: at an {measure} its 95% interval will be about "
            f"±{width * 100:.1f} points wide."
        )
    if test and test < NARROW:
        there = f"±{narrow:.1%}" if regression else f"±{narrow * 100:.1f} points"
        notes[-1] += f" About {NARROW:,} rows would give {there}."
    small = (0 < test < SMALL) or validation < SMALL // 2
    if small:
        which = [
            f"{name} ({plural(rows, 'row')})"
            for name, rows, least in (("test", test, SMALL), ("validation", validation, SMALL // 2))
            if rows < least and (rows or name == "validation")
        ]
        notes.append(
            f"Too small to tell good models apart: {' and '.join(which)}. Cross-validation holds every row out once "
            f"and gives a figure of all of them: k_fold(dataset, task, 5, repeats=5)."
        )
    return SizeAdvice(
        test,
        validation,
        "rmse" if regression else "accuracy",
        None if regression else float(expected),
        width,
        small,
        tuple(notes),
    )


def _half_width(n: int, p: float | None) -> float:
    if n == 0:
        return math.nan
    if p is None:
        return _Z / math.sqrt(2 * n)
    return _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
