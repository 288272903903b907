"""Drawing some rows out of many: by class in proportion, by whole groups, or the latest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.belonging import By, group_codes, time_ranks
from gradwright.data.messages import plural, shown
from gradwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows
    from gradwright.data.task import Task

__all__ = ["Drawing", "draw_groups", "draw_latest", "draw_rows"]

_TRIES = 64  # drawings of groups, of which the best is taken
Rows = NDArray[np.int64]


@dataclass
class Drawing:
    """How parts are drawn from one data set.

    Attributes
    ----------
    usable : int64 array
        The rows with a target.
    classes : int64 array, shape (all rows,), or None
        Class numbers, where parts can have the classes in proportion.
    names : tuple of str
        The classes' names.
    groups, times : int64 array, shape (all rows,), or None
        What `group_codes` or `time_ranks` gave.
    column : str or None
        The column that rows are split by.
    notes : list of str
        What could not be done as asked.
    """

    where: str
    usable: Rows
    classes: Rows | None
    names: tuple[str, ...]
    groups: Rows | None = None
    times: Rows | None = None
    column: str | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, dataset: LabeledRows, task: Task, groups: By | None, time: By | None) -> Drawing:
        """Find out what there is to regard; raises `ConfigError` where both groups and times are given."""
        if groups is not None and time is not None:
            raise ConfigError(
                "cannot split both by groups and by time: a group that lasts would have to stand in two parts. "
                "Give one of the two"
            )
        codes: Rows | None = None
        names: tuple[str, ...] = ()
        if task.kind in ("binary", "multiclass") and task.classes is not None:
            codes, names = np.zeros(dataset.rows, np.int64), task.classes
            codes[task.usable] = task.encode(
                dataset.target[task.usable], lambda row: dataset.place(int(task.usable[row]))
            )
        drawing = cls(shown(dataset.name, 200), task.usable, codes, names)
        if groups is not None:
            drawing.groups = group_codes(dataset, groups, task.usable)
        if time is not None:
            drawing.times = time_ranks(dataset, time, task.usable)
        by = groups if groups is not None else time
        drawing.column = by if isinstance(by, str) else None
        return drawing

    @property
    def by(self) -> str | None:
        """``groups``, ``time`` or None."""
        return "groups" if self.groups is not None else "time" if self.times is not None else None

    def draw(self, pool: Rows, count: int, seed: tuple[int, ...], leave: int = 1) -> tuple[Rows, Rows, bool]:
        """Draw `count` rows: the rest, the drawn, and whether both have the classes in proportion.

        Of groups or times at least `leave` stay in the rest, for the parts that are still to be drawn.
        """
        if self.groups is not None:
            return (*draw_groups(pool, self.groups, self.classes, count, seed, self.notes, leave), False)
        if self.times is not None:
            return (*draw_latest(pool, self.times, count, leave), False)
        return draw_rows(pool, self.classes, count, seed, self.notes)

    def set_small_aside(self, pool: Rows, least: int) -> tuple[Rows, Rows]:
        """Part the pool into rows of classes that can be shared out, and rows of classes that are too small.

        By groups and by time nothing is set aside: a row would leave its group or its place.
        """
        if self.classes is None or self.by is not None:
            return pool, np.empty(0, np.int64)
        sizes = np.bincount(self.classes[pool], minlength=len(self.names))
        for i in np.flatnonzero((sizes > 0) & (sizes < least)):
            self.notes.append(
                f"class {shown(self.names[i])} has {plural(int(sizes[i]), 'row')}, too few to share out: trained "
                f"on, but neither validated nor tested"
            )
        small = sizes[self.classes[pool]] < least
        return pool[~small], pool[small]

    def note_untrained(self, train: Rows, held: Rows) -> None:
        """Add a note where a held-out part has classes that training has not; groups and times may leave no way out."""
        if self.classes is None:
            return
        lost = np.setdiff1d(self.classes[held], self.classes[train])
        for i in lost:
            self.notes.append(
                f"class {shown(self.names[i])} has no row to train on: all of its rows stand in "
                f"{'groups' if self.by == 'groups' else 'times'} that were held out, so it cannot be learnt"
            )


def draw_rows(
    pool: Rows, strata: Rows | None, count: int, seed: tuple[int, ...], notes: list[str]
) -> tuple[Rows, Rows, bool]:
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


def draw_groups(
    pool: Rows,
    groups: Rows,
    strata: Rows | None,
    count: int,
    seed: tuple[int, ...],
    notes: list[str],
    leave: int = 1,
) -> tuple[Rows, Rows]:
    """Draw whole groups with about `count` rows: the rest and the drawn.

    Of some random orders of the groups the one is taken whose first groups come closest to `count` rows with the
    pool's proportion of classes, and that leaves every class something to train on.
    """
    found, code = np.unique(groups[pool], return_inverse=True)
    if len(found) <= leave:
        raise DataError(
            f"cannot split by groups: {plural(len(found), 'group')} with {plural(len(pool), 'row')} to share out, and "
            f"no group may stand in two parts; expected {leave + 1} groups here at the very least. Split without "
            f"groups, or add some"
        )
    sizes = np.bincount(code)
    labels = np.zeros(len(pool), np.int64) if strata is None else strata[pool]
    wanted = np.bincount(labels) / len(pool)
    random = np.random.default_rng(np.random.SeedSequence(seed))
    best, chosen = np.inf, np.zeros(len(pool), bool)
    for _ in range(int(np.clip(10**7 // len(pool), 4, _TRIES))):
        order = random.permutation(len(found))
        ends = np.cumsum(sizes[order])[:-leave]
        taken = np.zeros(len(found), bool)
        taken[order[: int(np.abs(ends - count).argmin()) + 1]] = True
        drawn = taken[code]
        has = np.bincount(labels[drawn], minlength=len(wanted))
        left = np.bincount(labels, minlength=len(wanted)) - has
        score = (
            abs(has.sum() - count) / count
            + np.abs(has / has.sum() - wanted).sum()
            + 10 * ((left == 0) & (has > 0)).sum()
        )
        if score < best:
            best, chosen = float(score), drawn
    got = int(chosen.sum())
    if abs(got - count) > 0.2 * count + 1:
        notes.append(f"{plural(got, 'row')} drawn where {count:,} were wanted: groups are not cut")
    return pool[~chosen], pool[chosen]


def draw_latest(pool: Rows, times: Rows, count: int, leave: int = 1) -> tuple[Rows, Rows]:
    """Take about `count` of the latest rows: the earlier rows and the latest; rows of one time stay together."""
    order = pool[np.argsort(times[pool], kind="stable")]
    cuts = np.flatnonzero(np.diff(times[order])) + 1
    if len(cuts) < leave:
        raise DataError(
            f"cannot split by time: {plural(len(pool), 'row')} of {plural(len(cuts) + 1, 'time')} to share out, and "
            f"rows of one time are not parted; expected {leave + 1} times here at the very least. Give finer times, or "
            f"split without them"
        )
    cuts = cuts[leave - 1 :]
    cut = int(cuts[np.abs(cuts - (len(pool) - count)).argmin()])
    return np.sort(order[:cut]), np.sort(order[cut:])
