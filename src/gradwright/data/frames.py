"""Tables that are in memory already (Polars, pandas) or come typed from a file (Parquet, Arrow)."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.data.arrow_limits import MAGIC, check_arrow
from gradwright.data.limits import MAX_BYTES, check_columns
from gradwright.data.messages import listed, shown
from gradwright.data.parquet_limits import check_parquet
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["is_frame", "parquet_bytes", "read_arrow", "read_parquet", "to_polars"]


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
    """Read a Parquet file after a look at its row count and types.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    polars.DataFrame
        All its columns, with at least one row.

    Raises
    ------
    DataError
        No Parquet file, a damaged one, no rows, or a claim of more than the limits in
        `gradwright.data.limits`.
    """
    import polars as pl

    where = shown(str(path), 200)
    check_parquet(path)
    try:
        stored = path.stat().st_size
        check_columns(where, claimed=parquet_bytes(path), stored=stored)
        frame = pl.scan_parquet(path, glob=False).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(where, "Parquet", error) from None
    return _checked_frame(frame, where, stored)


def parquet_bytes(path: Path) -> int:
    """Return how many bytes the values of a Parquet file take in memory at least, by what it says about itself.

    Raises
    ------
    DataError
        No Parquet file.
    """
    import polars as pl

    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
        rows = int(scan.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(shown(str(path), 200), "Parquet", error) from None
    return rows * sum(_bytes_of(kind) for kind in schema.values())


def read_arrow(path: Path) -> pl.DataFrame:
    """Read an Arrow file: the file form (Feather version 2) or the stream form, known by its first bytes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    polars.DataFrame
        All its columns, with at least one row.

    Raises
    ------
    DataError
        No Arrow file, Feather of version 1, a damaged file, no rows, or a claim of more than the limits in
        `gradwright.data.limits`; it is made before memory is taken.

    Examples
    --------
    >>> import polars as pl, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.arrow")
    ...     pl.DataFrame({"x": [1, 2]}).write_ipc(path)
    ...     read_arrow(path).rows()
    [(1,), (2,)]
    """
    import polars as pl

    where = shown(str(path), 200)
    try:
        if path.stat().st_size > MAX_BYTES:
            check_columns(where, claimed=path.stat().st_size, stored=path.stat().st_size)
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    if not data:
        raise DataError(f"cannot read {where}: the file is empty (0 bytes); expected an Arrow file. Save it again")
    if data.startswith(b"FEA1"):
        raise DataError(
            f"cannot read {where}: it is Feather of version 1; expected version 2, which is Arrow's own form. Write it "
            "anew with pandas or Polars of today"
        )
    check_arrow(data, where)
    try:
        file = io.BytesIO(data)
        frame = pl.read_ipc(file) if data.startswith(MAGIC) else pl.read_ipc_stream(file)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise _damaged(where, "Arrow", error) from None
    return _checked_frame(frame, where, len(data))


def _bytes_of(kind: Any) -> int:
    """Bytes that a value of a Polars type takes at least."""
    import polars as pl

    one, two, four = (pl.Boolean, pl.Int8, pl.UInt8), (pl.Int16, pl.UInt16), (pl.Int32, pl.UInt32, pl.Float32)
    return next((size for size, kinds in ((1, one), (2, two), (4, four)) if kind in kinds), 8)


def _damaged(where: str, form: str, error: BaseException) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"cannot read {where}: it is no whole {form} file ({shown(reason, 120)}). It may be cut short, "
        f"damaged or another kind of file"
    )


def _checked_frame(frame: pl.DataFrame, where: str, stored: int) -> pl.DataFrame:
    """Refuse a frame without rows, and texts that were stored once and stand in a million rows."""
    import polars as pl

    if frame.height == 0 or frame.width == 0:
        raise DataError(f"cannot use {where}: it has columns ({listed(frame.columns)}) and no rows")
    texts = sum(int(c.str.len_bytes().sum() or 0) for c in frame.get_columns() if c.dtype == pl.String)
    check_columns(where, claimed=texts, stored=stored)
    return frame
