"""How each kind of column becomes numbers: numeric, date, boolean, category, text, or dropped with a reason.

Each kind is one class with the same few members: `outputs` (names of the prepared columns), `transform`
(raw column in, its block of the matrix filled), `note`, `to_dict` and `from_dict`. `fit_column` looks at
training rows and chooses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text, kind_of, to_boolean, to_numbers
from gradwright.data.messages import Note, PlaceOf, plural, shown
from gradwright.data.scaling import check_state, finite
from gradwright.data.text_column import TextColumn, is_free_text
from gradwright.errors import DataError, StateError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "KINDS",
    "BooleanColumn",
    "CategoryColumn",
    "Column",
    "DateColumn",
    "DroppedColumn",
    "NumericColumn",
    "fit_column",
]

Block: TypeAlias = NDArray[np.float32]
Report: TypeAlias = Callable[[Note], None]


@dataclass(frozen=True)
class NumericColumn:
    """Numbers: missing values become the median, then (x − mean) / std; a constant column becomes 0.

    Attributes
    ----------
    name : str
        The column's name.
    median, mean, std : float
        Of the training rows, in the column's own unit; mean and std with missing values filled in, std
        biased. A std of 0 marks a constant column.
    indicator : bool
        Whether a second column says 1 where the value was missing; so it is when training had missing values.
    """

    name: str
    median: float
    mean: float
    std: float
    indicator: bool
    missing: int = 0
    kind: ClassVar[str] = "numeric"

    @classmethod
    def fit(cls, column: pl.Series, place: PlaceOf) -> NumericColumn:
        """Learn from a training column that has at least one value."""
        values = cls.numbers(column, place)
        gone = np.isnan(values)
        with np.errstate(over="ignore", invalid="ignore"):
            median = float(np.nanmedian(values))
            filled = np.where(gone, median, values)
            constant = filled.min() == filled.max()
            mean, std = float(filled.mean()), 0.0 if constant else float(filled.std())
        if not (math.isfinite(mean) and math.isfinite(std)):
            raise DataError(
                f"column {shown(column.name)}: its values lie beyond the range of float64 when added up, "
                f"such as {np.nanmax(np.abs(values)):g}; divide them, or take their logarithm, first"
            )
        return cls(column.name, median, mean, std, bool(gone.any()), int(gone.sum()))

    @staticmethod
    def numbers(column: pl.Series, place: PlaceOf) -> NDArray[np.float64]:
        """The raw values as float64, NaN where missing."""
        if column.dtype.is_float() or column.dtype.is_integer():  # a hundredth of the time of a lazy query
            values = column.to_numpy().astype(np.float64)
            if not np.isinf(values).any():
                return values
        return to_numbers(column, place).fill_null(float("nan")).to_numpy()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the prepared columns."""
        return (self.name, f"{self.name} (missing)") if self.indicator else (self.name,)

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        if self.indicator:
            return (
                f"column {shown(self.name)}: {plural(self.missing, 'missing value')} of the training part "
                f"filled with the median, {self.median:g}, and marked in a column of their own"
            )
        return (
            f"column {shown(self.name)}: constant in the training part, so it says nothing" if self.std == 0 else None
        )

    def transform(self, column: pl.Series, out: Block, place: PlaceOf, report: Report) -> None:
        """Fill `out`, float32 (n, outputs), from a raw column of length n."""
        values = self.numbers(column, place)
        gone = np.isnan(values)
        if self.indicator:
            out[:, 1] = gone
        elif gone.any():
            row = int(gone.argmax())
            report(
                Note(
                    f"column {shown(self.name)}: {plural(int(gone.sum()), 'missing value')}, where training "
                    f"had none, filled with training's median {self.median:g} (first in {place(row)})",
                    self.name,
                    row,
                    None,
                    int(gone.sum()),
                )
            )
        if self.std == 0:
            out[:, 0] = 0
            return
        with np.errstate(over="ignore"):
            scaled = ((np.where(gone, self.median, values) - self.mean) / self.std).astype(np.float32)
        bad = ~np.isfinite(scaled)
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{place(row)}, column {shown(self.name)}: found {shown(float(values[row]))}, too far from "
                f"training's mean {self.mean:g} (standard deviation {self.std:g}) to be a float32. Correct "
                "the cell, or leave it empty"
            )
        out[:, 0] = scaled

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "median": self.median,
            "mean": self.mean,
            "std": self.std,
            "indicator": self.indicator,
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> NumericColumn:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(
            state,
            "a column",
            kind=str,
            name=str,
            median=float,
            mean=float,
            std=float,
            indicator=bool,
            missing=int,
        )
        for name in ("median", "mean", "std"):
            finite(fields[name], name)
        if fields["std"] < 0:
            raise StateError(f"cannot read the preparation: std is {fields['std']}; expected 0 or more")
        del fields["kind"]
        return cls(**fields)


@dataclass(frozen=True)
class DateColumn(NumericColumn):
    """Dates and times: days since 1970-01-01 (UTC), then as numbers."""

    kind: ClassVar[str] = "date"

    @staticmethod
    def numbers(column: pl.Series, place: PlaceOf) -> NDArray[np.float64]:
        """Days since 1970-01-01, NaN where missing."""
        import polars as pl

        from gradwright.data.columns import typed

        dates = typed(column, place, []) if column.dtype == pl.String else column
        if dates.null_count() == dates.len():
            return np.full(dates.len(), np.nan)
        if kind_of(dates) != "date":
            row = int(column.is_not_null().arg_max() or 0)
            raise DataError(
                f"{place(row)}, column {shown(column.name)}: expected a date such as 2026-01-31, found "
                f"{shown(column[row])} or another cell that is none"
            )
        micros = dates.cast(pl.Datetime("us")).to_physical().cast(pl.Float64)
        return (micros / 86_400e6).fill_null(float("nan")).to_numpy()

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        return f"column {shown(self.name)}: dates counted in days"


@dataclass(frozen=True)
class BooleanColumn:
    """True and false: 1 and 0, not standardised; a missing value becomes the commoner of the two."""

    name: str
    fill: bool
    indicator: bool
    kind: ClassVar[str] = "boolean"

    @classmethod
    def fit(cls, column: pl.Series, place: PlaceOf) -> BooleanColumn:
        """Learn from a training column that has at least one value."""
        truth = to_boolean(column, place)
        return cls(column.name, int(truth.sum()) * 2 > truth.count(), truth.null_count() > 0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the prepared columns."""
        return (self.name, f"{self.name} (missing)") if self.indicator else (self.name,)

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        if not self.indicator:
            return None
        fill = str(self.fill).lower()
        return f"column {shown(self.name)}: missing values filled with {fill}, the commoner, and marked"

    def transform(self, column: pl.Series, out: Block, place: PlaceOf, report: Report) -> None:
        """Fill `out`, float32 (n, outputs), from a raw column of length n."""
        truth = to_boolean(column, place)
        gone = truth.is_null().to_numpy()
        out[:, 0] = truth.fill_null(self.fill).to_numpy()
        if self.indicator:
            out[:, 1] = gone
        elif gone.any():
            row = int(gone.argmax())
            report(
                Note(
                    f"column {shown(self.name)}: {plural(int(gone.sum()), 'missing value')}, where training "
                    f"had none, filled with {str(self.fill).lower()} (first in {place(row)})",
                    self.name,
                    row,
                    None,
                    int(gone.sum()),
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {"kind": self.kind, "name": self.name, "fill": self.fill, "indicator": self.indicator}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BooleanColumn:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "a column", kind=str, name=str, fill=bool, indicator=bool)
        del fields["kind"]
        return cls(**fields)


@dataclass(frozen=True)
class CategoryColumn:
    """Categories: one column each, 1 where the row has it; one that training never saw is all zeros."""

    name: str
    categories: tuple[str, ...]
    indicator: bool
    kind: ClassVar[str] = "category"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the prepared columns."""
        names = tuple(f"{self.name}={category}" for category in self.categories)
        return (*names, f"{self.name} (missing)") if self.indicator else names

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        return f"column {shown(self.name)}: missing values are a category of their own" if self.indicator else None

    def transform(self, column: pl.Series, out: Block, place: PlaceOf, report: Report) -> None:
        """Fill `out`, float32 (n, outputs), from a raw column of length n; unseen categories are reported."""
        import polars as pl

        text = as_text(column.cast(pl.String) if kind_of(column) == "other" else column)
        index = {category: i for i, category in enumerate(self.categories)}
        codes = text.replace_strict(index, default=-1, return_dtype=pl.Int64).to_numpy()
        gone = text.is_null().to_numpy()
        known = (codes >= 0) & ~gone
        out[np.flatnonzero(known), codes[known]] = 1
        if self.indicator:
            out[:, -1] = gone
        elif gone.any():
            row = int(gone.argmax())
            report(
                Note(
                    f"column {shown(self.name)}: {plural(int(gone.sum()), 'missing value')}, where training "
                    f"had none, count as no category (first in {place(row)})",
                    self.name,
                    row,
                    None,
                    int(gone.sum()),
                )
            )
        unseen = np.flatnonzero(~known & ~gone)
        rows: dict[str, list[int]] = {}
        for at_row in unseen:
            rows.setdefault(text[int(at_row)], []).append(int(at_row))
        for value, at in rows.items():
            times = "" if len(at) == 1 else f" in {plural(len(at), 'row')}"
            report(
                Note(
                    f"column {shown(self.name)}: the category {shown(value)} was not seen in training and "
                    f"counts as none of them{times} (first in {place(at[0])})",
                    self.name,
                    at[0],
                    value,
                    len(at),
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "categories": list(self.categories),
            "indicator": self.indicator,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> CategoryColumn:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "a column", kind=str, name=str, categories=list, indicator=bool)
        names = fields["categories"]
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise StateError(
                f"cannot read the preparation: categories of {shown(fields['name'])} must be texts, each once"
            )
        return cls(fields["name"], tuple(names), fields["indicator"])


@dataclass(frozen=True)
class DroppedColumn:
    """A column that a network cannot use, and why."""

    name: str
    reason: str
    kind: ClassVar[str] = "dropped"
    outputs: ClassVar[tuple[str, ...]] = ()

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        return f"column {shown(self.name)} dropped: {self.reason}"

    def transform(self, column: pl.Series, out: Block, place: PlaceOf, report: Report) -> None:
        """Do nothing."""

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {"kind": self.kind, "name": self.name, "reason": self.reason}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> DroppedColumn:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "a column", kind=str, name=str, reason=str)
        return cls(fields["name"], fields["reason"])


Column: TypeAlias = NumericColumn | BooleanColumn | CategoryColumn | TextColumn | DroppedColumn

KINDS: dict[str, type[Column]] = {
    c.kind: c for c in (NumericColumn, DateColumn, BooleanColumn, CategoryColumn, TextColumn, DroppedColumn)
}
"""The kinds by the name under which they are saved."""


def fit_column(column: pl.Series, place: PlaceOf, max_categories: int = 100) -> Column:
    """Learn from one training column how to prepare it.

    Parameters
    ----------
    column : polars.Series
        Training rows only, typed.
    place : callable
        Names the place of a row in messages.
    max_categories : int
        More distinct texts than this are no categories.

    Returns
    -------
    Column
        A `DroppedColumn` for row numbers, names and types that are neither number, category nor text.

    Examples
    --------
    >>> import polars as pl
    >>> fit_column(pl.Series("colour", ["red", "blue", "red"]), "row {}".format).outputs
    ('colour=blue', 'colour=red')
    >>> fit_column(pl.Series("id", range(7, 57)), "row {}".format).note
    "column 'id' dropped: its name and its values, all different whole numbers, are those of a row's number"
    """
    kind, rows = kind_of(column), column.len()
    if column.null_count() == rows:
        return DroppedColumn(column.name, "all values of the training part are missing")
    if kind == "numeric":
        if _is_row_number(column):
            why = "its name and its values, all different whole numbers, are those of a row's number"
            return DroppedColumn(column.name, why)
        return NumericColumn.fit(column, place)
    if kind == "date":
        return DateColumn.fit(column, place)
    if kind == "boolean":
        return BooleanColumn.fit(column, place)
    if kind == "other":
        return DroppedColumn(column.name, f"its type is {column.dtype}; numbers, booleans, texts and dates are used")
    text = as_text(column)
    distinct = text.drop_nulls().unique().sort()
    count = distinct.len()
    if count > max_categories or (count > 20 and count * 2 > rows) or (count == rows and rows >= 10):
        words = TextColumn.fit(column) if is_free_text(column) else None
        if words is not None:
            return words
        what = "each row has its own" if count == rows else f"it has {count:,} distinct texts in {plural(rows, 'row')}"
        return DroppedColumn(column.name, f"{what}, so it is a name, no category, and too short for free text")
    return CategoryColumn(column.name, tuple(distinct.to_list()), text.null_count() > 0)


_NUMBER_NAMES = ("id", "index", "row", "row_id", "rowid", "unnamed: 0", "column_1", "nr", "no", "number")


def _is_row_number(column: pl.Series) -> bool:
    """All different whole numbers under a name such as id, PassengerId, customer_id."""
    name = column.name
    named = name.lower() in _NUMBER_NAMES or name.endswith(("Id", "ID", "_id"))
    whole = column.dtype.is_integer() and column.null_count() == 0 and column.len() >= 10
    return bool(named and whole and column.n_unique() == column.len())
