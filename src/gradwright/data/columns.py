"""What a column holds: numbers, categories, yes-or-no, dates, or something that a network cannot use.

Text becomes typed here, by the whole column and strictly. A column is numeric when every cell that is not
missing is a number. When *most* cells are numbers and a few are not, somebody meant numbers and mistyped:
that is an error which names the first such cell, because a column that silently turned into categories
ruins a model unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.data.messages import PlaceOf, plural, shown
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "MISSING_MARKERS",
    "as_text",
    "blank_to_missing",
    "column_info",
    "kind_of",
    "to_boolean",
    "to_numbers",
    "typed",
]

MISSING_MARKERS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")
"""Cells that mean "missing", in any case and with any white space around them."""

_TRUTH = {"true": True, "false": False}
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")


def blank_to_missing(text: pl.Series) -> pl.Series:
    """Strip white space from a text column and turn the markers of missing values into nulls.

    Examples
    --------
    >>> import polars as pl
    >>> blank_to_missing(pl.Series(["a ", "NA", "?", ""])).to_list()
    ['a', None, None, None]
    """
    import polars as pl

    text = text.str.strip_chars()
    missing = text.str.to_lowercase().is_in(pl.Series(MISSING_MARKERS).implode())
    return text.set(missing.fill_null(False), None) if missing.any() else text


def to_numbers(column: pl.Series, place: PlaceOf, *, expected: str = "a number") -> pl.Series:
    """Read a column as float64, missing values as null.

    Parameters
    ----------
    column : polars.Series
        Numbers, booleans or text.
    place : callable
        Names the place of a row in messages.
    expected : str
        What the column should hold, for the message.

    Raises
    ------
    DataError
        A cell is text that is no number, or an infinity; the message names place, column and value.

    Examples
    --------
    >>> import polars as pl
    >>> to_numbers(pl.Series("x", ["1.5", "NA"]), "row {}".format).to_list()
    [1.5, None]
    >>> to_numbers(pl.Series("x", ["1.5", "tall"]), "row {}".format)
    Traceback (most recent call last):
    ...
    gradwright.errors.DataError: row 1, column 'x': expected a number, found 'tall'. ...
    """
    import polars as pl

    if column.dtype == pl.String:
        text = blank_to_missing(column)
        numbers = text.cast(pl.Float64, strict=False)
        bad = text.is_not_null() & numbers.is_null()
        if bad.any():
            row = int(bad.arg_max() or 0)
            count = int(bad.sum())
            more = "" if count == 1 else f"; so have {plural(count - 1, 'row')} more"
            raise DataError(
                f"{place(row)}, column {shown(column.name)}: expected {expected}, found "
                f"{shown(text[row])}{more}. Correct the cell, or leave it empty if the value is missing"
            )
    elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
        numbers = column.cast(pl.Float64)
    else:
        row = int(column.is_not_null().arg_max() or 0)
        raise DataError(
            f"{place(row)}, column {shown(column.name)}: expected {expected}, found {shown(column[row])} "
            f"(a column of {column.dtype})"
        )
    infinite = numbers.is_infinite().fill_null(False)
    if infinite.any():
        row = int(infinite.arg_max() or 0)
        raise DataError(
            f"{place(row)}, column {shown(column.name)}: found {shown(column[row])}, which is infinite or "
            "beyond float64; expected a finite number. Correct the cell, or leave it empty if the value is "
            "missing"
        )
    return numbers.fill_nan(None)


def to_boolean(column: pl.Series, place: PlaceOf) -> pl.Series:
    """Read a column as booleans: `true`/`false` in any case, or 1/0; missing values as null."""
    import polars as pl

    if column.dtype == pl.Boolean:
        return column
    if column.dtype == pl.String:
        text = blank_to_missing(column).str.to_lowercase()
        words = {**_TRUTH, "1": True, "0": False, "1.0": True, "0.0": False}
        truth = text.replace_strict(words, default=None, return_dtype=pl.Boolean)
        bad = text.is_not_null() & truth.is_null()
    else:
        text = to_numbers(column, place, expected="true or false")
        truth = text == 1
        bad = text.is_not_null() & (text != 0) & (text != 1)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{place(row)}, column {shown(column.name)}: expected true or false, found {shown(column[row])}. "
            f"Correct the cell, or leave it empty if the value is missing"
        )
    return truth


def as_text(column: pl.Series) -> pl.Series:
    """Read a column as category names: text as it is, whole numbers without a decimal point, null where
    missing.

    Examples
    --------
    >>> import polars as pl
    >>> as_text(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    import polars as pl

    if column.dtype == pl.String:
        return blank_to_missing(column)
    if column.dtype.is_float():
        names = [None if v is None or v != v else f"{v:.0f}" if v % 1 == 0 else repr(v) for v in column.to_list()]
        return pl.Series(column.name, names, dtype=pl.String)
    return column.cast(pl.String)


def typed(column: pl.Series, place: PlaceOf, notes: list[str], *, text: bool = False, comma: bool = False) -> pl.Series:
    """Give a column the type that its cells show.

    Parameters
    ----------
    column : polars.Series
        A column of any type; text is looked into.
    place : callable
        Names the place of a row in messages.
    notes : list of str
        Remarks are added here.
    text : bool
        The column is meant as categories, whatever its cells look like.
    comma : bool
        Numbers may be written with a decimal comma (files whose fields are separated by semicolons).

    Returns
    -------
    polars.Series
        Int64 or Float64 (numeric), Boolean, String (category), Date or Datetime; other types as they came.

    Raises
    ------
    DataError
        A column that is mostly numbers holds text, or a number is infinite.

    Examples
    --------
    >>> import polars as pl
    >>> typed(pl.Series("x", ["1", "2", ""]), "row {}".format, []).to_list()
    [1, 2, None]
    >>> typed(pl.Series("x", ["1", "2", "two"]), "row {}".format, [])
    Traceback (most recent call last):
    ...
    gradwright.errors.DataError: row 2, column 'x': expected a number as in 2 of ...
    """
    import polars as pl

    name, dtype = column.name, column.dtype
    if dtype in (pl.Categorical, pl.Enum) or (text and (dtype.is_numeric() or dtype == pl.Boolean)):
        return as_text(column.cast(pl.String) if not dtype.is_numeric() else column)
    if dtype == pl.Null:
        return column.cast(pl.Float64)
    if dtype.is_integer():
        return column.cast(pl.Int64) if dtype != pl.UInt64 else column.cast(pl.Float64)
    if dtype.is_numeric():
        nan = int(column.is_nan().sum()) if dtype.is_float() else 0
        if nan:
            notes.append(f"column {shown(name)}: {plural(nan, 'NaN')} counted as missing")
        return to_numbers(column, place)
    if dtype != pl.String:
        return column
    column = blank_to_missing(column)
    if text:
        return column
    if comma and column.str.contains(r"^[+-]?\d*,\d+$").any():
        with_point = column.str.replace(",", ".", literal=True)
        if not (with_point.cast(pl.Float64, strict=False).is_null() & column.is_not_null()).any():
            notes.append(f"column {shown(name)}: decimal commas read as decimal points")
            column = with_point
    filled = column.len() - column.null_count()
    if filled == 0:
        return column.cast(pl.Float64)
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() == column.null_count():
        return whole
    numbers = column.cast(pl.Float64, strict=False)
    parsed = numbers.len() - numbers.null_count()
    if parsed * 2 > filled:
        expected = "a number"
        if parsed < filled:
            expected += f" as in {parsed:,} of the column's {filled:,} filled cells"
        return to_numbers(column, place, expected=expected)
    if column.str.to_lowercase().is_in(pl.Series(list(_TRUTH)).implode()).sum() == filled:
        return to_boolean(column, place)
    for form in _DATE_FORMATS:
        dates: pl.Series = (
            column.str.to_date(form, strict=False)
            if form == _DATE_FORMATS[0]
            else column.str.to_datetime(form, strict=False)
        )
        if dates.null_count() == column.null_count():
            return dates
    if parsed:
        notes.append(f"column {shown(name)} is read as text, though {parsed:,} of {filled:,} cells look like numbers")
    return column


def kind_of(column: pl.Series) -> str:
    """Name a typed column's kind: ``numeric``, ``boolean``, ``category``, ``date``, or ``other``.

    Examples
    --------
    >>> import polars as pl
    >>> kind_of(pl.Series([1.5])), kind_of(pl.Series(["a"]))
    ('numeric', 'category')
    """
    import polars as pl

    if column.dtype.is_numeric():
        return "numeric"
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype == pl.String:
        return "category"
    return "date" if column.dtype in (pl.Date, pl.Datetime) else "other"


def column_info(column: pl.Series) -> dict[str, Any]:
    """Describe a column as `data.json` does: its name, kind, missing and distinct values.

    Examples
    --------
    >>> import polars as pl
    >>> column_info(pl.Series("x", ["a", "b", None]))
    {'name': 'x', 'kind': 'category', 'missing': 1, 'distinct': 2}
    """
    kind = kind_of(column)
    kind = {"date": "numeric", "other": "category"}.get(kind, kind)
    try:
        distinct = int(column.drop_nulls().n_unique())
    except Exception:  # Polars cannot compare values of every nested type
        distinct = 0
    return {"name": column.name, "kind": kind, "missing": int(column.null_count()), "distinct": distinct}
