"""Labels, several targets, tags and next tokens: found out, encoded, decoded, written and read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from gradwright.data import LabeledRows, Preparation, Task, encode_rows, fit_preparation, infer_task, read, split
from gradwright.data.encoding import network_targets, outputs_of
from gradwright.errors import ConfigError, DataError, StateError


def rows(
    target: pl.Series, features: pl.DataFrame | None = None, kind: Any = "table", name: str | None = None
) -> LabeledRows:
    features = pl.DataFrame({"x": np.arange(len(target), dtype=float)}) if features is None else features
    names = tuple(features.columns)
    return LabeledRows("made here", kind, features, names, target, name or target.name, "sha256:0")


def struct(**columns: list[Any]) -> LabeledRows:
    return rows(pl.DataFrame(columns).to_struct(", ".join(columns)))


def sentences(tokens: list[Any], tags: list[Any]) -> LabeledRows:
    texts = pl.List(pl.String)
    frame = pl.DataFrame({"tokens": pl.Series(tokens, dtype=texts)})
    return rows(pl.Series("tags", tags, dtype=texts), frame, "sequences")


def text(*lines: str) -> LabeledRows:
    frame = pl.DataFrame({"text": list(lines)})
    return rows(frame["text"], frame)


# --- found out ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "overrule", "kind", "classes", "reason"),
    [
        (struct(a=[1, 0, 1], b=[True, False, False]), None, "multilabel", ("a", "b"), "2 columns of 1 and 0"),
        (struct(a=[1.0, 0.0], b=[0, 1]), None, "multilabel", ("a", "b"), "2 columns of 1 and 0"),
        (struct(a=[1, 0, 1], b=[1, 1, 0]), "regression", "regression", None, "as asked for"),
        (struct(a=[1.5, 0, 1], b=[1, 1, 0]), None, "regression", None, "2 columns of numbers"),
        (rows(pl.Series("y", ["b; a", "a", None])), "multilabel", "multilabel", ("a", "b"), "with ; between"),
        (
            rows(pl.Series("y", ["b|a", "a|c", "a;c|d"])),
            "multilabel",
            "multilabel",
            ("a", "a;c", "b", "c", "d"),
            "| be",
        ),
        (rows(pl.Series("y", [["b", "a"], [], ["a"]])), None, "multilabel", ("a", "b"), "lists of labels"),
        (sentences([["a", "b"], ["c"]], [["B-X", "O"], ["O"]]), None, "tagging", ("B-X", "O"), "2 distinct tags on 3"),
        (text("to be", "or not"), None, "next_token", None, "its own target"),
        (text("to be", "or not"), "next_token", "next_token", None, "as asked for"),
    ],
)
def test_the_task_is_found_out(
    data: LabeledRows, overrule: str | None, kind: str, classes: tuple[str, ...] | None, reason: str
) -> None:
    task = infer_task(data, overrule)
    assert (task.kind, task.classes) == (kind, classes)
    assert reason in task.reason
    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))).to_dict() == task.to_dict()


def test_counts_are_of_rows_for_labels_and_of_tokens_for_tags() -> None:
    assert infer_task(rows(pl.Series("y", ["b;a;a", "a", ""])), "multilabel").class_counts == (2, 1)
    assert infer_task(sentences([["a", "b"], ["c"]], [["B-X", "O"], ["O"]])).class_counts == (1, 2)


def test_rows_without_all_targets_are_left_out() -> None:
    task = infer_task(struct(a=[1.5, None, 2.0, 3.0], b=[1.0, 2.0, 2.5, 4.0]))
    assert task.usable.tolist() == [0, 2, 3]
    assert task.notes == ("1 row without a target left out",)
    assert task.units == ("", "")
    task = infer_task(sentences([["a"], ["b"], ["c"]], [["X"], None, ["Y"]]))
    assert task.usable.tolist() == [0, 2]


def test_units_are_read_from_the_names() -> None:
    assert infer_task(struct(**{"price [EUR]": [1.5, 2.0], "mass (kg)": [1.0, 3.0]})).units == ("EUR", "kg")
    one = infer_task(rows(pl.Series("price [EUR]", np.linspace(0, 1, 50))))
    assert one.to_dict()["unit"] == "EUR"
    assert Task.from_dict(one.to_dict()).units == ("EUR",)


@pytest.mark.parametrize(
    ("data", "overrule", "words"),
    [
        (struct(a=[1, 0, 2], b=[1, 1, 0]), "multilabel", r"row 2, column 'a': expected true or false, found 2"),
        (
            struct(a=["x", "y"], b=[1.0, 2.0]),
            None,
            "row 0, column 'a': found 'x'; several targets must",
        ),
        (struct(a=[1.0, 1.0], b=[1.0, 2.5]), None, "target 'a' .*all of 2 rows have the one value"),
        (struct(a=[1, 1], b=[0, 0]), None, "stands in all rows or in none"),
        (struct(a=[1, 0], b=[0, 1]), "binary", "several targets are labels .* or quantities"),
        (struct(a=[None, None, 1.5], b=[0.0, 1, 2]), None, "missing in 2 of 3 rows"),
        (rows(pl.Series("y", [1, 2, 3])), "multilabel", "a column of Int64. Expected cells of text"),
        (rows(pl.Series("y", [None, ""], dtype=pl.String)), "multilabel", "no row has a label"),
        (rows(pl.Series("y", [f"l{i}" for i in range(50)])), "multilabel", "free text rather than labels"),
        (sentences([["a", "b"], ["c"]], [["X"], ["Y"]]), None, "row 0: 2 tokens and 1 tag; there must be one"),
        (sentences([["a"], ["c", "d"]], [["X"], ["Y", None]]), None, "row 1: a tag is missing"),
        (sentences([["a"], ["c"]], [["O"], ["O"]]), None, "all 2 tokens have the one tag 'O'"),
        (sentences([["a"], ["c"]], [["O"], ["X"]]), "regression", "cannot do regression .* a tag for each token"),
        (rows(pl.Series("y", ["a", "b"])), "tagging", "expected a column of tokens with a tag for each"),
        (rows(pl.Series("y", ["a", "b"])), "next_token", "expected plain text, or a table whose only column is text"),
    ],
)
def test_what_cannot_be_the_task_is_named(data: LabeledRows, overrule: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        infer_task(data, overrule)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'multilabel'"):
        infer_task(struct(a=[1, 0], b=[0, 1]), "multi-label")


# --- targets ------------------------------------------------------------------------------------------------------
def test_labels_are_encoded_and_decoded() -> None:
    task = infer_task(rows(pl.Series("y", ["b; a", "a", None])), "multilabel")
    encoded = task.encode(pl.Series("y", ["a", "", "b;a"]))
    assert encoded.tolist() == [[1, 0], [0, 0], [1, 1]]
    assert encoded.dtype == np.float32
    assert task.decode(encoded) == [["a"], [], ["a", "b"]]
    with pytest.raises(DataError, match=r"line 3, target 'y': found the label 'bb', .*; did you mean 'b'"):
        task.encode(pl.Series("y", ["a", "bb"]), lambda row: f"line {row + 2}")


def test_columns_of_labels_are_encoded() -> None:
    task = infer_task(struct(a=[1, 0, 1], b=[True, False, False]))
    assert task.encode(pl.DataFrame({"b": ["true", "0"], "a": ["1", "FALSE"]}).to_struct("y")).tolist() == [
        [1, 1],
        [0, 0],
    ]
    with pytest.raises(DataError, match="lacks the column 'b'"):
        task.encode(pl.DataFrame({"a": [1]}).to_struct("y"))
    with pytest.raises(DataError, match="row 1, column 'b': the value is missing"):
        task.encode(pl.DataFrame({"a": [1, 1], "b": [1, None]}).to_struct("y"))


def test_several_quantities_are_standardised_one_by_one() -> None:
    data = struct(price=[1000.0, 2000.0, 4000.0], mass=[0.1, 0.3, 0.2])
    task = infer_task(data)
    preparation = fit_preparation(task, data)
    _, target = encode_rows(task, preparation, data)
    y = network_targets(preparation, target)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(preparation.unscale_target(y), target, rtol=1e-5)
    again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation
    with pytest.raises(DataError, match="target 'mass': cannot learn the target: all training rows have"):
        fit_preparation(task, struct(price=[1.0, 2.0], mass=[0.5, 0.5]))
    with pytest.raises(DataError, match="row 1, column 'mass': expected a number, found 'heavy'"):
        task.encode(pl.DataFrame({"price": ["1", "2"], "mass": ["3", "heavy"]}).to_struct("y"))


def test_one_quantity_is_a_column() -> None:
    scale = Preparation.fit(pl.DataFrame({"x": [1.0, 2.0]}), np.array([1.0, 3.0]))
    assert network_targets(scale, np.array([1.0, 3.0], np.float32)).tolist() == [[-1], [1]]
    assert network_targets(scale, np.array([1, 0])).tolist() == [1, 0]


def test_tags_are_laid_beside_their_tokens() -> None:
    data = sentences([["a", "b", "c"], ["c"]], [["B-X", "I-X", "O"], ["O"]])
    task = infer_task(data)
    preparation = fit_preparation(task, data)
    x, y = encode_rows(task, preparation, data)
    assert x.tolist() == [[3, 4, 2], [2, 0, 0]]
    assert y.tolist() == [[0, 1, 2], [2, -100, -100]]
    assert task.decode([[0, 1], []]) == [["B-X", "I-X"], []]
    assert outputs_of(task, preparation) == 3
    with pytest.raises(DataError, match="row 1, token 0, target 'tags': found the tag 'B-Y'"):
        encode_rows(task, preparation, sentences([["a"], ["b"]], [["O"], ["B-Y"]]))


def test_a_text_is_cut_into_windows() -> None:
    data = text("abcab", "ca")
    task = infer_task(data)
    preparation = fit_preparation(task, data, context=3)
    assert outputs_of(task, preparation) == 6
    x, y = encode_rows(task, preparation, data)
    tokens = preparation.tokens
    assert tokens is not None
    assert tokens.decode_text(x.reshape(-1)) == "abcab\nc"
    assert tokens.decode_text(y[y >= 0]) == "bcab\nca"
    assert y[2].tolist()[1:] == [-100, -100]
    with pytest.raises(StateError, match="outputs_of"):
        _ = task.outputs
    with pytest.raises(DataError, match="the training part has 8 tokens; expected more than a window, context = 64"):
        fit_preparation(task, data)


def test_parts_of_labels_and_tags_are_drawn_at_random() -> None:
    labels = struct(a=[1, 0] * 20, b=[0, 0, 1, 1] * 10)
    parts = split(labels, infer_task(labels))
    assert not parts.stratified
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (28, 6, 6)


# --- sources ------------------------------------------------------------------------------------------------------
def test_several_target_columns_are_read(tmp_path: Any) -> None:
    frame = pl.DataFrame({"x": [1.0, 2, 3], "a,b": [1, 0, 1], "c": [0, 1, 1], "d": [2.5, 1, 0]})
    path = tmp_path / "t.csv"
    frame.write_csv(path)
    data = read(str(path), target="c, d")
    assert data.target.struct.fields == ["c", "d"]
    assert (data.target_name, data.feature_names) == ("c, d", ("x", "a,b"))
    assert read(str(path), target=["a,b", "c"]).target.struct.fields == ["a,b", "c"]
    assert read(str(path), target="a,b").target.to_list() == [1, 0, 1]
    with pytest.raises(DataError, match="has no column 'e'"):
        read(str(path), target="c,e")
    with pytest.raises(DataError, match="each named once"):
        read(str(path), target="c,c")
    with pytest.raises(DataError, match="'x', 'a,b', 'c', 'd' are its only columns"):
        read(str(path), target=["x", "a,b", "c", "d"])
    with pytest.raises(DataError, match="has one target"):
        read("digits", target=["a", "b"])


# --- strangers' files ---------------------------------------------------------------------------------------------
LABELS = {
    "kind": "multilabel",
    "reason": "",
    "classes": ["a", "b"],
    "class_counts": [1, 2],
    "unit": None,
    "target": "y",
}
NUMBERS = {"kind": "regression", "reason": "", "classes": None, "class_counts": None, "target": "a, b"}


@pytest.mark.parametrize(
    "state",
    [
        {**LABELS, "kind": "ranking"},
        {**LABELS, "classes": []},
        {**LABELS, "classes": ["a", "a"]},
        {**LABELS, "classes": None},
        {**LABELS, "class_counts": [1]},
        {**LABELS, "class_counts": [1, -2]},
        {**LABELS, "separator": ","},
        {**LABELS, "separator": ";", "targets": ["a", "b"]},
        {**LABELS, "targets": ["a", "c"]},
        {**LABELS, "targets": "ab"},
        {**LABELS, "unit": "kg"},
        {**LABELS, "kind": "binary", "targets": ["a", "b"]},
        {**LABELS, "kind": "next_token"},
        {**NUMBERS, "targets": ["a"], "units": [""]},
        {**NUMBERS, "targets": ["a", "b"], "units": ["kg"]},
        {**NUMBERS, "targets": ["a", "b"], "units": [1, 2]},
        {**NUMBERS, "targets": ["a", "b"], "units": ["", ""], "unit": "kg"},
        {**NUMBERS, "classes": ["a", "b"]},
        {**NUMBERS, "kind": "tagging", "classes": ["O"]},
        {},
    ],
)
def test_a_task_that_cannot_be_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(StateError, match="cannot read the task"):
        Task.from_dict(state)


def test_the_tasks_that_these_were_made_from_are_read() -> None:
    assert Task.from_dict(LABELS).outputs == 2
    assert Task.from_dict({**NUMBERS, "targets": ["a", "b"], "units": ["kg", ""]}).outputs == 2
