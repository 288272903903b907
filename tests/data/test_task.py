"""What the task is, and labels to numbers and back."""

import json

import numpy as np
import polars as pl
import pytest

from gradwright.data import Task, infer_task, read
from gradwright.errors import ConfigError, DataError, IndexOutOfRangeError, StateError


def table(target, **options):
    target = list(target)
    return read(pl.DataFrame({"x": range(len(target)), "y": target}), target="y", **options)


@pytest.mark.parametrize(
    ("target", "kind", "classes", "reason"),
    [
        ([0, 1] * 10, "binary", ("0", "1"), "2 distinct whole numbers in 20 rows"),
        ([1, 2] * 2, "binary", ("1", "2"), "2 distinct whole numbers in 4 rows"),
        ([10, 9, 2] * 5, "multiclass", ("2", "9", "10"), "3 distinct whole numbers in 15 rows"),
        ([0.0, 1.0, 2.0] * 5, "multiclass", ("0", "1", "2"), "3 distinct whole numbers in 15 rows"),
        (["no", "yes"] * 3, "binary", ("no", "yes"), "2 distinct texts in 6 rows"),
        (["b", "c", "a"] * 3, "multiclass", ("a", "b", "c"), "3 distinct texts in 9 rows"),
        ([True, False] * 3, "binary", ("false", "true"), "true or false in 6 rows"),
        ([0.5, 1.5] * 10, "regression", None, "2 distinct numbers in 20 rows"),
        (list(range(21)) * 9, "regression", None, "21 distinct whole numbers in 189 rows"),
        (
            list(range(20)) * 9,
            "multiclass",
            tuple(map(str, range(20))),
            "20 distinct whole numbers in 180 rows",
        ),
        (list(range(10)), "regression", None, "10 distinct whole numbers in 10 rows"),
    ],
)
def test_inferred(target, kind, classes, reason):
    task = infer_task(table(target))
    assert (task.kind, task.classes, task.reason) == (kind, classes, reason)
    if classes:
        assert sum(task.class_counts) == len(target)
        assert task.decode(task.encode(table(target).target)) == [
            str(v).lower() if isinstance(v, bool) else f"{v:g}" if not isinstance(v, str) else v for v in target
        ]


def test_labels_of_images_may_be_many():
    rows = np.zeros((300, 2, 2), np.uint8)
    assert infer_task(read((rows, np.arange(300) % 100))).kind == "multiclass"
    assert infer_task(read((np.zeros((300, 4)), np.arange(300) % 100))).kind == "regression"


def test_class_counts_belong_to_their_classes():
    task = infer_task(table(["b"] * 5 + ["a"] * 2 + ["c"] * 3))
    assert dict(zip(task.classes, task.class_counts, strict=True)) == {"a": 2, "b": 5, "c": 3}


def test_overruled():
    numbers = table(list(range(5)) * 4)
    assert infer_task(numbers).kind == "multiclass"
    assert infer_task(numbers, "regression").kind == "regression"
    assert infer_task(table(list(range(25)) * 4), "classification").outputs == 25
    assert infer_task(table([0, 1] * 5), "multiclass").kind == "multiclass"
    assert infer_task(table([0, 1] * 5), "classification").kind == "binary"


@pytest.mark.parametrize(
    ("target", "overrule", "error", "words"),
    [
        (
            ["no", "yes"] * 3,
            "regression",
            DataError,
            r"cannot do regression on .*it holds text, such as 'no', 'yes'",
        ),
        ([True, False] * 3, "regression", DataError, "it holds true or false"),
        ([0, 1, 2] * 5, "binary", DataError, r"it has 3 classes, 0, 1, 2; expected 2"),
        (
            list(np.arange(50) / 7),
            "multiclass",
            DataError,
            "50 distinct values in 50 rows.*--task regression",
        ),
        ([0, 1] * 3, "regresion", ConfigError, r"no such task: 'regresion'; did you mean 'regression'\?"),
        ([7] * 5, "regression", DataError, "all 5 rows have the one value 7"),
        ([7] * 5, None, DataError, "all 5 rows have the one value 7"),
        (
            [f"name {i}" for i in range(30)],
            None,
            DataError,
            "30 distinct values in 30 rows.*rather than a class",
        ),
        (
            [1, None, None, None, 0],
            None,
            DataError,
            r"missing in 3 of 5 rows, first in 'polars frame', row 1",
        ),
        ([None] * 5, None, DataError, "missing in 5 of 5 rows"),
    ],
)
def test_refused(target, overrule, error, words):
    with pytest.raises(error, match=words):
        infer_task(table(target), overrule)


def test_rows_without_a_target_are_left_out():
    task = infer_task(table([0, None, 1, 0, None, 1, 1]))
    assert task.usable.tolist() == [0, 2, 3, 5, 6]
    assert task.notes == ("2 rows without a target left out",)
    assert task.class_counts == (2, 3)


def test_labels_that_mix_text_and_numbers_when_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n" + "1,1\n2,2\n3,3\n4,4+\n" * 3)
    with pytest.raises(DataError, match=r"column 'y': expected a number .*found '4\+'"):
        read(tmp_path / "a.csv")
    dataset = read(tmp_path / "a.csv", task="multiclass")
    assert infer_task(dataset, "multiclass").classes == ("1", "2", "3", "4+")


def test_unseen_label_names_place_and_classes(tmp_path):
    task = infer_task(table(["cat", "dog"] * 3))
    with pytest.raises(DataError) as caught:
        task.encode(pl.Series(["cat", "dgo"]), "line {}".format)
    message = str(caught.value)
    assert "line 1, target 'y': found the label 'dgo'" in message
    assert "'cat', 'dog'; did you mean 'dog'?" in message


def test_one_label_in_many_spellings():
    numbers = infer_task(table([0, 1, 2] * 4))
    for spelling in (["1", "2"], ["1.0", " 2 "], [1.0, 2.0], [1, 2], np.array([1, 2], np.uint8)):
        assert numbers.encode(spelling).tolist() == [1, 2]
    booleans = infer_task(table([True, False] * 3))
    assert booleans.encode(["TRUE", "False"]).tolist() == [1, 0]
    assert booleans.encode([True, False]).tolist() == [1, 0]


def test_missing_target_in_encode():
    with pytest.raises(DataError, match=r"row 1, target 'y': the value is missing \(1 row in all\)"):
        infer_task(table([0, 1] * 3)).encode(["0", "NA"])


def test_dtypes():
    assert infer_task(table([0, 1] * 3)).encode([0]).dtype == np.int64
    quantities = infer_task(table(np.arange(30) / 7))
    assert quantities.encode(["1.5", "2"]).tolist() == [1.5, 2.0]
    assert quantities.encode([1]).dtype == np.float32
    assert quantities.decode(np.array([1.5])) == [1.5]
    with pytest.raises(DataError, match="expected a number, found 'tall'"):
        quantities.encode(["tall"])


def test_decode_out_of_range():
    with pytest.raises(IndexOutOfRangeError, match="row 1: 2 is no class index; there are 2 classes"):
        infer_task(table([0, 1] * 3)).decode([0, 2])


@pytest.mark.parametrize("target", [[0, 1] * 3, list(np.arange(30) / 7)])
def test_saved_and_read(target):
    task = infer_task(table(target))
    again = Task.from_dict(json.loads(json.dumps(task.to_dict())))
    assert again.to_dict() == task.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"classes": None},
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"classes": [1, 2]},
        {"classes": ["a", "b", "c"]},
        {"class_counts": ["1", "2"]},
        {"reason": None},
        {"kind": "regression"},
    ],
)
def test_a_forged_task_is_refused(change):
    state = {**infer_task(table([0, 1] * 3)).to_dict(), **change}
    with pytest.raises(StateError, match="cannot read the task"):
        Task.from_dict(state)
