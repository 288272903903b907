"""Training, validation and test part: drawn once, stratified for classes, kept as row numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import listed, plural, shown
from gradwright.data.npz import read_npz
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows
    from gradwright.data.task import Task

__all__ = ["Split", "split"]


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
    notes : tuple of str
        What could not be done as asked.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int = 0
    stratified: bool = False
    given: bool = False
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Sizes and manner, as `data.json` holds them."""
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
            "stratified": self.stratified,
            "given": self.given,
            "seed": self.seed,
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


def split(dataset: LabeledRows, task: Task, *, seed: int = 0, validation: float = 0.15, test: float = 0.15) -> Split:
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

    Returns
    -------
    Split
        A class of fewer than three rows trains only, and a note says so.

    Raises
    ------
    ConfigError
        Shares or a seed out of range.
    DataError
        Too few rows, or too few rows of every class.

    Examples
    --------
    >>> from gradwright.data import infer_task, read
    >>> digits = read("digits")
    >>> parts = split(digits, infer_task(digits), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test), parts.stratified
    (1257, 270, 270, True)
    """
    for name, share in (("validation", validation), ("test", test)):
        if not (isinstance(share, int | float) and 0 < share < 1):
            raise ConfigError(f"cannot split: the share {name} is {share!r}; expected a number above 0 and below 1")
    if validation + test >= 1:
        raise ConfigError(f"cannot split: validation {validation} and test {test} leave nothing to train on")
    if not (isinstance(seed, int) and 0 <= seed < 2**32):
        raise ConfigError(f"cannot split: the seed is {seed!r}; expected a whole number from 0 to 4294967295")
    where = shown(dataset.name, 200)
    notes: list[str] = []
    usable = task.usable
    classes = task.classes if task.is_classification else None  # labels and tags are drawn without regard to them
    codes = np.zeros(dataset.rows, np.int64)
    if classes is not None:
        codes[usable] = task.encode(dataset.target[usable], dataset.place)
    if dataset.given_split is not None:
        pool, held = (np.intersect1d(part, usable) for part in dataset.given_split)
        if not len(pool) or not len(held):
            raise DataError(f"cannot split {where}: its given training or test part has no rows with a target")
        count = math.ceil(validation * len(pool))
    else:
        pool, held = usable, None
        count = math.ceil(validation * len(usable))
    if len(pool) < 5:
        raise DataError(
            f"cannot split {where}: {plural(len(pool), 'row')} with a target; expected 5 at the very least, "
            f"and some hundreds for an answer that means something"
        )
    if classes is not None:
        sizes = np.bincount(codes[pool], minlength=len(classes))
        if held is not None and (unseen := [c for c, n in zip(classes, sizes, strict=True) if n == 0]):
            raise DataError(
                f"cannot learn {where}: class {listed(unseen)} has rows in the given test part and none to train on"
            )
        if sizes.max() < 3:
            raise DataError(
                f"cannot split {where}: no class has 3 rows (class "
                f"{shown(classes[int(sizes.argmax())])} has {sizes.max()}), so none can be trained, "
                "validated and tested. Add rows, or check the target"
            )
    alone = np.empty(0, np.int64)
    if classes is not None:
        pool, alone = _set_small_aside(pool, codes, classes, 2 if held is not None else 3, notes)
    strata = codes if classes is not None else None
    stratified = strata is not None
    if held is None:
        pool, held, stratified = _draw(pool, strata, math.ceil(test * len(usable)), (seed, 0), notes)
    pool, validated, also = _draw(pool, strata, count, (seed, 1), notes)
    stratified = stratified and also
    train = np.sort(np.concatenate([pool, alone]))
    given = dataset.given_split is not None
    return Split(train, np.sort(validated), np.sort(held), seed, stratified, given, tuple(notes))


def _set_small_aside(
    pool: NDArray[np.int64], codes: NDArray[np.int64], classes: tuple[str, ...], least: int, notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part the pool into rows of classes that can be shared out, and rows of classes that are too small."""
    sizes = np.bincount(codes[pool], minlength=len(classes))
    for i in np.flatnonzero((sizes > 0) & (sizes < least)):
        notes.append(
            f"class {shown(classes[i])} has {plural(int(sizes[i]), 'row')}, too few to share out: trained "
            f"on, but neither validated nor tested"
        )
    small = sizes[codes[pool]] < least
    return pool[~small], pool[small]


def _draw(
    pool: NDArray[np.int64],
    strata: NDArray[np.int64] | None,
    count: int,
    seed: tuple[int, int],
    notes: list[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Draw `count` rows of the pool: the rest, the drawn, and whether classes are in proportion."""
    from sklearn.model_selection import train_test_split

    last = np.empty(0, np.int64)  # the only row left of its class stays where training is
    stratify = None
    if strata is not None:
        single = np.bincount(strata[pool])[strata[pool]] < 2
        pool, last = pool[~single], pool[single]
    if count >= len(pool):
        raise DataError(
            f"cannot split: {plural(count, 'row')} are to be drawn from {len(pool)} of classes with enough "
            f"rows, which leaves none to train on. Add rows, or ask for smaller shares"
        )
    if strata is not None:
        present = len(np.unique(strata[pool]))
        if count >= present and len(pool) - count >= present:
            stratify = strata[pool]
        else:
            notes.append(
                f"{plural(count, 'row')} cannot hold {plural(present, 'class')} in proportion: "
                f"drawn without regard to class"
            )
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    rest, drawn = train_test_split(pool, test_size=count, random_state=state, stratify=stratify)
    if strata is not None:  # large shares can take all rows of a class: one stays for training
        lost = np.setdiff1d(strata[drawn], strata[rest])
        back = np.array([np.flatnonzero(strata[drawn] == c)[0] for c in lost], np.int64)
        rest, drawn = np.concatenate([rest, drawn[back]]), np.delete(drawn, back)
        if not len(drawn):
            raise DataError(
                f"cannot split: {plural(count, 'row')} hold {plural(len(lost), 'class')} that training needs all "
                f"of. Add rows, or ask for other shares"
            )
    return np.concatenate([rest, last]), drawn, stratify is not None
