"""The task: what is to be predicted, found out from the target and said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text, kind_of, to_numbers
from gradwright.data.messages import PlaceOf, closest, listed, plural, shown
from gradwright.errors import ConfigError, DataError, IndexOutOfRangeError, StateError

if TYPE_CHECKING:
    import polars as pl

    from gradwright.data.rows import LabeledRows

__all__ = ["Task", "TaskKind", "infer_task"]

TaskKind: TypeAlias = Literal["binary", "multiclass", "regression"]

_OVERRULES = ("binary", "multiclass", "classification", "regression")
_FEW = 20  # as many distinct whole numbers in a table are still taken for classes
_FEW_IMAGES = 1000  # whole numbers that label images are classes: nobody counts in images
_MISSING_SHARE = 0.5  # with more of the target missing, something else is wrong


@dataclass(frozen=True)
class Task:
    """What is predicted, and how the target becomes numbers and predictions become labels.

    Attributes
    ----------
    kind : {"binary", "multiclass", "regression"}
        Two classes, several classes, or a quantity.
    reason : str
        Why, in words: ``10 distinct whole numbers in 1,797 rows``.
    target_name : str
        The target's name.
    classes : tuple of str or None
        The labels in class order; None for regression.
    class_counts : tuple of int or None
        Rows of each class.
    usable : int64 array
        The rows of the data set that have a target.
    notes : tuple of str
        Remarks, such as how many rows had no target.
    """

    kind: TaskKind
    reason: str
    target_name: str = "target"
    classes: tuple[str, ...] | None = None
    class_counts: tuple[int, ...] | None = None
    usable: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self.classes is not None

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out for a row: one a class, or one."""
        return len(self.classes) if self.classes is not None else 1

    def encode(self, target: pl.Series | Sequence[Any], place: PlaceOf | None = None) -> NDArray[Any]:
        """Turn a raw target into class indices or quantities.

        Parameters
        ----------
        target : polars.Series or sequence, length n
            Labels or quantities, typed or as text.
        place : callable, optional
            Names the place of a row in messages; by default ``row 3``.

        Returns
        -------
        int64 array, shape (n,), or float32 array, shape (n,)
            Class indices from 0, or quantities in the target's own unit.

        Raises
        ------
        DataError
            A target that is missing, a label that is none of the classes, or text where a quantity is
            expected.

        Examples
        --------
        >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(2, 2))
        >>> task.encode(["yes", "no"])
        array([1, 0])
        >>> task.encode(["yes", "perhaps"])
        Traceback (most recent call last):
        ...
        gradwright.errors.DataError: row 1, target 'target': found the label 'perhaps', ...
        """
        import polars as pl

        place = place or "row {}".format
        column = target if isinstance(target, pl.Series) else pl.Series(self.target_name, target, strict=False)
        if self.classes is None:
            numbers = to_numbers(column.alias(self.target_name), place)
            self._no_missing(numbers, place)
            return numbers.to_numpy().astype(np.float32)
        labels = as_text(column)
        self._no_missing(labels, place)
        index = {label: i for i, label in enumerate(self.classes)}
        distinct = {label: index.get(label, index.get(_other_spelling(label))) for label in labels.unique()}
        unseen = {label for label, found in distinct.items() if found is None}
        if unseen:
            row = next(i for i, label in enumerate(labels) if label in unseen)
            raise DataError(
                f"{place(row)}, target {shown(self.target_name)}: found the label {shown(labels[row])}, "
                f"which is none of the {plural(len(self.classes), 'class')} of the training data: "
                f"{listed(self.classes, 20)}{closest(labels[row], self.classes)}. Correct the label, or "
                f"train again with rows of that class"
            )
        return labels.replace_strict(distinct, return_dtype=pl.Int64).to_numpy().astype(np.int64)

    def _no_missing(self, column: pl.Series, place: PlaceOf) -> None:
        if column.null_count():
            row = int(column.is_null().arg_max() or 0)
            raise DataError(
                f"{place(row)}, target {shown(self.target_name)}: the value is missing "
                f"({plural(column.null_count(), 'row')} in all). Fill it in, or leave such rows out"
            )

    def decode(self, predicted: NDArray[Any] | Sequence[Any]) -> list[str] | list[float]:
        """Turn class indices into labels; leave quantities as they are.

        Parameters
        ----------
        predicted : array, shape (n,)
            Class indices, or quantities in the target's own unit.

        Returns
        -------
        list of str or list of float, length n

        Raises
        ------
        IndexOutOfRangeError
            An index that is no class; the message names the row.

        Examples
        --------
        >>> Task("binary", "as an example", classes=("no", "yes")).decode([1, 0])
        ['yes', 'no']
        """
        values = np.asarray(predicted)
        if self.classes is None:
            return [float(v) for v in values]
        bad = (values < 0) | (values >= len(self.classes))
        if bad.any():
            row = int(np.argmax(bad))
            raise IndexOutOfRangeError(
                f"row {row}: {values[row]} is no class index; there are {len(self.classes)} classes, "
                f"numbered 0 to {len(self.classes) - 1}"
            )
        return [self.classes[int(v)] for v in values]

    def to_dict(self) -> dict[str, Any]:
        """The task as `data.json` holds it, plus the target's name."""
        return {
            "kind": self.kind,
            "reason": self.reason,
            "classes": None if self.classes is None else list(self.classes),
            "class_counts": None if self.class_counts is None else list(self.class_counts),
            "unit": None,
            "target": self.target_name,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Task:
        """Read what `to_dict` wrote; `usable` stays empty.

        Raises
        ------
        StateError
            A field that is missing or has another type.

        Examples
        --------
        >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(2, 2))
        >>> Task.from_dict(task.to_dict()).classes
        ('no', 'yes')
        """
        kind, reason, classes = state.get("kind"), state.get("reason"), state.get("classes")
        counts, name = state.get("class_counts"), state.get("target", "target")
        good = kind in ("binary", "multiclass", "regression") and isinstance(reason, str) and isinstance(name, str)
        if kind == "regression":
            good = good and classes is None and counts is None
        else:
            good = good and isinstance(classes, list) and len(classes) >= 2
            good = (
                good
                and all(isinstance(c, str) for c in classes or ())
                and len(set(classes or ())) == len(classes or ())
            )
            good = good and (counts is None or (isinstance(counts, list) and all(type(n) is int for n in counts)))
            good = good and (kind != "binary" or len(classes or ()) == 2)
        if not good:
            raise StateError(
                "cannot read the task: expected kind, reason, classes and class_counts as in data.json, "
                f"found {shown(dict(state), 200)}"
            )
        return cls(
            cast(TaskKind, kind),
            cast(str, reason),
            cast(str, name),
            None if classes is None else tuple(classes),
            None if counts is None else tuple(counts),
        )


def _other_spelling(label: str) -> str:
    """``1.0`` and ``01`` as ``1``, ``True`` as ``true``: one label, written by another program."""
    try:
        number = float(label)
    except ValueError:
        return label.lower() if label.lower() in ("true", "false") else label
    return f"{number:.0f}" if number % 1 == 0 else repr(number)


def infer_task(dataset: LabeledRows, overrule: str | None = None) -> Task:
    """Find out from the target what the task is.

    Text and booleans are classes. Whole numbers are classes when there are two of them, or at most 20 with
    three rows each on average (for images: at most 1,000). All other numbers are quantities.

    Parameters
    ----------
    dataset : LabeledRows
        Only its target is looked at.
    overrule : {"binary", "multiclass", "classification", "regression"}, optional
        The user's word against the rule.

    Returns
    -------
    Task
        With the reason in words.

    Raises
    ------
    DataError
        The target has one class or value only, is missing in more than half of the rows, is text in so many
        forms that it looks like a name, or cannot be what `overrule` says.
    ConfigError
        `overrule` is no task.

    Examples
    --------
    >>> from gradwright.data import read
    >>> task = infer_task(read("digits"))
    >>> task.kind, task.reason, task.outputs
    ('multiclass', '10 distinct whole numbers in 1,797 rows', 10)
    >>> infer_task(read("diabetes")).kind
    'regression'
    """
    if overrule is not None and overrule not in _OVERRULES:
        raise ConfigError(
            f"no such task: {shown(overrule)}{closest(overrule, _OVERRULES)}. Tasks are {', '.join(_OVERRULES)}"
        )
    target = dataset.target
    what = f"the target {shown(dataset.target_name)} of {shown(dataset.name, 200)}"
    if kind_of(target) in ("other", "date"):
        raise DataError(f"cannot predict {what}: it is a column of {target.dtype}; expected numbers, text or booleans")
    usable = np.flatnonzero(target.is_not_null().to_numpy()).astype(np.int64)
    missing = dataset.rows - len(usable)
    notes: list[str] = []
    if missing:
        if missing > _MISSING_SHARE * dataset.rows:
            first = dataset.place(int(target.is_null().arg_max() or 0))
            raise DataError(
                f"cannot use {what}: it is missing in {missing:,} of {dataset.rows:,} rows, first in "
                f"{first}; expected at most half of them. Choose another target, or fill it in"
            )
        notes.append(f"{plural(missing, 'row')} without a target left out")
    filled = target.drop_nulls()
    distinct = int(filled.n_unique())
    numeric = kind_of(target) == "numeric"
    whole = numeric and (target.dtype.is_integer() or bool((filled % 1 == 0).all()))
    if distinct < 2:
        raise DataError(
            f"cannot learn {what}: all {plural(len(usable), 'row')} have the one value "
            f"{shown(filled[0]) if len(filled) else '(none)'}; expected two or more. Add rows of other "
            f"classes, or choose another target"
        )
    if overrule == "regression":
        if not numeric:
            raise DataError(
                f"cannot do regression on {what}: it holds "
                f"{'true or false' if kind_of(target) == 'boolean' else 'text'}, such as "
                f"{listed(filled.unique(maintain_order=True).head(3))}; regression needs numbers. Leave out "
                "--task, or choose a numeric target"
            )
        return Task("regression", "as asked for with --task", dataset.target_name, usable=usable, notes=tuple(notes))
    reason = _reason(dataset, distinct, numeric, whole, len(usable))
    by_rule = not numeric or (whole and _few(dataset.kind, distinct, len(usable)))
    if overrule is None and not by_rule:
        return Task("regression", reason, dataset.target_name, usable=usable, notes=tuple(notes))
    if distinct > _FEW and distinct * 2 > len(usable):
        raise DataError(
            f"cannot classify by {what}: it has {distinct:,} distinct values in {len(usable):,} rows, such "
            f"as {listed(filled.head(3))}; that is a name or a quantity rather than a class. Choose another "
            "target" + (", or --task regression" if numeric else "")
        )
    if overrule == "binary" and distinct != 2:
        raise DataError(
            f"cannot do binary classification on {what}: it has {distinct:,} classes, "
            f"{listed(filled.unique().sort())}; expected 2. Use --task multiclass"
        )
    ordered = filled.unique().sort()
    classes = tuple(as_text(ordered).to_list())
    if len(set(classes)) < len(classes):
        raise DataError(f"cannot classify by {what}: some of its values are written alike: {listed(classes)}")
    counts = dict(zip(*filled.value_counts().get_columns(), strict=True))
    kind: TaskKind = "multiclass" if overrule == "multiclass" or distinct > 2 else "binary"
    return Task(
        kind,
        reason if overrule is None else f"as asked for with --task; {reason}",
        dataset.target_name,
        classes,
        tuple(int(counts[value]) for value in ordered),
        usable,
        tuple(notes),
    )


def _few(kind: str, distinct: int, rows: int) -> bool:
    return distinct == 2 or (distinct <= (_FEW_IMAGES if kind == "images" else _FEW) and distinct * 3 <= rows)


def _reason(dataset: LabeledRows, distinct: int, numeric: bool, whole: bool, rows: int) -> str:
    if not numeric:
        kind = "true or false" if kind_of(dataset.target) == "boolean" else f"{distinct:,} distinct texts"
        return f"{kind} in {plural(rows, 'row')}"
    number = "whole number" if whole else "number"
    return f"{distinct:,} distinct {number}s in {plural(rows, 'row')}"
