"""One file by its ending, or several by a pattern, to columns."""

from __future__ import annotations

import glob
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradwright.data.bio import read_bio
from gradwright.data.content import Content
from gradwright.data.delimited import read_delimited
from gradwright.data.frames import read_arrow, read_parquet
from gradwright.data.json_lines import read_json_lines
from gradwright.data.limits import MAX_BYTES, size_in_words
from gradwright.data.messages import closest, listed, plural, shown
from gradwright.data.progress import watched
from gradwright.data.rows import RowFiles
from gradwright.data.text_lines import is_fasttext, read_fasttext, read_running_text, read_text_lines
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FORMS", "is_pattern", "matching", "read_content", "read_contents"]

FORMS = (
    "CSV, TSV, Parquet, Arrow, JSON lines (.jsonl), NPZ, NPY, text (.txt), tokens with tags (.bio, .iob, .conll), a "
    "folder of IDX files, or a folder with a folder of images or texts for each class"
)

_READERS: dict[str, Callable[[Path], Content]] = {
    **dict.fromkeys((".parquet", ".pq"), lambda path: Content(read_parquet(path))),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), lambda path: Content(read_arrow(path))),
    **dict.fromkeys((".tsv", ".tab"), lambda path: Content(*read_delimited(path, "\t"))),
    **dict.fromkeys((".jsonl", ".ndjson"), read_json_lines),
    ".csv": lambda path: Content(*read_delimited(path)),
}
_TAGGED = (".bio", ".iob", ".conll")
_HINTS = {
    ".gz": "Unpack it first: gunzip",
    ".json": "Write one object a line and call it .jsonl",
    ".npz": "NPZ files are read one by one",
    ".npy": "NPY files are read one by one",
}


def is_pattern(name: str) -> bool:
    """Whether a path is a pattern (it holds ``*``, ``?`` or ``[``) rather than the name of something there.

    Examples
    --------
    >>> is_pattern("data/part-?.csv"), is_pattern("data/part-1.csv")
    (True, False)
    """
    try:
        return any(sign in name for sign in "*?[") and not Path(name).exists()
    except (OSError, ValueError):
        return False


def matching(pattern: str) -> list[Path]:
    """Find the files that a pattern matches, in the order of their names; ``**`` stands for any folders.

    Raises
    ------
    DataError
        There are none, their endings differ, or they have more bytes than `gradwright.data.limits.MAX_BYTES`.
    """
    where = shown(pattern, 200)
    try:
        paths = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())
        size = sum(path.stat().st_size for path in paths)
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    if not paths:
        raise DataError(
            f"no such source: {where}: the pattern matches no file. Patterns know *, ?, [abc] and ** (any folders); "
            "quote them, or the shell takes them for itself"
        )
    endings = {path.suffix.lower(): path for path in paths}
    if len(endings) > 1:
        raise DataError(
            f"cannot read {where}: it matches files of different kinds, such as "
            f"{listed((str(path) for path in endings.values()), 3)}; expected one ending, such as *{paths[0].suffix}"
        )
    if size > MAX_BYTES:
        raise DataError(
            f"cannot read {where}: its {plural(len(paths), 'file')} have {size_in_words(size)}; the limit is "
            f"{size_in_words(MAX_BYTES)}. Take fewer files, or train from Parquet in blocks: gradwright.data.stream"
        )
    return paths


def read_content(
    path: Path, task: str | None = None, *, labelled: bool = True, columns: Collection[str] = ()
) -> Content:
    """Read one file by its ending.

    Parameters
    ----------
    path : Path
        A file of one of `FORMS` that hold columns.
    task : str, optional
        With ``"next_token"`` a ``.txt`` file is running text.
    labelled : bool
        Whether targets must be there.
    columns : collection of str
        The columns that are asked for, where they are known; with ``text`` alone a ``.txt`` file is lines of text.

    Raises
    ------
    DataError
        An unknown ending, or what the file's reader refuses.
    """
    suffix = path.suffix.lower()
    if suffix in _READERS:
        return _READERS[suffix](path)
    if suffix in _TAGGED:
        return read_bio(path, tagged=labelled)
    if suffix == ".txt":
        if task == "next_token":
            return read_running_text(path)
        if is_fasttext(path):
            return read_fasttext(path)
        return read_text_lines(path) if set(columns) == {"text"} else _table_in_text(path)
    raise DataError(
        f"cannot read {shown(str(path), 200)}: its ending is {shown(path.suffix)}; expected {FORMS}. "
        f"{_HINTS.get(suffix, 'Save it as one of these, or rename it if it is one')}"
    )


def _table_in_text(path: Path) -> Content:
    try:
        return Content(*read_delimited(path))
    except DataError as error:
        raise DataError(
            f"{error}. (A .txt file is taken for a table, unless its lines begin with __label__ and a label, or "
            "the task is next_token)"
        ) from None


def read_contents(
    paths: list[Path], task: str | None = None, *, labelled: bool = True, columns: Collection[str] = ()
) -> tuple[Content, RowFiles | None]:
    """Read several files of one kind with the same columns, in any order, one under the other.

    Parameters
    ----------
    paths : list of Path
        At least one.
    task, labelled, columns
        As in `read_content`.

    Returns
    -------
    content : Content
        The columns in the order of the first file.
    files : RowFiles or None
        Which file each row is from; None for one file.

    Raises
    ------
    DataError
        What `read_content` refuses, or a file whose columns differ from the first one's in name or type.
    """
    import polars as pl

    read = [read_content(path, task, labelled=labelled, columns=columns) for path in watched(paths, "reading files")]
    if len(read) == 1:
        return read[0], None
    first = read[0]
    for path, content in zip(paths[1:], read[1:], strict=True):
        _compare(first, content, str(paths[0]), str(path))
    frames = [content.frame.select(first.frame.columns) for content in read]
    starts = np.cumsum([0, *(frame.height for frame in frames[:-1])])
    lines = [content.lines for content in read if content.lines is not None]
    notes = [f"read from {plural(len(paths), 'file')}, {shown(str(paths[0]), 200)} to {shown(str(paths[-1]), 200)}"]
    notes += [
        f"{shown(path.name)}: {note}" for path, content in zip(paths, read, strict=True) for note in content.notes
    ]
    whole = replace(
        first,
        frame=pl.concat([_cast(frame, frames) for frame in frames]),
        lines=np.concatenate(lines) if len(lines) == len(read) else None,
        notes=notes if len(notes) <= 20 else [*notes[:20], f"{len(notes) - 20} more remarks on further files"],
    )
    return whole, RowFiles(tuple(str(path) for path in paths), starts)


def _compare(first: Content, other: Content, name: str, other_name: str) -> None:
    expected, found = first.frame.columns, other.frame.columns
    lost, extra = [c for c in expected if c not in found], [c for c in found if c not in expected]
    if lost or extra:
        said = [f"it lacks {listed(lost, 6)}"] if lost else []
        said += [f"{'' if lost else 'it '}has {listed(extra, 6)} besides"] if extra else []
        hint = closest(lost[0], extra).replace("did you mean", f"is {shown(lost[0])} there called") if lost else ""
        raise DataError(
            f"cannot read {shown(other_name, 200)} together with {shown(name, 200)}: their columns differ, "
            f"{' and '.join(said)}{hint or '.'} Give all files the same columns, in any order"
        )
    for column in expected:
        one, two = first.frame[column].dtype, other.frame[column].dtype
        if one != two and not _alike(one, two):
            raise DataError(
                f"cannot read {shown(other_name, 200)} together with {shown(name, 200)}: column {shown(column)} is of "
                f"{two} there and of {one} here. Save both with the same type"
            )


def _alike(one: pl.DataType, two: pl.DataType) -> bool:
    """Whether two types are one once a column is wide enough: numbers are, and a column without values fits any."""
    import polars as pl

    return (one.is_numeric() and two.is_numeric()) or pl.Null in (one, two)


def _cast(frame: pl.DataFrame, frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Bring a frame's columns to types that hold all files' values."""
    import polars as pl

    wide = {}
    for column in frame.columns:
        kinds = {other[column].dtype for other in frames} - {pl.Null()}
        if len(kinds) == 1:
            wide[column] = kinds.pop()
        elif kinds:
            whole = all(kind.is_integer() and kind != pl.UInt64 for kind in kinds)
            wide[column] = pl.Int64() if whole else pl.Float64()
    return frame.cast(wide)  # type: ignore[arg-type]
