"""A fingerprint of data's content: equal content gives an equal fingerprint, on every machine and in every
version.

It is the SHA-256 of names, types, shapes and values, not of a file: a CSV file and the same table as
Parquet have one fingerprint, and a file that was merely copied or touched keeps its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.data.messages import shown
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["fingerprint_of", "fingerprint_of_files"]

_VERSION = b"gradwright data 1\0"
_BLOCK = 1 << 24


def fingerprint_of(*parts: pl.DataFrame | pl.Series | NDArray[Any]) -> str:
    """Fingerprint tables and arrays, in order.

    Parameters
    ----------
    *parts : polars.DataFrame, polars.Series or numpy.ndarray
        The content; the order of columns counts, the order of rows too.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits.

    Examples
    --------
    >>> fingerprint_of(np.arange(3)) == fingerprint_of(np.arange(3).copy())
    True
    >>> fingerprint_of(np.arange(3)) == fingerprint_of(np.arange(3.0))
    False
    """
    digest = hashlib.sha256(_VERSION)
    for part in parts:
        if isinstance(part, np.ndarray):
            _add_array(digest, part)
        else:
            for column in part.get_columns() if hasattr(part, "get_columns") else [part]:
                _add_column(digest, column)
    return f"sha256:{digest.hexdigest()}"


def fingerprint_of_files(paths: Sequence[Path]) -> str:
    """Fingerprint the bytes of files, in order: for data that is too large to be in memory as a whole.

    Parameters
    ----------
    paths : sequence of Path
        Their names do not count, so they may be moved; the same rows written by another program are another content.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits.

    Raises
    ------
    DataError
        A file that cannot be read.
    """
    digest = hashlib.sha256(b"gradwright files 1\0")
    for path in paths:
        try:
            with path.open("rb") as file:
                inner = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise DataError(f"cannot read {shown(str(path), 200)}: {error.strerror or error}") from None
        digest.update(inner.digest())
    return f"sha256:{digest.hexdigest()}"


def _add_array(digest: hashlib._Hash, values: NDArray[Any]) -> None:
    values = np.ascontiguousarray(values)
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("<"))
    digest.update(f"array {values.dtype.kind}{values.dtype.itemsize} {values.shape}\0".encode())
    flat = values.reshape(-1).view(np.uint8)
    for start in range(0, flat.size, _BLOCK):
        digest.update(flat[start : start + _BLOCK].data)


def _add_column(digest: hashlib._Hash, column: pl.Series) -> None:
    import polars as pl

    name = column.name.encode()
    digest.update(b"column %d:%s\0" % (len(name), name))
    missing = column.is_null().to_numpy()
    _add_array(digest, np.packbits(missing))
    if column.dtype == pl.Boolean:
        _add_array(digest, column.fill_null(False).to_numpy().astype(np.uint8))
    elif column.dtype.is_integer():
        _add_array(digest, column.cast(pl.Int64).fill_null(0).to_numpy())
    elif column.dtype.is_numeric():
        _add_array(digest, column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0)  # -0.0 and 0.0 are one value
    elif column.dtype in (pl.Date, pl.Datetime):
        _add_array(digest, column.cast(pl.Datetime("us")).to_physical().fill_null(0).to_numpy())
    elif column.dtype == pl.List(pl.String):
        _add_array(digest, column.list.len().fill_null(0).cast(pl.Int64).to_numpy())
        _add_column(digest, column.drop_nulls().explode(empty_as_null=False))
    else:
        texts = column.to_list() if column.dtype == pl.String else [str(v) for v in column.to_list()]
        encoded = [b"" if text is None else text.encode("utf-8", "surrogatepass") for text in texts]
        _add_array(digest, np.array([len(text) for text in encoded], np.int64))
        digest.update(b"".join(encoded))
