"""`Content`: what one file holds, between its reader and `LabeledRows` or `Rows`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """A file's columns.

    Attributes
    ----------
    frame : polars.DataFrame
        All columns. Without a `target` those of text are still to be given their types.
    lines : int64 array, shape (rows,), or None
        The line of the file, from 1, on which each row begins.
    notes : list of str
        Remarks of the reading.
    kind : {"table", "sequences"}
        As in `LabeledRows`.
    target : str or None
        The target's column, where the format itself says which one it is; then all types are final.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64] | None = None
    notes: list[str] = field(default_factory=list)
    kind: Literal["table", "sequences"] = "table"
    target: str | None = None
