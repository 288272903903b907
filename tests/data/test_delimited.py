"""Text tables: what is read agrees with Polars and pandas; every fault is named with its line."""

import codecs

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gradwright.data import infer_task, read, read_rows
from gradwright.errors import DataError


@pytest.fixture
def table(tmp_path):
    def write(content: bytes | str, name: str = "table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


def test_numbers_agree_with_pandas_and_polars(table):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=500),
            "b": rng.integers(-9, 9, 500),
            "c": rng.choice(["x", "y y", 'q"q', "p,p"], 500),
        }
    )
    path = table(frame.with_columns(y=pl.Series(rng.normal(size=500))).write_csv())
    dataset = read(path)
    oracle = pd.read_csv(path)
    for name in "abc":
        assert dataset.features[name].to_list() == oracle[name].tolist()
    assert dataset.features.equals(pl.read_csv(path).drop("y"))
    assert dataset.target.to_list() == oracle["y"].tolist()


def test_types_by_column(table):
    path = table(
        "whole,real,flag,colour,day,y\n1,0.5,true,red,2026-01-31,a\n2,NA,False,?,2026-02-01,b\n-3,1e3,,blue,,a\n"
    )
    features = read(path).features
    assert features.schema == {
        "whole": pl.Int64,
        "real": pl.Float64,
        "flag": pl.Boolean,
        "colour": pl.String,
        "day": pl.Date,
    }
    assert features.rows()[1][:4] == (2, None, False, None)


@pytest.mark.parametrize("marker", ["", "NA", "N/A", "null", "NULL", "?", "-", "nan", "NaN", " NA "])
def test_missing_markers(table, marker):
    dataset = read(table(f"x,c,y\n1.5,red,0\n{marker},{marker},1\n2.5,blue,0\n"))
    assert dataset.features["x"].to_list() == [1.5, None, 2.5]
    assert dataset.features["c"].to_list() == ["red", None, "blue"]
    assert any("2 missing values in 2 columns" in note for note in dataset.notes)


@pytest.mark.parametrize("row", ["3", "3,4,5"])
def test_ragged_row(table, row):
    message = refusal(table(f"a,b\n1,2\n\n{row}\n"))
    assert "table.csv" in message
    assert "line 4" in message
    assert "expected 2 fields" in message
    assert f"found {row.count(',') + 1}" in message


def test_ragged_row_after_a_text_of_two_lines(table):
    message = refusal(table('a,b\n"one\ntwo",2\n3\n'))
    assert "line 4" in message


def test_text_in_a_numeric_column(table):
    message = refusal(table("size,y\n1,0\n2,1\ntall,0\n4,1\n"))
    assert "line 4 (row 2), column 'size': expected a number" in message
    assert "found 'tall'" in message
    assert "leave it empty" in message


def test_text_in_a_numeric_column_after_blank_lines_and_long_texts(table):
    message = refusal(table('note,size,y\n"a\nb",1,0\n\nc,2,1\nd,3,0\ne,1o,1\n'))
    assert "line 7 (row 3), column 'size'" in message
    assert "'1o'" in message


def test_text_that_is_meant_as_categories(table):
    path = table("floor,y\n1,0\n2,1\n3,0\n3+,1\n")
    assert "'3+'" in refusal(path)
    assert read(path, categories=["floor"]).features["floor"].to_list() == ["1", "2", "3", "3+"]


def test_text_with_some_numbers_is_noted(table):
    dataset = read(table("code,y\nred,0\n7,1\nblue,0\ngreen,1\n"))
    assert dataset.features["code"].to_list() == ["red", "7", "blue", "green"]
    assert any("'code' is read as text, though 1 of 4 cells" in note for note in dataset.notes)


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_infinity(table, cell):
    message = refusal(table(f"x,y\n1,0\n{cell},1\n3,0\n"))
    assert "line 3 (row 1), column 'x'" in message
    assert "infinite or beyond float64" in message


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \n", b"\xef\xbb\xbf"])
def test_empty_file(table, content):
    message = refusal(table(content))
    assert "table.csv" in message
    assert "empty" in message
    assert "header" in message


def test_header_only(table):
    message = refusal(table("a,b,y\n"))
    assert "header line ('a', 'b', 'y') and no rows" in message


def test_no_header(table):
    message = refusal(table("5.1,3.5,0\n4.9,3.0,1\n"))
    assert "line 1" in message
    assert "expected a header line" in message


def test_byte_order_mark_is_no_part_of_the_name(table):
    assert read(table(b"\xef\xbb\xbfa,y\n1,0\n2,1\n")).feature_names == ("a",)


def test_windows_encoding(table):
    message = refusal(table("town,y\nParis,0\nOrléans,1\n".encode("cp1252")))
    assert "line 3" in message
    assert "byte 18 is 0xe9" in message
    assert "Orléans" in message
    assert "iconv" in message


def test_windows_encoding_after_a_byte_order_mark_counts_from_the_file(table):
    message = refusal(table(codecs.BOM_UTF8 + b"a,y\n\xe9,1\n"))
    assert "byte 7 is 0xe9" in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(table, encoding):
    message = refusal(table("town,y\nParis,0\n".encode(encoding)))
    assert "UTF-16" in message
    assert "iconv" in message


def test_nul_byte(table):
    message = refusal(table(b"a,y\n1,0\n2\0,1\n"))
    assert "line 3: a NUL byte at byte 9" in message


def test_duplicate_names(table):
    message = refusal(table("a,b,a\n1,2,3\n"))
    assert "line 1: the column name 'a' stands 2 times, as columns 1 and 3" in message


def test_a_quotation_mark_that_never_closes(table):
    message = refusal(table('a,y\n1,0\n"2,1\n3,0\n'))
    assert "quotation mark opens and never closes" in message
    assert "line" in message


def test_missing_target(table):
    message = refusal(table("width,species\n1,a\n2,b\n"), target="speceis")
    assert "no column 'speceis'; did you mean 'species'?" in message
    assert "'width', 'species'" in message


def test_one_class(table):
    with pytest.raises(DataError, match=r"all 2 rows have the one value 'a'; expected two or more"):
        infer_task(read(table("x,y\n1,a\n2,a\n")))


@pytest.mark.parametrize(
    ("header", "chosen", "words"),
    [("a,Label,b", "Label", "by its name"), ("y,a,b", "y", "by its name"), ("a,b,c", "c", "the last one")],
)
def test_target_chosen_and_said(table, header, chosen, words):
    dataset = read(table(f"{header}\n1,2,3\n2,3,4\n"))
    assert dataset.target_name == chosen
    assert any(f"the target is column '{chosen}', {words}" in note for note in dataset.notes)


def test_terminal_escapes_never_reach_the_terminal(table):
    evil = "\x1b[2J\x1b]0;owned\x07\u202e" + "A" * 5000
    message = refusal(table(f"x\x1b[31m,y\n1,0\n2,1\n{evil},1\n"))
    assert message.isprintable()
    assert "\\x1b[2J" in message
    assert "\\x1b[31m" in message
    assert len(message) < 500


def test_semicolons_and_decimal_commas(table):
    dataset = read(table("a;b;y\n1,5;x;0\n2,25;y;1\n"))
    assert dataset.features["a"].to_list() == [1.5, 2.25]
    assert any("separated by ';'" in note for note in dataset.notes)


def test_decimal_commas_stay_text_where_commas_separate(table):
    assert read(table('a,y\n"1,5",0\n"2,5",1\n')).features["a"].to_list() == ["1,5", "2,5"]


def test_tabs_windows_ends_and_old_mac_ends(table):
    first = read(table("a\ty\r\n1\t0\r\n2\t1\r\n", "t.tsv"))
    second = read(table("a,y\r1,0\r2,1\r"))
    assert first.features.equals(second.features)
    assert first.fingerprint == second.fingerprint


def test_nameless_index_column(table):
    dataset = read(table(",a,y\n0,1,0\n1,2,1\n"))
    assert dataset.feature_names == ("column_1", "a")
    assert any("column 1 has no name" in note for note in dataset.notes)


def test_raw_rows_stay_text_with_their_lines(table):
    rows = read_rows(table("a,b\n1,x\n\n2,NA\n"))
    assert rows.features.rows() == [("1", "x"), ("2", "NA")]
    assert rows.place(1).endswith("line 4 (row 1)")


def test_duplicate_rows_are_noted(table):
    assert any("2 duplicate rows" in note for note in read(table("a,y\n1,0\n1,0\n1,0\n2,1\n")).notes)


def test_many_rows_cross_the_block_border(table):
    count = 50_001
    dataset = read(table("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(count))))
    assert dataset.rows == count
    assert dataset.features["a"].to_list() == list(range(count))
    assert dataset.place(count - 1).endswith(f"line {count + 1} (row {count - 1})")


def test_a_file_that_may_not_be_read(table, monkeypatch):
    path = table("a,y\n1,0\n")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    assert "table.csv': Permission denied" in refusal(path)


def test_a_file_beyond_the_limit_is_not_read(table, monkeypatch):
    path = table("a,y\n1,0\n")
    monkeypatch.setattr("gradwright.data.text_file.MAX_BYTES", 7)
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    assert "it has 8 bytes; the limit is 7 bytes" in refusal(path)


def test_a_device_is_no_source():
    assert "device, pipe or socket" in refusal("/dev/zero")


def test_a_row_of_two_lines_is_named_by_its_first(table):
    assert "line 2 (row 0), column 'size'" in refusal(table('size,note,y\ntall,"a\nb",1\n2,c,0\n3,d,1\n'))


@pytest.mark.parametrize("end", ["", "\n"])
def test_regular_files_take_a_faster_way_to_the_same(table, end):
    text = "a,b,y\n1, x ,0\n,é,1\n-2.5e3,NA,0" + end
    fast, careful = read_rows(table(text)), read_rows(table(text.replace("a,b", '"a","b"'), "b.csv"))
    assert fast.features.equals(careful.features)
    assert fast.features.rows()[:2] == [("1", " x ", "0"), ("", "é", "1")]
    assert np.array_equal(fast.lines, careful.lines)


def test_regular_files_are_read_by_polars(table, monkeypatch):
    monkeypatch.setattr("gradwright.data.delimited._rows", lambda *_: pytest.fail("the careful way"))
    assert read(table("a,y\n1,0\n2,1\n")).rows == 2
