"""`read` and `read_rows`: every kind of source, the same content, the same fingerprint."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import datasets

from gradwright.data import BUILTIN, LabeledRows, Rows, fingerprint_of, read, read_rows
from gradwright.errors import DataError, IndexOutOfRangeError


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "size": [1.5, None, 3.0],
            "colour": ["red", "blue", None],
            "flag": [True, False, True],
            "y": [1, 0, 1],
        }
    )


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("iris", datasets.load_iris),
        ("wine", datasets.load_wine),
        ("breast-cancer", datasets.load_breast_cancer),
    ],
)
def test_builtin_tables_are_scikit_learns(name, load):
    dataset, bunch = read(name), load()
    assert np.array_equal(dataset.features.to_numpy(), bunch.data)
    assert list(dataset.feature_names) == [str(n) for n in bunch.feature_names]
    assert dataset.target.to_list() == [str(bunch.target_names[t]) for t in bunch.target]


def test_digits_are_images():
    dataset, bunch = read("digits"), datasets.load_digits()
    assert dataset.kind == "images"
    assert np.array_equal(dataset.features.reshape(-1, 64), bunch.data)
    assert dataset.feature_names == tuple(bunch.feature_names)
    assert np.array_equal(dataset.target.to_numpy(), bunch.target)


def test_diabetes_is_in_its_own_units():
    assert read("diabetes").features["age"].max() == 79


@pytest.mark.parametrize("name", BUILTIN)
def test_columns_of_the_record(name):
    dataset = read(name)
    json.dumps(dataset.columns)
    assert len(dataset.columns) == len(dataset.feature_names)
    first = dataset.columns[0]
    raw = dataset.features[:, 0, 0] if dataset.kind == "images" else dataset.features.to_series(0).to_numpy()
    assert first == {
        "name": dataset.feature_names[0],
        "kind": "numeric",
        "missing": 0,
        "distinct": len(np.unique(raw)),
    }


def test_one_content_in_five_forms_has_one_fingerprint(tmp_path, frame):
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    frame.write_parquet(tmp_path / "a.parquet")
    sources = [tmp_path / "a.csv", str(tmp_path / "a.tsv"), tmp_path / "a.parquet", frame, frame.lazy()]
    sources.append(pd.read_csv(tmp_path / "a.csv"))
    found = [read(source) for source in sources]
    assert len({dataset.fingerprint for dataset in found}) == 1
    for dataset in found:
        assert dataset.features.equals(found[0].features)
        assert dataset.target.to_list() == [1, 0, 1]


def test_fingerprint_is_fixed_for_good():
    expected = "sha256:2a6e7821dccb0b120813153370e9f4d6d7798f9db5f093b652ed7c5479619749"
    found = fingerprint_of(pl.DataFrame({"x": [1, None], "c": ["ä", None]}), np.arange(3, dtype=np.int16))
    assert found.startswith("sha256:")
    assert found == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.with_columns(size=pl.Series([1.5, None, 3.0000001])),
        lambda f: f.with_columns(size=pl.Series([1.5, 0.0, 3.0])),
        lambda f: f.with_columns(colour=pl.Series(["red", "blue", ""])),
        lambda f: f.with_columns(colour=pl.Series(["redb", "lue", None])),
        lambda f: f.rename({"size": "Size"}),
        lambda f: f.reverse(),
        lambda f: f.head(2),
        lambda f: f.select("colour", "size", "flag", "y"),
    ],
)
def test_fingerprint_notices_any_change(frame, change):
    assert fingerprint_of(change(frame)) != fingerprint_of(frame)


def test_fingerprint_ignores_byte_order_and_memory_order():
    values = np.arange(6.0).reshape(2, 3)
    assert fingerprint_of(values) == fingerprint_of(np.asfortranarray(values)) == fingerprint_of(values.astype(">f8"))


def test_pandas_kinds():
    frame = pd.DataFrame(
        {
            "cat": pd.Categorical(["a", "b", None]),
            "text": pd.Series(["x", None, "z"], dtype=object),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "when": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "y": [0, 1, 0],
        }
    )
    features = read(frame).features
    assert features["cat"].to_list() == ["a", "b", None]
    assert features["text"].to_list() == ["x", None, "z"]
    assert features["nullable"].to_list() == [1, None, 3]
    assert features["when"].dtype == pl.Datetime
    assert features["when"].null_count() == 1


def test_pandas_columns_of_mixed_objects_and_of_one_name():
    with pytest.raises(DataError, match=r"column 'x' of the pandas frame: it mixes values of 'int', 'str'"):
        read(pd.DataFrame({"x": [1, "a"], "y": [0, 1]}))
    with pytest.raises(DataError, match="the column name 'x' stands twice"):
        read(pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]))


def test_nan_in_a_frame_is_missing_and_noted():
    dataset = read(pl.DataFrame({"x": [1.0, float("nan")], "y": [0, 1]}))
    assert dataset.features["x"].to_list() == [1.0, None]
    assert any("column 'x': 1 NaN counted as missing" in note for note in dataset.notes)


def test_infinity_in_a_frame():
    with pytest.raises(DataError, match=r"polars frame', row 1, column 'x': found inf, which is infinite"):
        read(pl.DataFrame({"x": [1.0, float("inf")], "y": [0, 1]}))


def test_pair_of_frame_and_column():
    dataset = read((pd.DataFrame({"a": [1, 2]}), pd.Series(["no", "yes"], name="bought")))
    assert (dataset.target_name, dataset.target.to_list()) == ("bought", ["no", "yes"])


def test_no_such_source_names_what_is_close(tmp_path):
    (tmp_path / "houses.csv").touch()
    with pytest.raises(DataError, match=r"no such source: .*did you mean 'houses.csv'\?"):
        read(tmp_path / "house.csv")
    with pytest.raises(DataError, match=r"'breast_cancer'; did you mean 'breast-cancer'\?"):
        read("breast_cancer")
    with pytest.raises(DataError, match="Built-in sets are digits, iris, wine, breast-cancer, diabetes"):
        read("x" * 5000)


def test_a_source_of_another_kind():
    with pytest.raises(DataError, match="cannot read data from a int"):
        read(3)


def test_unknown_ending_and_gzipped_table(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    (tmp_path / "a.csv.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match=r"its ending is '.xlsx'; expected CSV"):
        read(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="Unpack it first"):
        read(tmp_path / "a.csv.gz")


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1", b"a,b\n1,2\n"])
def test_a_parquet_file_that_is_none(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a.parquet': it is no whole Parquet file"):
        read(tmp_path / "a.parquet")


def test_parquet_without_rows_and_with_too_many(tmp_path, frame, monkeypatch):
    frame.clear().write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="and no rows"):
        read(tmp_path / "a.parquet")
    frame.write_parquet(tmp_path / "b.parquet")
    monkeypatch.setattr("gradwright.data.limits.MAX_BYTES", 60)
    with pytest.raises(DataError, match=r"b.parquet': it claims .* bytes of values .*; the limit is 60 bytes"):
        read(tmp_path / "b.parquet")


@pytest.mark.parametrize(("source", "fixed"), [("digits", "target"), ("iris", "target")])
def test_target_of_a_builtin_set_is_fixed(source, fixed):
    with pytest.raises(DataError, match=f"has its target fixed: '{fixed}', not 'width'"):
        read(source, target="width")
    assert read(source, target=fixed).target_name == fixed


def test_only_one_column():
    with pytest.raises(DataError, match="is its only column; expected features and a target"):
        read(pl.DataFrame({"y": [1, 2]}))


def test_take_leads_back_to_the_source(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n10,0\n\n11,1\n12,0\n13,1\n")
    part = read(tmp_path / "a.csv").take([3, 2]).take(np.array([1]))
    assert part.features["x"].to_list() == [12]
    assert part.numbers.tolist() == [2]
    assert part.place(0).endswith("line 5 (row 2)")
    digits = read("digits").take([5, 1700])
    assert digits.place(1) == "'digits', row 1700"
    for bad in ([4], [-1]):
        with pytest.raises(IndexOutOfRangeError, match="numbered 0 to 3"):
            read(tmp_path / "a.csv").take(bad)


def test_lengths_that_differ_are_refused():
    with pytest.raises(DataError, match="2 rows of features and 1 targets"):
        LabeledRows("x", "table", pl.DataFrame({"a": [1, 2]}), ("a",), pl.Series([1]), "y", "sha256:")


@pytest.mark.parametrize("source", ["digits", "iris"])
def test_rows_of_a_builtin_set(source):
    rows = read_rows(source)
    assert isinstance(rows, Rows)
    assert rows.rows == read(source).rows


def test_rows_of_npz_need_no_target(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.eye(3))
    assert read_rows(tmp_path / "a.npz").features.columns == ["x0", "x1", "x2"]


def test_heavy_libraries_are_imported_when_used():
    heavy = ("polars", "sklearn", "scipy", "pandas")
    code = f"import sys, gradwright.data; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_ragged_lists():
    with pytest.raises(DataError, match="its rows differ in length"):
        read(([[1, 2], [3]], ["a", "b"]))
