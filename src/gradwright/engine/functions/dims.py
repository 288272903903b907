"""The arguments `dim` and `keepdim`: checked, counted from the front, and under NumPy's names too."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from gradwright.errors import DTypeError, IndexOutOfRangeError, ShapeError

__all__ = ["axes_of", "axis_of", "numpy_names"]

F = TypeVar("F", bound=Callable[..., Any])

_ALIASES = {"axis": "dim", "keepdims": "keepdim"}


def axis_of(name: str, shape: tuple[int, ...], dim: Any, more: int = 0) -> int:
    """Return ``dim`` counted from the front; a number without axes counts as having one.

    ``more`` is how many axes a result has above those of ``shape``, where ``dim`` means one of the result's.

    Raises
    ------
    IndexOutOfRangeError
        Naming ``dim`` and the shape.
    """
    try:
        axis = operator.index(dim)
    except TypeError:
        raise DTypeError(f"{name}: dim must be an integer, got {type(dim).__name__} {dim!r}") from None
    n = len(shape) + more or 1
    if not -n <= axis < n:
        raise IndexOutOfRangeError(
            f"{name}: dim {axis} is out of range for the shape {tuple(shape)}, where it may be {-n} to {n - 1}"
        )
    return axis % n


def axes_of(name: str, shape: tuple[int, ...], dim: Any) -> tuple[int, ...] | None:
    """Return ``dim`` (None, a number, a list or tuple of numbers) as axes from the front; None and () are all axes.

    Raises
    ------
    IndexOutOfRangeError, ShapeError
        Naming ``dim`` and the shape: out of range, or one axis twice.
    """
    if dim is None:
        return None
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    if not dims:
        return None
    axes = tuple([axis_of(name, shape, d) for d in dims])
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: dim {tuple(dims)} names an axis of the shape {tuple(shape)} twice")
    return axes if shape else ()


def numpy_names(function: F) -> F:
    """Let a function take ``axis`` for ``dim`` and ``keepdims`` for ``keepdim``, as PyTorch's functions do."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if "axis" in kwargs or "keepdims" in kwargs:
            kwargs = {_ALIASES.get(name, name): value for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return called  # type: ignore[return-value]
