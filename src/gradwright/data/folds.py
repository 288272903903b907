"""`k_fold`: every row held out once, so that a small set gives a figure that means something."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.belonging import By
from gradwright.data.drawing import Drawing
from gradwright.data.messages import plural
from gradwright.data.splits import Split, check_seed, set_test_apart
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows
    from gradwright.data.task import Task

__all__ = ["k_fold"]

Rows = NDArray[np.int64]


def k_fold(
    dataset: LabeledRows,
    task: Task,
    k: int = 5,
    *,
    repeats: int = 1,
    groups: By | None = None,
    time: By | None = None,
    seed: int = 0,
    validation: float = 0.15,
    test: float = 0.15,
    nested: bool = False,
) -> Iterator[Split]:
    """Draw k splits, `repeats` times: in each round every row is held out by one of them.

    What is held out is the **validation** part. The test part is the one that `split` draws with this seed (or that
    the source gives), the same in all splits, and it stays sealed; ``test=0`` does without one. With ``nested=True``
    what is held out is the **test** part, and validation is drawn from the rest, as the outer loop of a nested
    cross-validation needs it: choose in the inner splits, look once in each outer one.

    Classes are held in proportion, as scikit-learn's ``StratifiedKFold`` does; with groups no group is cut
    (``StratifiedGroupKFold``, ``GroupKFold``); with times the rows are cut into k + 1 blocks in their order, and split
    i trains on the first i and holds out the next one (``TimeSeriesSplit``), rows of one time together: then the
    first block is never held out.

    Parameters
    ----------
    dataset, task, groups, time, seed
        As for `split`.
    k : int
        2 or more, and no more than there are rows, groups or times to share out.
    repeats : int
        1 or more rounds, each drawn anew; with times only 1, as nothing is drawn.
    validation : float
        Only for ``nested``: the share of the rest that validates, above 0 and below 1.
    test : float
        The share of the test part, 0 or more and below 1; without meaning where the source gives one, or ``nested``.

    Yields
    ------
    Split

    Raises
    ------
    ConfigError
        Arguments out of range, or ``nested`` for a source with a test part of its own.
    DataError
        Too few rows, groups or times.

    Examples
    --------
    >>> from gradwright.data import infer_task, read
    >>> iris = read("iris")
    >>> folds = list(k_fold(iris, infer_task(iris), 5))
    >>> [len(parts.validation) for parts in folds], {len(parts.test) for parts in folds}
    ([26, 26, 25, 25, 25], {23})
    """
    for name, number, least in (("k", k, 2), ("repeats", repeats, 1)):
        if not (isinstance(number, int) and number >= least):
            raise ConfigError(f"cannot fold: {name} is {number!r}; expected a whole number, {least} or more")
    for name, share, floor in (("test", test, 0.0), ("validation", validation, 1e-9)):
        if not (isinstance(share, int | float) and floor <= share < 1):
            raise ConfigError(f"cannot fold: the share {name} is {share!r}; expected a number from 0 and below 1")
    check_seed(seed)
    given = dataset.given_split is not None
    if nested and given:
        raise ConfigError(
            f"cannot fold {dataset.name} with nested=True: the source gives a test part of its own, which every "
            f"published figure is of. Leave nested out: the folds are then of the rest"
        )
    if time is not None and repeats > 1:
        raise ConfigError("cannot fold by time more than once: the order leaves nothing to draw. Leave repeats out")
    drawing = Drawing.of(dataset, task, groups, time)
    pool, alone, held, _ = set_test_apart(dataset, drawing, 0 if nested else test, seed, leave=k + (time is not None))
    _enough(drawing, pool, k)
    if drawing.by is None:
        more, small = drawing.set_small_aside(pool, k)
        _enough_of_a_class(drawing, more, k)
        pool, alone = more, np.concatenate([alone, small])
    return _folds(drawing, pool, alone, held, k, repeats, seed, validation if nested else None, given)


def _enough(drawing: Drawing, pool: Rows, k: int) -> None:
    what = {"groups": drawing.groups, "time": drawing.times}.get(drawing.by or "")
    there = len(pool) if what is None else len(np.unique(what[pool]))
    needed = k + 1 if drawing.by == "time" else k
    if there < needed:
        noun = {"groups": "group", "time": "time", None: "row"}[drawing.by]
        raise DataError(
            f"cannot fold {drawing.where}: {plural(there, noun)} to share out among {k} folds; expected {needed} at "
            f"the very least. Ask for fewer folds"
        )


def _enough_of_a_class(drawing: Drawing, pool: Rows, k: int) -> None:
    if not len(pool):
        raise DataError(
            f"cannot fold {drawing.where}: no class has {k} rows, so that each of {k} folds could have one. Ask for "
            f"fewer folds"
        )


def _folds(
    drawing: Drawing,
    pool: Rows,
    alone: Rows,
    held: Rows,
    k: int,
    repeats: int,
    seed: int,
    validation: float | None,
    given: bool,
) -> Iterator[Split]:
    stratified = drawing.classes is not None and drawing.by != "time"
    said = tuple(drawing.notes)
    for round_ in range(repeats):
        for i, (rest, out) in enumerate(_cut(drawing, pool, k, (seed, 2, round_))):
            drawing.notes = list(said)
            if validation is None:
                train, validated, tested = rest, out, held
            else:
                train, validated, _ = drawing.draw(rest, math.ceil(validation * len(rest)), (seed, 3, round_, i))
                tested = out
            train = np.sort(np.concatenate([train, alone]))
            drawing.note_untrained(train, np.concatenate([validated, tested]))
            yield Split(
                train,
                np.sort(validated),
                np.sort(tested),
                seed,
                stratified,
                given,
                drawing.by,
                drawing.column,
                tuple(drawing.notes),
            )


def _cut(drawing: Drawing, pool: Rows, k: int, seed: tuple[int, ...]) -> Iterator[tuple[Rows, Rows]]:
    """The rest and what is held out, k times."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if drawing.times is not None:
        yield from _forward(pool, drawing.times[pool], k)
        return
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    labels = None if drawing.classes is None else drawing.classes[pool]
    groups = None if drawing.groups is None else drawing.groups[pool]
    if groups is not None:
        kind = GroupKFold if labels is None else StratifiedGroupKFold
        if labels is not None and np.bincount(labels).max() < k:
            kind = GroupKFold
    else:
        kind = KFold if labels is None else StratifiedKFold
    splitter = kind(k, shuffle=True, random_state=state)
    with warnings.catch_warnings():  # a class in fewer groups than folds is no fault here; what is lost gets a note
        warnings.simplefilter("ignore", UserWarning)
        cuts = list(splitter.split(pool, labels, groups))
    for rest, out in cuts:
        yield pool[rest], pool[out]


def _forward(pool: Rows, times: Rows, k: int) -> Iterator[tuple[Rows, Rows]]:
    """Blocks of about equal size in order of time; each after the first is held out once, after all before it."""
    order = np.argsort(times, kind="stable")
    cuts = np.flatnonzero(np.diff(times[order])) + 1
    ends: list[int] = []
    for i in range(1, k + 1):  # the nearest cut to i/(k+1) that leaves every later block one of its own
        free = cuts[cuts > (ends[-1] if ends else 0)]
        free = free[: len(free) - (k - i)]
        ends.append(int(free[np.abs(free - round(i * len(pool) / (k + 1))).argmin()]))
    for start, stop in zip(ends, [*ends[1:], len(pool)], strict=True):
        yield np.sort(pool[order[:start]]), np.sort(pool[order[start:stop]])
