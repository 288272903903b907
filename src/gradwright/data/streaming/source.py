"""What a stream reads: rows in files, some rows of one file at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import PlaceOf, shown
from gradwright.data.rows import Features
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Block", "BlockSource", "Unchanged", "blocks_of", "placed"]


class BlockSource(Protocol):
    """Rows in files."""

    name: str
    kind: Literal["table", "images"]
    files: list[Path]
    sizes: list[int]
    """Rows of each file."""
    paths: list[Path]
    """All that is read, files with the targets included."""
    width: int
    """Values of a row, the target left out."""
    target_name: str

    def read(self, block: Block, columns: Collection[str] | None = None) -> tuple[Features, pl.Series]:
        """Read features and target of a block; of a table only these columns, where some are named."""


@dataclass(frozen=True)
class Block:
    """Some rows of one file, one after the other.

    Attributes
    ----------
    path : Path
        The file.
    start, rows : int
        Its first row, from 0 in the file, and how many there are.
    first : int
        The number of the first row in the whole source.
    """

    path: Path
    start: int
    rows: int
    first: int

    def place(self, row: int) -> str:
        """Name a row of the block for a message."""
        return f"{shown(str(self.path), 200)}, row {self.start + row}"

    def __str__(self) -> str:
        return f"rows {self.start} to {self.start + self.rows - 1} of {shown(str(self.path), 200)}"


def placed(block: Block, rows: NDArray[np.int64]) -> PlaceOf:
    """Name the places of some rows of a block, given by their numbers in it."""
    return lambda row: block.place(int(rows[row]))


def blocks_of(source: BlockSource, rows: int) -> list[Block]:
    """Cut the files into blocks of so many rows; the last one of a file may have fewer."""
    blocks, first = [], 0
    for path, size in zip(source.files, source.sizes, strict=True):
        for start in range(0, size, rows):
            count = min(rows, size - start)
            blocks.append(Block(path, start, count, first + start))
        first += size
    return blocks


class Unchanged:
    """Sizes and times of files when they were opened: one that has changed since is not read on.

    A reader that meets fewer bytes than the header promised may fail without an error to catch.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._stamps = {path: _stamp(path) for path in paths}

    def check(self, path: Path) -> None:
        """Raise `DataError` when the file is not what it was."""
        if _stamp(path) != self._stamps[path]:
            raise DataError(
                f"cannot read {shown(str(path), 200)} on: it has changed since the stream was opened. Make the stream "
                "again, and leave its files alone meanwhile"
            )


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"cannot read {shown(str(path), 200)}: {error.strerror or error}") from None
    return found.st_size, found.st_mtime_ns
