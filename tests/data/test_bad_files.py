"""Every fault of every source: how the file is made, and the words that its one error must hold.

CSV, NPZ and IDX have tables of their own in test_delimited.py and test_arrays.py; what is theirs alone is there.
"""

import io
import os
import struct
import tracemalloc

import numpy as np
import polars as pl
import pytest
from PIL import Image

from gradwright.data import fit_preparation, infer_task, read, read_rows
from gradwright.errors import DataError

ROWS = {"size": [1.0, 2.0, 3.0, 4.0], "colour": ["red", "blue", "red", "blue"], "y": ["no", "yes", "no", "yes"]}
TABLES = ("csv", "tsv", "parquet", "arrow", "feather", "jsonl", "frame", "pattern")


def table(folder, ending: str, columns: dict, name: str = "a"):
    """The same rows in any of the forms of a table."""
    frame = pl.DataFrame(columns)
    path = folder / f"{name}.{ending}"
    if ending == "frame":
        return frame
    if ending == "pattern":
        half = frame.height // 2
        frame[:half].write_csv(folder / f"{name}-1.csv")
        frame[half:].write_csv(folder / f"{name}-2.csv")
        return str(folder / f"{name}-?.csv")
    if ending == "tsv":
        frame.write_csv(path, separator="\t")
    else:
        write = {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}.get(ending, "write_ipc")
        getattr(frame, write)(path)
    return path


def written(name: str, content: bytes | str):
    def make(folder):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / name

    return make


def packed(form: str, frame: pl.DataFrame, change=None, name: str | None = None):
    """A Parquet or Arrow file whose bytes are changed afterwards."""

    def make(folder):
        stream = io.BytesIO()
        {"parquet": frame.write_parquet, "arrow": frame.write_ipc, "stream": frame.write_ipc_stream}[form](stream)
        data = stream.getvalue()
        ending = "parquet" if form == "parquet" else "arrow"
        return written(name or f"a.{ending}", data if change is None else change(data))(folder)

    return make


def image(name: str, mode: str = "L", size: tuple[int, int] = (5, 4), data: bytes | None = None, keep: float = 1.0):
    """A folder with a good image in each of two classes and a third one of the given kind."""

    def make(folder):
        for part in ("cat/0.png", "dog/0.png"):
            (folder / part).parent.mkdir()
            Image.new("L", (5, 4), 7).save(folder / part)
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if data is not None:
            path.write_bytes(data)
        else:
            noise = np.random.default_rng(0).integers(0, 2 if mode == "1" else 256, (size[1], size[0]), dtype=np.uint8)
            (Image.fromarray(noise).convert(mode) if mode != "I;16" else Image.new(mode, size)).save(path)
            whole = path.read_bytes()
            path.write_bytes(whole[: int(keep * len(whole))])
        return folder

    return make


def several(**files: str):
    def make(folder):
        for name, content in files.items():
            (folder / f"{name}.csv").write_text(content)
        return str(folder / "*.csv")

    return make


def two_kinds(folder):
    written("a.csv", "x,y\n1,2\n")(folder)
    return str(written("a.tsv", "x\ty\n1\t2\n")(folder).with_name("*"))


def link(folder):
    image("cat/1.png")(folder)
    os.symlink("/etc", folder / "mouse")
    return folder


def npy(descr: str, shape: tuple[int, ...], body: bytes = b"") -> bytes:
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def arrow_claims(size: int):
    """The first packed buffer says that it unpacks to `size` bytes."""

    def change(data: bytes) -> bytes:
        at = data.index(struct.pack("<q", 8000))  # 1,000 values of eight bytes
        return data[:at] + struct.pack("<q", size) + data[at + 8 :]

    def make(folder):
        stream = io.BytesIO()
        pl.DataFrame({"x": np.zeros(1000), "y": np.zeros(1000)}).write_ipc(stream, compression="zstd")
        return written("a.arrow", change(stream.getvalue()))(folder)

    return make


SMALL = pl.DataFrame(ROWS)
JSON = '{"x": 1, "y": 0}\n'

BAD = [
    # JSON lines
    ("jsonl: a line cut short", written("a.jsonl", JSON + '{"x": 2, "y"\n'), "line 2, character 13: Expecting"),
    ("jsonl: two objects on a line", written("a.jsonl", JSON + '{"x":1} {"x":2}'), "line 2, character 9: Extra data"),
    ("jsonl: no object", written("a.jsonl", JSON + "[1, 2]\n"), "line 2: expected a JSON object"),
    ("jsonl: a list inside", written("a.jsonl", '{"x": [1], "y": 0}'), "line 1, key 'x': expected a number, text"),
    ("jsonl: an object inside", written("a.jsonl", '{"x": {"a": 1}, "y": 0}'), "found an object. Flatten it"),
    ("jsonl: a key twice", written("a.jsonl", JSON + '{"x": 1, "x": 2}'), "line 2: the key 'x' stands twice"),
    ("jsonl: text among numbers", written("a.jsonl", JSON * 3 + '{"x": "tall", "y": 1}'), "line 4 (row 3), column 'x'"),
    ("jsonl: true among numbers", written("a.jsonl", JSON + '{"x": true, "y": 1}'), "line 2 holds true or false"),
    ("jsonl: infinity", written("a.jsonl", JSON + '{"x": -Infinity, "y": 1}'), "(row 1), column 'x': found -inf"),
    ("jsonl: beyond float64", written("a.jsonl", JSON + '{"x": 1e999, "y": 1}'), "infinite or beyond float64"),
    ("jsonl: thousands of digits", written("a.jsonl", '{"x": ' + "9" * 5000 + "}"), "a number has thousands of digits"),
    ("jsonl: nested deeply", written("a.jsonl", JSON + "[" * 100_000), "line 2: it is nested too deeply"),
    ("jsonl: half a character", written("a.jsonl", '{"x": "\\ud800"}'), "half of a surrogate pair (\\ud800"),
    ("jsonl: an array over lines", written("a.jsonl", "[\n" + JSON + "]"), "is this one JSON array over many lines?"),
    ("jsonl: no keys", written("a.jsonl", "{}\n{}"), "line 1: its objects are empty"),
    ("jsonl: empty", written("a.jsonl", "\n"), "the file is empty (1 bytes)"),
    ("jsonl: only a mark", written("a.jsonl", b"\xef\xbb\xbf"), "the file is empty"),
    ("jsonl: latin-1", written("a.jsonl", JSON.encode() + b'{"x": "\xe9"}'), "line 2: byte 24 is 0xe9, which"),
    ("jsonl: UTF-16", written("a.jsonl", JSON.encode("utf-16")), "UTF-16 byte-order mark"),
    ("jsonl: NUL", written("a.jsonl", JSON + '{"x": "\0"}'), "line 2: a NUL byte at byte 24"),
    ("jsonl: one column", written("a.jsonl", '{"x": 1}'), "'x' is its only column; expected features and a target"),
    ("json: another form", written("a.json", "[]"), "its ending is '.json'; expected CSV"),
    # Parquet and Arrow
    ("parquet: empty", written("a.parquet", b""), "it is no whole Parquet file"),
    ("parquet: cut short", packed("parquet", SMALL, lambda d: d[:-9]), "it is no whole Parquet file"),
    ("parquet: a CSV in disguise", written("a.parquet", "x,y\n1,2\n"), "another kind of file"),
    ("parquet: no rows", packed("parquet", SMALL.clear()), "it has columns ('size', 'colour', 'y') and no rows"),
    ("arrow: empty", written("a.arrow", b""), "the file is empty (0 bytes)"),
    ("arrow: a CSV in disguise", written("a.arrow", "x,y\n1,2\n"), "it is no whole Arrow file (the size of a message)"),
    ("arrow: cut short", packed("arrow", SMALL, lambda d: d[:-9]), "it is no whole Arrow file (its end is missing)"),
    ("arrow: stream cut short", packed("stream", SMALL, lambda d: d[:-99]), "Arrow file (a message that is cut"),
    ("arrow: no rows", packed("arrow", SMALL.clear()), "no rows"),
    ("arrow: Feather 1", written("a.feather", b"FEA1" + bytes(60)), "Feather of version 1; expected version 2"),
    ("arrow: a terabyte", arrow_claims(2**40), "it claims 1.0 TiB of values in a file of"),
    ("arrow: a gigabyte", arrow_claims(2**30), "which is what a decompression bomb does"),
    ("arrow: negative size", arrow_claims(-5), "(the unpacked size of a buffer)"),
    ("parquet: infinity", packed("parquet", SMALL.with_columns(size=float("inf"))), "row 0, column 'size': found inf"),
    ("arrow: infinity", packed("arrow", SMALL.with_columns(size=-float("inf"))), "row 0, column 'size': found -inf"),
    # images
    ("image: no image", image("cat/1.png", data=b"nothing"), "cat/1.png': it is no image; it begins with 'nothing'"),
    ("image: empty", image("cat/1.png", data=b""), "cat/1.png': it is no image; it begins with ''"),
    ("image: PNG cut short", image("cat/1.png", keep=0.6), "cat/1.png': the image is damaged or cut short"),
    ("image: JPEG cut short", image("cat/1.jpg", keep=0.95), "cat/1.jpg': the image is damaged or cut short"),
    ("image: BMP cut short", image("cat/1.bmp", keep=0.99), "cat/1.bmp': the image is damaged or cut short"),
    ("image: 16 bits", image("cat/1.png", mode="I;16"), "mode 'I;16', more than 8 bits a channel"),
    ("image: another size", image("cat/1.png", size=(6, 4)), "it is 4 by 6 (height by width); expected 4 by 5"),
    ("image: PostScript", image("cat/1.png", data=b"%!PS-Adobe-3.0 EPSF-3.0\n"), "it begins with '%!PS-Ado'"),
    ("image: 100 megapixels", image("cat/1.pgm", data=b"P5\n10000 10000\n255\n"), "10,000 by 10,000, 100 megapixels"),
    ("image: beside the classes", image("3.png"), "found '3.png' in no folder of a class"),
    ("image: link", link, "mouse': it is a link that leads outside of the folder"),
    ("folder: empty", lambda folder: folder, "expected a folder for each class with images or texts (.txt) in it"),
    # text
    ("fasttext: no label", written("a.txt", "__label__a one\ntwo\n"), "line 2: expected __label__ and a label at"),
    ("fasttext: empty label", written("a.txt", "__label__ one\n"), "line 1: expected __label__ and a label at"),
    ("fasttext: no text", written("a.txt", "__label__a one\n\n__label__b\n"), "line 3: expected text after the label"),
    ("fasttext: latin-1", written("a.txt", b"__label__a caf\xe9\n"), "line 1: byte 14 is 0xe9"),
    ("txt: no table", written("a.txt", "Hello, you.\nWell\n"), "A .txt file is taken for a table, unless"),
    # tokens with tags
    ("bio: one column", written("a.bio", "a\nb\n"), "a.bio', line 1: expected a token and its tag"),
    ("bio: a column less", written("a.bio", "a X O\n\nb O\n"), "line 3: expected 3 columns as in line 1, found 2"),
    ("bio: a column more", written("a.conll", "a O\nNew York B\n"), "line 2: expected 2 columns as in line 1, found 3"),
    ("bio: empty tag", written("a.iob", "a\tO\nb\t\n"), "line 2: expected 2 columns as in line 1, found an empty one"),
    ("bio: empty", written("a.bio", ""), "the file is empty (0 bytes); expected lines of a token and its tag"),
    ("bio: no sentence", written("a.bio", "-DOCSTART- O\n\n"), "it holds no sentence"),
    ("bio: UTF-16", written("a.bio", "a O\n".encode("utf-16-le")), "That many of them mean UTF-16"),
    # arrays
    ("npy: empty", written("a.npy", b""), "a.npy': it does not begin like an NPY array"),
    ("npy: header cut short", written("a.npy", b"\x93NUMPY\x01\x00v"), "it is no whole NPY file"),
    (
        "npy: a terabyte",
        written("a.npy", npy("<f8", (2**37, 1))),
        "its header claims shape '(137438953472, 1)' of float64, 1.0 TiB, and there are 0 bytes",
    ),
    ("npy: objects", written("a.npy", npy("|O", (1, 2))), "a pickle can run any program"),
    ("npy: one axis", written("a.npy", npy("|u1", (2,), b"ab")), "uint8 of shape (2,); expected numbers of"),
    # several files
    ("pattern: no match", lambda folder: str(folder / "x*.csv"), "the pattern matches no file"),
    ("pattern: two kinds", two_kinds, "it matches files of different kinds, such as"),
    ("pattern: a column renamed", several(a="x,y\n1,2\n", b="X,y\n1,2\n"), "besides; is 'x' there called 'X'?"),
    ("pattern: a column less", several(a="x,y\n1,2\n", b="y\n1\n"), "columns differ, it lacks 'x'. Give all files"),
    ("pattern: a column more", several(a="x,y\n1,2\n", b="x,y,z\n1,2,3\n"), "columns differ, it has 'z' besides"),
    ("pattern: a ragged row", several(a="x,y\n1,2\n", b="x,y\n1\n"), "b.csv', line 2: expected 2 fields"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_what_a_bad_source_is_told(tmp_path, make, words):
    source = make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read(source)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert words in message
    assert message.replace("\n", "").isprintable()
    assert len(message) < 900


def test_types_that_differ_between_files(tmp_path):
    pl.DataFrame({"x": [1], "y": [0]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": ["one"], "y": [0]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"column 'x' is of String there and of Int64 here. Save both"):
        read(str(tmp_path / "*.parquet"))


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_little_that_unpacks_to_half_a_gigabyte(tmp_path, form):
    path = tmp_path / f"bomb.{form}"
    zeros = pl.select(x=pl.repeat(0.0, 2**25), y=pl.repeat(0.0, 2**25))
    zeros.write_parquet(path, compression="zstd") if form == "parquet" else zeros.write_ipc(path, compression="zstd")
    assert path.stat().st_size < 2**19
    with pytest.raises(DataError, match=r"to \d+.\d MiB .* which is what a decompression bomb does"):
        read(path)


def test_one_long_text_in_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("gradwright.data.limits.SMALL_BYTES", 2**20)
    pl.DataFrame({"x": ["a" * 20_000] * 2000, "y": [0, 1] * 1000}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"would unpack from .* to 38.1 MiB"):
        read(tmp_path / "a.parquet")


# --- what a trained network is told about rows that do not fit ------------------------------------------------------
@pytest.fixture
def trained():
    rows = read(pl.DataFrame(ROWS))
    task = infer_task(rows)
    return task, fit_preparation(task, rows)


@pytest.mark.parametrize("form", TABLES)
def test_columns_in_any_order_are_the_same_rows(tmp_path, trained, form):
    _, preparation = trained
    expected = preparation.transform(read_rows(pl.DataFrame(ROWS)).features, ignore=["y"])
    turned = read_rows(table(tmp_path, form, dict(reversed(ROWS.items())), "b"))
    assert np.array_equal(preparation.transform(turned.features, place=turned.place, ignore=["y"]), expected)


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": None}, "1 column of the training data missing: 'size'"),
        ({"size": None, "sise": [1.0] * 4}, "'size' (is it 'sise', renamed?)"),
        ({"size": ["1", "2", "3", "tall"]}, "column 'size': expected a number, found 'tall'"),
        ({"size": [1.0, 2.0, 3.0, 1e300]}, "column 'size': found"),
    ],
)
def test_rows_that_do_not_fit(tmp_path, trained, form, change, words):
    columns = {name: values for name, values in (ROWS | change).items() if values is not None}
    rows = read_rows(table(tmp_path, form, columns))
    with pytest.raises(DataError) as caught:
        trained[1].transform(rows.features, place=rows.place, ignore=["y"])
    assert words in str(caught.value)
    if len(change["size"] or ()) == 4:
        assert str(caught.value).startswith(rows.place(3))


@pytest.mark.parametrize("form", TABLES)
def test_an_unseen_category_and_an_unseen_label(tmp_path, trained, form):
    task, preparation = trained
    source = table(tmp_path, form, ROWS | {"colour": ["red", "blue", "teal", "red"], "y": ["no", "yes", "no", "yse"]})
    rows, notes = read_rows(source), []
    assert np.isfinite(preparation.transform(rows.features, place=rows.place, notes=notes, ignore=["y"])).all()
    assert "the category 'teal' was not seen in training" in str(notes[0])
    assert rows.place(2) in str(notes[0])
    with pytest.raises(DataError, match=r"found the label 'yse', which is none of .*; did you mean 'yes'\?") as caught:
        task.encode(rows.features["y"], rows.place)
    assert str(caught.value).startswith(rows.place(3))


@pytest.mark.parametrize("form", TABLES)
def test_a_missing_target_and_one_class_only(tmp_path, form):
    with pytest.raises(DataError, match="no column 'z'"):
        read(table(tmp_path, form, ROWS), target="z")
    with pytest.raises(DataError, match="all 4 rows have the one value 'no'"):
        infer_task(read(table(tmp_path, form, ROWS | {"y": ["no"] * 4})))


@pytest.mark.parametrize("form", TABLES)
def test_nan_is_missing_and_is_noted(tmp_path, form):
    rows = read(table(tmp_path, form, ROWS | {"size": [1.0, float("nan"), 3.0, 4.0]}))
    assert rows.features["size"].to_list() == [1.0, None, 3.0, 4.0]
    assert any("missing value" in note for note in rows.notes)


def test_one_class_in_a_folder_and_in_labelled_text(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.new("L", (2, 2)).save(tmp_path / "cat" / "0.png")
    with pytest.raises(DataError, match="all 1 row have the one value 'cat'"):
        infer_task(read(tmp_path))
    (tmp_path / "a.txt").write_text("__label__a one\n__label__a two\n")
    with pytest.raises(DataError, match="all 2 rows have the one value 'a'"):
        infer_task(read(tmp_path / "a.txt"))


def test_images_of_another_shape_at_prediction(tmp_path):
    for i, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4), 9 * i).save(tmp_path / name / "0.png")
    rows = read(tmp_path)
    preparation = fit_preparation(infer_task(rows), rows)
    (tmp_path / "new").mkdir()
    Image.new("L", (5, 4)).save(tmp_path / "new" / "0.png")
    found = read_rows(tmp_path / "new")
    with pytest.raises(DataError, match=r"images of shape \(1, 4, 5\) of uint8: trained on images of shape \(4, 4\)"):
        preparation.transform(found.features, place=found.place)
    found = read_rows(tmp_path / "new", image_size=(4, 4))
    assert preparation.transform(found.features, place=found.place).shape == (1, 16)


def test_an_unseen_tag(tmp_path):
    (tmp_path / "a.bio").write_text("a B-X\nb O\n\nc O\n")
    (tmp_path / "b.bio").write_text("a O\n\nb O\nc B-Y\n")
    task = infer_task(read(tmp_path / "a.bio"))
    rows = read_rows(tmp_path / "b.bio")
    with pytest.raises(DataError, match=r"b.bio', line 3 \(row 1\), token 1, .*found the tag 'B-Y'"):
        task.encode(rows.features["tags"], rows.place)
