"""`Leak`, one finding of the audit; `Audited`, what the checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.data.belonging import By
from gradwright.data.column_preparation import DroppedColumn
from gradwright.data.messages import shown

if TYPE_CHECKING:
    import polars as pl

    from gradwright.data.preparation import Preparation
    from gradwright.data.rows import LabeledRows
    from gradwright.data.splits import Split
    from gradwright.data.task import Task

__all__ = ["PARTS", "Audited", "Leak", "pairs_of"]

PARTS = ("training", "validation", "test")
_NAMED = 5  # rows that a finding names


@dataclass(frozen=True)
class Leak:
    """One way in which the parts may know of each other, or the inputs of the target.

    Attributes
    ----------
    kind : str
        ``duplicate``, ``near duplicate``, ``group``, ``time``, ``giveaway``, ``missingness``, ``identifier``,
        ``preparation``, or ``sample`` (a remark that not all rows were compared).
    severity : {"info", "warning", "problem"}
        Problems make the test figure worthless; warnings want a look.
    title, detail : str
        What was found, and what to do; data in it is quoted and escaped.
    rows : tuple of str
        The first few places, as `LabeledRows.place` names them.
    columns : tuple of str
        The columns it is about.
    counts : dict of str to int
        How often.
    """

    kind: str
    severity: Literal["info", "warning", "problem"]
    title: str
    detail: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All fields, as `audit.json` holds them."""
        return {**asdict(self), "rows": list(self.rows), "columns": list(self.columns)}


@dataclass(frozen=True)
class Audited:
    """What the checks look at; of the test part they read inputs only, never the target.

    Attributes
    ----------
    columns : list of polars.Series
        The columns of a table that are features: without what the preparation drops and what the parts were split by.
        Empty for images.
    """

    dataset: LabeledRows
    task: Task
    parts: Split
    preparation: Preparation | None = None
    groups: By | None = None
    time: By | None = None

    @cached_property
    def part(self) -> NDArray[np.int8]:
        """The part of each row: 0, 1, 2 as in `PARTS`, or -1."""
        codes = np.full(self.dataset.rows, -1, np.int8)
        for i, rows in enumerate((self.parts.train, self.parts.validation, self.parts.test)):
            codes[rows] = i
        return codes

    @cached_property
    def known(self) -> NDArray[np.int64]:
        """The rows whose target may be looked at: training and validation."""
        return np.sort(np.concatenate([self.parts.train, self.parts.validation]))

    @cached_property
    def frame(self) -> pl.DataFrame | None:
        """The table, or None for images."""
        return None if isinstance(self.dataset.features, np.ndarray) else self.dataset.features

    @cached_property
    def columns(self) -> list[pl.Series]:
        """The columns that are features."""
        if self.frame is None:
            return []
        dropped = set(self.parts.not_features)
        if self.preparation is not None:
            dropped |= {c.name for c in self.preparation.columns if isinstance(c, DroppedColumn)}
        return [column for column in self.frame.get_columns() if column.name not in dropped]

    def name(self, row: int) -> str:
        """Name a row and its part."""
        return f"{self.dataset.place(row)} ({PARTS[self.part[row]]})"

    def name_rows(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Name the first few rows."""
        return tuple(self.name(int(row)) for row, _ in zip(rows, range(_NAMED), strict=False))

    def name_pairs(self, pairs: Sequence[tuple[int, int]]) -> tuple[str, ...]:
        """Name the first few pairs of rows."""
        return tuple(f"{self.name(a)} and {self.name(b)}" for a, b in pairs[:_NAMED])


def pairs_of(audited: Audited, pairs: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Count the pairs by the parts that they stand in."""
    counts: dict[str, int] = {}
    for a, b in pairs:
        first, second = sorted((int(audited.part[a]), int(audited.part[b])))
        key = f"{PARTS[first]} and {PARTS[second]}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def quoted(names: Iterable[str]) -> str:
    """Column names for a message."""
    return ", ".join(shown(name) for name in names)
