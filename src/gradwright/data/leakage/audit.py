"""`audit`: all checks, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradwright.data.belonging import By
from gradwright.data.leakage.duplicates import find_duplicates
from gradwright.data.leakage.fitting import find_fitted_outside
from gradwright.data.leakage.giveaway import find_giveaways
from gradwright.data.leakage.identifiers import find_identifiers
from gradwright.data.leakage.leak import Audited, Leak
from gradwright.data.leakage.missingness import find_telling_gaps
from gradwright.data.leakage.neighbours import find_near_duplicates
from gradwright.data.leakage.straddling import find_straddling_groups, find_straddling_times

if TYPE_CHECKING:
    from gradwright.data.preparation import Preparation
    from gradwright.data.rows import LabeledRows
    from gradwright.data.splits import Split
    from gradwright.data.task import Task

__all__ = ["audit"]

_ORDER = ("problem", "warning", "info")


def audit(
    dataset: LabeledRows,
    task: Task,
    parts: Split,
    preparation: Preparation | None = None,
    *,
    groups: By | None = None,
    time: By | None = None,
) -> list[Leak]:
    """Look for leaks between the parts and from the target into the inputs.

    Inputs are compared across all parts. Targets are read of training and validation only, so the seal of the test
    part holds: nothing that is found says anything about how well a model does there.

    Looked for are: equal and nearly equal rows in two parts; groups and times that straddle; a column that gives the
    target away, alone or by its being missing; an identifier among the features; and a preparation that was fitted
    on more than the training rows. Large sets are sampled, and a finding of kind ``sample`` says so.

    Parameters
    ----------
    dataset, task, parts
        As read, inferred and split.
    preparation : Preparation, optional
        As fitted; columns that it drops are no features.
    groups, time : str or array, optional
        What says which rows belong together or their order, where the parts were not split by it.

    Returns
    -------
    list of Leak
        Problems first; empty where nothing was found.

    Examples
    --------
    >>> from gradwright.data import infer_task, read, split
    >>> iris = read("iris")
    >>> task = infer_task(iris)
    >>> for leak in audit(iris, task, split(iris, task, seed=2)):
    ...     print(leak.title, leak.rows)
    1 row has an equal in another part ("'iris', row 142 (test) and 'iris', row 101 (training)",)

    References
    ----------
    S. Kapoor, A. Narayanan, Leakage and the reproducibility crisis in machine-learning-based science (Patterns 4,
    2023), whose kinds of leaks these are.
    """
    audited = Audited(dataset, task, parts, preparation, groups, time)
    identifiers = find_identifiers(audited)
    ignore = {name for leak in identifiers for name in leak.columns}
    duplicates, keys = find_duplicates(audited, ignore)
    gaps = find_telling_gaps(audited)
    leaks = [
        *duplicates,
        *find_near_duplicates(audited, ignore, keys),
        *find_straddling_groups(audited),
        *find_straddling_times(audited),
        *gaps,
        *find_giveaways(audited, {name for leak in gaps for name in leak.columns}),
        *identifiers,
        *find_fitted_outside(audited),
    ]
    return sorted(leaks, key=lambda leak: _ORDER.index(leak.severity))
