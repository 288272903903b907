"""Samplers: in which order the samples of a data set come."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from gradwright.engine.from_data import tensor
from gradwright.engine.generator import Generator, current_generator
from gradwright.engine.sampling import multinomial
from gradwright.errors import ConfigError, DTypeError

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T = TypeVar("T", covariant=True)


class Sampler(Generic[T]):
    """Numbers of samples in turn; a subclass says ``__iter__`` and, where it is known, ``__len__``.

    One that draws from ``gradwright``'s current generator is seeded and resumed by the `DataLoader` that uses it.
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} must say __iter__(self): indices in turn")


class SequentialSampler(Sampler[int]):
    """0, 1, …, n − 1.

    Examples
    --------
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All samples in random order, or samples drawn with replacement.

    Parameters
    ----------
    data_source : sized
        Only its length counts.
    replacement : bool
        Whether a sample may come again.
    num_samples : int > 0, optional
        How many; default: the length. Without replacement, more than that begin another order.
    generator : Generator, optional
        Default: the current one, when iteration begins.

    Raises
    ------
    ConfigError
        A number of samples that is not above 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> sorted(RandomSampler(range(5), generator=gw.Generator(1)))
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise DTypeError(f"RandomSampler: replacement is {replacement!r}; expected True or False")
        _above_0("RandomSampler: num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many samples an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        generator = self.generator or current_generator()
        if self.replacement:
            yield from generator.integers(0, n, (count,)).tolist()
            return
        for start in range(0, count, n):
            yield from generator.permutation(n)[: count - start].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order, each once.

    Examples
    --------
    >>> import gradwright as gw
    >>> sorted(SubsetRandomSampler([7, 3, 5], generator=gw.Generator(1)))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or current_generator()).permutation(len(self.indices)):
            yield self.indices[int(i)]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices 0 … n − 1, drawn in proportion to weights.

    Parameters
    ----------
    weights : sequence of float, length n
        From 0, not all 0; they need not sum up to 1.
    num_samples : int > 0
        How many are drawn.
    replacement : bool
        Whether an index may come again.
    generator : Generator, optional
        Default: the current one, when iteration begins.

    Raises
    ------
    ConfigError
        Weights that are no list of numbers, or a number of samples that is not above 0.

    Examples
    --------
    >>> list(WeightedRandomSampler([0, 0, 1.0], num_samples=3))
    [2, 2, 2]
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        _above_0("WeightedRandomSampler: num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ConfigError(f"WeightedRandomSampler: replacement is {replacement!r}; expected True or False")
        self.weights = tensor(np.asarray(getattr(weights, "tolist", lambda: weights)(), np.float64))
        if self.weights.ndim != 1:
            raise ConfigError(
                f"WeightedRandomSampler: weights have the shape {tuple(self.weights.shape)}; expected (n,)"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Another sampler's indices, so many at a time.

    Parameters
    ----------
    sampler : iterable of int
    batch_size : int > 0
    drop_last : bool
        Whether a last batch that is not full is left out.

    Raises
    ------
    ConfigError
        A batch size that is not above 0.

    Examples
    --------
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _above_0("BatchSampler: batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ConfigError(f"BatchSampler: drop_last is {drop_last!r}; expected True or False")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _above_0(what: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigError(f"{what} is {value!r}; expected a whole number above 0")
