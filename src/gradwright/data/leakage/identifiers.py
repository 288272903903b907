"""Features that only say which row it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from gradwright.data.columns import kind_of
from gradwright.data.leakage.leak import Audited, Leak
from gradwright.data.messages import listed, plural, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["find_identifiers"]

_LEAST = 10  # fewer rows have different values in many a column
_KEY_NAME = re.compile(r"(^|[_\W])(id|uid|uuid|guid|key|index|row|rownum|serial|no|nr)$|[a-z](Id|ID)$", re.IGNORECASE)


def find_identifiers(audited: Audited) -> list[Leak]:
    """Find features that differ in (nearly) every row as numbers of rows or keys do, and not as measurements do."""
    if len(audited.columns) < 2:
        return []  # where nothing else is given, that is what there is to learn from
    found = []
    for column in audited.columns:
        why = _why(column)
        if why:
            found.append(
                Leak(
                    "identifier",
                    "warning",
                    f"Column {shown(column.name)} looks like an identifier",
                    f"{why[0].upper()}{why[1:]}, such as {listed(column.drop_nulls().head(3))}. It says which row it "
                    f"is, or when it was written, and what is learnt from that is of no use for new rows. Leave the "
                    f"column out.",
                    audited.name_rows(np.flatnonzero(audited.part >= 0)[:1]),
                    (column.name,),
                    {"distinct": int(column.n_unique()), "rows": len(column)},
                )
            )
    return found


def _why(column: pl.Series) -> str:
    filled = column.drop_nulls()
    if len(filled) < _LEAST or kind_of(column) not in ("numeric", "category"):
        return ""
    distinct = filled.n_unique()
    if distinct < 0.99 * len(filled):
        return ""
    if kind_of(column) == "category":
        words = filled.str.strip_chars()
        keys = (words.str.len_chars() <= 64) & ~words.str.contains(r"\s") & words.str.contains(r"\d")
        return f"it holds a key of its own in {plural(distinct, 'row')}" if keys.mean() > 0.95 else ""  # type: ignore[operator]
    if not (filled.dtype.is_integer() or bool((filled % 1 == 0).all())):
        return ""
    numbers = filled.to_numpy().astype(np.float64)
    steps = np.diff(numbers)
    if (steps > 0).all() or (steps < 0).all():
        return f"its whole numbers run in the order of the rows, {plural(distinct, 'row')} long"
    if numbers.max() - numbers.min() + 1 <= 1.05 * len(numbers):
        return f"its whole numbers count the rows, {numbers.min():.0f} to {numbers.max():.0f}"
    if _KEY_NAME.search(column.name):
        return f"its name is a key's and its whole numbers differ in {plural(distinct, 'row')}"
    return ""
