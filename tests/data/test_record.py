"""The record of the data is JSON and has the fields that docs/RUN_FORMAT.md names."""

import json

import polars as pl

from gradwright.data import Preparation, data_record, infer_task, read, split


def record(source) -> dict:
    dataset = read(source)
    task = infer_task(dataset)
    parts = split(dataset, task, seed=5)
    return data_record(dataset, task, parts, Preparation.fit(dataset.take(parts.train).features))


def test_digits():
    found = json.loads(json.dumps(record("digits"), allow_nan=False))
    assert list(found) == [
        "source", "kind", "fingerprint", "rows", "features", "columns",
        "target", "task", "split", "prepared_features", "size_advice", "notes",
    ]  # fmt: skip
    assert (found["source"], found["kind"], found["rows"], found["features"]) == (
        "digits",
        "images",
        1797,
        64,
    )
    assert found["columns"][0]["name"] == "pixel_0_0"
    assert list(found["task"]) == ["kind", "reason", "classes", "class_counts", "unit"]
    assert found["task"]["class_counts"][0] == 178
    assert found["split"] == {
        "train": 1257, "validation": 270, "test": 270, "stratified": True, "given": False, "seed": 5,
    }  # fmt: skip


def test_notes_of_all_parts_are_gathered():
    n = 60
    frame = pl.DataFrame(
        {
            "x": [None, 1.0, 2.0] * (n // 3),
            "name": [f"n{i}" for i in range(n)],
            "y": ["a", "b"] * 28 + ["c", "c", None, None],
        }
    )
    notes = "\n".join(record(frame)["notes"])
    for words in (
        "the target is column 'y'",
        "2 rows without a target",
        "class 'c' has 2 rows",
        "'name' dropped",
        "median",
    ):
        assert words in notes
