"""The first half of every job: read, split, prepare; the test part stays sealed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from gradwright.data import (
    LabeledRows,
    Note,
    Preparation,
    Split,
    Task,
    encode_rows,
    fit_preparation,
    infer_task,
    network_targets,
    outputs_of,
    read,
    split,
)
from gradwright.train.callbacks import Callback
from gradwright.train.config import CONTEXT, TOKENS, Config

__all__ = ["Prepared", "Reporter", "StageClock", "prepare", "prepared_part"]


class Reporter(Callback):
    """Somebody who is told what the job does; this one says nothing."""

    def on_stage(self, number: int, name: str, words: str) -> None:
        """A stage is done, and this is what came of it."""

    def on_stage_start(self, number: int, name: str) -> None:
        """A stage begins that may take a while."""


class StageClock:
    """Seconds spent in each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Take the time of what is done within."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def total(self) -> float:
        """Return the seconds since the beginning."""
        return time.perf_counter() - self._started


@dataclass(frozen=True)
class Prepared:
    """Data ready to train on.

    Attributes
    ----------
    notes : list of Note
        What was remarkable so far; later parts add theirs.
    x, vx : (rows, values), or (rows, tokens) int64
        Prepared rows to train on and to validate with.
    y, vy : (rows,) or (rows, tokens) int64; (rows, labels) of 0 and 1; or (rows, targets) standardised numbers
    target, validation_target : arrays
        The same in the targets' own units, (rows,) for one.
    """

    dataset: LabeledRows
    task: Task
    parts: Split
    preparation: Preparation
    notes: list[Note]
    x: np.ndarray
    y: np.ndarray
    vx: np.ndarray
    vy: np.ndarray
    target: np.ndarray
    validation_target: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """What one row is: (values,), an image (height, width) or (height, width, channels)."""
        images = self.preparation.images
        return (self.preparation.width,) if images is None else images.shape

    def head(self, rows: int) -> Prepared:
        """Return the same with about so many rows in the training and the validation part, of every class one."""
        kept, held = _some(self.y, rows), _some(self.vy, rows)
        return replace(
            self,
            parts=replace(self.parts, train=_of(self.parts.train, kept), validation=_of(self.parts.validation, held)),
            x=self.x[kept], y=self.y[kept], target=self.target[kept],
            vx=self.vx[held], vy=self.vy[held], validation_target=self.validation_target[held],
        )  # fmt: skip

    @property
    def classes(self) -> int | None:
        """How many classes there are; None for numbers."""
        return self.task.outputs if self.task.is_classification else None

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row, or for a token."""
        return outputs_of(self.task, self.preparation)

    @property
    def vocabulary(self) -> int | None:
        """How many tokens there are, where rows are tokens."""
        return None if self.preparation.tokens is None else self.preparation.tokens.size

    @property
    def ground(self) -> float:
        """The value that an empty pixel has after preparation."""
        images = self.preparation.images
        return 0.0 if images is None else -images.mean / images.std


def prepare(config: Config, reporter: Reporter, clock: StageClock) -> Prepared:
    """Read the source, split it, and prepare the training and the validation part; the test part is not touched."""
    # 1 read
    reporter.on_stage_start(1, "read")
    with clock.part("read"):
        dataset = read(config.source, target=config.target, task=config.task)
        task = infer_task(dataset, config.task)
    words = f"{dataset.rows:,} rows, {len(dataset.feature_names):,} columns; task: {task.kind} ({task.reason})"
    reporter.on_stage(1, "read", words)

    # 2 split
    parts = split(
        dataset, task, seed=config.seed % 2**32, validation=config.validation, test=config.test,
        groups=config.group, time=config.time,
    )  # fmt: skip
    how = "as the source gives it" if parts.given else "stratified by class" if parts.stratified else "at random"
    if parts.by is not None:
        how = f"by {config.group or config.time}: {'no group is parted' if config.group else 'one after the other'}"
    reporter.on_stage(
        2,
        "split",
        f"{len(parts.train):,} to train, {len(parts.validation):,} to validate, {len(parts.test):,} to test ({how}); "
        "the test part is sealed",
    )

    # 3 prepare
    reporter.on_stage_start(3, "prepare")
    notes: list[Note] = []
    with clock.part("prepare"):
        rows, held = dataset.take(parts.train), dataset.take(parts.validation)
        preparation = fit_preparation(
            task, rows, context=config.context or CONTEXT, tokens=config.tokens or TOKENS, drop=parts.not_features
        )
        x, target, y = prepared_part(task, preparation, rows, config, notes)
        vx, validation_target, vy = prepared_part(task, preparation, held, config, notes)
    what = f"{preparation.width:,} {'numbers' if preparation.tokens is None else 'tokens'} a row"
    reporter.on_stage(3, "prepare", f"{what}, fitted on the training part alone")
    return Prepared(dataset, task, parts, preparation, notes, x, y, vx, vy, target, validation_target)


def prepared_part(
    task: Task, preparation: Preparation, rows: LabeledRows, config: Config, notes: list[Note]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a part's rows, its targets in their own units, and the same as the loss wants them."""
    x, target = encode_rows(task, preparation, rows, notes=notes)
    dtype = np.dtype(config.dtype)
    if x.dtype.kind == "f":
        x = x.astype(dtype, copy=False)
    return x, target, network_targets(preparation, target, dtype)


def _of(part: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return these rows of a part; of tokens there can be more rows than the source has."""
    return part[rows[rows < len(part)]]


def _some(y: np.ndarray, rows: int) -> np.ndarray:
    """Return the numbers of about so many rows: the first ones, and the first of every class."""
    first = np.arange(min(rows, len(y)))
    return np.union1d(first, np.unique(y, return_index=True)[1]) if y.dtype.kind == "i" and y.ndim == 1 else first
