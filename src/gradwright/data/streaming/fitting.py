"""One pass over a source: what the task is, and a preparation fitted on the training part.

Means, standard deviations, missing values, categories and classes are those of all training rows, added up block by
block. Medians, the words of free text, and whether a column is a row's number, come from a sample of the training rows,
which is all of them up to `SAMPLE_ROWS`; a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.column_preparation import (
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    DroppedColumn,
    NumericColumn,
    fit_column,
)
from gradwright.data.columns import as_text, kind_of, to_boolean
from gradwright.data.image_preparation import ImagePreparation
from gradwright.data.inference import infer_task
from gradwright.data.messages import PlaceOf, plural, shown
from gradwright.data.preparation import Preparation
from gradwright.data.rows import LabeledRows
from gradwright.data.scaling import TargetScale
from gradwright.data.streaming.membership import hashed
from gradwright.data.streaming.running import RunningCounts, RunningMoments
from gradwright.data.streaming.source import Block, BlockSource, placed
from gradwright.data.task import Task
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["fit_stream"]

SAMPLE_ROWS = 50_000
SAMPLE_BYTES = 64 * 2**20
MAX_CLASSES = 1000
MAX_CATEGORIES = 100


@dataclass
class _Pass:
    """What is gathered in the pass."""

    columns: dict[str, Any]  # RunningMoments, or RunningCounts of text and booleans, by the column's name
    pixels: RunningMoments
    classes: RunningCounts  # of all rows: a class that only the test part has is one
    quantity: RunningMoments
    features: list[Any]
    targets: list[pl.Series]


def fit_stream(
    source: BlockSource,
    blocks: Sequence[Block],
    parts: Callable[[Block], NDArray[np.uint8]],
    *,
    seed: int,
    task: str | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[Task, Preparation, LabeledRows]:
    """Read all blocks once; return the task, the preparation of the training rows, and a sample of them.

    Raises
    ------
    DataError
        A target that is missing, a value that is infinite, by file and row; or what `infer_task` refuses.
    """
    total = sum(source.sizes)
    share = min(1.0, SAMPLE_ROWS / total, SAMPLE_BYTES / (8 * max(source.width, 1) * total))
    found = _Pass({}, RunningMoments(), RunningCounts(MAX_CLASSES), RunningMoments(), [], [])
    for block in blocks:
        features, target = source.read(block)
        _check_target(target, block)
        found.classes.add(target)
        train = np.flatnonzero(parts(block) == 0)
        chosen = features[train]
        place = placed(block, train)
        _add(found, chosen, place)
        if kind_of(target) == "numeric":
            found.quantity.add(target[train].cast(_float64()).to_numpy())
        u = (hashed(block.first, block.rows, key=seed, purpose=1)[train] >> np.uint64(11)).astype(float) * 2.0**-53
        sampled = np.flatnonzero(u < share)
        found.features.append(chosen[sampled])
        found.targets.append(target[train[sampled]])
        if progress is not None:
            progress(block.first + block.rows, total)
    return _judged(source, found, task, sampled=share < 1)


def _float64() -> Any:
    import polars as pl

    return pl.Float64


def _check_target(target: pl.Series, block: Block) -> None:
    where = f"target {shown(target.name)}"
    if kind_of(target) in ("other", "date"):
        raise DataError(f"cannot predict the {where}: it is of {target.dtype}; expected numbers, text or booleans")
    bad = target.is_null()
    if target.dtype.is_float():
        bad = bad | ~target.is_finite()
    elif kind_of(target) == "category":
        bad = as_text(target).is_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        found = "nothing" if target[row] is None else shown(target[row])
        expected = "finite number" if kind_of(target) == "numeric" else "value"
        raise DataError(
            f"{block.place(row)}, {where}: found {found}; expected a {expected}. A stream leaves no rows out: fill "
            "it in, or write the file without such rows"
        )


def _add(found: _Pass, features: Any, place: PlaceOf) -> None:
    """Add a block's training rows to the figures."""
    if isinstance(features, np.ndarray):
        if features.dtype.kind == "f" and np.isinf(features).any():
            row = int(np.isinf(features).reshape(len(features), -1).any(1).argmax())
            raise DataError(f"{place(row)}: found an infinite pixel; expected a finite number, or NaN if it is missing")
        found.pixels.add(features.reshape(-1))
        return
    for column in features.get_columns():
        kind = kind_of(column)
        if kind in ("numeric", "date"):
            numbers = (DateColumn if kind == "date" else NumericColumn).numbers(column, place)
            found.columns.setdefault(column.name, RunningMoments()).add(numbers)
        elif kind in ("boolean", "category"):
            values = to_boolean(column, place) if kind == "boolean" else as_text(column)
            found.columns.setdefault(column.name, RunningCounts(MAX_CATEGORIES)).add(values)


def _judged(
    source: BlockSource, found: _Pass, task: str | None, *, sampled: bool
) -> tuple[Task, Preparation, LabeledRows]:
    """Make task and preparation of what was gathered."""
    import polars as pl

    target = pl.concat(found.targets)
    features: Any = np.concatenate(found.features) if source.kind == "images" else pl.concat(found.features)
    if len(features) == 0:
        raise DataError(
            f"cannot prepare {shown(source.name, 200)}: none of its {plural(sum(source.sizes), 'row')} is in the "
            "training part. Add rows, or ask for smaller shares to validate and test"
        )
    names = tuple(getattr(features, "columns", ())) or ("pixels",)
    sample = LabeledRows(source.name, source.kind, features, names, target, source.target_name, "")
    what = _task(source, sample, found.classes, task, sampled)
    scale = None
    if what.classes is None:
        found.quantity.check(f"the target {shown(source.target_name)}")
        if found.quantity.std == 0:
            raise DataError(f"cannot learn the target: all training rows have {found.quantity.low!r}")
        scale = TargetScale(found.quantity.mean, found.quantity.std)
    if source.kind == "images":
        pixels = found.pixels
        pixels.check("the images")
        if pixels.std == 0:
            raise DataError(f"cannot prepare the images: all pixels of the training part are {pixels.mean:g}")
        note = f"pixels standardised by one mean ({pixels.mean:.4g}) and one standard deviation ({pixels.std:.4g})"
        images = ImagePreparation(tuple(features.shape[1:]), pixels.mean, pixels.std)
        return what, Preparation((), images, scale, (note,)), sample
    columns = tuple(_column(c, found.columns.get(c.name)) for c in features.get_columns())
    if all(isinstance(c, DroppedColumn) for c in columns):
        raise DataError(f"cannot prepare {shown(source.name, 200)}: {'; '.join(c.note for c in columns[:6] if c.note)}")
    notes = tuple(c.note for c in columns if c.note)
    if sampled:
        size = plural(len(features), "row")
        notes += (f"medians, words of free text, and which columns are row numbers, are those of a sample of {size}",)
    return what, Preparation(columns, None, scale, notes), sample


def _task(source: BlockSource, sample: LabeledRows, classes: RunningCounts, asked: str | None, sampled: bool) -> Task:
    """Infer the task from the sample; its classes are those of all rows."""
    inferred = infer_task(sample, asked)
    if inferred.kind not in ("binary", "multiclass", "regression"):
        raise ConfigError(f"cannot stream a task of kind {inferred.kind}; only classes and one quantity")
    reason = inferred.reason + (", a sample" if sampled else "")
    nothing = np.empty(0, np.int64)
    if inferred.classes is None:
        return replace(inferred, reason=reason, usable=nothing)
    import polars as pl

    values = classes.sorted(f"the target {shown(source.target_name)} of {shown(source.name, 200)}")
    labels = tuple(as_text(pl.Series(values, dtype=sample.target.dtype)).to_list())
    kind = inferred.kind if asked == "multiclass" or len(labels) == 2 else "multiclass"
    counts = tuple(classes.counts[value] for value in values)
    return replace(inferred, kind=kind, reason=reason, classes=labels, class_counts=counts, usable=nothing)


def _column(sample: pl.Series, found: Any) -> Column:
    """Fit a column on the sample, and put the figures of all rows in."""
    fitted = fit_column(sample, "row {}".format, MAX_CATEGORIES)
    if isinstance(fitted, NumericColumn):
        whole = found.filled(fitted.median)
        whole.check(f"column {shown(sample.name)}")
        return replace(fitted, mean=whole.mean, std=whole.std, indicator=found.missing > 0, missing=found.missing)
    if isinstance(fitted, BooleanColumn):
        return replace(fitted, fill=found.counts.get(True, 0) * 2 > found.total, indicator=found.missing > 0)
    if isinstance(fitted, CategoryColumn):
        if found.overflow:
            return DroppedColumn(sample.name, f"it has more than {MAX_CATEGORIES} distinct texts, so it is no category")
        return replace(fitted, categories=tuple(sorted(found.counts)), indicator=found.missing > 0)
    if found is not None and sample.null_count() == sample.len():
        there = found.count if isinstance(found, RunningMoments) else found.total
        return DroppedColumn(sample.name, f"all but {plural(there, 'value')} of the training part are missing")
    return fitted
