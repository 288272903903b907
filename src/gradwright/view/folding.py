"""Repeated parts of a graph, folded: the first of them stays, and one node stands for the rest."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Fold", "fold_away", "repeats"]


class Fold(NamedTuple):
    """What is not drawn one by one.

    Attributes
    ----------
    id : int
        Of the node that stands for it: that of the first operation.
    operations : tuple of int
        Ids of the operations, in topological order.
    period : int
        How many of them make up what is repeated; 0 where they were cut out because there were too many.
    """

    id: int
    operations: tuple[int, ...]
    period: int

    @property
    def times(self) -> int:
        """How often what stands before it is repeated."""
        return len(self.operations) // self.period if self.period else 0


def fold_away(
    operations: Sequence[int],
    signatures: Sequence[Hashable],
    readers: Mapping[int, Sequence[int]],
    leaves: Collection[int],
    *,
    fold: bool = True,
    cut_above: int | None = None,
) -> tuple[list[Fold], dict[int, int]]:
    """Find what to fold.

    Parameters
    ----------
    operations : sequence of int
        Ids in topological order.
    signatures : sequence
        What makes two operations look the same.
    readers : mapping from int to sequence of int
        Who reads each node.
    leaves : collection of int
        Those that feed only what is folded away go with it.
    fold : bool
        Whether to look for repetitions.
    cut_above : int, optional
        If more operations than this remain, cut out the middle.

    Returns
    -------
    folds : list of Fold
    stands_for : dict
        For each id that is folded away, the id of its fold.
    """
    runs = repeats(signatures) if fold else []
    left = len(operations) - sum(stop - start for start, stop, _ in runs)
    if cut_above is not None and left > cut_above:
        half = cut_above // 2
        runs = [(half, len(operations) - half, 0)]
    folds = [Fold(operations[start], tuple(operations[start:stop]), period) for start, stop, period in runs]
    stands_for = {identity: fold.id for fold in folds for identity in fold.operations}
    for leaf in leaves:
        stands = {stands_for.get(reader) for reader in readers[leaf]}
        if len(stands) == 1 and None not in stands:
            stands_for[leaf] = stands_for[readers[leaf][0]]
    return folds, stands_for


def repeats(signatures: Sequence[Hashable], longest: int = 40) -> list[tuple[int, int, int]]:
    """Find runs that repeat what stands right before them: (start, stop, period) of what can be folded away.

    The first occurrence stays. From the left, the period that folds most is taken; what it covers is not
    looked at again.

    Examples
    --------
    >>> repeats(["a", "b", "a", "b", "a", "b", "c"])
    [(2, 6, 2)]
    """
    folds, start, size = [], 0, len(signatures)
    while start < size:
        best = (0, 0)
        for period in range(1, min(longest, (size - start) // 2) + 1):
            same = 0
            while start + period + same < size and signatures[start + same] == signatures[start + period + same]:
                same += 1
            times = same // period
            # One repetition of a single operation is not worth a fold.
            if times * period > max(best[0], 1):
                best = (times * period, period)
        covered, period = best
        if covered:
            folds.append((start + period, start + period + covered, period))
            start += period + covered
        else:
            start += 1
    return folds
