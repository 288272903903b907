"""Arrow, JSON lines, NPY and several files by a pattern: what is read is what was written, and knows its place."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gradwright.data import infer_task, read, read_rows
from gradwright.errors import DataError


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "size": [1.5, None, 3.0, -2.25],
            "count": [1, 2, None, 4],
            "colour": ["red", "blue", None, "a much longer text than twelve bytes"],
            "flag": [True, False, True, None],
            "y": [1, 0, 1, 0],
        }
    )


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("ending", [".arrow", ".feather", ".ipc"])
def test_arrow_files_have_the_content_and_fingerprint_of_the_frame(tmp_path, frame, compression, ending):
    path = tmp_path / f"a{ending}"
    frame.write_ipc(path, compression=compression)
    assert read_rows(path).features.equals(frame)
    assert read(path).fingerprint == read(frame).fingerprint


def test_arrow_streams_and_dictionaries(tmp_path, frame):
    coded = frame.with_columns(pl.col("colour").cast(pl.Categorical))
    coded.write_ipc_stream(tmp_path / "stream.arrow", compression="zstd")
    coded.write_ipc(tmp_path / "file.arrow")
    for name in ("stream.arrow", "file.arrow"):
        assert read(tmp_path / name).features["colour"].to_list() == frame["colour"].to_list()
        assert read(tmp_path / name).fingerprint == read(frame).fingerprint


def test_arrow_in_many_batches_of_many_types(tmp_path):
    n = 1000
    frame = pl.DataFrame(
        {
            "small": pl.Series(range(n), dtype=pl.Int16),
            "date": pl.Series(range(n)).cast(pl.Date),
            "list": [[str(i), "b"] for i in range(n)],
            "struct": [{"a": i, "b": "x"} for i in range(n)],
            "none": pl.Series([None] * n),
            "y": [i % 2 for i in range(n)],
        }
    )
    for name, write in (("a.arrow", frame.write_ipc), ("b.arrow", frame.write_ipc_stream)):
        write(tmp_path / name, compression="lz4", **({"record_batch_size": 64} if name == "a.arrow" else {}))
        assert read_rows(tmp_path / name).features.equals(frame)


def test_json_lines_agree_with_pandas(tmp_path, frame):
    path = tmp_path / "a.jsonl"
    frame.write_ndjson(path)
    found, oracle = read(path), pd.read_json(path, lines=True)
    for name in ("size", "count"):
        assert found.features[name].to_list() == [None if v != v else v for v in oracle[name].tolist()]
    assert found.features["colour"].to_list() == frame["colour"].to_list()
    assert found.features["flag"].to_list() == frame["flag"].to_list()
    assert found.fingerprint == read(frame).fingerprint


def test_json_lines_of_many_blocks_with_types_that_widen(tmp_path, monkeypatch):
    monkeypatch.setattr("gradwright.data.json_lines._BLOCK", 3)
    rows = [{"a": i, "b": i, "y": i % 2} for i in range(7)]
    rows[6] |= {"a": 0.5, "late": "x"}
    rows[5]["b"] = "seven"
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, rows)))
    features = read_rows(tmp_path / "a.ndjson").features
    assert features["a"].to_list() == [0, 1, 2, 3, 4, 5, 0.5]
    assert features["b"].to_list() == ["0", "1", "2", "3", "4", "seven", "6"]
    assert features["late"].to_list() == [None] * 6 + ["x"]
    with pytest.raises(DataError, match=r"line 6 \(row 5\), column 'b': expected a number as in 6 of .* found 'seven'"):
        read(tmp_path / "a.ndjson")


def test_keys_that_lines_lack_are_noted_with_the_first_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"size":1,"y":0}\n\n{"sise":2,"y":1}\n{"size":3,"y":0}\n{"size":NaN,"y":0}\n')
    found = read(tmp_path / "a.jsonl")
    assert found.place(1).endswith("a.jsonl', line 3 (row 1)")
    assert found.features["size"].to_list() == [1, None, 3, None]
    assert any(note.startswith("key 'size': missing in 1 line, first in line 3") for note in found.notes)
    assert any(
        "key 'sise': missing in 3 lines, first in line 1" in n and "did you mean 'size'" in n for n in found.notes
    )


def test_a_json_line_may_hold_any_character(tmp_path):
    texts = ["\u2028line", "\x85next", "é😀", 'quo"te\\', "tab\there"]
    lines = [json.dumps({"x": text, "y": i % 2}, ensure_ascii=i % 2 == 0) for i, text in enumerate(texts)]
    (tmp_path / "a.jsonl").write_bytes("\r\n".join(lines).encode())
    assert read_rows(tmp_path / "a.jsonl").features["x"].to_list() == texts


def test_npy_has_its_target_last(tmp_path):
    values = np.random.default_rng(0).normal(size=(20, 4))
    values[:, 3] = np.arange(20) % 2
    np.save(tmp_path / "a.npy", values)
    found = read(tmp_path / "a.npy")
    assert np.array_equal(found.features.to_numpy(), values[:, :3])
    assert infer_task(found).kind == "binary"
    assert set(found.feature_names) <= set(read_rows(tmp_path / "a.npy").features.columns)
    np.save(tmp_path / "b.npy", np.zeros((3, 4, 4), np.uint8))
    assert read_rows(tmp_path / "b.npy").kind == "images"


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
def test_several_files_are_one_table(tmp_path, ending):
    whole = pl.DataFrame({"x": [i / 2 for i in range(9)], "c": list("abcabcabc"), "y": [i % 2 for i in range(9)]})
    for i in range(3):
        part = whole.slice(3 * i, 3)
        part = part.select("y", "x", "c") if i == 1 else part  # the order of columns is free
        write = {
            "csv": part.write_csv,
            "parquet": part.write_parquet,
            "arrow": part.write_ipc,
            "jsonl": part.write_ndjson,
        }
        write[ending](tmp_path / f"part-{i}.{ending}")
    found = read(str(tmp_path / f"part-*.{ending}"))
    assert found.fingerprint == read(whole).fingerprint
    assert found.name.endswith(f"part-*.{ending}")
    assert f"part-1.{ending}'" in found.place(4)
    line = {"csv": "line 3 (row 4)", "jsonl": "line 2 (row 4)"}.get(ending, "row 1 of the file, 4 of all")
    assert found.place(4).endswith(line)
    assert found.take([8, 4]).take([1]).place(0) == found.place(4)
    assert read_rows(tmp_path / f"part-?.{ending}").place(8).split("', ")[0].endswith(f"part-2.{ending}")
    (tmp_path / "deep").mkdir()
    whole.write_csv(tmp_path / "deep" / "part-9.csv")
    assert read(str(tmp_path / "**" / "part-9.csv")).rows == 9


def test_types_of_several_files_meet_in_the_wider_one(tmp_path):
    pl.DataFrame({"x": [1, 2], "z": [None, None], "y": [0, 1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [1.5, 2], "z": ["p", "q"], "y": [0, 1]}).write_parquet(tmp_path / "b.parquet")
    found = read(str(tmp_path / "*.parquet")).features
    assert found["x"].to_list() == [1, 2, 1.5, 2]
    assert found["z"].to_list() == [None, None, "p", "q"]


def test_a_name_with_brackets_is_a_name(tmp_path):
    (tmp_path / "a[1].csv").write_text("x,y\n1,0\n2,1\n")
    assert read(tmp_path / "a[1].csv").rows == 2


def test_a_mistyped_cell_is_named_with_its_file(tmp_path):
    for i, cell in enumerate(["1", "tall"]):
        (tmp_path / f"{i}.csv").write_text(f"x,y\n{cell},0\n2,1\n3,1\n")
    with pytest.raises(DataError, match=r"1.csv', line 2 \(row 3\), column 'x': expected a number as in 5 .* 'tall'"):
        read(str(tmp_path / "*.csv"))
