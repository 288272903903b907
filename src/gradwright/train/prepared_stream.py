"""The first half of every job on data that is read in blocks; a sample of it stands for the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
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
    SealedTest,
    Split,
    Streamed,
    StreamPart,
    size_advice,
    stream,
)
from gradwright.data.messages import listed, shown
from gradwright.errors import ConfigError
from gradwright.train.choices import FULL_BATCH
from gradwright.train.config import Config
from gradwright.train.criteria import balanced_weights, class_weights
from gradwright.train.folder import plain
from gradwright.train.prepared import Prepared, PreparedRows, Reporter, StageClock, prepared_part, some_rows
from gradwright.train.saved import read_object
from gradwright.train.stream import RowStream

__all__ = ["PreparedStream", "prepare_stream"]

_BLOCK_BYTES = 16 * 2**20  # half of what `stream` takes: a job has a sample, baselines and checkpoints in memory, too


@dataclass(frozen=True)
class PreparedStream(Prepared):
    """Data that is read in blocks; ``dataset``, ``x``, ``y`` and ``target`` are a sample of the training part."""

    streamed: Streamed

    @property
    def sampled(self) -> str:
        """What there is to say of a model that was fitted on the sample."""
        if len(self.x) == self.rows:
            return ""
        return f"; fitted on a sample of {len(self.x):,} of the {self.rows:,} training rows"

    @property
    def rows(self) -> int:
        """How many rows there are to train on."""
        return self.streamed.train.rows

    def decided(self, config: Config) -> Config:
        """Return the settings with the shares of the parts, so that a resumed run has them again."""
        validation, test = self.streamed.shares
        return config.model_copy(update={"stream": True, "validation": validation, "test": test})

    def head(self, rows: int) -> PreparedRows:
        """Return some rows of the sample; what validates is of the sample, too."""
        kept = some_rows(self.y, rows)
        rest = np.setdiff1d(np.arange(len(self.y)), kept)
        held = rest[some_rows(self.y[rest], rows)] if len(rest) else kept
        return PreparedRows(
            self.dataset, self.task, self.preparation, self.notes,
            self.x[kept], self.y[kept], self.x[held], self.y[held], self.target[kept], self.target[held],
            Split(kept, held, np.empty(0, np.int64), seed=self.streamed.seed),
        )  # fmt: skip

    def to_train_on(self, batch_size: int) -> tuple[np.ndarray, np.ndarray] | RowStream:
        """Return the training part."""
        return self.streamed.train.batched(batch_size)

    def held_out(self) -> LabeledRows | StreamPart:
        """Return the validation part."""
        return self.streamed.validation

    def sealed(self, ledger: Ledger, book: LookBook | None, run: str) -> SealedTest:
        """Return the test part under seal."""
        return SealedTest.of_stream(self.streamed, self.dataset.fingerprint, ledger=ledger, book=book, run=run)

    def audit(self) -> list[Leak] | None:
        """Return None: the audit compares rows in memory."""
        return None

    def weights(self, setting: str | Mapping[str, float] | None) -> np.ndarray | None:
        """Return a weight for each class; to balance them, the targets are read."""
        if setting != "balanced" or self.task.classes is None:
            return class_weights(setting, self.task, self.target)
        return balanced_weights(self.streamed.train.class_counts())

    def record(self) -> dict[str, Any]:
        """Return ``data.json``'s content."""
        about = self.task.to_dict()
        del about["target"]
        return {
            "source": self.dataset.name,
            "kind": self.dataset.kind,
            "fingerprint": self.dataset.fingerprint,
            "rows": self.streamed.rows,
            "features": self.preparation.width if self.preparation.images else len(self.dataset.feature_names),
            # missing and distinct values are known of the sample alone
            "columns": [{"name": c["name"], "kind": c["kind"]} for c in self.dataset.columns],
            "target": self.dataset.target_name,
            "task": about,
            "split": self._split(),
            "prepared_features": self.preparation.width,
            "size_advice": size_advice(self.task, self.streamed).to_dict(),
            "notes": [*self.task.notes, *self.preparation.notes],
        }

    def write_parts(self, folder: Path) -> None:
        """Write nothing: ``data.json`` holds the seed and the shares, which decide."""

    def same_parts(self, folder: Path) -> bool:
        """Compare seed and shares."""
        return bool(read_object(folder / "data.json").get("split") == plain(self._split()))

    def _split(self) -> dict[str, Any]:
        streamed = self.streamed
        return {
            "train": streamed.train.rows,
            "validation": streamed.validation.rows,
            "test": streamed.test.rows,
            "stratified": False,
            "given": False,
            "seed": streamed.seed,
            "shares": list(streamed.shares),
        }


def prepare_stream(config: Config, reporter: Reporter, clock: StageClock) -> PreparedStream:
    """Open the source as a stream, and prepare a sample of the training part and the whole validation part."""
    _check(config)
    given = config.model_fields_set
    assert config.target is None or isinstance(config.target, str)
    reporter.on_stage_start(1, "read")
    with clock.part("read"):
        streamed = stream(
            config.source,
            target=config.target,
            seed=config.seed,
            task=config.task,
            validation=config.validation if "validation" in given else None,
            test=config.test if "test" in given else None,
            block_bytes=_BLOCK_BYTES,
            progress=_said(reporter),
        )
        reporter.on_stage_start(1, "read, fingerprint of the files")
        dataset = replace(streamed.sample, fingerprint=streamed.fingerprint())
    task, preparation = streamed.task, streamed.preparation
    why = "as asked for" if config.stream else "they do not fit into memory"
    words = f"{streamed.rows:,} rows in blocks ({why}), {len(dataset.feature_names):,} columns; task: {task.kind} "
    reporter.on_stage(1, "read", f"{words}({task.reason})")
    parts = (streamed.train, streamed.validation, streamed.test)
    sizes = ", ".join(f"{p.rows:,} to {w}" for p, w in zip(parts, ("train", "validate", "test"), strict=True))
    reporter.on_stage(2, "split", f"{sizes} (at random, by a hash of seed and row number); the test part is sealed")

    reporter.on_stage_start(3, "prepare")
    notes: list[Note] = []
    with clock.part("prepare"):
        x, target, y = prepared_part(task, preparation, dataset, config, [])
        vx, vy = streamed.validation.arrays(notes)
    validation_target = vy if task.classes is not None else preparation.unscale_target(vy[:, 0])
    notes = list({(note.column, str(note.value)): note for note in notes}.values())
    reporter.on_stage(3, "prepare", f"{preparation.width:,} numbers a row, fitted on the training part alone")
    return PreparedStream(dataset, task, preparation, notes, x, y, vx, vy, target, validation_target, streamed)


def _said(reporter: Reporter) -> Any:
    """Return what is told how far the first pass is, and says so about once a second."""
    last = time.perf_counter()

    def progress(done: int, rows: int) -> None:
        nonlocal last
        if (now := time.perf_counter()) - last > 1:
            last = now
            reporter.on_stage_start(1, f"read, {done:,} of {rows:,} rows")

    return progress


def _check(config: Config) -> None:
    """Refuse settings that need all rows in memory, each with the reason."""
    problems = []
    if not isinstance(config.target, str | None):
        problems.append(f"target = {listed(config.target)}: a stream has one target")
    elif config.target is None and not _is_arrays(config.source):
        problems.append("target is missing: a stream does not guess it; name the column, as in --target label")
    if config.task in ("multilabel", "tagging", "next_token"):
        problems.append(f"task = {config.task}: a stream has classes or one quantity to predict")
    for name in ("group", "time"):
        if (column := getattr(config, name)) is not None:
            problems.append(f"{name} = {shown(column)}: a row's part follows from its number alone, not from a column")
    if config.optimizer in FULL_BATCH:
        problems.append(f"optimizer = {config.optimizer}: it wants all rows in one batch")
    if config.dtype != "float32":
        problems.append(f"dtype = {config.dtype}: a stream is prepared in float32")
    if config.compare is not None:
        problems.append(f"compare = {config.compare}: both train on all rows in memory")
    if problems:
        why = "" if config.stream else ", which does not fit into memory and is read in blocks"
        raise ConfigError(f"train, stream from {shown(config.source, 200)}{why}: {'; '.join(problems)}")


def _is_arrays(source: str) -> bool:
    path = Path(source)
    return path.suffix.lower() == ".npy" or (path / "X.npy").is_file()
