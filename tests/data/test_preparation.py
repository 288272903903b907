"""Preparation agrees with scikit-learn's, knows training rows only, and names the place of a bad row."""

import copy
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from gradwright.data import DataWarning, Note, Preparation, read, read_rows
from gradwright.errors import DataError, StateError


@pytest.fixture
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    return pl.DataFrame(
        {
            "size": [None if i % 7 == 0 else float(v) for i, v in enumerate(rng.lognormal(3, 1, n))],
            "rooms": rng.integers(1, 9, n),
            "colour": rng.choice(["red", "blue", "green"], n),
            "flag": rng.random(n) < 0.3,
            "year": rng.normal(2000, 3, n),
        }
    )


def test_agrees_with_scikit_learn(frame):
    train, rest = frame.head(150), frame.tail(50)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    indicator = SimpleImputer(strategy="median", add_indicator=True)
    oracle = ColumnTransformer(
        [
            ("numeric", numeric, ["size", "rooms", "year"]),
            ("category", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
            ("flag", "passthrough", ["flag"]),
            ("missing", indicator, ["size"]),
        ]
    )
    to_pandas = [pd.DataFrame({c: part[c].to_list() for c in part.columns}) for part in (train, rest)]
    oracle.fit(to_pandas[0])
    names = (
        "size",
        "rooms",
        "year",
        "colour=blue",
        "colour=green",
        "colour=red",
        "flag",
        None,
        "size (missing)",
    )
    preparation = Preparation.fit(train)
    assert preparation.width == len(preparation.feature_names) == 8
    for part, raw in zip((train, rest), to_pandas, strict=True):
        mine, theirs = preparation.transform(part), oracle.transform(raw).astype(float)
        assert mine.dtype == np.float32
        for i, name in enumerate(names):
            if name:
                np.testing.assert_allclose(
                    mine[:, preparation.feature_names.index(name)], theirs[:, i], rtol=1e-6, atol=1e-6
                )


def test_knows_training_rows_only(frame):
    train = frame.head(150)
    state = Preparation.fit(train).to_dict()
    wild = pl.concat([train, frame.tail(50).with_columns(size=pl.lit(1e9), year=pl.lit(-1e9))])
    assert Preparation.fit(wild.head(150)).to_dict() == state
    before = copy.deepcopy(state)
    preparation = Preparation.fit(train)
    preparation.transform(wild.tail(50))
    assert preparation.to_dict() == before


def test_images_by_one_mean_and_deviation():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5000, 3, 2), dtype=np.uint8)
    for raw in (images, images.astype(np.int32), images / 7.0):
        prepared = Preparation.fit(raw).transform(raw)
        flat = raw.reshape(5000, 6).astype(np.float64)
        np.testing.assert_allclose(prepared, (flat - flat.mean()) / flat.std(), rtol=2e-6, atol=1e-6)
        assert prepared.dtype == np.float32


def test_nearly_constant_pixels_stay_small():
    dataset = read("digits")
    preparation = Preparation.fit(dataset.features)
    assert np.abs(preparation.transform(dataset.features)).max() < 3
    assert preparation.feature_names == dataset.feature_names


def test_missing_pixels_become_the_mean():
    images = np.arange(12.0).reshape(3, 2, 2)
    preparation = Preparation.fit(images)
    images[1, 0, 0] = np.nan
    assert preparation.transform(images)[1, 0] == 0
    np.testing.assert_allclose(Preparation.fit(images).images.mean, np.nanmean(images))


def test_images_from_a_flat_array_and_from_a_table(tmp_path):
    dataset = read("digits").take(range(50))
    preparation = Preparation.fit(dataset.features)
    flat = dataset.features.reshape(50, 64)
    expected = preparation.transform(dataset.features)
    assert np.array_equal(preparation.transform(flat), expected)
    table = pl.DataFrame({name: flat[:, i] for i, name in reversed(list(enumerate(dataset.feature_names)))})
    table.write_csv(tmp_path / "a.csv")
    rows = read_rows(tmp_path / "a.csv")
    np.testing.assert_allclose(preparation.transform(rows.features, place=rows.place), expected, rtol=1e-6)
    with pytest.raises(DataError, match=r"missing are 'pixel_7_7'"):
        preparation.transform(table.drop("pixel_7_7"))
    with pytest.raises(DataError, match=r"trained on images of shape \(8, 8\)"):
        preparation.transform(np.zeros((2, 28, 28)))
    with pytest.raises(DataError, match=r"row 1, pixel 3: found inf"):
        preparation.transform(np.where(np.arange(128).reshape(2, 64) == 67, np.inf, 1.0))


def test_images_of_one_colour():
    with pytest.raises(DataError, match="all pixels of the training part are 7"):
        Preparation.fit(np.full((3, 2, 2), 7, np.uint8))


def test_constant_column_is_zero_for_ever():
    preparation = Preparation.fit(pl.DataFrame({"x": [0.1] * 30, "z": [1.0, 2.0, 3.0] * 10}))
    assert not preparation.transform(pl.DataFrame({"x": [0.1, 999.0], "z": [1.0, 1.0]}))[:, 0].any()
    assert "column 'x': constant in the training part, so it says nothing" in preparation.notes


def test_large_offset_keeps_its_digits():
    values = 1e9 + np.arange(100.0)
    prepared = Preparation.fit(pl.DataFrame({"x": values})).transform(pl.DataFrame({"x": values}))
    np.testing.assert_allclose(prepared[:, 0], (np.arange(100) - 49.5) / np.arange(100).std(), rtol=1e-6)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([f"Mrs {i}" for i in range(30)], "each row has its own"),
        ([f"town {i % 25}" for i in range(30)], "25 distinct texts in 30 rows"),
        ([None] * 30, "all values of the training part are missing"),
        ([[1, 2]] * 30, "its type is List"),
    ],
)
def test_dropped_with_a_note(column, words):
    frame = pl.DataFrame({"x": range(30), "odd": pl.Series(column)})
    preparation = Preparation.fit(frame)
    assert preparation.feature_names == ("x",)
    assert any("column 'odd' dropped: " in note and words in note for note in preparation.notes)
    assert preparation.transform(frame.drop("odd")).shape == (30, 1)


def test_row_numbers_are_dropped_and_quantities_are_not():
    frame = pl.DataFrame({"PassengerId": range(1, 31), "paid": range(30), "width": np.arange(30) / 2})
    assert Preparation.fit(frame).feature_names == ("paid", "width")


def test_nothing_usable():
    with pytest.raises(DataError, match=r"none of 1 column is usable \('name': each row has its own"):
        Preparation.fit(pl.DataFrame({"name": [f"n{i}" for i in range(30)]}))


def test_dates_are_days(tmp_path):
    (tmp_path / "a.csv").write_text("day,y\n2026-01-01,0\n2026-01-02,1\n,0\n2026-01-05,1\n")
    dataset = read(tmp_path / "a.csv")
    preparation = Preparation.fit(dataset.features)
    days = np.array([0, 1, 1, 4.0])
    prepared = preparation.transform(read_rows(tmp_path / "a.csv").features, ignore=["y"])
    assert preparation.columns[0].median == 20455  # days from 1970-01-01 to 2026-01-02
    np.testing.assert_allclose(prepared[:, 0], (days - days.mean()) / days.std(), rtol=1e-5)
    assert prepared[:, 1].tolist() == [0, 0, 1, 0]
    with pytest.raises(DataError, match="row 0, column 'day': expected a date such as 2026-01-31, found 'soon'"):
        preparation.transform(pl.DataFrame({"day": ["soon"]}))


def test_unseen_category_is_noted_with_its_place():
    preparation = Preparation.fit(pl.DataFrame({"colour": ["red", "blue"] * 5}))
    notes: list[Note] = []
    prepared = preparation.transform(
        pl.DataFrame({"colour": ["red", "teal", "teal"]}), notes=notes, place="line {}".format
    )
    assert prepared.tolist() == [[0, 1], [0, 0], [0, 0]]
    (note,) = notes
    assert (note.column, note.row, note.value, note.count) == ("colour", 1, "teal", 2)
    assert "'teal' was not seen in training and counts as none of them in 2 rows (first in line 1)" in note.message


def test_without_a_list_a_note_becomes_a_warning():
    preparation = Preparation.fit(pl.DataFrame({"colour": ["red", "blue"] * 5}))
    with pytest.warns(DataWarning, match="'teal' was not seen"):
        preparation.transform(pl.DataFrame({"colour": ["teal"]}))


@pytest.mark.parametrize("column", [[1.5, 2.5], ["a", "b"], [True, False]])
def test_missing_where_training_had_none(column):
    preparation = Preparation.fit(pl.DataFrame({"x": column * 5}))
    notes: list[Note] = []
    prepared = preparation.transform(pl.DataFrame({"x": pl.Series([column[0], None])}), notes=notes)
    assert np.isfinite(prepared).all()
    assert "1 missing value, where training had none" in notes[0].message
    assert notes[0].row == 1


def test_order_is_free_and_extra_columns_are_noted(frame):
    preparation = Preparation.fit(frame)
    notes: list[Note] = []
    shuffled = frame.select(*reversed(frame.columns)).with_columns(price=1, extra=2)
    assert np.array_equal(preparation.transform(shuffled, notes=notes, ignore=["price"]), preparation.transform(frame))
    assert [str(note) for note in notes] == ["1 column not in the training data ignored: 'extra'"]


def test_missing_and_renamed_columns(frame):
    preparation = Preparation.fit(frame)
    with pytest.raises(DataError) as caught:
        preparation.transform(frame.rename({"colour": "color"}).drop("rooms"))
    message = str(caught.value)
    assert "2 columns of the training data missing" in message
    assert "'colour' (is it 'color', renamed?)" in message
    assert "'rooms'" in message
    assert "order is free" in message


def test_text_in_a_numeric_column_names_file_line_and_value(tmp_path, frame):
    preparation = Preparation.fit(frame)
    text = "flag,size,colour,rooms,year\ntrue,1,red,3,2000\n\nfalse,n/a,blue,many,2001\n"
    (tmp_path / "new.csv").write_text(text)
    rows = read_rows(tmp_path / "new.csv")
    with pytest.raises(DataError, match=r"new.csv', line 4 \(row 1\), column 'rooms': expected a number, found 'many'"):
        preparation.transform(rows.features, place=rows.place)
    (tmp_path / "new.csv").write_text(text.replace("many", "4").replace("true", "maybe"))
    rows = read_rows(tmp_path / "new.csv")
    with pytest.raises(DataError, match=r"line 2 \(row 0\), column 'flag': expected true or false, found 'maybe'"):
        preparation.transform(rows.features, place=rows.place)


def test_rows_as_text_are_prepared_as_the_typed_ones(tmp_path, frame):
    frame.with_columns(y=pl.Series([0, 1] * 100)).write_csv(tmp_path / "a.csv")
    dataset, rows = read(tmp_path / "a.csv"), read_rows(tmp_path / "a.csv")
    preparation = Preparation.fit(dataset.features)
    typed = preparation.transform(dataset.features)
    assert np.array_equal(preparation.transform(rows.features, ignore=[dataset.target_name]), typed)


@pytest.mark.parametrize("value", ["inf", "1e300"])
def test_values_beyond_float32(frame, value):
    preparation = Preparation.fit(frame)
    bad = frame.head(3).with_columns(year=pl.Series(["1", "2", value]))
    with pytest.raises(DataError, match=r"row 2, column 'year': found .*(infinite|too far)"):
        preparation.transform(bad)


def test_numbers_that_overflow_when_added_up():
    with pytest.raises(DataError, match="column 'x': its values lie beyond the range of float64"):
        Preparation.fit(pl.DataFrame({"x": [1e308, 1.5e308, 1.7e308]}))


def test_array_in_place_of_a_table():
    table = pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    preparation = Preparation.fit(table)
    assert np.array_equal(preparation.transform(table.to_numpy()), preparation.transform(table))
    with pytest.raises(DataError, match=r"array of shape \(2, 3\): the preparation was fitted on a table of 2 columns"):
        preparation.transform(np.zeros((2, 3)))


def test_regression_target():
    target = np.random.default_rng(0).normal(300, 50, 100)
    preparation = Preparation.fit(pl.DataFrame({"x": target}), target)
    scaled = preparation.scale_target(target)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(target[:, None])[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(preparation.unscale_target(scaled), target, rtol=1e-6)
    classes = np.array([0, 1])
    assert Preparation.fit(pl.DataFrame({"x": target})).scale_target(classes) is classes
    with pytest.raises(DataError, match=r"all training rows have 2\.0"):
        Preparation.fit(pl.DataFrame({"x": [1, 2]}), np.array([2.0, 2.0]))


def test_no_rows():
    with pytest.raises(DataError, match="cannot fit a preparation on 0 rows"):
        Preparation.fit(pl.DataFrame({"x": pl.Series([], dtype=pl.Float64)}))
    preparation = Preparation.fit(pl.DataFrame({"x": [1.0, 2.0], "c": ["a", "b"]}))
    assert preparation.transform(pl.DataFrame({"x": [], "c": []})).shape == (0, 3)


def test_saved_and_read(frame):
    frame = frame.with_columns(
        name=pl.Series([f"n{i}" for i in range(200)]),
        day=pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 7, 19), eager=True),
    )
    for features, target in ((frame, np.arange(200.0)), (read("digits").features, None)):
        preparation = Preparation.fit(features, target)
        again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict(), allow_nan=False)))
        assert again == preparation
        assert np.array_equal(again.transform(features), preparation.transform(features))


def forged() -> list[tuple[str, object]]:
    return [
        ("format", 2),
        ("format", True),
        ("columns", None),
        ("columns", []),
        ("columns", [{"kind": "pickle"}]),
        ("columns", [{"kind": ["numeric"]}]),
        ("columns", [{"kind": "numeric", "name": "x"}]),
        ("columns", [{"kind": "dropped", "name": "x", "reason": "", "extra": 1}]),
        ("columns", [{"kind": "category", "name": "x", "categories": ["a", "a"], "indicator": False}]),
        ("columns", [{"kind": "category", "name": "x", "categories": [1], "indicator": False}]),
        ("columns", [{"kind": "boolean", "name": "x", "fill": 1, "indicator": False}]),
        ("columns.0.std", -1.0),
        ("columns.0.mean", float("nan")),
        ("columns.0.mean", "0"),
        ("columns.0.name", 3),
        ("columns.0.name", "colour"),
        ("images", {"shape": [8, 8], "mean": 0.0, "std": 1.0}),
        ("images", {"shape": [2**19, 2**19], "mean": 0.0, "std": 1.0}),
        ("target_scale", {"mean": 0.0, "std": 0.0}),
        ("target_scale", [0, 1]),
        ("notes", [1]),
        ("surprise", 1),
    ]


@pytest.mark.parametrize(("where", "value"), forged())
def test_a_forged_state_is_refused(frame, where, value):
    state = json.loads(json.dumps(Preparation.fit(frame).to_dict()))
    at = state
    *path, last = where.split(".")
    for step in path:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value
    with pytest.raises(StateError, match="cannot read the preparation"):
        Preparation.from_dict(state)


@pytest.mark.parametrize("common", [True, False])
def test_missing_booleans_become_the_commoner(common):
    preparation = Preparation.fit(pl.DataFrame({"flag": [common, common, not common, None]}))
    assert preparation.transform(pl.DataFrame({"flag": ["", "TRUE", "0"]})).tolist() == [
        [common, 1],
        [1, 0],
        [0, 0],
    ]
