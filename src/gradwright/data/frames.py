"""Tables that are in memory already (Polars, pandas) or come typed from a file (Parquet)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.data.limits import MAX_BYTES, size_in_words
from gradwright.data.messages import listed, plural, shown
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["is_frame", "read_parquet", "to_polars"]


def is_frame(source: object) -> bool:
    """Whether something is a Polars or pandas frame, found out without importing either."""
    kind = type(source)
    return kind.__name__ in ("DataFrame", "LazyFrame") and kind.__module__.split(".")[0] in (
        "polars",
        "pandas",
    )


def to_polars(frame: Any) -> pl.DataFrame:
    """Turn a pandas or Polars frame into a Polars frame.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or polars.LazyFrame
        With named columns. A pandas index is left out.

    Returns
    -------
    polars.DataFrame
        The same columns; pandas' NaN, NaT, None and NA become nulls.

    Raises
    ------
    DataError
        Two columns with one name, or a column of mixed Python objects.

    Examples
    --------
    >>> import pandas as pd
    >>> to_polars(pd.DataFrame({"x": [1.5, None], "c": ["a", None]})).rows()
    [(1.5, 'a'), (None, None)]
    """
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    names = [str(name) for name in frame.columns]
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise DataError(
            f"cannot use the pandas frame: the column name {shown(doubles[0])} stands twice or more. "
            f"Give each column a name of its own"
        )
    return pl.DataFrame([_series(name, frame.iloc[:, i]) for i, name in enumerate(names)])


def _series(name: str, column: Any) -> pl.Series:
    import polars as pl

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufM":
        if column.dtype.kind == "M":
            return pl.Series(name, column.to_numpy().astype("datetime64[us]"))
        return pl.Series(name, column.to_numpy(), nan_to_null=True)
    missing = column.isna().to_numpy()
    values = [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    try:
        return pl.Series(name, values)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        kinds = sorted({type(value).__name__ for value in values if value is not None})
        raise DataError(
            f"cannot use column {shown(name)} of the pandas frame: it mixes values of {listed(kinds)}. "
            f"Turn it into one kind, for example with frame[{shown(name)}].astype(str)"
        ) from None


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file after a look at its row count.

    Raises
    ------
    DataError
        No Parquet file, a damaged one, no rows, or a claim of more than `gradwright.data.limits.MAX_BYTES`
        (eight bytes a value).
    """
    import polars as pl

    where = shown(str(path), 200)
    try:
        scan = pl.scan_parquet(path, glob=False)
        width = len(scan.collect_schema())
        rows = int(scan.select(pl.len()).collect().item())
        if rows * max(width, 1) * 8 > MAX_BYTES:
            raise DataError(
                f"cannot read {where}: it claims {plural(rows, 'row')} of {plural(width, 'column')}, about "
                f"{size_in_words(rows * width * 8)}; the limit is {size_in_words(MAX_BYTES)}. Take fewer "
                "rows or columns"
            )
        frame = scan.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"cannot read {where}: it is no whole Parquet file ({shown(reason, 120)}). It may be cut short, "
            f"damaged or another kind of file"
        ) from None
    if frame.height == 0:
        raise DataError(f"cannot use {where}: it has columns ({listed(frame.columns)}) and no rows")
    return frame
