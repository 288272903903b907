"""`stream`: data larger than memory, split, prepared and ready to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradwright.data.fingerprint import fingerprint_of_files
from gradwright.data.looks import TestPart, part_of_numbers
from gradwright.data.messages import shown
from gradwright.data.preparation import Preparation
from gradwright.data.rows import LabeledRows
from gradwright.data.streaming.fitting import fit_stream
from gradwright.data.streaming.membership import part_of
from gradwright.data.streaming.npy import NpySource
from gradwright.data.streaming.parquet import ParquetSource, parquet_files
from gradwright.data.streaming.part import StreamPart
from gradwright.data.streaming.source import Block, BlockSource, blocks_of
from gradwright.data.task import Task
from gradwright.errors import ConfigError, DataError

__all__ = ["Streamed", "stream"]

_HELD_ROWS = 50_000  # as many give an accuracy's 95 % interval a half-width of 0.4 % at most
_HELD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Streamed:
    """A source, split and prepared, that is read while training goes on.

    Attributes
    ----------
    train, validation, test : StreamPart
        The parts.
    task : Task
        What is predicted.
    preparation : Preparation
        Fitted on the training part.
    rows : int
        Of all parts together.
    sample : LabeledRows
        Up to 50,000 rows of the training part, raw, as they stand in the files.
    seed : int
    shares : (float, float)
        Of the rows: to validate, to test.
    """

    name: str
    rows: int
    task: Task
    preparation: Preparation
    train: StreamPart
    validation: StreamPart
    test: StreamPart
    sample: LabeledRows = field(repr=False)
    seed: int
    shares: tuple[float, float]
    _paths: tuple[Path, ...] = field(repr=False)

    def fingerprint(self) -> str:
        """Read all files and return ``sha256:…`` of their bytes: not what `LabeledRows` has, which is of the values."""
        return fingerprint_of_files(self._paths)

    def test_part(self, fingerprint: str) -> TestPart:
        """Say which rows the test part holds, for a `LookBook`; of them only the numbers are looked at.

        Parameters
        ----------
        fingerprint : str
            As `fingerprint` returned it.
        """
        which = f"{fingerprint} seed {self.seed} shares {self.shares[0]!r} {self.shares[1]!r}"
        return part_of_numbers(fingerprint, which, self.test.members())


def stream(
    source: str | Path,
    *,
    target: str | None = None,
    batch_size: int = 256,
    seed: int = 0,
    columns: Sequence[str] | None = None,
    task: str | None = None,
    validation: float | None = None,
    test: float | None = None,
    block_bytes: int = 32 * 2**20,
    progress: Callable[[int, int], None] | None = None,
) -> Streamed:
    """Open data that does not fit into memory: read once to fit the preparation, then in blocks, epoch by epoch.

    Which part a row is in is a hash of seed and row number. In memory lie at most the window of blocks whose rows are
    shuffled together, the one that a thread prepares meanwhile, and copies on the way: about 16 times ``block_bytes``.

    Parameters
    ----------
    source : str or Path
        A Parquet file, a folder or a pattern of such files with the same columns; or a folder with ``X.npy`` and
        ``y.npy``, or the former's path.
    target : str, optional
        The target's column; needed for Parquet. Beside ``X.npy``, the file with the targets; default ``y.npy``.
    batch_size : int > 0
    seed : int, 0 to 2⁶⁴ − 1
        Decides parts and orders.
    columns : sequence of str, optional
        The features, of Parquet; default: all columns but the target.
    task : {"binary", "multiclass", "classification", "regression"}, optional
        The user's word against the rule of `infer_task`.
    validation, test : float, optional
        Shares of the rows, each above 0 and together below 1. Default: 0.15, or what 50,000 rows (and 128 MiB) are.
    block_bytes : int
        Size of a block of prepared rows. Larger blocks are read faster; four blocks are shuffled together.
    progress : callable, optional
        Is told of the first pass: ``progress(rows read, rows in all)``.

    Returns
    -------
    Streamed

    Raises
    ------
    DataError
        No such source, a damaged file, a missing target or an infinite value, by file and row.
    ConfigError
        A number out of range.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from gradwright.data import stream
    >>> folder = tempfile.TemporaryDirectory()
    >>> x = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    >>> np.save(Path(folder.name, "X.npy"), x); np.save(Path(folder.name, "y.npy"), x[:, 0] > 0)
    >>> streamed = stream(folder.name, batch_size=32, block_bytes=1200)
    >>> streamed.train
    StreamPart('train', 695 rows in 10 blocks)
    >>> sum(len(x) for x, y in streamed.train.blocks(epoch=1)), streamed.train.steps
    (695, 22)
    >>> folder.cleanup()
    """
    for name, value in (("batch_size", batch_size), ("block_bytes", block_bytes)):
        if type(value) is not int or value < 1:
            raise ConfigError(f"stream: {name} is {value!r}; expected a whole number above 0")
    if type(seed) is not int or not 0 <= seed < 2**64:
        raise ConfigError(f"stream: the seed is {seed!r}; expected a whole number from 0 to 2**64 - 1")
    opened = _opened(source, target, columns)
    rows = sum(opened.sizes)
    shares = _shares(validation, test, rows, opened.width)

    def parts(block: Block) -> NDArray[np.uint8]:
        return part_of(block.first, block.rows, seed=seed, validation=shares[0], test=shares[1])

    first_pass = blocks_of(opened, max(1, block_bytes // (8 * max(opened.width, 1))))
    what, preparation, sample = fit_stream(opened, first_pass, parts, seed=seed, task=task, progress=progress)
    blocks = blocks_of(opened, max(1, block_bytes // (4 * max(preparation.width, 1))))
    train, held, tested = (
        StreamPart(name, opened, blocks, what, preparation, batch_size=batch_size, seed=seed, shares=shares)
        for name in ("train", "validation", "test")
    )
    return Streamed(
        opened.name, rows, what, preparation, train, held, tested, sample, seed, shares, tuple(opened.paths)
    )


def _opened(source: str | Path, target: str | None, columns: Sequence[str] | None) -> BlockSource:
    path, name = Path(source), str(source)
    if path.is_dir() and (path / "X.npy").is_file():
        path = path / "X.npy"
    if path.suffix.lower() == ".npy":
        if columns is not None:
            raise ConfigError("stream: columns is for Parquet; an NPY file is used as a whole")
        y = path.parent / (target or "y.npy")
        for needed in (path, y):
            if not needed.is_file():
                raise DataError(
                    f"no such file: {shown(str(needed), 200)}; expected the features X.npy beside the target y.npy"
                )
        return NpySource(name, path, y)
    files = parquet_files(source)
    if target is None:
        raise ConfigError(f"stream: say which column of {shown(name, 200)} is the target: stream(…, target='…')")
    return ParquetSource(name, files, target, columns)


def _shares(validation: float | None, test: float | None, rows: int, width: int) -> tuple[float, float]:
    advised = min(0.15, _HELD_ROWS / rows, _HELD_BYTES / (4 * max(width, 1) * rows))
    shares = advised if validation is None else validation, advised if test is None else test
    for name, share in zip(("validation", "test"), shares, strict=True):
        if not 0 < share < 1:
            raise ConfigError(f"stream: the share {name} is {share!r}; expected a number above 0 and below 1")
    if sum(shares) >= 1:
        raise ConfigError(f"stream: validation {shares[0]} and test {shares[1]} leave nothing to train on")
    return shares
