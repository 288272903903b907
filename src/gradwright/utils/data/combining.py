"""Data sets made of others: a part, one after the other, side by side."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.utils.data.dataset import Dataset, IterableDataset

__all__ = ["ChainDataset", "ConcatDataset", "StackDataset", "Subset", "samples"]


def samples(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """Return the samples of a batch, at once where the data set can (``__getitems__``)."""
    at_once = getattr(dataset, "__getitems__", None)
    if not callable(at_once):
        return [dataset[i] for i in indices]
    found: list[Any] = at_once(indices)
    if len(found) != len(indices):
        raise ShapeError(
            f"{type(dataset).__name__}.__getitems__ returned {len(found)} samples for {len(indices)} indices"
        )
    return found


class Subset(Dataset[Any]):
    """Some samples of a data set, in the order given.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int
        Which samples.

    Examples
    --------
    >>> from gradwright.utils.data import Subset
    >>> part = Subset("abcdef", [4, 0])
    >>> len(part), part[0], part[1]
    (2, 'e', 'a')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        if type(self).__getitem__ is not Subset.__getitem__ and type(self).__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{type(self).__name__} says its own __getitem__ but not __getitems__, by which a DataLoader takes "
                "batches. Add: def __getitems__(self, indices): return [self[i] for i in indices]"
            )

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Any]):
    """Data sets one after the other; ``a + b`` makes one, too.

    Parameters
    ----------
    datasets : iterable of Dataset
        At least one, each with a length.

    Raises
    ------
    ConfigError
        None at all, or one that gives its samples in turn only.

    Examples
    --------
    >>> from gradwright.utils.data import ConcatDataset
    >>> both = ConcatDataset(["abc", "de"])
    >>> len(both), both[3], both[-1], both.cumulative_sizes
    (5, 'd', 'e', [3, 5])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ConfigError("ConcatDataset: expected at least one data set, got none")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise ConfigError("ConcatDataset: an IterableDataset has no numbered samples; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise IndexOutOfRangeError(f"ConcatDataset: index {index} of {n} samples")
        index = index % n
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class StackDataset(Dataset[Any]):
    """Data sets side by side: a sample is a tuple (or, of keywords, a dict) of one sample of each.

    Parameters
    ----------
    *args, **kwargs : Dataset
        Either or; all with the same length.

    Raises
    ------
    ConfigError
        Both kinds, or none.
    ShapeError
        Different lengths.

    Examples
    --------
    >>> from gradwright.utils.data import StackDataset
    >>> StackDataset(letter="abc", digit="123")[1]
    {'letter': 'b', 'digit': '2'}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ConfigError("StackDataset: expected data sets as arguments or as keywords, one of the two")
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        lengths = [len(d) for d in self._all()]
        if len(set(lengths)) > 1:
            raise ShapeError(f"StackDataset: size mismatch between datasets: their lengths are {lengths}")
        self._length = lengths[0]

    def _all(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _sample(self, parts: Sequence[Any]) -> Any:
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._sample([d[index] for d in self._all()])

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = [samples(d, indices) for d in self._all()]
        return [self._sample(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other; ``a + b`` of two `IterableDataset` makes one, too.

    Raises
    ------
    ConfigError
        When it comes to one that is no `IterableDataset`.

    Examples
    --------
    >>> from gradwright.utils.data import ChainDataset, IterableDataset
    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(ChainDataset([Count(), Count()]))
    [0, 1, 2, 0, 1, 2]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise ConfigError(
                    f"ChainDataset: expected IterableDatasets, got a {type(dataset).__name__}; use ConcatDataset"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())
