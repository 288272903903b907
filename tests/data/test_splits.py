"""The split: disjoint, complete, stratified, deterministic; small classes are said."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradwright.data import LabeledRows, Split, infer_task, read, split
from gradwright.errors import ConfigError, DataError


def drawn(target, **options) -> tuple[LabeledRows, Split]:
    dataset = read(pl.DataFrame({"x": range(len(target)), "y": target}), target="y")
    return dataset, split(dataset, infer_task(dataset), **options)


def complete(parts: Split, rows) -> bool:
    return sorted([*parts.train, *parts.validation, *parts.test]) == sorted(rows)


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer", "diabetes"])
def test_builtin_sets(name):
    dataset = read(name)
    task = infer_task(dataset)
    parts = split(dataset, task, seed=3)
    assert complete(parts, range(dataset.rows))
    assert len(parts.test) == len(parts.validation) == np.ceil(0.15 * dataset.rows)
    assert parts.stratified == task.is_classification
    if task.is_classification:
        codes = task.encode(dataset.target)
        whole = np.bincount(codes) / len(codes)
        for part in (parts.train, parts.validation, parts.test):
            assert (
                np.abs(np.bincount(codes[part], minlength=len(whole)) / len(part) - whole).max() < 1 / len(part) + 1e-9
            )


def test_deterministic_in_the_seed():
    target = [0, 1] * 50
    first, again, other = (drawn(target, seed=seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.test, other.test)
    assert first.train.dtype == first.validation.dtype == first.test.dtype == np.int64


def test_rows_without_target_are_in_no_part():
    _, parts = drawn([0, 1, None, 1, 0] * 20)
    assert complete(parts, [i for i in range(100) if i % 5 != 2])


def test_tiny_classes_train_only():
    dataset, parts = drawn(["a"] * 40 + ["b"] * 40 + ["rare"] * 2 + ["alone"])
    assert {80, 81, 82} <= set(parts.train.tolist())
    assert any("class 'rare' has 2 rows, too few to share out" in note for note in parts.notes)
    assert any("class 'alone' has 1 row, too few" in note for note in parts.notes)
    assert parts.stratified
    assert complete(parts, range(dataset.rows))


def test_more_classes_than_rows_to_draw():
    _, parts = drawn([i % 10 for i in range(40)], validation=0.1, test=0.1)
    assert not parts.stratified
    assert any("4 rows cannot hold 10 classes in proportion" in note for note in parts.notes)
    assert complete(parts, range(40))


def test_no_class_large_enough():
    dataset = read(pl.DataFrame({"x": range(8), "y": list("aabbccdd")}), target="y")
    with pytest.raises(DataError, match=r"no class has 3 rows \(class 'a' has 2\)"):
        split(dataset, infer_task(dataset))


def test_too_few_rows():
    dataset = read(pl.DataFrame({"x": range(4), "y": [0, 1, 0, 1]}))
    with pytest.raises(DataError, match="4 rows with a target; expected 5 at the very least"):
        split(dataset, infer_task(dataset))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 0}, "the share validation is 0;"),
        ({"test": 1.5}, "the share test is 1.5;"),
        ({"test": float("nan")}, "the share test is nan;"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
        ({"seed": -1}, "the seed is -1"),
        ({"seed": 2**32}, "the seed is 4294967296"),
    ],
)
def test_options_out_of_range(options, words):
    with pytest.raises(ConfigError, match=words):
        drawn([0, 1] * 20, **options)


def test_given_split_whose_test_has_a_class_of_its_own():
    images = np.random.default_rng(0).integers(0, 9, (30, 2, 2), dtype=np.uint8)
    dataset = read((images, np.array([0, 1] * 13 + [2] * 4)))
    dataset = replace(dataset, given_split=(np.arange(26), np.arange(26, 30)))
    with pytest.raises(DataError, match="class '2' has rows in the given test part and none to train on"):
        split(dataset, infer_task(dataset))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=6),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
    st.integers(0, 2**32 - 1),
)
def test_any_class_sizes_give_whole_parts_or_a_reason(sizes, validation, test, seed):
    target = [f"c{i}" for i, n in enumerate(sizes) for _ in range(n)]
    try:
        _, parts = drawn(target, validation=validation, test=test, seed=seed)
    except DataError as error:
        assert len(target) < 5 or max(sizes) < 3 or "cannot split" in str(error)  # noqa: PT017
        return
    assert complete(parts, range(len(target)))
    assert min(len(parts.train), len(parts.validation), len(parts.test)) > 0
    assert {target[i] for i in parts.train} == set(target)


def test_saved_and_read(tmp_path):
    _, parts = drawn([0, 1] * 20)
    parts.to_npz(tmp_path / "split.npz")
    again = Split.from_npz(tmp_path / "split.npz")
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(again, name), getattr(parts, name))
    with np.load(tmp_path / "split.npz", allow_pickle=False) as oracle:
        assert np.array_equal(oracle["test"], parts.test)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"train": np.array([0]), "validation": np.array([1])}, "expected an array 'test'"),
        ({"train": np.array([0]), "validation": np.array([1]), "test": np.array([0])}, "stands in two parts"),
        ({"train": np.array([0]), "validation": np.array([1]), "test": np.array([-2])}, "test has shape"),
        ({"train": np.array([0.0]), "validation": np.array([1]), "test": np.array([2])}, "train has shape"),
        ({"train": np.array([[0]]), "validation": np.array([1]), "test": np.array([2])}, "train has shape"),
        ({"train": np.array([None]), "validation": np.array([1]), "test": np.array([2])}, "Python objects"),
    ],
)
def test_a_forged_split_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "split.npz", **arrays)
    with pytest.raises(DataError, match=words):
        Split.from_npz(tmp_path / "split.npz")


def test_validation_depends_on_the_seed_when_the_test_part_is_given():
    dataset = read((np.zeros((60, 2, 2), np.uint8), np.arange(60) % 2))
    dataset = replace(dataset, given_split=(np.arange(50), np.arange(50, 60)))
    first, second = (split(dataset, infer_task(dataset), seed=seed) for seed in (1, 2))
    assert np.array_equal(first.test, second.test)
    assert not np.array_equal(first.validation, second.validation)


def test_a_class_whose_last_row_is_left_stays_in_training():
    for seed in range(20):
        _, parts = drawn(["a"] * 3 + ["b"] * 9, test=0.45, validation=0.2, seed=seed)
        assert complete(parts, range(12))
        assert {0, 1, 2} & set(parts.train.tolist())


def test_rows_without_target_are_in_no_part_of_a_given_split():
    target = [0, 1, None] * 20
    dataset = read((np.zeros((60, 2, 2), np.uint8), np.array(target, dtype=object)))
    dataset = replace(dataset, given_split=(np.arange(40), np.arange(40, 60)))
    parts = split(dataset, infer_task(dataset))
    assert complete(parts, [i for i in range(60) if i % 3 != 2])
    assert parts.test.min() == 40
