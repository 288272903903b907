"""CSV and TSV files: bytes in, a Polars frame of text out, with the line on which every row begins.

Reading is strict. Where many readers guess (fill a short row, rename a duplicate column, replace a byte that
they cannot decode), this one stops and names the line, because a guess made here is invisible ever after.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import listed, plural, shown
from gradwright.data.text_file import read_text
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_delimited"]


class _Records(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


_BLOCK = 50_000  # rows that become Polars columns at a time: bounds the memory of Python strings


def read_delimited(path: Path, separator: str | None = None) -> tuple[pl.DataFrame, NDArray[np.int64], list[str]]:
    """Read a delimited text file with a header line.

    Parameters
    ----------
    path : Path
        The file: UTF-8, with or without a byte-order mark, any line ends.
    separator : str, optional
        The character between the fields. Without it, the header line decides: a comma, else a semicolon, a
        tab.

    Returns
    -------
    frame : polars.DataFrame
        All columns as text, exactly as written; blank lines are left out.
    lines : int64 array, shape (rows,)
        The line of the file, from 1, on which each row begins.
    notes : list of str
        What was done that the reader may not expect.

    Raises
    ------
    DataError
        Empty file, header only, NUL byte, wrong encoding, a ragged row, a quote that never closes, duplicate
        column names, or no header line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("x,y\\n1,a\\n\\n2,b\\n")
    ...     frame, lines, notes = read_delimited(path)
    >>> frame.rows(), lines.tolist()
    ([('1', 'a'), ('2', 'b')], [2, 4])
    """
    where = shown(str(path), 200)
    data = read_text(path, "a header line and rows")
    notes: list[str] = []
    if separator is None:
        separator = _separator_of(data)
        if separator != ",":
            notes.append(f"fields are separated by {shown(separator)}, as the header line shows")
    records = csv.reader(
        io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=separator, strict=True
    )
    try:
        names: list[str] = []
        for names in records:
            if names:
                break
        header_line = records.line_num
        names = _checked_names(names, where, header_line, notes)
        if header_line == 1 and _is_regular(data, separator, len(names)):
            return *_regular_rows(data, separator, names), notes
        frame, lines, blank = _rows(records, names, where, header_line)
    except csv.Error as error:
        raise DataError(
            f"cannot read {where}, line {records.line_num}: {error}. Most often a quotation mark opens and "
            f"never closes; look for one at or before that line"
        ) from None
    if blank:
        notes.append(f"left out {plural(blank, 'blank line')}")
    if frame.height == 0:
        raise DataError(f"cannot use {where}: it has a header line ({listed(names)}) and no rows under it")
    return frame, lines, notes


def _separator_of(data: bytes) -> str:
    header = data.lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8")
    outside = "".join(header.split('"')[::2])
    return next((mark for mark in (",", ";", "\t") if mark in outside), ",")


def _checked_names(names: list[str], where: str, line: int, notes: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    for i, name in enumerate(names):
        if not name:
            names[i] = f"column_{i + 1}"
            notes.append(f"column {i + 1} has no name in the header; it is called {shown(names[i])}")
    doubles = [name for name, count in Counter(names).items() if count > 1]
    numeric = all(_is_number(name) for name in names)
    counted = names in ([str(i) for i in range(len(names))], [str(i + 1) for i in range(len(names))])
    if numeric and not counted:
        raise DataError(
            f"cannot read {where}, line {line}: expected a header line with the columns' names, found "
            f"numbers ({listed(names, 5)}). Put a line with names on top"
        )
    if doubles:
        positions = [str(i + 1) for i, name in enumerate(names) if name == doubles[0]]
        raise DataError(
            f"cannot read {where}, line {line}: the column name {shown(doubles[0])} stands {len(positions)} "
            f"times, as columns {' and '.join(positions)}. Give each column a name of its own"
        )
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_regular(data: bytes, separator: str, width: int) -> bool:
    """Whether there are no quotes, no blank lines and as many fields in each line, so that Polars may read it."""
    if b'"' in data or b"\r" in data or width < 2:
        return False
    lines = data.removesuffix(b"\n").split(b"\n")
    mark = separator.encode()
    return len(lines) > 1 and all(line.count(mark) == width - 1 for line in lines)


def _regular_rows(data: bytes, separator: str, names: list[str]) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    import polars as pl

    frame = pl.read_csv(
        io.BytesIO(data),
        separator=separator,
        has_header=False,
        skip_rows=1,
        new_columns=names,
        infer_schema=False,
        quote_char=None,
    ).with_columns(pl.all().fill_null(""))
    return frame, np.arange(2, frame.height + 2, dtype=np.int64)


def _rows(
    records: _Records, names: list[str], where: str, header_line: int
) -> tuple[pl.DataFrame, NDArray[np.int64], int]:
    import polars as pl

    width, blank = len(names), 0
    lines = array("q")
    frames: list[pl.DataFrame] = []
    block: list[list[str]] = []
    schema = dict.fromkeys(names, pl.String)

    def flush() -> None:
        frames.append(pl.DataFrame(dict(zip(names, zip(*block, strict=True), strict=True)), schema=schema))
        block.clear()

    before = header_line
    for record in records:
        line, before = before + 1, records.line_num
        if len(record) != width:
            if not record or (width > 1 and record == [record[0]] and not record[0].strip()):
                blank += 1
                continue
            raise DataError(
                f"cannot read {where}, line {line}: expected {plural(width, 'field')} as in the header, "
                f"found {len(record)}: {listed(record, 6)}. A stray or missing separator, or a text with a "
                "separator in it "
                f'that needs "quotation marks"'
            )
        block.append(record)
        lines.append(line)
        if len(block) == _BLOCK:
            flush()
    if block or not frames:
        if block:
            flush()
        else:
            frames.append(pl.DataFrame(schema=schema))
    return pl.concat(frames), np.frombuffer(lines, np.int64).copy() if lines else np.empty(0, np.int64), blank
