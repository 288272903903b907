"""Checks of values on the host: eagerly now; in a compiled step before each call, if the values are its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import is_concrete
from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, DTypeError, IndexOutOfRangeError

__all__ = ["check_index", "check_values", "concrete", "out_of_range"]


def check_values(array: Any, check: Callable[[np.ndarray], None]) -> None:
    """Run a check on numbers: now when they are there, before each call when a step is being traced."""
    if is_concrete(array):
        check(np.asarray(array))
    elif trace_now.trace is not None:
        trace_now.trace.check_input(array, check)


def check_index(name: str, index: Any, axis: int, shape: tuple[int, ...], *, negative: bool = False) -> None:
    """Refuse an array of indices into ``axis`` that are no integers, or of which one is out of range.

    Parameters
    ----------
    name : str
        Who asks.
    index : array
        Of either library; a tracer is checked before each call if it is an input of the compiled step.
    axis, shape : int, tuple of int
        The indexed axis and the whole shape that it is an axis of.
    negative : bool
        Whether indices may count from the end.
    """
    if index.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices must be integers, got {index.dtype}; use index.long()")
    size = shape[axis] if shape else 1
    low = -size if negative else 0

    def check(values: np.ndarray) -> None:
        if values.size and (values.min() < low or values.max() >= size):
            bad = (values < low) | (values >= size)
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise out_of_range(name, values[place], axis, shape, low, place)

    check_values(index, check)


def out_of_range(
    name: str, value: Any, axis: int, shape: tuple[int, ...], low: int | None = None, place: tuple[int, ...] = ()
) -> IndexOutOfRangeError:
    """Return the error of an index out of range: whose, which, where, and what would be right."""
    size = shape[axis] if shape else 1
    row = f" in row {place[0] if len(place) == 1 else place}" if place else ""
    fits = f"{-size if low is None else low} to {size - 1}" if size else "none, for the axis is empty"
    return IndexOutOfRangeError(
        f"{name}: the index {int(value)}{row} is out of range for axis {axis} of the shape {tuple(shape)}; "
        f"it may be {fits}"
    )


def concrete(name: str, array: Any) -> np.ndarray:
    """Return the numbers of an array for a function whose result's shape depends on them.

    Raises
    ------
    CompileError
        While a step is being traced there are no numbers yet.
    """
    if not is_concrete(array):
        raise CompileError(
            f"{name}: how long the result is depends on values, and while a step is being compiled there are only "
            "shapes. Compute it outside the step, or keep the shape and choose with gradwright.where(mask, x, 0)."
        )
    return np.asarray(array)
