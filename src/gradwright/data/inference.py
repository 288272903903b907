"""`infer_task`: what the task is, found out from the target and said in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text, kind_of, to_numbers
from gradwright.data.labels import is_flags, label_matrix, label_sets, separator_of
from gradwright.data.messages import closest, listed, plural, shown
from gradwright.data.task import Task, TaskKind
from gradwright.data.units import unit_of
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

    from gradwright.data.rows import LabeledRows

__all__ = ["OVERRULES", "infer_task"]

OVERRULES = ("binary", "multiclass", "classification", "multilabel", "regression", "tagging", "next_token")
"""What a user may call the task; ``classification`` is either of the first two."""

_FEW = 20  # as many distinct whole numbers in a table are still taken for classes
_FEW_IMAGES = 1000  # whole numbers that label images are classes: nobody counts in images
_MISSING_SHARE = 0.5  # with more of the target missing, something else is wrong


def infer_task(dataset: LabeledRows, overrule: str | None = None) -> Task:
    """Find out from the target what the task is.

    Text and booleans are classes. Whole numbers are classes when there are two of them, or at most 20 with
    three rows each on average (for images: at most 1,000). All other numbers are quantities. Several target columns
    that hold 1 and 0, or true and false, are labels; other numbers in several columns are quantities. Sequences of
    tokens with tags are tagged; a text that is its own target is continued.

    Parameters
    ----------
    dataset : LabeledRows
        Only its target is looked at.
    overrule : str, optional
        The user's word against the rule, one of `OVERRULES`. Cells of text are taken for several labels each, with
        ``;`` or ``|`` between them, only where it is "multilabel".

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
    import polars as pl

    if overrule is not None and overrule not in OVERRULES:
        raise ConfigError(
            f"no such task: {shown(overrule)}{closest(overrule, OVERRULES)}. Tasks are {', '.join(OVERRULES)}"
        )
    target = dataset.target
    of_itself = dataset.feature_names == (dataset.target_name,) and target.dtype == pl.String
    if overrule == "next_token" or (of_itself and overrule is None):
        return _next_token(dataset, of_itself, overrule)
    if dataset.kind == "sequences" or overrule == "tagging":
        return _tagging(dataset, overrule)
    if isinstance(target.dtype, pl.Struct):
        return _several(dataset, overrule)
    if overrule == "multilabel" or (isinstance(target.dtype, pl.List) and overrule is None):
        return _labels_in_cells(dataset, overrule)
    return _one_column(dataset, overrule)


def _what(dataset: LabeledRows) -> str:
    return f"the target {shown(dataset.target_name, 100)} of {shown(dataset.name, 200)}"


def _why(overrule: str | None, reason: str) -> str:
    return reason if overrule is None else f"as asked for with --task; {reason}"


def _usable(dataset: LabeledRows, there: pl.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the rows that have a target, and what to remark; too many without one are an error."""
    usable = np.flatnonzero(there.to_numpy()).astype(np.int64)
    missing = dataset.rows - len(usable)
    if missing > _MISSING_SHARE * dataset.rows:
        first = dataset.place(int((~there).arg_max() or 0))
        raise DataError(
            f"cannot use {_what(dataset)}: it is missing in {missing:,} of {dataset.rows:,} rows, first in "
            f"{first}; expected at most half of them. Choose another target, or fill it in"
        )
    return usable, ((f"{plural(missing, 'row')} without a target left out",) if missing else ())


# --- one column ---------------------------------------------------------------------------------------------------
def _one_column(dataset: LabeledRows, overrule: str | None) -> Task:
    target, what = dataset.target, _what(dataset)
    if kind_of(target) in ("other", "date"):
        raise DataError(f"cannot predict {what}: it is a column of {target.dtype}; expected numbers, text or booleans")
    usable, notes = _usable(dataset, target.is_not_null())
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
    units = (unit_of(dataset.target_name),)
    if overrule == "regression":
        if not numeric:
            raise DataError(
                f"cannot do regression on {what}: it holds "
                f"{'true or false' if kind_of(target) == 'boolean' else 'text'}, such as "
                f"{listed(filled.unique(maintain_order=True).head(3))}; regression needs numbers. Leave out "
                "--task, or choose a numeric target"
            )
        reason = "as asked for with --task"
        return Task("regression", reason, dataset.target_name, usable=usable, notes=notes, units=units)
    reason = _reason(dataset, distinct, numeric, whole, len(usable))
    by_rule = not numeric or (whole and _few(dataset.kind, distinct, len(usable)))
    if overrule is None and not by_rule:
        return Task("regression", reason, dataset.target_name, usable=usable, notes=notes, units=units)
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
        _why(overrule, reason),
        dataset.target_name,
        classes,
        tuple(int(counts[value]) for value in ordered),
        usable,
        notes,
    )


def _few(kind: str, distinct: int, rows: int) -> bool:
    return distinct == 2 or (distinct <= (_FEW_IMAGES if kind == "images" else _FEW) and distinct * 3 <= rows)


def _reason(dataset: LabeledRows, distinct: int, numeric: bool, whole: bool, rows: int) -> str:
    if not numeric:
        kind = "true or false" if kind_of(dataset.target) == "boolean" else f"{distinct:,} distinct texts"
        return f"{kind} in {plural(rows, 'row')}"
    number = "whole number" if whole else "number"
    return f"{distinct:,} distinct {number}s in {plural(rows, 'row')}"


# --- several columns ----------------------------------------------------------------------------------------------
def _several(dataset: LabeledRows, overrule: str | None) -> Task:
    fields = dataset.target.struct.unnest()
    names = tuple(fields.columns)
    if overrule not in (None, "multilabel", "regression"):
        raise DataError(
            f"cannot do {overrule} on {_what(dataset)}: it is {plural(len(names), 'column')}; several targets are "
            "labels (--task multilabel) or quantities (--task regression). Choose one column for another task"
        )
    flags = [name for name in names if is_flags(fields[name])]
    if overrule == "multilabel" or (overrule is None and len(flags) == len(names)):
        return _labels_in_columns(dataset, fields, overrule)
    for name in names:
        if kind_of(fields[name]) == "numeric":
            continue
        row = int(fields[name].is_not_null().arg_max() or 0)
        raise DataError(
            f"{dataset.place(row)}, column {shown(name)}: found {shown(fields[name][row])}; several targets must all "
            "be numbers, or all be labels of 1 and 0. Leave this column out of --target"
        )
    numbers = fields.with_columns(to_numbers(fields[name], dataset.place) for name in names)
    usable, notes = _usable(dataset, ~numbers.select(_any_null(names)).to_series())
    for name in names:
        if int(numbers[name].gather(usable).n_unique()) < 2:
            raise DataError(
                f"cannot learn the target {shown(name)} of {shown(dataset.name, 200)}: all of "
                f"{plural(len(usable), 'row')} have the one value; expected two or more. Leave it out of --target"
            )
    return Task(
        "regression",
        _why(overrule, f"{len(names)} columns of numbers"),
        dataset.target_name,
        usable=usable,
        notes=notes,
        targets=names,
        units=tuple(unit_of(name) for name in names),
    )


def _any_null(names: tuple[str, ...]) -> pl.Expr:
    import polars as pl

    return pl.any_horizontal(pl.col(list(names)).is_null())


def _labels_in_columns(dataset: LabeledRows, fields: pl.DataFrame, overrule: str | None) -> Task:
    names = tuple(fields.columns)
    usable, notes = _usable(dataset, ~fields.select(_any_null(names)).to_series())

    def place(row: int) -> str:
        return dataset.place(int(usable[row]))

    there = label_matrix(dataset.target.gather(usable), dataset.target_name, names, None, place)
    counts = tuple(int(n) for n in there.sum(0))
    return Task(
        "multilabel",
        _why(overrule, f"{len(names)} columns of 1 and 0"),
        dataset.target_name,
        names,
        counts,
        usable,
        notes + _of_no_use(names, counts, len(usable), dataset),
        targets=names,
    )


def _labels_in_cells(dataset: LabeledRows, overrule: str | None) -> Task:
    import polars as pl

    target, what = dataset.target, _what(dataset)
    lists = isinstance(target.dtype, pl.List)
    if not lists and target.dtype != pl.String:
        raise DataError(
            f"cannot do multilabel classification on {what}: it is a column of {target.dtype}. Expected cells of text "
            "with ; or | between labels, or several columns of 1 and 0, as in --target news,sport"
        )
    separator = None if lists else separator_of(as_text(target).fill_null(""))
    sets = label_sets(target, separator)
    counted = Counter(label for labels in sets for label in set(labels))
    if not counted:
        raise DataError(f"cannot learn {what}: no row has a label")
    if len(counted) > _FEW and len(counted) * 2 > dataset.rows:
        raise DataError(
            f"cannot classify by {what}: it has {len(counted):,} distinct labels in {dataset.rows:,} rows, such as "
            f"{listed(list(counted)[:3])}; that is free text rather than labels. Choose another target"
        )
    names = tuple(sorted(counted))
    counts = tuple(counted[name] for name in names)
    bare = sum(not labels for labels in sets)
    notes = (f"{plural(bare, 'row')} with an empty target: no label at all",) if bare else ()
    how = "lists of labels" if lists else f"labels with {separator} between them"
    return Task(
        "multilabel",
        _why(overrule, f"{len(names)} distinct labels in {plural(dataset.rows, 'row')}, {how}"),
        dataset.target_name,
        names,
        counts,
        np.arange(dataset.rows, dtype=np.int64),
        notes + _of_no_use(names, counts, dataset.rows, dataset),
        separator=separator,
    )


def _of_no_use(names: tuple[str, ...], counts: tuple[int, ...], rows: int, dataset: LabeledRows) -> tuple[str, ...]:
    """Remark on labels that none or all rows have; an error when all labels are such."""
    useless = [name for name, count in zip(names, counts, strict=True) if count in (0, rows)]
    if len(useless) == len(names):
        raise DataError(
            f"cannot learn {_what(dataset)}: each of its labels, {listed(names)}, stands in all rows or in none. Add "
            "rows, or choose other targets"
        )
    return tuple(f"the label {shown(name)} stands in all rows or in none, so it says nothing" for name in useless)


# --- sequences ----------------------------------------------------------------------------------------------------
def _tagging(dataset: LabeledRows, overrule: str | None) -> Task:
    import polars as pl

    target, what = dataset.target, _what(dataset)
    features = dataset.features
    if isinstance(features, np.ndarray) or "tokens" not in features.columns or not isinstance(target.dtype, pl.List):
        raise DataError(
            f"cannot tag by {what}: expected a column of tokens with a tag for each, as a BIO file gives them (a token "
            "and its tag on each line, sentences apart by an empty line)"
        )
    if overrule not in (None, "tagging"):
        raise DataError(f"cannot do {overrule} on {what}: it is a tag for each token. Leave out --task")
    usable, notes = _usable(dataset, target.is_not_null() & features["tokens"].is_not_null())
    lengths = features["tokens"].list.len(), target.list.len()
    uneven = (lengths[0] != lengths[1]).fill_null(False)
    if uneven.any():
        row = int(uneven.arg_max() or 0)
        raise DataError(
            f"{dataset.place(row)}: {plural(int(lengths[0][row]), 'token')} and {plural(int(lengths[1][row]), 'tag')}; "
            "there must be one tag for each token"
        )
    tags = target.gather(usable).explode(empty_as_null=False)
    if tags.null_count():
        where = target.list.eval(pl.element().is_null().any()).list.first().fill_null(False)
        raise DataError(f"{dataset.place(int(where.arg_max() or 0))}: a tag is missing; expected one for each token")
    counts = dict(zip(*tags.cast(pl.String).value_counts().get_columns(), strict=True))
    if len(counts) < 2:
        raise DataError(
            f"cannot learn {what}: all {plural(tags.len(), 'token')} have the one tag {listed(counts)}; expected two "
            "or more"
        )
    names = tuple(sorted(counts))
    return Task(
        "tagging",
        _why(overrule, f"{len(names)} distinct tags on {plural(tags.len(), 'token')} of {plural(len(usable), 'row')}"),
        dataset.target_name,
        names,
        tuple(int(counts[name]) for name in names),
        usable,
        notes,
    )


def _next_token(dataset: LabeledRows, of_itself: bool, overrule: str | None) -> Task:
    if not of_itself:
        raise DataError(
            f"cannot continue {shown(dataset.name, 200)}: expected plain text, or a table whose only column is text, "
            f"which is its own target; found the columns {listed(dataset.feature_names, 6)} and the target "
            f"{shown(dataset.target_name)}"
        )
    usable, notes = _usable(dataset, dataset.target.is_not_null())
    reason = f"a text that is its own target, in {plural(len(usable), 'row')}"
    return Task("next_token", _why(overrule, reason), dataset.target_name, usable=usable, notes=notes)
