"""Which checkpoints are kept: names say all that the choice needs, so no file is read for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Checkpoint", "found_in", "name_of", "surplus"]

_NAME = re.compile(r"step-(\d{8,18})-epoch-(\d{1,18})(-best)?\.safetensors", re.ASCII)


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A checkpoint that lies in a folder, by its name; whether it is whole only reading tells."""

    step: int
    epoch: int
    best: bool
    path: Path


def name_of(step: int, epoch: int, best: bool) -> str:
    """Return the file's name.

    Examples
    --------
    >>> name_of(120, 3, best=True)
    'step-00000120-epoch-3-best.safetensors'
    """
    return f"step-{step:08d}-epoch-{epoch}{'-best' if best else ''}.safetensors"


def found_in(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints in a folder, the oldest first; none where there is no folder."""
    if not folder.is_dir():
        return []
    names = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    return sorted(Checkpoint(int(m[1]), int(m[2]), m[3] is not None, path) for path, m in names if m)


def surplus(
    checkpoints: Iterable[Checkpoint], newest: Checkpoint, *, keep_last: int, keep_every: int | None
) -> list[Checkpoint]:
    """Return those that need not be kept once ``newest`` is whole.

    Kept are the last few, the best, and the first after every k-th epoch. Those of later steps belong to a training
    that was given up when an earlier one was resumed.

    Parameters
    ----------
    checkpoints : iterable of Checkpoint
        Those that may count as kept.
    newest : Checkpoint
        The one that was just written.
    keep_last : int >= 1
        How many of the last, the newest among them.
    keep_every : int >= 1, optional
        Every so many epochs.

    Examples
    --------
    >>> steps = [Checkpoint(10 * i, i, i == 2, Path(str(i))) for i in range(1, 7)]
    >>> [c.epoch for c in surplus(steps, steps[-1], keep_last=2, keep_every=3)]
    [1, 4]
    """
    checkpoints = sorted(checkpoints)
    until = [c for c in checkpoints if c.step < newest.step] + [newest]
    kept = set(until[-keep_last:])
    kept.update([c for c in until if c.best][-1:])
    if keep_every:
        first_of = {c.epoch: c for c in reversed(until)}
        kept.update(c for epoch, c in first_of.items() if epoch and epoch % keep_every == 0)
    return [c for c in checkpoints if c not in kept]
