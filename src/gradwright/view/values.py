"""A tensor as it is shown: its numbers where they are few, otherwise what they look like together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradwright.errors import ShapeError

__all__ = ["Known", "Unknown", "Values"]


@dataclass(frozen=True)
class Values:
    """The numbers of a tensor, without the tensor.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
    numbers : tuple of numbers, or None
        All of them, row by row; None where there are too many to hold.
    mean, low, high : float
        Of the finite ones; NaN where there is none.
    bins : tuple of int
        How many finite numbers lie in equal parts of the way from `low` to `high`; empty for few numbers.
    strange : int
        How many are NaN or infinite.
    """

    shape: tuple[int, ...]
    dtype: str
    numbers: tuple[Any, ...] | None
    mean: float
    low: float
    high: float
    bins: tuple[int, ...] = ()
    strange: int = 0

    @property
    def size(self) -> int:
        """How many numbers there are."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    def item(self) -> Any:
        """Return the one number that this is.

        Raises
        ------
        ShapeError
            There are more, or none.
        """
        if self.numbers is None or len(self.numbers) != 1:
            raise ShapeError(f"item() needs exactly one element; these values have the shape {self.shape}")
        return self.numbers[0]

    def tolist(self) -> Any:
        """Return the numbers as nested lists.

        Raises
        ------
        ShapeError
            There were too many to hold; ``graph(…, largest=…)`` holds more.

        Examples
        --------
        >>> Values((2, 2), "float32", (1.0, 2.0, 3.0, 4.0), 2.5, 1.0, 4.0).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
        """
        if self.numbers is None:
            raise ShapeError(
                f"tolist() on {self.size} values of shape {self.shape}: only a summary of them was taken. "
                f"Call graph(…, largest={self.size})."
            )
        if not self.shape:
            return self.numbers[0]
        return _nested(self.numbers, self.shape)


def _nested(numbers: tuple[Any, ...], shape: tuple[int, ...]) -> list[Any]:
    if len(shape) == 1:
        return list(numbers)
    step = len(numbers) // shape[0] if shape[0] else 0
    return [_nested(numbers[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


@dataclass(frozen=True)
class Unknown:
    """Values that cannot be shown, and why."""

    why: str


Known = Values | Unknown
