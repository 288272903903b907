"""Splits by groups and by time: nothing straddles, sizes and classes as near as may be, scikit-learn as the judge."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit

from gradwright.data import LabeledRows, Preparation, Split, infer_task, read, split
from gradwright.errors import ConfigError, DataError

NAMES = ("train", "validation", "test")


def table(target, **columns) -> LabeledRows:
    columns = columns or {"x": np.random.default_rng(0).normal(size=len(target))}
    return read(pl.DataFrame({**columns, "y": target}), target="y")


def parts_of(parts: Split) -> list[np.ndarray]:
    return [getattr(parts, name) for name in NAMES]


def whole(parts: Split, rows) -> bool:
    return sorted(np.concatenate(parts_of(parts))) == sorted(rows)


def patients(seed: int, count: int = 60) -> tuple[LabeledRows, np.ndarray]:
    """Groups of 1 to 20 rows; a group is mostly of one class."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(count), random.integers(1, 21, count))
    lean = random.uniform(0, 1, count)[groups]
    target = np.where(random.uniform(size=len(groups)) < lean, "ill", "well")
    return table(target.tolist(), x=random.normal(size=len(groups)), patient=[f"p{g}" for g in groups]), groups


@pytest.mark.parametrize("seed", range(5))
def test_no_group_straddles_and_proportions_beat_scikit_learns_shuffle(seed):
    dataset, groups = patients(seed)
    parts = split(dataset, infer_task(dataset), groups="patient", seed=seed)
    assert whole(parts, range(dataset.rows))
    seen = [set(groups[rows]) for rows in parts_of(parts)]
    assert sum(len(part) for part in seen) == len(set().union(*seen))
    wanted = 0.15 * dataset.rows
    ill = (dataset.target == "ill").to_numpy()
    worst = max(abs(len(rows) - wanted) for rows in parts_of(parts)[1:])
    tilt = abs(ill[parts.test].mean() - ill.mean())
    shuffles = list(GroupShuffleSplit(20, test_size=0.15, random_state=seed).split(ill, ill, groups))
    assert worst <= np.median([abs(len(test) - wanted) for _, test in shuffles])
    assert tilt <= np.median([abs(ill[test].mean() - ill.mean()) for _, test in shuffles])
    assert worst < 0.05 * dataset.rows
    assert tilt < 0.05


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=12), st.integers(0, 2**32 - 1), st.booleans())
def test_any_groups_stay_whole(sizes, seed, classes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, len(groups)) if classes else random.normal(size=len(groups))
    try:
        dataset = table(target.tolist())
        task = infer_task(dataset)
        parts = split(dataset, task, groups=groups, seed=seed)
    except DataError as error:
        assert any(words in str(error) for words in ("no class has 3 rows", "5 at the very least", "all"))  # noqa: PT017
        return
    assert whole(parts, range(len(groups)))
    assert all(len(rows) for rows in parts_of(parts))
    for group in range(len(sizes)):
        assert sum(group in groups[rows] for rows in parts_of(parts)) == 1
    again = split(dataset, task, groups=groups, seed=seed)
    assert all(np.array_equal(a, b) for a, b in zip(parts_of(parts), parts_of(again), strict=True))


def test_a_class_within_one_group_stays_where_training_is():
    groups = np.repeat(np.arange(12), 5)
    target = ["rare" if g == 3 else "ab"[g % 2] for g in groups]
    for seed in range(20):
        dataset = table(target)
        parts = split(dataset, infer_task(dataset), groups=groups, seed=seed)
        assert 3 in groups[parts.train]
        assert not any("no row to train on" in note for note in parts.notes)


def test_the_column_of_groups_is_no_feature_and_a_note_says_so():
    dataset, _ = patients(0)
    parts = split(dataset, infer_task(dataset), groups="patient")
    assert (parts.by, parts.column, parts.stratified) == ("groups", "patient", False)
    assert parts.to_dict()["column"] == "patient"
    preparation = Preparation.fit(dataset.take(parts.train).features, drop=parts.not_features)
    assert preparation.feature_names == ("x",)
    assert any("column 'patient' dropped: it says which rows belong together" in note for note in preparation.notes)
    assert preparation.transform(pl.DataFrame({"x": [0.0]})).shape == (1, 1), "at prediction it need not be there"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=5, max_size=60), st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_training_is_before_validation_before_test(times, validation, test):
    dataset = table(np.random.default_rng(0).normal(size=len(times)).tolist())
    try:
        parts = split(dataset, infer_task(dataset), time=np.array(times), validation=validation, test=test)
    except DataError as error:
        assert len(set(times)) < 3
        assert "rows of one time are not parted" in str(error)  # noqa: PT017
        return
    assert whole(parts, range(len(times)))
    ordered = [np.array(times)[rows] for rows in parts_of(parts)]
    assert ordered[0].max() < ordered[1].min() <= ordered[1].max() < ordered[2].min()


def test_by_time_sizes_are_as_wanted_and_the_seed_is_of_no_account():
    days = [str(date(2026, 1, 1) + timedelta(days=int(d))) for d in np.random.default_rng(1).permutation(200)]
    dataset = table(np.arange(200.0).tolist(), when=days, x=np.arange(200.0))
    parts, other = (split(dataset, infer_task(dataset), time="when", seed=seed) for seed in (0, 1))
    assert [len(rows) for rows in parts_of(parts)] == [140, 30, 30]
    assert np.array_equal(parts.test, other.test)
    assert min(days[i] for i in parts.test) > max(days[i] for i in parts.validation)
    assert list(parts.not_features) == ["when"]


def test_the_sources_own_test_part_is_kept():
    dataset = read((np.zeros((60, 2, 2), np.uint8), np.arange(60) % 2))
    dataset = replace(dataset, given_split=(np.arange(50), np.arange(50, 60)))
    groups = np.arange(60) // 4  # the group of rows 48 to 51 stands on both sides
    parts = split(dataset, infer_task(dataset), groups=groups)
    assert parts.given
    assert parts.test.tolist() == list(range(50, 60))
    assert not set(groups[parts.train]) & set(groups[parts.validation])
    assert "1 group stand" in parts.notes[-1]
    parts = split(dataset, infer_task(dataset), time=-np.arange(60))
    assert parts.validation.tolist() == list(range(8))
    assert any("not later than all other rows" in note for note in parts.notes)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"groups": "patiend"}, ConfigError, "groups='patiend' is none of its 2 columns .*did you mean 'patient'"),
        ({"groups": "y"}, ConfigError, "groups='y' is none .*, which is the target"),
        ({"groups": [1, 2]}, DataError, "groups has 2 values for 12 rows"),
        ({"time": "patient"}, DataError, r"row 0, time 'patient': found 'a'; expected numbers, or dates"),
        ({"groups": [None, *range(11)]}, DataError, r"row 0, groups 'groups': the value is missing \(1 row in all\)"),
        ({"groups": [1] * 12}, DataError, "1 group with 12 rows to share out"),
        ({"groups": [1] * 6 + [2] * 6}, DataError, "2 groups with 12 rows to share out, .*expected 3 groups"),
        ({"time": [1] * 12}, DataError, "12 rows of 1 time to share out"),
        ({"time": [float("nan"), *range(11)]}, DataError, "row 0, time 'time': the value is missing"),
        ({"time": np.arange(12), "groups": "patient"}, ConfigError, "both by groups and by time"),
    ],
)
def test_what_cannot_be_split(options, error, words):
    dataset = table([0, 1] * 6, patient=list("aabbccddeeff"), x=np.arange(12) / 7)
    with pytest.raises(error, match=words):
        split(dataset, infer_task(dataset), **options)


def test_images_have_no_columns_to_name():
    dataset = read("digits")
    with pytest.raises(ConfigError, match="groups='writer' is none of its 0 columns"):
        split(dataset, infer_task(dataset), groups="writer")
