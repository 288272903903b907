"""`Preparation`: raw features to the matrix that a network takes, fitted on training rows alone.

What it learns from the training rows (medians, means, standard deviations, the categories) is kept with the
model as plain JSON. At prediction it meets rows that it has never seen: columns are found by name in any
order, extra ones are ignored with a note, missing ones are an error, a category that training never saw
becomes zeros and is reported.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradwright.data.column_preparation import (
    KINDS,
    Column,
    DroppedColumn,
    fit_column,
)
from gradwright.data.image_preparation import ImagePreparation
from gradwright.data.messages import DataWarning, Note, PlaceOf, closest, listed, plural, shown
from gradwright.data.rows import Features, pixel_names
from gradwright.data.scaling import TargetScale, TargetScales, check_state
from gradwright.data.tokens import TokenPreparation
from gradwright.errors import DataError, StateError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Preparation"]

_FORMAT = 1
_Report: TypeAlias = Callable[[Note], None]


@dataclass(frozen=True)
class Preparation:
    """A fitted preparation.

    Attributes
    ----------
    columns : tuple of column preparations
        One for each column of a table, in the source's order; empty for images and tokens.
    images : ImagePreparation or None
        The one mean and standard deviation of images.
    target_scale : TargetScale, TargetScales or None
        For regression: the mean and standard deviation of the training targets.
    notes : tuple of str
        What was dropped and filled in, in words.
    tokens : TokenPreparation or None
        The vocabulary of sequences.

    Examples
    --------
    >>> import polars as pl
    >>> train = pl.DataFrame({"size": [1.0, 3.0, None], "colour": ["red", "blue", "red"]})
    >>> preparation = Preparation.fit(train)
    >>> preparation.feature_names
    ('size', 'size (missing)', 'colour=blue', 'colour=red')
    >>> notes = []
    >>> preparation.transform(pl.DataFrame({"colour": ["teal"], "size": [2.0]}), notes=notes)
    array([[0., 0., 0., 0.]], dtype=float32)
    >>> print(notes[0])
    column 'colour': the category 'teal' was not seen in training and counts as none of them (first in row 0)
    """

    columns: tuple[Column, ...] = ()
    images: ImagePreparation | None = None
    target_scale: TargetScale | TargetScales | None = None
    notes: tuple[str, ...] = field(default=())
    tokens: TokenPreparation | None = None

    @classmethod
    def fit(
        cls,
        features: Features,
        target: NDArray[Any] | None = None,
        *,
        place: PlaceOf | None = None,
        max_categories: int = 100,
        target_names: Sequence[str] = (),
        drop: Mapping[str, str] | None = None,
    ) -> Preparation:
        """Learn from training rows.

        Parameters
        ----------
        features : polars.DataFrame, or array of shape (n, ...)
            Training rows only. An array is taken for images: one mean and one standard deviation for all
            pixels, because scaling nearly constant pixels one by one blows up their noise.
        target : float array, shape (n,) or (n, targets), optional
            For regression: the training targets, in their own units, to be standardised one by one.
        place : callable, optional
            Names the place of a row in messages.
        max_categories : int
            A text column with more distinct values is free text, or dropped with a note.
        target_names : sequence of str
            The names of several targets, for messages.
        drop : mapping of str to str, optional
            Columns of a table that shall be no features, each with the reason; see `Split.not_features`.

        Returns
        -------
        Preparation

        Raises
        ------
        DataError
            No rows, or no usable column.
        """
        place = place or "row {}".format
        if len(features) == 0:
            raise DataError("cannot fit a preparation on 0 rows; expected the training part")
        scale: TargetScale | TargetScales | None = None
        if target is not None and target.ndim == 2:
            names = target_names or [f"target {i}" for i in range(target.shape[1])]
            scale = TargetScales.fit(target, names)
        elif target is not None:
            scale = TargetScale.fit(target)
        if isinstance(features, np.ndarray):
            images, note = ImagePreparation.fit(features)
            return cls(images=images, target_scale=scale, notes=(note,))
        drop = drop or {}
        columns = tuple(
            DroppedColumn(c.name, drop[c.name]) if c.name in drop else fit_column(c, place, max_categories)
            for c in features.get_columns()
        )
        if all(isinstance(c, DroppedColumn) for c in columns):
            reasons = "; ".join(f"{shown(c.name)}: {c.reason}" for c in columns[:6] if isinstance(c, DroppedColumn))
            raise DataError(
                f"cannot prepare the features: none of {plural(len(columns), 'column')} is usable "
                f"({reasons}). Add numbers or categories"
            )
        return cls(columns, None, scale, tuple(c.note for c in columns if c.note))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The prepared columns' names, in order: ``size``, ``size (missing)``, ``colour=red``."""
        if self.tokens is not None:
            return tuple(f"token {i}" for i in range(self.tokens.length))
        if self.images is not None:
            return tuple(pixel_names(self.images.shape))
        return tuple(name for column in self.columns for name in column.outputs)

    @property
    def width(self) -> int:
        """How many prepared columns there are; of tokens, how many a row has."""
        if self.tokens is not None:
            return self.tokens.length
        if self.images is not None:
            return self.images.width
        return sum(len(column.outputs) for column in self.columns)

    def transform(
        self,
        features: Features,
        *,
        place: PlaceOf | None = None,
        notes: list[Note] | None = None,
        ignore: Collection[str] = (),
    ) -> NDArray[Any]:
        """Prepare raw rows.

        Parameters
        ----------
        features : polars.DataFrame, or array of shape (n, ...)
            Raw rows: columns in any order, typed or as text. For images an array (n, height, width), (n,
            pixels), or a table with the columns ``pixel_i_j``.
        place : callable, optional
            Names the place of a row in messages; `Rows.place` or `LabeledRows.place` does.
        notes : list of Note, optional
            Remarks are added here. Without it each becomes a `DataWarning`, so that none is lost.
        ignore : collection of str
            Extra columns that need no remark, such as the target's.

        Returns
        -------
        float32 array, shape (n, width)
            Finite in every place. Of tokens, an int64 array of their numbers: as many rows as pieces or windows.

        Raises
        ------
        DataError
            A column is missing (the closest name is suggested), text stands where a number is expected, a
            value is infinite or too far from training's to be a float32, or images have another shape.
        """
        place = place or "row {}".format
        report: _Report = (lambda note: warnings.warn(str(note), DataWarning, 3)) if notes is None else notes.append
        if self.tokens is not None:
            return self.tokens.transform(features, place, report)
        if self.images is not None:
            return self.images.transform(self._pixels(features, self.images, place), place)
        if isinstance(features, np.ndarray):
            features = self._named(features)
        self._compare_columns(features.columns, report, ignore)
        out = np.zeros((features.height, self.width), np.float32)
        start = 0
        for column in self.columns:
            if isinstance(column, DroppedColumn):
                continue
            stop = start + len(column.outputs)
            column.transform(features[column.name], out[:, start:stop], place, report)
            start = stop
        return out

    def scale_target(self, target: NDArray[Any]) -> NDArray[Any]:
        """Standardise quantities, shape (n,) or (n, targets), from their own units; all else stays as it is."""
        return target if self.target_scale is None else self.target_scale.transform(target)

    def unscale_target(self, predicted: NDArray[Any]) -> NDArray[Any]:
        """Bring predicted quantities, shape (n,) or (n, targets), back to their own units, as float64."""
        return predicted if self.target_scale is None else self.target_scale.inverse(predicted)

    def _named(self, features: NDArray[Any]) -> pl.DataFrame:
        import polars as pl

        if features.ndim != 2 or features.shape[1] != len(self.columns):
            raise DataError(
                f"cannot prepare an array of shape {features.shape}: the preparation was fitted on a table "
                f"of {plural(len(self.columns), 'column')}. Give (n, {len(self.columns)}) values in that "
                "order, or a table"
            )
        return pl.DataFrame({column.name: features[:, i] for i, column in enumerate(self.columns)})

    def _pixels(self, features: Features, images: ImagePreparation, place: PlaceOf) -> NDArray[Any]:
        if isinstance(features, np.ndarray):
            return features
        from gradwright.data.columns import to_numbers

        names = pixel_names(images.shape)
        lost = [name for name in names if name not in set(features.columns)]
        if lost:
            raise DataError(
                f"cannot prepare the table: the preparation was fitted on images of shape {images.shape}, "
                f"so it expects the columns {names[0]} to {names[-1]}; missing are {listed(lost, 5)}"
            )
        table = [to_numbers(features[name], place).fill_null(float("nan")).to_numpy() for name in names]
        return np.stack(table, axis=1)

    def _compare_columns(self, found: list[str], report: _Report, ignore: Collection[str]) -> None:
        known = {column.name for column in self.columns}
        needed = [column.name for column in self.columns if not isinstance(column, DroppedColumn)]
        there = set(found)
        extra = [name for name in found if name not in known and name not in ignore]
        lost = [name for name in needed if name not in there]
        if lost:
            hints = []
            for name in lost[:6]:
                hint = closest(name, extra).removeprefix("; did you mean ").removesuffix("?")
                hints.append(f"{shown(name)} (is it {hint}, renamed?)" if hint else shown(name))
            more = f" and {len(lost) - 6} more" if len(lost) > 6 else ""
            raise DataError(
                f"cannot prepare the rows: {plural(len(lost), 'column')} of the training data missing: "
                f"{', '.join(hints)}{more}. Found {listed(found, 20)}. Give the columns their names of "
                f"training; their order is free"
            )
        if extra:
            report(
                Note(
                    f"{plural(len(extra), 'column')} not in the training data ignored: {listed(extra, 6)}",
                    column=extra[0],
                    count=len(extra),
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values: `preparation.json`."""
        return {
            "format": _FORMAT,
            "columns": [column.to_dict() for column in self.columns],
            "images": None if self.images is None else self.images.to_dict(),
            "target_scale": None if self.target_scale is None else self.target_scale.to_dict(),
            "notes": list(self.notes),
            "tokens": None if self.tokens is None else self.tokens.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Preparation:
        """Read what `to_dict` wrote, checking every field.

        Parameters
        ----------
        state : mapping
            From JSON, perhaps a stranger's: nothing in it is executed, and nothing in it is believed
            unchecked.

        Raises
        ------
        StateError
            An unknown format, a missing or unknown field, or a value of another type or out of range.

        Examples
        --------
        >>> import json, polars as pl
        >>> fitted = Preparation.fit(pl.DataFrame({"x": [1.0, 2.0]}))
        >>> Preparation.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
        True
        """
        state = {"tokens": None, **state} if isinstance(state, Mapping) else state  # runs of before tokens
        several = isinstance(state, Mapping) and isinstance(state.get("target_scale"), list)
        fields = check_state(
            state,
            "preparation",
            format=int,
            columns=list,
            images=(dict, None),
            target_scale=(list if several else dict, None),
            notes=list,
            tokens=(dict, None),
        )
        if fields["format"] != _FORMAT:
            raise StateError(
                f"cannot read the preparation: its format is {shown(fields['format'])}; this version reads "
                f"{_FORMAT}. Use the version of Gradwright that wrote it"
            )
        columns: list[Column] = []
        for i, entry in enumerate(fields["columns"]):
            kind = entry.get("kind") if isinstance(entry, dict) else None
            if not isinstance(kind, str) or kind not in KINDS:
                raise StateError(
                    f"cannot read the preparation: column {i} is of kind {shown(kind)}; expected {', '.join(KINDS)}"
                )
            columns.append(KINDS[kind].from_dict(entry))
        if len({column.name for column in columns}) < len(columns):
            raise StateError("cannot read the preparation: two of its columns have one name")
        if not all(isinstance(note, str) for note in fields["notes"]):
            raise StateError("cannot read the preparation: a note is no text")
        images = None if fields["images"] is None else ImagePreparation.from_dict(fields["images"])
        tokens = None if fields["tokens"] is None else TokenPreparation.from_dict(fields["tokens"])
        usable = any(not isinstance(c, DroppedColumn) for c in columns)
        if sum((images is not None, tokens is not None, usable)) != 1:
            raise StateError("cannot read the preparation: expected columns, images or tokens, one of them")
        scale: TargetScale | TargetScales | None = None
        if several:
            scale = TargetScales.from_list(fields["target_scale"])
        elif fields["target_scale"] is not None:
            scale = TargetScale.from_dict(fields["target_scale"])
        return cls(tuple(columns), images, scale, tuple(fields["notes"]), tokens)
