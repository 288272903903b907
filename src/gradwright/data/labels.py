"""Several labels a row: in a column for each label, or in one cell, separated by ``;`` or ``|``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text, to_boolean
from gradwright.data.messages import PlaceOf, closest, listed, plural, shown
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SEPARATORS", "is_flags", "label_matrix", "label_sets", "separator_of"]

SEPARATORS = (";", "|")


def separator_of(cells: pl.Series) -> str:
    """Return which of ``;`` and ``|`` separates the labels of text cells: the one that stands in more of them.

    Examples
    --------
    >>> import polars as pl
    >>> separator_of(pl.Series(["news|sport", "news", "art|news"]))
    '|'
    """
    return max(SEPARATORS, key=lambda sign: int(cells.str.contains(sign, literal=True).sum()))


def is_flags(column: pl.Series) -> bool:
    """Say whether a column holds nothing but true and false, or 1 and 0, besides missing values."""
    import polars as pl

    if column.dtype == pl.Boolean:
        return True
    return column.dtype.is_numeric() and bool(((column == 0) | (column == 1)).drop_nulls().all())


def label_sets(target: pl.Series, separator: str | None) -> list[list[str]]:
    """Return the labels of each row; a missing or empty cell has none.

    Parameters
    ----------
    target : polars.Series of text or of lists of text, length n
    separator : {";", "|"} or None
        What stands between labels; for lists None.

    Examples
    --------
    >>> import polars as pl
    >>> label_sets(pl.Series(["b; a", None, "a"]), ";")
    [['b', 'a'], [], ['a']]
    """
    import polars as pl

    if isinstance(target.dtype, pl.List):
        return [[str(label) for label in cell or [] if label is not None] for cell in target.to_list()]
    cells = as_text(target).to_list()
    return [[part.strip() for part in (cell or "").split(separator) if part.strip()] for cell in cells]


def label_matrix(
    target: pl.Series, name: str, classes: tuple[str, ...], separator: str | None, place: PlaceOf
) -> NDArray[np.float32]:
    """Return 1 where a row has a label, else 0: float32, shape (n, labels).

    Parameters
    ----------
    target : polars.Series
        A struct with a field of true/false or 1/0 for each label; or cells with labels, as in `label_sets`.
    name : str
        The target's name, for messages.
    classes : tuple of str
        The labels, in the order of the columns that are returned.

    Raises
    ------
    DataError
        A cell that is neither true nor false, a missing one, or a label that is none of the classes; the message
        names row and column.
    """
    import polars as pl

    if isinstance(target.dtype, pl.Struct):
        fields = target.struct.unnest()
        out = np.zeros((target.len(), len(classes)), np.float32)
        for i, label in enumerate(classes):
            if label not in fields.columns:
                raise DataError(
                    f"the target {shown(name)} lacks the column {shown(label)}{closest(label, fields.columns)}; "
                    f"expected a column for each label: {listed(classes)}"
                )
            flags = to_boolean(fields[label], place)
            if flags.null_count():
                row = int(flags.is_null().arg_max() or 0)
                raise DataError(
                    f"{place(row)}, column {shown(label)}: the value is missing ({plural(flags.null_count(), 'row')} "
                    "in all). Write 1 or 0, true or false, or leave such rows out"
                )
            out[:, i] = flags.to_numpy()
        return out
    index = {label: i for i, label in enumerate(classes)}
    out = np.zeros((target.len(), len(classes)), np.float32)
    for row, labels in enumerate(label_sets(target, separator)):
        for label in labels:
            if label not in index:
                raise DataError(
                    f"{place(row)}, target {shown(name)}: found the label {shown(label)}, which is none of the "
                    f"{plural(len(classes), 'label')} of the training data: {listed(classes, 20)}"
                    f"{closest(label, classes)}. Correct the label, or train again with rows that have it"
                )
            out[row, index[label]] = 1
    return out
