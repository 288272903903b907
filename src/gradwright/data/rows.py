"""`LabeledRows` and `Rows`: data as read, typed but otherwise as its owner wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import column_info
from gradwright.data.messages import shown
from gradwright.errors import DataError, IndexOutOfRangeError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Features", "LabeledRows", "RowFiles", "Rows", "pixel_names"]

Features: TypeAlias = "pl.DataFrame | NDArray[Any]"
"""Raw features: a Polars frame for tables, an array of shape (rows, ...) for images."""


def pixel_names(shape: Sequence[int], limit: int | None = None) -> list[str]:
    """Name the values of one image, in C order.

    Examples
    --------
    >>> pixel_names((2, 2))
    ['pixel_0_0', 'pixel_0_1', 'pixel_1_0', 'pixel_1_1']
    """
    count = int(np.prod(shape, dtype=np.int64))
    count = count if limit is None else min(count, limit)
    places = zip(*np.unravel_index(np.arange(count), tuple(shape)), strict=True) if count else ()
    return ["pixel_" + "_".join(str(int(i)) for i in place) for place in places]


@dataclass(frozen=True)
class RowFiles:
    """Which file each row of a source is from.

    Attributes
    ----------
    names : tuple of str
        The files' paths, in the order of their rows.
    starts : int64 array, length files, or None
        Each file's first row; None where each file is one row, as in a folder of images.

    Examples
    --------
    >>> RowFiles(("a.csv", "b.csv"), np.array([0, 10])).of(12)
    ('b.csv', 10)
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64] | None = None

    def of(self, row: int) -> tuple[str, int]:
        """The file of a row, and the file's first row."""
        if self.starts is None:
            return self.names[row], row
        at = int(np.searchsorted(self.starts, row, "right")) - 1
        return self.names[at], int(self.starts[at])


@dataclass(frozen=True)
class Rows:
    """Raw rows without a known target: what a trained network is asked about.

    Attributes
    ----------
    name : str
        Where they came from, as the user wrote it.
    kind : {"table", "images", "sequences"}
        Whether `features` is a frame, an array of pixels, or a frame of the one column ``tokens``.
    features : polars.DataFrame or numpy.ndarray, shape (rows, ...)
        All columns; of a delimited file all as text, as written.
    lines : int64 array, shape (rows,), or None
        For delimited files, the line on which each row begins.
    notes : tuple of str
        Remarks of the reading.
    files : RowFiles or None
        Which file each row is from, where there are several.
    """

    name: str
    kind: Literal["table", "images", "sequences"]
    features: Features
    lines: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    files: RowFiles | None = field(default=None, repr=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.features)

    def place(self, row: int) -> str:
        """Name a row for a message: its line in the file, or its number from 0."""
        return _place(self.name, self.lines, row, row, self.files)


@dataclass(frozen=True)
class LabeledRows:
    """Data to train on: features, target, and where they came from.

    Attributes
    ----------
    name : str
        The source as the user wrote it.
    kind : {"table", "images", "sequences"}
        Tables are prepared column by column, images with one mean and one standard deviation, sequences of tokens
        with a vocabulary.
    features : polars.DataFrame or numpy.ndarray, shape (rows, ...)
        A frame for tables; an array (rows, height, width) or the like for images.
    feature_names : tuple of str
        The columns' names; for images ``pixel_i_j``.
    target : polars.Series, length rows
        The raw target: numbers, booleans, text or missing; a struct of several columns; lists of tags.
    target_name : str
        Its name.
    fingerprint : str
        ``sha256:…`` of the content as read, all columns and rows.
    given_split : (train_rows, test_rows) or None
        Two int64 arrays, where the source itself says which rows are for testing.
    notes : tuple of str
        Remarks of the reading, for the reader of the report.
    lines : int64 array, shape (rows,), or None
        For delimited files, the line on which each row begins.
    numbers : int64 array, shape (rows,), or None
        After `take`, the row numbers in the source; None means that all rows are there, in order.
    files : RowFiles or None
        Which file each row of the source is from, where there are several.

    Examples
    --------
    >>> from gradwright.data import read
    >>> iris = read("iris")
    >>> iris.rows, iris.kind, iris.feature_names[0], iris.target[0]
    (150, 'table', 'sepal length (cm)', 'setosa')
    >>> iris.take([149]).target.to_list()
    ['virginica']
    """

    name: str
    kind: Literal["table", "images", "sequences"]
    features: Features
    feature_names: tuple[str, ...]
    target: pl.Series
    target_name: str
    fingerprint: str
    given_split: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    notes: tuple[str, ...] = ()
    lines: NDArray[np.int64] | None = field(default=None, repr=False)
    numbers: NDArray[np.int64] | None = field(default=None, repr=False)
    files: RowFiles | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.features) != len(self.target):
            raise DataError(
                f"cannot use {shown(self.name)}: {len(self.features):,} rows of features and "
                f"{len(self.target):,} targets; there must be one target for each row"
            )

    def __repr__(self) -> str:
        return (
            f"LabeledRows({shown(self.name)}, {self.kind}, {self.rows:,} rows, {len(self.feature_names):,} "
            f"features, target {shown(self.target_name)})"
        )

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.features)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row: (columns,) of a table, (height, width) or the like of an image."""
        return tuple(self.features.shape[1:])

    @cached_property
    def columns(self) -> list[dict[str, Any]]:
        """Name, kind, missing and distinct values of the first 200 columns, as `data.json` holds them."""
        if isinstance(self.features, np.ndarray):
            names = pixel_names(self.features.shape[1:], 200)
            flat = self.features.reshape(self.rows, -1)
            return [_pixel_info(name, flat[:, i]) for i, name in enumerate(names)]
        return [column_info(column) for column in self.features.get_columns()[:200]]

    def place(self, row: int) -> str:
        """Name a row for a message: its line in the file, or its number in the source from 0."""
        number = row if self.numbers is None else int(self.numbers[row])
        return _place(self.name, self.lines, row, number, self.files)

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> LabeledRows:
        """Keep some rows, in the order given.

        Parameters
        ----------
        rows : sequence of int, or integer array
            Row numbers in this data set, from 0.

        Returns
        -------
        LabeledRows
            With `numbers` leading back to the source; its `given_split` is None, its fingerprint the
            source's.

        Raises
        ------
        IndexOutOfRangeError
            A row number below 0 or beyond the last row.
        """
        index = np.asarray(rows, dtype=np.int64)
        if index.size and (int(index.min()) < 0 or int(index.max()) >= self.rows):
            bad = index[(index < 0) | (index >= self.rows)][0]
            raise IndexOutOfRangeError(
                f"cannot take row {bad} of {shown(self.name)}: its rows are numbered 0 to {self.rows - 1}"
            )
        return replace(
            self,
            features=self.features[index],
            target=self.target[index],
            given_split=None,
            lines=None if self.lines is None else self.lines[index],
            numbers=index if self.numbers is None else self.numbers[index],
        )


def _place(name: str, lines: NDArray[np.int64] | None, row: int, number: int, files: RowFiles | None) -> str:
    there = f"row {number}"
    if files is not None:
        name, first = files.of(number)
        if files.starts is None:
            return f"{shown(name, 200)} (row {number})"
        there = f"row {number - first} of the file, {number} of all" if lines is None else there
    there = there if lines is None else f"line {int(lines[row])} (row {number})"
    return f"{shown(name, 200)}, {there}"


def _pixel_info(name: str, values: NDArray[Any]) -> dict[str, Any]:
    missing = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    distinct = np.count_nonzero(np.bincount(values)) if values.dtype == np.uint8 else len(np.unique(values))
    if missing:
        distinct -= 1  # NaN counts once in unique
    return {"name": name, "kind": "numeric", "missing": missing, "distinct": int(distinct)}
