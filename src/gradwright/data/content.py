"""`Content`: what a file holds, between its reader and `LabeledRows` or `Rows`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.rows import LabeledRows, RowFiles

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Content", "labeled_rows"]


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


def labeled_rows(
    content: Content,
    name: str,
    files: RowFiles | None = None,
    split: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> LabeledRows:
    """Make a content whose format says what is the target into rows to train on.

    Parameters
    ----------
    content : Content
        With a `target`. Where that is the only column, it is the feature as well: running text.
    name, files, split
        What `LabeledRows` calls name, files and given_split.
    """
    target = content.target or content.frame.columns[-1]
    features = content.frame.drop(target) if content.frame.width > 1 else content.frame
    return LabeledRows(
        name=name,
        kind=content.kind,
        features=features,
        feature_names=tuple(features.columns),
        target=content.frame[target],
        target_name=target,
        fingerprint=fingerprint_of(content.frame),
        given_split=split,
        notes=tuple(content.notes),
        lines=content.lines,
        files=files,
    )
