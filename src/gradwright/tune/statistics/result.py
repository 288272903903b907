"""What every comparison gives back: numbers, and what they say in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

__all__ = ["TestResult"]


@dataclass(frozen=True)
class TestResult:
    """The result of one comparison of A with B.

    Attributes
    ----------
    name : str
        The test's name for readers.
    statistic, p : float or None
        The test statistic and its two-sided p-value: how often equal methods would give a statistic at least this
        extreme. None where nothing could be computed (`words` say why) or where the method has none.
    df : tuple of float or None
        Degrees of freedom of the statistic's distribution.
    difference : float
        The figure of A minus the figure of B, in the figure's own unit (0.01 is one point of accuracy).
    low, high : float or None
        The interval of the difference; None where the method has none.
    words : str
        What may be concluded and what may not.
    source : str
        Who published the method, and when.
    """

    __test__: ClassVar[bool] = False  # a result, though pytest would take the name for a class of tests

    name: str
    statistic: float | None
    p: float | None
    df: tuple[float, ...] | None
    difference: float
    low: float | None
    high: float | None
    words: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a record: numbers, None, text, and a list for several degrees of freedom."""
        df = None if self.df is None else self.df[0] if len(self.df) == 1 else list(self.df)
        return {**asdict(self), "df": df}
