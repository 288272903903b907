"""The first half of every job: read, split, prepare; the test part stays sealed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.data import (
    LabeledRows,
    Leak,
    Ledger,
    LookBook,
    Note,
    Preparation,
    SealedTest,
    Split,
    StreamPart,
    Task,
    audit,
    data_record,
    encode_rows,
    fit_preparation,
    infer_task,
    must_stream,
    network_targets,
    outputs_of,
    read,
    split,
)
from gradwright.train.callbacks import Callback
from gradwright.train.config import CONTEXT, TOKENS, Config
from gradwright.train.criteria import class_weights
from gradwright.train.stream import RowStream

__all__ = ["Prepared", "PreparedRows", "Reporter", "StageClock", "prepare", "prepared_part", "some_rows"]


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
class Prepared(ABC):
    """Data ready to train on: in memory (`PreparedRows`), or read in blocks (`PreparedStream`).

    Attributes
    ----------
    dataset : LabeledRows
        All rows; of a stream, a sample of the training part.
    notes : list of Note
        What was remarkable so far; later parts add theirs.
    x, vx : (rows, values), or (rows, tokens) int64
        Prepared rows to train on (of a stream, the sample) and to validate with.
    y, vy : (rows,) or (rows, tokens) int64; (rows, labels) of 0 and 1; or (rows, targets) standardised numbers
    target, validation_target : arrays
        The same in the targets' own units, (rows,) for one.
    """

    dataset: LabeledRows
    task: Task
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

    @property
    def sampled(self) -> str:
        """What there is to say of a model that was fitted on ``x``: nothing, if that is all rows."""
        return ""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many rows there are to train on."""

    @abstractmethod
    def decided(self, config: Config) -> Config:
        """Return the settings with what the data decided filled in."""

    @abstractmethod
    def head(self, rows: int) -> PreparedRows:
        """Return, in memory, about so many rows to train on and as many to validate with, of every class one."""

    @abstractmethod
    def to_train_on(self, batch_size: int) -> tuple[np.ndarray, np.ndarray] | RowStream:
        """Return what `Trainer.fit` takes."""

    @abstractmethod
    def held_out(self) -> LabeledRows | StreamPart:
        """Return the validation part, raw."""

    @abstractmethod
    def sealed(self, ledger: Ledger, book: LookBook | None, run: str) -> SealedTest:
        """Return the test part under seal."""

    @abstractmethod
    def audit(self) -> list[Leak] | None:
        """Look for what would make the figures worthless; None where that cannot be done."""

    @abstractmethod
    def weights(self, setting: str | Mapping[str, float] | None) -> np.ndarray | None:
        """Return what `class_weights` does, of the whole training part."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Return ``data.json``'s content."""

    @abstractmethod
    def write_parts(self, folder: Path) -> None:
        """Write down which rows are in which part, as far as ``data.json`` does not say it."""

    @abstractmethod
    def same_parts(self, folder: Path) -> bool:
        """Say whether a run on the same data had the same parts."""


@dataclass(frozen=True)
class PreparedRows(Prepared):
    """Data in memory."""

    parts: Split

    @property
    def rows(self) -> int:
        """How many rows there are to train on."""
        return len(self.x)

    def decided(self, config: Config) -> Config:
        """Return the settings as they are."""
        return config

    def head(self, rows: int) -> PreparedRows:
        """Return about so many rows of each part, of every class one."""
        kept, held = some_rows(self.y, rows), some_rows(self.vy, rows)
        return replace(
            self,
            parts=replace(self.parts, train=_of(self.parts.train, kept), validation=_of(self.parts.validation, held)),
            x=self.x[kept], y=self.y[kept], target=self.target[kept],
            vx=self.vx[held], vy=self.vy[held], validation_target=self.validation_target[held],
        )  # fmt: skip

    def to_train_on(self, batch_size: int) -> tuple[np.ndarray, np.ndarray] | RowStream:
        """Return the arrays."""
        return self.x, self.y

    def held_out(self) -> LabeledRows | StreamPart:
        """Return the validation part, raw."""
        return self.dataset.take(self.parts.validation)

    def sealed(self, ledger: Ledger, book: LookBook | None, run: str) -> SealedTest:
        """Return the test part under seal."""
        return SealedTest(self.dataset, self.parts.test, ledger=ledger, book=book, run=run)

    def audit(self) -> list[Leak] | None:
        """Compare the parts, and the inputs with the target."""
        return audit(self.dataset, self.task, self.parts, self.preparation)

    def weights(self, setting: str | Mapping[str, float] | None) -> np.ndarray | None:
        """Return a weight for each class."""
        return class_weights(setting, self.task, self.target)

    def record(self) -> dict[str, Any]:
        """Return ``data.json``'s content."""
        return data_record(self.dataset, self.task, self.parts, self.preparation)

    def write_parts(self, folder: Path) -> None:
        """Write ``split.npz``."""
        self.parts.to_npz(folder / "split.npz")

    def same_parts(self, folder: Path) -> bool:
        """Compare the row numbers."""
        before = Split.from_npz(folder / "split.npz")
        names = ("train", "validation", "test")
        return all(np.array_equal(getattr(before, name), getattr(self.parts, name)) for name in names)


def prepare(config: Config, reporter: Reporter, clock: StageClock) -> Prepared:
    """Read the source, split it, and prepare the training and the validation part; the test part is not touched."""
    if config.stream or must_stream(config.source):
        from gradwright.train.prepared_stream import prepare_stream

        return prepare_stream(config, reporter, clock)
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
    return PreparedRows(dataset, task, preparation, notes, x, y, vx, vy, target, validation_target, parts)


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


def some_rows(y: np.ndarray, rows: int) -> np.ndarray:
    """Return the numbers of about so many rows: the first ones, and the first of every class."""
    first = np.arange(min(rows, len(y)))
    return np.union1d(first, np.unique(y, return_index=True)[1]) if y.dtype.kind == "i" and y.ndim == 1 else first
