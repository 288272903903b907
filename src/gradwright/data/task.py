"""The task: what is to be predicted, and how targets become numbers and numbers become answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text, to_numbers
from gradwright.data.labels import SEPARATORS, label_matrix
from gradwright.data.messages import PlaceOf, closest, listed, plural, shown
from gradwright.errors import DataError, IndexOutOfRangeError, StateError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Task", "TaskKind"]

TaskKind: TypeAlias = Literal["binary", "multiclass", "multilabel", "regression", "tagging", "next_token"]

_CLASSES = ("binary", "multiclass", "multilabel", "tagging")  # the kinds that have names to predict


@dataclass(frozen=True)
class Task:
    """What is predicted, and how the target becomes numbers and predictions become labels.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel", "regression", "tagging", "next_token"}
        Two classes; several classes; any number of labels for a row; one quantity or several; a tag for each token of
        a sequence; the token that comes next in a text.
    reason : str
        Why, in words: ``10 distinct whole numbers in 1,797 rows``.
    target_name : str
        The target's name; of several columns their names with commas between.
    classes : tuple of str or None
        The classes, labels or tags, in order; None for regression and for next tokens (those are the preparation's).
    class_counts : tuple of int or None
        Rows of each class or label; tokens of each tag.
    usable : int64 array
        The rows of the data set that have a target.
    notes : tuple of str
        Remarks, such as how many rows had no target.
    targets : tuple of str
        The target columns, where there are several; else empty.
    units : tuple of str
        The unit of each quantity, as its name states it; empty text where it states none.
    separator : str or None
        What stands between the labels of a cell.
    """

    kind: TaskKind
    reason: str
    target_name: str = "target"
    classes: tuple[str, ...] | None = None
    class_counts: tuple[int, ...] | None = None
    usable: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    notes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    separator: str | None = None

    @property
    def is_classification(self) -> bool:
        """Whether each row is of one class."""
        return self.kind in ("binary", "multiclass")

    @property
    def is_sequences(self) -> bool:
        """Whether rows are sequences of tokens."""
        return self.kind in ("tagging", "next_token")

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of what is predicted: one, or that of each column."""
        return self.targets or (self.target_name,)

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out: one a class, label, tag (for each token) or quantity.

        Raises
        ------
        StateError
            For next tokens, whose number is the fitted vocabulary's: ask `outputs_of`.
        """
        if self.kind == "next_token":
            raise StateError("a next-token task has as many outputs as the fitted vocabulary has tokens: outputs_of")
        return len(self.classes) if self.classes is not None else len(self.target_names)

    def encode(self, target: pl.Series | Sequence[Any], place: PlaceOf | None = None) -> Any:
        """Turn a raw target into class indices, flags or quantities.

        Parameters
        ----------
        target : polars.Series or sequence, length n
            Labels or quantities, typed or as text; a struct for several columns, lists for tags.
        place : callable, optional
            Names the place of a row in messages; by default ``row 3``.

        Returns
        -------
        int64 array, shape (n,)
            Class indices from 0.
        float32 array, shape (n,) or (n, targets)
            Quantities in their own units.
        float32 array, shape (n, labels)
            1 where the row has the label, else 0.
        list of int64 arrays, length n
            Tag indices, one for each token.

        Raises
        ------
        DataError
            A target that is missing, a label that is none of the classes, or text where a quantity is
            expected; the message names row and column.

        Examples
        --------
        >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(2, 2))
        >>> task.encode(["yes", "no"])
        array([1, 0])
        >>> task.encode(["yes", "perhaps"])
        Traceback (most recent call last):
        ...
        gradwright.errors.DataError: row 1, target 'target': found the label 'perhaps', ...
        >>> Task("multilabel", "as an example", classes=("art", "news"), separator=";").encode(["news;art", "art"])
        array([[1., 1.], [1., 0.]], dtype=float32)
        """
        import polars as pl

        place = place or "row {}".format
        column = target if isinstance(target, pl.Series) else pl.Series(self.target_name, target, strict=False)
        if self.kind == "next_token":
            raise StateError("the targets of a next-token task are tokens of a fitted vocabulary: use encode_rows")
        if self.kind == "multilabel":
            return label_matrix(column, self.target_name, self.classes or (), self.separator, place)
        if self.kind == "tagging":
            return self._tags(column, place)
        if self.kind == "regression" and self.targets:
            fields = column.struct.unnest()
            return np.stack([self._quantities(fields[name], name, place) for name in self.targets], axis=1)
        if self.classes is None:
            return self._quantities(column, self.target_name, place)
        labels = as_text(column)
        self._no_missing(labels, self.target_name, place)
        index = {name: i for i, name in enumerate(self.classes)}
        distinct = {label: index.get(label, index.get(_other_spelling(label))) for label in labels.unique()}
        unseen = {label for label, found in distinct.items() if found is None}
        if unseen:
            row = next(i for i, label in enumerate(labels) if label in unseen)
            raise self._unknown(labels[row], place(row))
        return labels.replace_strict(distinct, return_dtype=pl.Int64).to_numpy().astype(np.int64)

    def _unknown(self, label: str, place: str) -> DataError:
        classes = self.classes or ()
        what, named = ("tag", "tag") if self.kind == "tagging" else ("label", "class")
        return DataError(
            f"{place}, target {shown(self.target_name)}: found the {what} {shown(label)}, "
            f"which is none of the {plural(len(classes), named)} of the training data: "
            f"{listed(classes, 20)}{closest(label, classes)}. Correct the {what}, or "
            f"train again with rows of that {named}"
        )

    def _quantities(self, column: pl.Series, name: str, place: PlaceOf) -> NDArray[np.float32]:
        numbers = to_numbers(column.alias(name), place)
        self._no_missing(numbers, name, place)
        return numbers.to_numpy().astype(np.float32)

    def _tags(self, column: pl.Series, place: PlaceOf) -> list[NDArray[np.int64]]:
        self._no_missing(column, self.target_name, place)
        index = {tag: i for i, tag in enumerate(self.classes or ())}
        out = []
        for row, tags in enumerate(column.to_list()):
            for at, tag in enumerate(tags):
                if tag not in index:
                    raise self._unknown(str(tag), f"{place(row)}, token {at}")
            out.append(np.array([index[tag] for tag in tags], np.int64))
        return out

    def _no_missing(self, column: pl.Series, name: str, place: PlaceOf) -> None:
        if column.null_count():
            row = int(column.is_null().arg_max() or 0)
            raise DataError(
                f"{place(row)}, target {shown(name)}: the value is missing "
                f"({plural(column.null_count(), 'row')} in all). Fill it in, or leave such rows out"
            )

    def decode(self, predicted: Any) -> list[Any]:
        """Turn class indices into labels, flags into lists of labels; leave quantities as they are.

        Parameters
        ----------
        predicted : array, shape (n,) or (n, targets or labels); or list of n integer arrays
            As `encode` returns it.

        Returns
        -------
        list, length n
            Labels; quantities, or lists of them; lists of labels or of tags.

        Raises
        ------
        IndexOutOfRangeError
            An index that is no class; the message names the row.

        Examples
        --------
        >>> Task("binary", "as an example", classes=("no", "yes")).decode([1, 0])
        ['yes', 'no']
        >>> Task("multilabel", "as an example", classes=("art", "news")).decode([[1, 1], [0, 0]])
        [['art', 'news'], []]
        """
        if self.kind == "tagging":
            return [self._names(tags, f"row {row}, token {{}}".format) for row, tags in enumerate(predicted)]
        values = np.asarray(predicted)
        if self.classes is None:
            return cast(list[Any], values.astype(np.float64).tolist())
        if self.kind == "multilabel":
            return [[c for c, there in zip(self.classes, row, strict=True) if there] for row in values]
        return self._names(values, "row {}".format)

    def _names(self, values: Any, place: PlaceOf) -> list[str]:
        values, classes = np.asarray(values), self.classes or ()
        bad = (values < 0) | (values >= len(classes))
        if bad.any():
            row = int(np.argmax(bad))
            raise IndexOutOfRangeError(
                f"{place(row)}: {values[row]} is no class index; there are {len(classes)} classes, "
                f"numbered 0 to {len(classes) - 1}"
            )
        return [classes[int(v)] for v in values]

    def to_dict(self) -> dict[str, Any]:
        """The task as `data.json` holds it, plus the target's name."""
        state: dict[str, Any] = {
            "kind": self.kind,
            "reason": self.reason,
            "classes": None if self.classes is None else list(self.classes),
            "class_counts": None if self.class_counts is None else list(self.class_counts),
            "unit": (self.units[0] or None) if len(self.units) == 1 else None,
            "target": self.target_name,
        }
        if self.targets:
            state |= {"targets": list(self.targets), "units": list(self.units)}
        if self.separator is not None:
            state["separator"] = self.separator
        return state

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Task:
        """Read what `to_dict` wrote; `usable` stays empty.

        Raises
        ------
        StateError
            A field that is missing or has another type, or fields that do not go together.

        Examples
        --------
        >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(2, 2))
        >>> Task.from_dict(task.to_dict()).classes
        ('no', 'yes')
        """
        kind, reason, name = state.get("kind"), state.get("reason"), state.get("target", "target")
        classes, counts, unit = state.get("classes"), state.get("class_counts"), state.get("unit")
        targets, units, separator = state.get("targets", []), state.get("units", []), state.get("separator")
        good = kind in get_args(TaskKind) and isinstance(reason, str) and isinstance(name, str)
        good = good and (classes is None) == (kind not in _CLASSES) and (classes is None or _texts(classes))
        good = good and (counts is None or (classes is not None and _counts(counts, len(classes))))
        least = 1 if kind == "multilabel" else 2
        good = good and (classes is None or (len(classes) == 2 if kind == "binary" else len(classes) >= least))
        good = good and _texts(targets) and len(targets) != 1
        good = good and (not targets or kind in ("multilabel", "regression"))
        good = good and (not targets or kind != "multilabel" or targets == classes)
        good = good and isinstance(units, list) and all(isinstance(u, str) for u in units)
        good = good and len(units) == (len(targets) if kind == "regression" else 0)
        good = good and (unit is None or (isinstance(unit, str) and kind == "regression" and not targets))
        good = good and (separator is None or (separator in SEPARATORS and kind == "multilabel" and not targets))
        if not good:
            raise StateError(
                "cannot read the task: expected kind, reason, classes and class_counts as in data.json, "
                f"found {shown(dict(state), 200)}"
            )
        if kind == "regression" and not targets:
            units = [unit or ""]
        return cls(
            cast(TaskKind, kind),
            cast(str, reason),
            cast(str, name),
            None if classes is None else tuple(classes),
            None if counts is None else tuple(counts),
            targets=tuple(targets),
            units=tuple(units),
            separator=separator,
        )


def _texts(values: Any) -> bool:
    """Whether it is a list of texts, each there once."""
    return isinstance(values, list) and all(isinstance(v, str) for v in values) and len(set(values)) == len(values)


def _counts(values: Any, length: int) -> bool:
    return isinstance(values, list) and len(values) == length and all(type(n) is int and n >= 0 for n in values)


def _other_spelling(label: str) -> str:
    """``1.0`` and ``01`` as ``1``, ``True`` as ``true``: one label, written by another program."""
    try:
        number = float(label)
    except ValueError:
        return label.lower() if label.lower() in ("true", "false") else label
    return f"{number:.0f}" if number % 1 == 0 else repr(number)
