"""Data sets, samplers and collate against torch.utils.data, given the same calls."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import data as theirs

import gradwright as gw
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.utils import data as ours

Point = collections.namedtuple("Point", "x y")


def same(mine: Any, other: Any) -> None:
    """Assert that two batches are alike: structure, types, shapes, dtypes and values."""
    if isinstance(other, torch.Tensor):
        assert isinstance(mine, gw.Tensor)
        assert tuple(mine.shape) == tuple(other.shape)
        assert str(mine.dtype) == str(other.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
    elif isinstance(other, dict):
        assert type(mine) is type(other)
        assert list(mine) == list(other)
        for key in other:
            same(mine[key], other[key])
    elif isinstance(other, list | tuple):
        assert type(mine) is type(other)
        assert len(mine) == len(other)
        for a, b in zip(mine, other, strict=True):
            same(a, b)
    else:
        assert mine == other


def tensors(lib: Any) -> list[Any]:
    return [lib.tensor([1.5, 2.0]), lib.tensor([0.0, -1.0])]


BATCHES = {
    "numbers": lambda lib: [1, 2, 3],
    "floats": lambda lib: [0.5, 1, 2],
    "booleans": lambda lib: [True, False],
    "numpy numbers": lambda lib: [np.float32(1.5), np.float32(2)],
    "numpy doubles": lambda lib: [np.float64(1.5), np.float64(2)],
    "numpy booleans": lambda lib: [np.bool_(True), np.bool_(False)],
    "numpy bytes": lambda lib: [np.uint8(255), np.uint8(1)],
    "arrays": lambda lib: [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "0-d arrays": lambda lib: [np.array(3), np.array(4)],
    "tensors": tensors,
    "texts": lambda lib: ["a", "bc"],
    "bytes": lambda lib: [b"a", b"b"],
    "tuples": lambda lib: [(1, "a", 0.5), (2, "b", 1.5)],
    "lists": lambda lib: [[1, [2, 3]], [4, [5, 6]]],
    "dicts": lambda lib: [{"x": t, "n": {"name": "q", "at": (1, 2)}} for t in tensors(lib)],
    "ordered dicts": lambda lib: [collections.OrderedDict(a=1, b=2.0)] * 2,
    "named tuples": lambda lib: [Point(1, 2.0), Point(3, 4.0)],
    "nothing in it": lambda lib: [(), ()],
}


@pytest.mark.parametrize("name", BATCHES)
def test_collate(name: str) -> None:
    same(ours.default_collate(BATCHES[name](gw)), theirs.default_collate(BATCHES[name](torch)))


@pytest.mark.parametrize("name", BATCHES)
def test_convert(name: str) -> None:
    same(ours.default_convert(BATCHES[name](gw)), theirs.default_convert(BATCHES[name](torch)))


@pytest.mark.parametrize(
    ("batch", "error", "words"),
    [
        ([object()], DTypeError, "batch must contain tensors"),
        ([np.array(["a"])], DTypeError, "batch must contain"),
        ([[1, 2], [1]], ShapeError, "should be of equal size"),
        ([gw.ones(2), gw.ones(3)], ShapeError, "stack"),
        ([], ShapeError, "empty batch"),
    ],
)
def test_collate_refuses(batch: list[Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ours.default_collate(batch)


# --- data sets --------------------------------------------------------------------------------------------------------
class Numbers(ours.IterableDataset):
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self) -> int:
        return self.n


class TheirNumbers(theirs.IterableDataset):
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self) -> int:
        return self.n


def test_tensor_dataset_and_subset() -> None:
    def made(lib: Any, data: Any) -> list[Any]:
        rows = data.TensorDataset(lib.arange(12).reshape(6, 2), lib.arange(6))
        part = data.Subset(rows, [5, 1, 1])
        return [len(rows), rows[2], rows[-1], len(part), part[0], part[[0, 2]], rows[1:3]]

    same(made(gw, ours), made(torch, theirs))


def test_concatenated_stacked_and_chained() -> None:
    def made(data: Any, numbers: Any) -> list[Any]:
        both = data.Subset("abcdef", [3, 0]) + data.ConcatDataset(["uv", "", "w"])
        stacked = data.StackDataset(both, range(5))
        named = data.StackDataset(a=both, b="12345")
        chain = numbers(2) + numbers(3)
        return [
            [both[i] for i in range(-5, 5)], len(both), both.cumulative_sizes,
            [stacked[i] for i in range(5)], stacked.__getitems__([1, 4]), named[2], named.__getitems__([0, 2]),
            list(chain), len(chain),
        ]  # fmt: skip

    assert made(ours, Numbers) == made(theirs, TheirNumbers)


def test_data_sets_refuse() -> None:
    with pytest.raises(ShapeError, match="size mismatch"):
        ours.TensorDataset(gw.ones(3), gw.ones(2))
    with pytest.raises(ShapeError, match="expected a Tensor"):
        ours.TensorDataset(np.ones(3))
    with pytest.raises(IndexError, match="index 5 of 5"):
        ours.ConcatDataset(["abc", "de"])[5]
    with pytest.raises(IndexOutOfRangeError):
        ours.ConcatDataset(["abc", "de"])[-6]
    for wrong in ([], [Numbers(3)]):
        with pytest.raises(ConfigError):
            ours.ConcatDataset(wrong)
    with pytest.raises(ShapeError, match="size mismatch"):
        ours.StackDataset("abc", "de")
    with pytest.raises(ConfigError):
        ours.StackDataset("abc", b="abc")
    with pytest.raises(ConfigError, match="use ConcatDataset"):
        list(ours.ChainDataset(["abc"]))

    class Odd(ours.Subset):
        def __getitem__(self, index):
            return 1

    with pytest.raises(NotImplementedError, match="__getitems__"):
        Odd("abc", [0])
    with pytest.raises(NotImplementedError, match="__getitem__"):
        ours.Dataset()[0]


# --- splitting --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lengths", [[7, 3], [0.7, 0.3], [0.35, 0.35, 0.3], [1 / 3, 1 / 3, 1 / 3], [10], [1.0]])
def test_random_split(lengths: list[float]) -> None:
    mine = ours.random_split(range(10), lengths, generator=gw.Generator(3))
    other = theirs.random_split(range(10), lengths, generator=torch.Generator().manual_seed(3))
    assert [len(part) for part in mine] == [len(part) for part in other]
    assert sorted(i for part in mine for i in part) == list(range(10))
    again = ours.random_split(range(10), lengths, generator=gw.Generator(3))
    assert [list(part) for part in mine] == [list(part) for part in again]


def test_random_split_follows_the_seed() -> None:
    gw.manual_seed(5)
    first = [list(p) for p in ours.random_split(range(50), [25, 25])]
    other = [list(p) for p in ours.random_split(range(50), [25, 25])]
    gw.manual_seed(5)
    assert [list(p) for p in ours.random_split(range(50), [25, 25])] == first != other


def test_random_split_refuses() -> None:
    for wrong in ([5, 6], [0.5, 0.2], [2.5, 7.5], [-1, 11], [1.5, -0.5]):
        with pytest.raises(ConfigError, match="random_split"):
            ours.random_split(range(10), wrong)
    with pytest.warns(UserWarning, match="part 1 has no samples"):
        ours.random_split(range(3), [0.99, 0.01])


# --- samplers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [0, 1, 7, 9])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batch_sampler(n: int, drop_last: bool) -> None:
    mine, other = (m.BatchSampler(m.SequentialSampler(range(n)), 3, drop_last) for m in (ours, theirs))
    assert list(mine) == list(other)
    assert len(mine) == len(other)


@pytest.mark.parametrize(("n", "count"), [(10, None), (10, 4), (10, 25), (3, 9)])
def test_random_sampler_has_each_as_often_as_pytorchs(n: int, count: int | None) -> None:
    mine = ours.RandomSampler(range(n), num_samples=count, generator=gw.Generator(1))
    drawn = list(mine)
    assert len(drawn) == len(mine) == len(theirs.RandomSampler(range(n), num_samples=count))
    for start in range(0, len(drawn), n):  # in each round every sample at most once
        part = drawn[start : start + n]
        assert len(set(part)) == len(part)
        assert set(part) <= set(range(n))


def test_orders_are_uniform() -> None:
    """Each of the 24 orders of four comes equally often: chi-square, 23 degrees of freedom, at 1 in 10,000."""
    generator = gw.Generator(11)
    sampler = ours.RandomSampler(range(4), generator=generator)
    counts = collections.Counter(tuple(sampler) for _ in range(4800))
    assert len(counts) == 24
    assert sum((c - 200) ** 2 / 200 for c in counts.values()) < 58.6


def test_draws_with_replacement_and_weights() -> None:
    """Frequencies agree with the probabilities: chi-square at 1 in 10,000."""
    drawn = list(ours.RandomSampler(range(5), True, 20_000, gw.Generator(2)))
    assert sum((c - 4000) ** 2 / 4000 for c in np.bincount(drawn, minlength=5)) < 23.5  # 4 degrees of freedom
    weights = [0.1, 0.0, 0.3, 0.6]
    drawn = list(ours.WeightedRandomSampler([w * 7 for w in weights], 20_000, generator=gw.Generator(2)))
    counts = np.bincount(drawn, minlength=4)
    assert counts[1] == 0
    assert sum((c - 20_000 * w) ** 2 / (20_000 * w) for c, w in zip(counts, weights, strict=True) if w) < 18.4
    once = list(ours.WeightedRandomSampler(weights, 3, replacement=False, generator=gw.Generator(2)))
    assert sorted(once) == [0, 2, 3]
    part = list(ours.SubsetRandomSampler([7, 8, 9], gw.Generator(0)))
    assert sorted(part) == [7, 8, 9]


def test_samplers_refuse() -> None:
    for call in (
        lambda m: m.RandomSampler(range(3), num_samples=0),
        lambda m: m.RandomSampler([]),
        lambda m: m.BatchSampler(range(3), 0, False),
        lambda m: m.BatchSampler(range(3), True, False),
        lambda m: m.BatchSampler(range(3), 2, 1),
        lambda m: m.WeightedRandomSampler([1.0], -1),
        lambda m: m.WeightedRandomSampler([[1.0]], 1),
        lambda m: m.WeightedRandomSampler([1.0], 1, replacement=1),
    ):
        with pytest.raises(ValueError):
            call(theirs)
        with pytest.raises(ConfigError):
            call(ours)
    with pytest.raises(TypeError):
        ours.RandomSampler(range(3), replacement=1)
