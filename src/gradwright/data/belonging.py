"""What rows belong together or come after each other: a column or an array, read for splitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import kind_of, typed
from gradwright.data.messages import closest, plural, shown
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

    from gradwright.data.rows import LabeledRows

__all__ = ["By", "group_codes", "time_ranks"]

By: TypeAlias = "str | pl.Series | NDArray[Any] | Sequence[Any]"
"""A column's name, or a value for each row."""


def group_codes(dataset: LabeledRows, groups: By, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups: shape (all rows,); equal numbers belong together.

    Raises
    ------
    ConfigError
        No such column.
    DataError
        Another number of values than rows, or a row of `rows` without a group.

    Examples
    --------
    >>> from gradwright.data import read
    >>> group_codes(read("iris").take([0, 1, 2]), ["b", "a", "b"], np.arange(3))
    array([2, 1, 2])
    """
    column = _values(dataset, groups, "groups")
    if kind_of(column) == "other":
        raise DataError(
            f"cannot split by the groups {shown(column.name)}: they are of type {column.dtype}; expected numbers, "
            f"texts or dates"
        )
    return _ranked(dataset, column, rows, "groups")


def time_ranks(dataset: LabeledRows, time: By, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the times in their order: shape (all rows,); equal times have equal numbers.

    Raises
    ------
    ConfigError
        No such column.
    DataError
        Neither numbers nor dates, another number of values than rows, or a row of `rows` without a time.

    Examples
    --------
    >>> from gradwright.data import read
    >>> time_ranks(read("iris").take([0, 1, 2]), ["2026-01-31", "2025-12-31", "2026-01-31"], np.arange(3))
    array([2, 1, 2])
    """
    column = typed(_values(dataset, time, "time"), dataset.place, [])
    if kind_of(column) not in ("numeric", "date"):
        row = int(column.is_not_null().arg_max() or 0)
        raise DataError(
            f"{dataset.place(row)}, time {shown(column.name)}: found {shown(column[row])}; expected numbers, or dates "
            f"such as 2026-01-31 or 2026-01-31 12:00, to put the rows in order"
        )
    return _ranked(dataset, column, rows, "time")


def _values(dataset: LabeledRows, by: By, what: str) -> pl.Series:
    import polars as pl

    if isinstance(by, str):
        frame = None if isinstance(dataset.features, np.ndarray) else dataset.features
        names = [] if frame is None else frame.columns
        if frame is None or by not in names:
            why = ", which is the target" if by == dataset.target_name else ""
            raise ConfigError(
                f"cannot split {shown(dataset.name, 200)}: {what}={shown(by)} is none of its "
                f"{plural(len(names), 'column')} of features{why}{closest(by, names)}. Name a column, or give an "
                f"array with a value for each row"
            )
        return frame[by]
    if isinstance(by, pl.Series):
        column = by
    else:
        values = by.tolist() if isinstance(by, np.ndarray) and by.dtype == object else by
        column = pl.Series(what, values, strict=False)
    if len(column) != dataset.rows:
        raise DataError(
            f"cannot split {shown(dataset.name, 200)}: {what} has {plural(len(column), 'value')} for "
            f"{plural(dataset.rows, 'row')}; expected one for each row, rows without a target included"
        )
    return column.alias(column.name or what)


def _ranked(dataset: LabeledRows, column: pl.Series, rows: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    column = column.fill_nan(None) if column.dtype.is_float() else column
    ranks: NDArray[np.int64] = column.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    lost = rows[ranks[rows] == 0]
    if len(lost):
        raise DataError(
            f"{dataset.place(int(lost[0]))}, {what} {shown(column.name)}: the value is missing "
            f"({plural(len(lost), 'row')} in all), so nobody can say in which part the row may stand. Fill it in, or "
            f"leave such rows out"
        )
    return ranks
