"""Which sources are read in blocks unasked, because they do not fit into memory."""

from __future__ import annotations

import glob
from pathlib import Path

from gradwright.data import limits
from gradwright.data.frames import parquet_bytes
from gradwright.errors import DataError

__all__ = ["must_stream"]


def must_stream(source: str) -> bool:
    """Say whether a source is over the limit in memory, and one that can be streamed.

    Such are Parquet files that claim more than ``gradwright.data.limits.MAX_BYTES`` (one file, or a pattern's together)
    and a folder with ``X.npy``, which nothing else reads. A claim of more than 1,000 times what is stored is not
    believed: `read` refuses it.

    Parameters
    ----------
    source : str
        As `read` takes it; what is not there or broken is left to the reader, which says so.

    Examples
    --------
    >>> must_stream("digits")
    False
    """
    path = Path(source)
    try:
        if path.is_dir():
            return (path / "X.npy").is_file()
        files = [path] if path.is_file() else [Path(found) for found in sorted(glob.glob(source, recursive=True))]
        if not files or any(file.suffix.lower() not in (".parquet", ".pq") for file in files):
            return False
        claimed, stored = 0, 0
        for file in files:
            claimed += parquet_bytes(file)
            stored += file.stat().st_size
    except (DataError, OSError, ValueError):
        return False
    return limits.MAX_BYTES < claimed <= limits.TABLE_RATIO * stored
