"""k-fold: every row held out once a round, nothing cut that belongs together, scikit-learn as the judge."""

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit

from gradwright.data import infer_task, k_fold, read, split
from gradwright.errors import ConfigError, DataError


def folded(target, k, **options):
    dataset = read(pl.DataFrame({"x": np.arange(len(target)) / 3, "y": target}), target="y")
    return list(k_fold(dataset, infer_task(dataset), k, **options))


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer", "diabetes"])
def test_the_test_part_stays_out_of_the_folds_and_is_the_one_of_split(name):
    dataset = read(name)
    task = infer_task(dataset)
    apart = split(dataset, task, seed=3).test
    folds = list(k_fold(dataset, task, 5, repeats=2, seed=3))
    assert len(folds) == 10
    for start in (0, 5):
        held = np.concatenate([parts.validation for parts in folds[start : start + 5]])
        assert np.array_equal(np.sort(held), np.setdiff1d(np.arange(dataset.rows), apart))
    for parts in folds:
        assert np.array_equal(parts.test, apart)
        assert not np.intersect1d(parts.train, parts.validation).size
        assert not np.intersect1d(np.concatenate([parts.train, parts.validation]), apart).size
        assert parts.stratified == task.is_classification
    assert not np.array_equal(folds[0].validation, folds[5].validation), "another round is another draw"


def test_classes_are_as_even_as_in_scikit_learns_folds():
    dataset = read("wine")
    task = infer_task(dataset)
    codes = task.encode(dataset.target)
    judge = [np.bincount(codes[out]) for _, out in StratifiedKFold(5, shuffle=True, random_state=0).split(codes, codes)]
    ours = [np.bincount(codes[parts.validation]) for parts in k_fold(dataset, task, 5, test=0)]
    assert np.ptp(ours, axis=0).max() <= np.ptp(judge, axis=0).max() <= 1
    assert all(len(parts.test) == 0 for parts in k_fold(dataset, task, 5, test=0))


def test_nested_holds_out_the_test_part():
    dataset = read("iris")
    folds = list(k_fold(dataset, infer_task(dataset), 5, nested=True))
    assert np.array_equal(np.sort(np.concatenate([parts.test for parts in folds])), np.arange(150))
    for parts in folds:
        assert len(parts.validation) == 18
        assert sorted([*parts.train, *parts.validation, *parts.test]) == list(range(150))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=14), st.integers(2, 4), st.integers(0, 9), st.booleans())
def test_no_group_is_cut(sizes, k, seed, classes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, len(groups)) if classes else random.normal(size=len(groups))
    try:
        folds = folded(target.tolist(), k, groups=groups, seed=seed, test=0)
    except DataError:
        return
    assert sorted(np.concatenate([parts.validation for parts in folds])) == list(range(len(groups)))
    for parts in folds:
        assert not set(groups[parts.train]) & set(groups[parts.validation])
        assert len(parts.train)
        assert len(parts.validation)


@pytest.mark.parametrize(("rows", "k"), [(24, 3), (50, 4), (101, 5)])
def test_by_time_blocks_are_held_out_in_order_as_scikit_learn_does(rows, k):
    folds = folded(np.random.default_rng(0).normal(size=rows).tolist(), k, time=np.arange(rows), test=0)
    for parts, (train, out) in zip(folds, TimeSeriesSplit(k).split(np.arange(rows)), strict=True):
        assert parts.train.max() + 1 == parts.validation.min()
        assert abs(len(parts.train) - len(train)) <= k
        assert abs(len(parts.validation) - len(out)) <= k
    assert folds[-1].validation.max() == rows - 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=6, max_size=60), st.integers(2, 6), st.booleans())
def test_equal_times_stay_together(times, k, nested):
    values = np.array(times)
    try:
        folds = folded(np.random.default_rng(0).normal(size=len(times)).tolist(), k, time=values, test=0, nested=nested)
    except DataError as error:
        assert len(set(times)) < k + 1 or nested
        assert "time" in str(error)  # noqa: PT017
        return
    held = [values[parts.test if nested else parts.validation] for parts in folds]
    assert len(held) == k
    for parts, out in zip(folds, held, strict=True):
        assert values[parts.train].max() < out.min()
    for before, after in itertools.pairwise(held):
        assert before.max() < after.min()


def test_a_class_smaller_than_k_trains_only():
    folds = folded(["a"] * 30 + ["b"] * 30 + ["c"] * 4, 5, test=0)
    assert all({60, 61, 62, 63} <= set(parts.train) for parts in folds)
    assert "class 'c' has 4 rows, too few to share out" in folds[0].notes[0]


def test_the_sources_own_test_part_is_kept():
    dataset = read((np.zeros((60, 2, 2), np.uint8), np.arange(60) % 2))
    dataset = replace(dataset, given_split=(np.arange(50), np.arange(50, 60)))
    task = infer_task(dataset)
    folds = list(k_fold(dataset, task, 5))
    assert all(parts.given and np.array_equal(parts.test, np.arange(50, 60)) for parts in folds)
    assert sorted(np.concatenate([parts.validation for parts in folds])) == list(range(50))
    with pytest.raises(ConfigError, match="the source gives a test part of its own"):
        k_fold(dataset, task, 5, nested=True)


def test_deterministic_in_the_seed():
    first, again, other = (folded([0, 1] * 30, 3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[1].validation, again[1].validation)
    assert not np.array_equal(first[1].validation, other[1].validation)


@pytest.mark.parametrize(
    ("k", "options", "error", "words"),
    [
        (1, {}, ConfigError, "k is 1; expected a whole number, 2 or more"),
        (3, {"repeats": 0}, ConfigError, "repeats is 0"),
        (3, {"test": 1}, ConfigError, "the share test is 1"),
        (3, {"seed": -1}, ConfigError, "the seed is -1"),
        (3, {"repeats": 2, "time": np.arange(20)}, ConfigError, "by time more than once"),
        (30, {}, DataError, "17 rows to share out among 30 folds; expected 30"),
        (12, {}, DataError, "no class has 12 rows"),
        (9, {"groups": np.arange(20) // 4, "test": 0}, DataError, "5 groups to share out among 9 folds"),
        (5, {"time": np.arange(20) // 4, "test": 0}, DataError, "5 times to share out among 5 folds; expected 6"),
    ],
)
def test_what_cannot_be_folded(k, options, error, words):
    """Said when it is called, not when the first split is asked for."""
    dataset = read(pl.DataFrame({"x": np.arange(20) / 3, "y": [0, 1] * 10}), target="y")
    with pytest.raises(error, match=words):
        k_fold(dataset, infer_task(dataset), k, **options)
