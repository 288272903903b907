"""`StreamPart`: the rows of one part, in blocks of batches whose order is a function of seed and epoch.

The order of an epoch has two levels. The blocks of the files are shuffled; so many of them at a time make a window,
and the rows of a window are shuffled. All windows one after the other are the epoch, and batch k is its rows from
k · batch_size on. How many rows of the part each block has is known from the hash alone, so any step can be found
without reading what comes before it.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.batches import epoch_order
from gradwright.data.column_preparation import DroppedColumn
from gradwright.data.encoding import network_targets
from gradwright.data.limits import size_in_words
from gradwright.data.messages import Note, plural
from gradwright.data.preparation import Preparation
from gradwright.data.streaming.membership import PARTS, mixed, part_of
from gradwright.data.streaming.source import Block, BlockSource, placed
from gradwright.data.task import Task
from gradwright.errors import ConfigError, DataError

__all__ = ["StreamPart"]

Arrays = tuple[NDArray[np.float32], NDArray[Any]]

#: Blocks whose rows are shuffled together.
WINDOW = 4
#: Steps given out at once, at most: what a trainer runs as one program.
CHUNK_STEPS = 250
#: What `StreamPart.arrays` puts into memory, at most.
MAX_ARRAYS = 2**30


class StreamPart:
    """The training, validation or test part of a stream, prepared; made by `stream`.

    Attributes
    ----------
    name : {"train", "validation", "test"}
    rows : int
        How many rows the part has.
    batch_size : int
        Rows of a batch.
    """

    def __init__(
        self,
        name: str,
        source: BlockSource,
        blocks: Sequence[Block],
        task: Task,
        preparation: Preparation,
        *,
        batch_size: int,
        seed: int,
        shares: tuple[float, float],
    ) -> None:
        self.name, self.batch_size = name, batch_size
        self._source, self._blocks, self._task, self._preparation = source, blocks, task, preparation
        self._seed, self._shares = seed, shares
        self._counts = np.array([len(self._members(block)) for block in blocks], np.int64)
        self.rows = int(self._counts.sum())
        typical = int(self._counts.max(initial=1))
        self._typical = typical
        used = None if preparation.images else {c.name for c in preparation.columns if not isinstance(c, DroppedColumn)}
        self._columns: Collection[str] | None = used

    @property
    def _chunk(self) -> int:
        """Rows that are given out at once: whole batches."""
        return self.batch_size * min(CHUNK_STEPS, max(1, self._typical // self.batch_size))

    def batched(self, batch_size: int) -> StreamPart:
        """Return the same part in batches of another size."""
        part = copy.copy(self)
        part.batch_size = batch_size
        return part

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"StreamPart({self.name!r}, {self.rows:,} rows in {len(self._blocks):,} blocks)"

    @property
    def steps(self) -> int:
        """Batches of an epoch, a short last one included."""
        return -(-self.rows // self.batch_size)

    def example(self) -> Arrays:
        """Return one row, prepared: x of shape (1, values) and y of shape (1,) or (1, 1)."""
        for block, count in zip(self._blocks, self._counts, strict=True):
            if count:
                row = int(self._members(block)[0])
                return self._prepared(Block(block.path, block.start + row, 1, block.first + row), [])
        raise DataError(f"the {self.name} part of {self._source.name!r} has no rows")

    def blocks(self, epoch: int, start_step: int = 0) -> Generator[Arrays, None, None]:
        """Give out the batches of an epoch, many at a time, from a step on.

        While the caller works on some, a thread reads and prepares what comes next.

        Parameters
        ----------
        epoch : int
            Decides the order, together with the seed.
        start_step : int
            How many batches are left out; they are not read where that can be helped.

        Yields
        ------
        (x, y)
            x float32 (k · batch_size, values), y int64 labels (k · batch_size,) or standardised numbers
            (k · batch_size, 1), k always the same; the first may have fewer batches after a start in between, the last
            may have fewer and a short one.

        Raises
        ------
        DataError
            A file that is damaged, or has changed since the stream was made.
        """
        if epoch < 0 or start_step < 0:
            raise ConfigError(f"blocks: epoch {epoch} and start_step {start_step}; expected 0 or more")
        order = epoch_order(len(self._blocks), key=self._seed, epoch=epoch)
        windows = [order[i : i + WINDOW] for i in range(0, len(order), WINDOW)]
        ends = np.cumsum([self._counts[window].sum() for window in windows])
        position = start_step * self.batch_size
        first = int(np.searchsorted(ends, position, side="right"))
        skipped = position - (int(ends[first - 1]) if first else 0)
        shuffled = (self._window(windows[i], i, epoch) for i in range(first, len(windows)))
        return self._chunks(_ahead(shuffled), position, skipped)

    def arrays(self, notes: list[Note] | None = None) -> Arrays:
        """Return the whole part, in the files' order: to validate with.

        Parameters
        ----------
        notes : list of Note, optional
            Takes remarks, such as on categories that training never saw; without it each is a `DataWarning`.

        Raises
        ------
        DataError
            No rows, or more than 1 GiB.
        """
        row_bytes = 4 * self._preparation.width
        if self.rows * row_bytes > MAX_ARRAYS:
            raise DataError(
                f"the {self.name} part has {plural(self.rows, 'row')}, {size_in_words(self.rows * row_bytes)}; "
                f"arrays() gives at most {size_in_words(MAX_ARRAYS)}. Use blocks(), or ask for a smaller share: "
                f"stream(…, {self.name}={MAX_ARRAYS / 2 / (sum(self._source.sizes) * row_bytes):.2g})"
            )
        if not self.rows:
            raise DataError(f"the {self.name} part of {self._source.name!r} has no rows")
        x, target = next(self.in_order(self.rows, notes))
        return x, network_targets(self._preparation, target)

    def in_order(self, size: int, notes: list[Note] | None = None) -> Generator[Arrays, None, None]:
        """Give out the part in the files' order, ``size`` rows at a time; the last ones may be fewer.

        Parameters
        ----------
        size : int > 0
        notes : list of Note, optional
            As `arrays` takes it.

        Yields
        ------
        (x, target)
            x as in `blocks`; the targets as `Task.encode` gives them: labels, or quantities in their own unit, (size,).
        """
        pieces: list[Arrays] = []
        have = 0
        for block, count in zip(self._blocks, self._counts, strict=True):
            if not count:
                continue
            pieces.append(self._encoded(block, notes))
            have += int(count)
            if have >= size:
                x, target = _joined(pieces)
                for start in range(0, have - size + 1, size):
                    yield x[start : start + size], target[start : start + size]
                left = have % size
                pieces = [(x[have - left :].copy(), target[have - left :].copy())] if left else []
                have = left
        if have:
            yield _joined(pieces)

    def class_counts(self) -> NDArray[np.int64]:
        """Count the rows of each class, shape (classes,); of the files only the targets are read."""
        counts = np.zeros(self._task.outputs, np.int64)
        for block in self._blocks:
            rows = self._members(block)
            target = self._source.read(block, [])[1][rows]
            counts += np.bincount(self._task.encode(target, placed(block, rows)), minlength=len(counts))
        return counts

    def members(self) -> Iterator[NDArray[np.int64]]:
        """Give out the numbers of the part's rows in the whole source, some at a time."""
        for block in self._blocks:
            yield block.first + self._members(block)

    # --- reading ----------------------------------------------------------------------------------------------------
    def _members(self, block: Block) -> NDArray[np.int64]:
        """Return the rows of a block that are in this part, from 0 in the block."""
        validation, test = self._shares
        parts = part_of(block.first, block.rows, seed=self._seed, validation=validation, test=test)
        return np.flatnonzero(parts == PARTS.index(self.name))

    def _prepared(self, block: Block, notes: list[Note] | None) -> Arrays:
        x, target = self._encoded(block, notes)
        return x, network_targets(self._preparation, target)

    def _encoded(self, block: Block, notes: list[Note] | None) -> Arrays:
        features, target = self._source.read(block, self._columns)
        rows = self._members(block)
        place = placed(block, rows)
        x = self._preparation.transform(features[rows], place=place, notes=notes)
        return x, self._task.encode(target[rows], place)

    def _window(self, window: NDArray[np.int64], number: int, epoch: int) -> Arrays:
        pieces = [self._prepared(self._blocks[i], []) for i in window]
        x, y = (np.concatenate(column) for column in zip(*pieces, strict=True))
        del pieces
        order = epoch_order(len(x), key=mixed(self._seed, number + 2), epoch=epoch)
        return x[order], y[order]

    def _chunks(self, windows: Iterator[Arrays], position: int, skipped: int) -> Generator[Arrays, None, None]:
        """Cut the windows, one after the other, into pieces that end where a chunk of the whole epoch ends."""
        left: list[Arrays] = []
        have = 0
        for x, y in windows:
            x, y = x[skipped:], y[skipped:]
            skipped = 0
            while have + len(x) >= (size := self._chunk - position % self._chunk):
                take = size - have
                yield _joined([*left, (x[:take], y[:take])])
                x, y, left, have = x[take:], y[take:], [], 0
                position += size
            if len(x):
                left.append((x.copy(), y.copy()))  # so that the rest of the window can go
                have += len(x)
        if have:
            yield _joined(left)


def _joined(pieces: list[Arrays]) -> Arrays:
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate([x for x, _ in pieces]), np.concatenate([y for _, y in pieces])


def _ahead(windows: Iterator[Arrays]) -> Iterator[Arrays]:
    """Make the next window in a thread while the caller works on this one."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "gradwright-stream") as pool:
        coming = pool.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = pool.submit(next, windows, None)
            yield window
