"""Folds for training and judging at once: in each, which rows train, which decide when to stop, which are scored."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradwright.data import Split, k_fold
from gradwright.data.drawing import Drawing
from gradwright.errors import ConfigError, DataError
from gradwright.train.config import Config
from gradwright.tune.source import Source

__all__ = ["Fold", "draw_folds", "one_split", "roles_npz", "rows_words"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One split of the rows.

    Attributes
    ----------
    repeat, fold : int
        Which one, from 0.
    train, validation : int64 arrays
        Rows that weights (and what prepares rows) are fitted to; rows that decide when to stop and which epoch is best.
    held : int64 array
        Rows that are scored, once, when all of that is decided.
    """

    repeat: int
    fold: int
    train: Rows
    validation: Rows
    held: Rows


def draw_folds(
    source: Source,
    config: Config,
    k: int = 5,
    *,
    repeats: int = 1,
    leave_one_out: bool = False,
    all_rows: bool = False,
) -> tuple[list[Fold], list[str]]:
    """Draw folds, and in each set rows apart that decide about stopping.

    The rows that are scored must not choose the epoch, or the score is that of the luckiest epoch: so a share of a
    fold's other rows, ``config.validation``, does, as in `gradwright train`.

    All folds train on equally many rows and stop by equally many, so that they are one program; of a fold that is a row
    larger, a row is idle. Whole groups and times are not cut for that.

    Parameters
    ----------
    source : Source
    config : Config
        ``seed``, ``validation``, ``group`` and ``time`` decide.
    k, repeats : int
        Folds, and how often they are drawn.
    leave_one_out : bool
        Hold out every row once, or with ``config.group`` every group.
    all_rows : bool
        Share out the test part too.

    Returns
    -------
    folds : list of Fold
        Repeat by repeat.
    notes : list of str
        What could not be done as asked.

    Raises
    ------
    ConfigError
        Settings that do not fit together.
    DataError
        Too few rows, groups or times.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> from gradwright.tune.source import read_source
    >>> config = parse_config({"source": "iris"})
    >>> folds, notes = draw_folds(read_source(config), config)
    >>> [(len(f.train), len(f.validation), len(f.held)) for f in folds]
    [(85, 16, 26), (85, 16, 26), (85, 16, 25), (85, 16, 25), (85, 16, 25)]
    """
    if all_rows and source.parts.given:
        raise ConfigError(
            f"--all-rows: {source.dataset.name} brings a test part of its own, which every published figure is of. "
            "Leave it away: the folds are then of the other rows"
        )
    seed = config.seed % 2**32
    if leave_one_out:
        cuts, notes = _one_out(source, config, repeats, all_rows)
    else:
        splits = k_fold(
            source.dataset,
            source.task,
            k,
            repeats=repeats,
            groups=config.group,
            time=config.time,
            seed=seed,
            test=0.0 if all_rows else config.test,
        )
        parts = list(splits)
        cuts = [(i // k, i % k, split.train, split.validation) for i, split in enumerate(parts)]
        notes = list(dict.fromkeys(note for split in parts for note in split.notes))
    if not all_rows and any(len(np.intersect1d(source.parts.test, held)) for *_, held in cuts):
        raise DataError(
            f"cannot fold {source.dataset.name}: there are too few groups or times for {k} folds beside the test part. "
            "Ask for fewer folds, or for --all-rows"
        )
    drawing = Drawing.of(source.dataset, source.task, config.group, config.time)
    sizes = _sizes([len(rest) for _, _, rest, _ in cuts], config.validation, whole=drawing.by is not None)
    folds = []
    for (repeat, number, rest, held), (drawn, kept) in zip(cuts, sizes, strict=True):
        train, validation, _ = drawing.draw(rest, drawn, (seed, 4, repeat, number))
        folds.append(Fold(repeat, number, np.sort(train), np.sort(validation[:kept]), held))
    return folds, [*notes, *(n for n in dict.fromkeys(drawing.notes) if n not in notes)]


def one_split(source: Source, config: Config) -> tuple[list[Fold], list[str]]:
    """Return a single fold: the validation part of `gradwright train` is scored, and others decide about stopping.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> from gradwright.tune.source import read_source
    >>> config = parse_config({"source": "iris"})
    >>> [fold], _ = one_split(read_source(config), config)
    >>> len(fold.train), len(fold.validation), len(fold.held)
    (88, 16, 23)
    """
    rest, held = source.parts.train, source.parts.validation
    drawing = Drawing.of(source.dataset, source.task, config.group, config.time)
    count = math.ceil(config.validation * len(rest))
    train, validation, _ = drawing.draw(rest, count, (config.seed % 2**32, 4, 0, 0))
    notes = [*source.parts.notes, *drawing.notes]
    return [Fold(0, 0, np.sort(train), np.sort(validation), held)], list(dict.fromkeys(notes))


def _one_out(
    source: Source, config: Config, repeats: int, all_rows: bool
) -> tuple[list[tuple[int, int, Rows, Rows]], list[str]]:
    if repeats > 1:
        raise ConfigError("--leave-one-out: there is one way to do it, so --repeats would train the same again")
    if config.time is not None:
        raise ConfigError("--leave-one-out: by time nothing may be learnt from later rows; ask for --folds instead")
    drawing = Drawing.of(source.dataset, source.task, config.group, None)
    pool, alone = drawing.set_small_aside(source.task.usable if all_rows else source.explored, 2)
    codes = pool if drawing.groups is None else drawing.groups[pool]
    found = np.unique(codes)
    if len(found) < 3:
        what = "row" if drawing.groups is None else "group"
        raise DataError(f"--leave-one-out: {len(found)} {what}s to leave out one by one; expected 3 at the very least")
    every = np.sort(np.concatenate([pool, alone]))
    cuts = []
    for i, code in enumerate(found):
        held = pool[codes == code]
        cuts.append((0, i, np.setdiff1d(every, held, assume_unique=True), held))
        drawing.note_untrained(cuts[-1][2], held)
    return cuts, drawing.notes


def _sizes(rest: Sequence[int], share: float, *, whole: bool) -> list[tuple[int, int]]:
    """Return how many rows to draw for stopping in each fold, and how many of them to keep."""
    if whole:
        return [(count, count) for count in (math.ceil(share * size) for size in rest)]
    kept = math.ceil(share * min(rest))
    return [(size - (min(rest) - kept), kept) for size in rest]


def rows_words(folds: Sequence[Fold], source: Source, *, all_rows: bool = False) -> str:
    """Say which rows did what.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> from gradwright.tune.source import read_source
    >>> config = parse_config({"source": "iris"})
    >>> source = read_source(config)
    >>> print(rows_words(draw_folds(source, config)[0], source))
    In each fold 85 rows train, 16 others decide when to stop, and the 25 to 26 rows left are scored once at the end.
    The test part (23 rows) stays sealed.
    """
    train, stop, held = (_span([len(getattr(f, part)) for f in folds]) for part in ("train", "validation", "held"))
    where = "In each fold " if len(folds) > 1 else ""
    scored = "row left is" if held == "1" else "rows left are"
    sealed = (
        "These are all rows: this was a look at the test part."
        if all_rows
        else f"The test part ({len(source.parts.test):,} rows) stays sealed."
    )
    return (
        f"{where}{train} rows train, {stop} others decide when to stop, and the {held} {scored} scored once at the "
        f"end. {sealed}"
    )


def _span(sizes: Sequence[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def roles_npz(folds: Sequence[Fold], rows: int) -> bytes:
    """Return ``folds.npz``: ``roles`` (folds, rows), 0 idle, 1 trains, 2 decides when to stop, 3 is scored."""
    roles = np.zeros((len(folds), rows), np.int8)
    for role, fold in zip(roles, folds, strict=True):
        for value, part in enumerate((fold.train, fold.validation, fold.held), 1):
            role[part] = value
    file = io.BytesIO()
    np.savez_compressed(
        file, roles=roles, repeat=np.array([f.repeat for f in folds]), fold=np.array([f.fold for f in folds])
    )
    return file.getvalue()


def not_features(config: Config) -> dict[str, str]:
    """Return the column that rows are split by, which is no feature."""
    none = np.empty(0, np.int64)
    by = "groups" if config.group is not None else "time" if config.time is not None else None
    return Split(none, none, none, by=by, column=config.group or config.time).not_features
