"""Training, validation and test part: drawn once, by class, by group or by time, and kept as row numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.belonging import By
from gradwright.data.drawing import Drawing
from gradwright.data.messages import listed, plural, shown
from gradwright.data.npz import read_npz
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows
    from gradwright.data.task import Task

__all__ = ["Split", "check_seed", "set_test_apart", "split"]


@dataclass(frozen=True)
class Split:
    """Which rows train, which validate and which test.

    Attributes
    ----------
    train, validation, test : int64 array
        Row numbers in the source, sorted, without overlap.
    seed : int
        The seed of the draw.
    stratified : bool
        Whether each part has the classes in proportion.
    given : bool
        Whether the source itself set the test part apart.
    by : {"groups", "time"} or None
        What besides the target was regarded.
    column : str or None
        The column that says the group or the time, which is no feature: see `not_features`.
    notes : tuple of str
        What could not be done as asked.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int = 0
    stratified: bool = False
    given: bool = False
    by: str | None = None
    column: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def not_features(self) -> dict[str, str]:
        """The column that rows were split by and why it is no feature, for `Preparation.fit(drop=…)`.

        A network that is given the group learns the group by heart, which is no use for the next one.
        """
        if self.column is None:
            return {}
        what = "which rows belong together" if self.by == "groups" else "the order of the rows in time"
        return {self.column: f"it says {what}, and the parts were split by it"}

    def to_dict(self) -> dict[str, Any]:
        """Sizes and manner, as `data.json` holds them."""
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
            "stratified": self.stratified,
            "given": self.given,
            "seed": self.seed,
            **({} if self.by is None else {"by": self.by, "column": self.column}),
        }

    def to_npz(self, path: Path | str) -> None:
        """Write the three arrays of row numbers."""
        with Path(path).open("wb") as file:
            np.savez(file, train=self.train, validation=self.validation, test=self.test)

    @classmethod
    def from_npz(cls, path: Path | str) -> Split:
        """Read what `to_npz` wrote (`seed`, `stratified` and `given` are in `data.json`, not here).

        Raises
        ------
        DataError
            A missing array, one that is not a list of row numbers, or parts that overlap.

        Examples
        --------
        >>> import tempfile
        >>> parts = Split(np.array([0, 2]), np.array([1]), np.array([3]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     parts.to_npz(Path(folder, "split.npz"))
        ...     Split.from_npz(Path(folder, "split.npz")).train
        array([0, 2])
        """
        arrays = read_npz(Path(path), ["train", "validation", "test"])
        for name, rows in arrays.items():
            if rows.ndim != 1 or rows.dtype != np.int64 or (len(rows) and rows.min() < 0):
                raise DataError(
                    f"cannot read {shown(str(path), 200)}: {name} has shape {rows.shape} of {rows.dtype}; "
                    f"expected row numbers from 0, a one-dimensional array of int64"
                )
        together = np.concatenate(list(arrays.values()))
        if len(np.unique(together)) < len(together):
            raise DataError(f"cannot read {shown(str(path), 200)}: a row stands in two parts, so its test is void")
        return cls(arrays["train"], arrays["validation"], arrays["test"])


def split(
    dataset: LabeledRows,
    task: Task,
    *,
    seed: int = 0,
    validation: float = 0.15,
    test: float = 0.15,
    groups: By | None = None,
    time: By | None = None,
) -> Split:
    """Draw the three parts.

    Parameters
    ----------
    dataset : LabeledRows
        A test part that the source gives is kept as it is; validation is then drawn from the rest.
    task : Task
        Rows without a target are in no part; for classes every part has them in proportion.
    seed : int
        Equal seeds give equal parts; 0 to 2³² − 1.
    validation, test : float
        Shares of all rows (validation: of the rest, when the source gives the test part), each above 0 and
        together below 1.
    groups : str or array, shape (rows,), optional
        A column's name or a value for each row. No group stands in two parts; sizes and proportions of classes are
        as close as whole groups allow (the best of 64 draws).
    time : str or array, shape (rows,), optional
        Numbers or dates. Training is before validation, and validation before test; rows of one time stay together.

    Returns
    -------
    Split
        A class of fewer than three rows trains only, and a note says so. `Split.not_features` names the column of
        groups or times, for `Preparation.fit(drop=…)`.

    Raises
    ------
    ConfigError
        Shares or a seed out of range, no such column, or both groups and times.
    DataError
        Too few rows, groups or times, or too few rows of every class; a row without a group or time.

    Examples
    --------
    >>> from gradwright.data import infer_task, read
    >>> digits = read("digits")
    >>> parts = split(digits, infer_task(digits), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test), parts.stratified
    (1257, 270, 270, True)
    >>> parts = split(digits, infer_task(digits), time=np.arange(1797))
    >>> parts.train[-1], parts.validation[0], parts.test[0]
    (np.int64(1256), np.int64(1257), np.int64(1527))
    """
    for name, share in (("validation", validation), ("test", test)):
        if not (isinstance(share, int | float) and 0 < share < 1):
            raise ConfigError(f"cannot split: the share {name} is {share!r}; expected a number above 0 and below 1")
    if validation + test >= 1:
        raise ConfigError(f"cannot split: validation {validation} and test {test} leave nothing to train on")
    check_seed(seed)
    drawing = Drawing.of(dataset, task, groups, time)
    pool, alone, held, stratified = set_test_apart(dataset, drawing, test, seed)
    count = math.ceil(validation * (len(pool) + len(alone) if dataset.given_split is not None else len(task.usable)))
    pool, validated, also = drawing.draw(pool, count, (seed, 1))
    train = np.sort(np.concatenate([pool, alone]))
    drawing.note_untrained(train, np.concatenate([validated, held]))
    return Split(
        train,
        np.sort(validated),
        np.sort(held),
        seed,
        stratified and also,
        dataset.given_split is not None,
        drawing.by,
        drawing.column,
        tuple(drawing.notes),
    )


def check_seed(seed: int) -> None:
    """Refuse a seed that is none."""
    if not (isinstance(seed, int) and 0 <= seed < 2**32):
        raise ConfigError(f"cannot split: the seed is {seed!r}; expected a whole number from 0 to 4294967295")


def set_test_apart(
    dataset: LabeledRows, drawing: Drawing, test: float, seed: int, leave: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], bool]:
    """Set the test part apart: the rest, rows that may only train, the test part, and whether it is stratified.

    At least `leave` groups or times stay, for the parts to come.
    """
    usable, strata, where = drawing.usable, drawing.classes, drawing.where
    if dataset.given_split is not None:
        pool, held = (np.intersect1d(part, usable) for part in dataset.given_split)
        if not len(pool) or not len(held):
            raise DataError(f"cannot split {where}: its given training or test part has no rows with a target")
    else:
        pool, held = usable, None
    if len(pool) < 5:
        raise DataError(
            f"cannot split {where}: {plural(len(pool), 'row')} with a target; expected 5 at the very least, "
            f"and some hundreds for an answer that means something"
        )
    if strata is not None:
        sizes = np.bincount(strata[pool], minlength=len(drawing.names))
        if held is not None and (unseen := [c for c, n in zip(drawing.names, sizes, strict=True) if n == 0]):
            raise DataError(
                f"cannot learn {where}: class {listed(unseen)} has rows in the given test part and none to train on"
            )
        if sizes.max() < 3:
            raise DataError(
                f"cannot split {where}: no class has 3 rows (class "
                f"{shown(drawing.names[int(sizes.argmax())])} has {sizes.max()}), so none can be trained, "
                "validated and tested. Add rows, or check the target"
            )
    pool, alone = drawing.set_small_aside(pool, 2 if held is not None else 3)
    if held is not None:
        _note_overlap(drawing, pool, held)
        return pool, alone, held, strata is not None and drawing.by is None
    if test == 0:
        return pool, alone, np.empty(0, np.int64), strata is not None and drawing.by is None
    pool, held, stratified = drawing.draw(pool, math.ceil(test * len(usable)), (seed, 0), leave)
    return pool, alone, held, stratified


def _note_overlap(drawing: Drawing, pool: NDArray[np.int64], held: NDArray[np.int64]) -> None:
    """Say where the source's own test part cuts groups or lies between the times of training."""
    if drawing.groups is not None:
        both = np.intersect1d(drawing.groups[pool], drawing.groups[held])
        if len(both):
            drawing.notes.append(f"{plural(len(both), 'group')} stand on both sides of the split that the source gives")
    if drawing.times is not None and drawing.times[pool].max() >= drawing.times[held].min():
        drawing.notes.append("the test part that the source gives is not later than all other rows")
