"""Readers under random and mutated bytes: data or a `DataError`, never anything else; and tables that come back."""

import io
import json
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gradwright.data import read, read_rows
from gradwright.errors import DataError

EXAMPLES = 40
once = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
FRAME = pl.DataFrame(
    {
        "number": [1.5, None, -3.0, 1e300] * 5,
        "whole": pl.Series([1, 2, None, -4] * 5, dtype=pl.Int32),
        "word": ["red", "a much longer text than twelve bytes", None, ""] * 5,
        "kind": pl.Series(["a", "b", "a", None] * 5, dtype=pl.Categorical),
        "flag": [True, False, None, True] * 5,
        "day": pl.Series([1, 2, 3, None] * 5).cast(pl.Date),
        "list": [["a"], [], None, ["b", "c"]] * 5,
        "y": [0, 1] * 10,
    }
)
TABLE = FRAME.drop("list")


def bytes_of(write, **options) -> bytes:
    stream = io.BytesIO()
    write(stream, **options)
    return stream.getvalue()


def picture(form: str) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return bytes_of(Image.fromarray(values).save, format=form)


GOOD = {
    "a.csv": TABLE.write_csv().encode(),
    "b.csv": b'"x";"a ""b""";y\r\n1,5;"two\nlines";0\r\n\r\n2,5;NA;1\r\n',
    "a.tsv": TABLE.write_csv(separator="\t").encode(),
    "a.jsonl": TABLE.write_ndjson().encode() + '{"word":"é\\u00e9\\ud83d\\ude00","new":NaN}\n'.encode(),
    "a.txt": "__label__a one déjà\n\n__label__b __label__a two\n".encode() * 5,
    "a.bio": "-DOCSTART- O\n\nEU B-ORG\nrejects O\n\nGérman I-MISC\n".encode() * 3,
    "a.parquet": bytes_of(FRAME.write_parquet),
    "b.parquet": bytes_of(TABLE.write_parquet, compression="snappy", row_group_size=5),
    "a.arrow": bytes_of(FRAME.write_ipc, compression="zstd"),
    "b.arrow": bytes_of(FRAME.write_ipc, compression="lz4", record_batch_size=5),
    "c.arrow": bytes_of(FRAME.write_ipc),
    "d.arrow": bytes_of(FRAME.write_ipc_stream, compression="zstd"),
    "a.npz": bytes_of(np.savez_compressed, X=np.eye(3), y=np.arange(3)),
    "b.npz": bytes_of(np.savez, X=np.eye(3), y=np.array(["a", "b", "ü"])),
    "a.npy": bytes_of(lambda stream: np.save(stream, np.eye(4))),
    "train-images-idx3-ubyte": bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 2, 2) + bytes(range(16)),
    **{f"a.{form}": picture(form) for form in ("png", "jpeg", "gif", "bmp", "webp")},
    "a.ppm": picture("ppm"),
}
MAGIC = {
    ".parquet": [b"PAR1"],
    ".arrow": [b"ARROW1\0\0", b"\xff\xff\xff\xff"],
    ".npz": [b"PK\x03\x04"],
    ".npy": [b"\x93NUMPY\x01\0"],
    ".txt": [b"__label__"],
    ".jsonl": [b'{"x":'],
    ".png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    ".jpeg": [b"\xff\xd8\xff\xe0"],
    ".gif": [b"GIF89a"],
    ".bmp": [b"BM"],
    ".webp": [b"RIFF\x20\0\0\0WEBPVP8 "],
    ".ppm": [b"P6\n7 9\n"],
}


def outcome(folder: Path, name: str, data: bytes) -> object:
    """What both ways of reading give for these bytes: rows, or the one error that is allowed."""
    place = folder / name
    if place.suffix in (".png", ".jpeg", ".gif", ".bmp", ".webp", ".ppm") or "idx" in name:
        classes = folder / place.name.replace(".", "_") / ("" if "idx" in name else "class")
        classes.mkdir(parents=True, exist_ok=True)
        (classes / name).write_bytes(data)
        if "idx" in name:
            (classes / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1]))
        place = classes if "idx" in name else classes.parent
    else:
        place.write_bytes(data)
    found: object = None
    for ask in (read, read_rows, lambda path: read(path, task="next_token") if path.suffix == ".txt" else None):
        try:
            found = ask(place)
        except DataError as error:
            found = error
    if isinstance(found, DataError):
        assert str(found).isprintable()
    return found


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_read(tmp_path, name):
    assert not isinstance(outcome(tmp_path, name, GOOD[name]), DataError)


@pytest.mark.parametrize("name", GOOD)
@once
@given(data=st.data())
def test_mutated_files_give_data_or_a_data_error(tmp_path, name, data):
    content = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 4), "changes")):
        at = data.draw(st.integers(0, len(content)), "at")
        match data.draw(st.sampled_from(["flip", "set", "insert", "delete", "cut", "number", "repeat"]), "how"):
            case "flip" if at < len(content):
                content[at] ^= 1 << data.draw(st.integers(0, 7), "bit")
            case "set" if at < len(content):
                content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x0A]), "byte")
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=8), "bytes")
            case "delete":
                del content[at : at + data.draw(st.integers(1, 16), "length")]
            case "cut":
                del content[at:]
            case "number":
                size = data.draw(st.sampled_from([2**31, 2**32 - 1, 2**40, 2**62, 2**63]), "number")
                content[at : at + 8] = struct.pack(data.draw(st.sampled_from(["<Q", ">Q"]), "order"), size)
            case "repeat":
                content[at:at] = content[at : at + 64]
    outcome(tmp_path, name, bytes(content))


@pytest.mark.parametrize("name", sorted({Path(name).suffix or name: name for name in GOOD}.values()))
@once
@given(data=st.data())
def test_random_bytes_give_data_or_a_data_error(tmp_path, name, data):
    start = data.draw(st.sampled_from([b"", *MAGIC.get(Path(name).suffix, [])]), "magic")
    outcome(tmp_path, name, start + data.draw(st.binary(max_size=200), "bytes"))


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_every_flipped_byte_gives_data_or_a_data_error(tmp_path, form):
    frame = pl.DataFrame({"x": [1.0, 2.0], "c": ["a", None]})
    content = bytes_of(frame.write_parquet if form == "parquet" else frame.write_ipc, compression="zstd")
    refused = 0
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]
        (tmp_path / f"a.{form}").write_bytes(changed)
        try:
            assert read_rows(tmp_path / f"a.{form}").rows
        except DataError:
            refused += 1
    assert refused > len(content) // 4


# --- there and back ------------------------------------------------------------------------------------------------
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5).filter(str.isalpha)
cells = st.text(letters, max_size=8)
words = st.text(letters, min_size=1, max_size=6)
COLUMNS = {
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "text": cells,
    "flag": st.booleans(),
}


@st.composite
def frames(draw) -> pl.DataFrame:
    rows = draw(st.integers(1, 6))
    kinds = draw(st.dictionaries(names, st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=4))
    types = {"number": pl.Float64, "whole": pl.Int64, "text": pl.String, "flag": pl.Boolean}
    return pl.DataFrame(
        {
            name: pl.Series(draw(st.lists(st.none() | COLUMNS[kind], min_size=rows, max_size=rows)), dtype=types[kind])
            for name, kind in kinds.items()
        }
    )


@pytest.mark.parametrize("form", ["parquet", "arrow", "stream"])
@once
@given(frame=frames())
def test_columns_come_back(tmp_path, form, frame):
    path = tmp_path / ("a.parquet" if form == "parquet" else "a.arrow")
    {"parquet": frame.write_parquet, "arrow": frame.write_ipc, "stream": frame.write_ipc_stream}[form](path)
    assert read_rows(path).features.equals(frame)


@once
@given(frame=frames(), compact=st.booleans())
def test_json_lines_come_back(tmp_path, frame, compact):
    lines = [json.dumps(row, ensure_ascii=compact) for row in frame.to_dicts()]
    (tmp_path / "a.jsonl").write_bytes("\n".join(lines).encode())
    found = read_rows(tmp_path / "a.jsonl").features
    for name in frame.columns:
        assert found[name].to_list() == frame[name].to_list()


@once
@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6),
    separator=st.sampled_from([",", "\t", ";"]),
)
def test_delimited_text_comes_back(tmp_path, rows, separator):
    frame = pl.DataFrame(dict(zip("abc", zip(*rows, strict=True), strict=True)), schema=dict.fromkeys("abc", pl.String))
    path = tmp_path / ("a.tsv" if separator == "\t" else "a.csv")
    frame.write_csv(path, separator=separator, quote_style="always")
    assert read_rows(path).features.equals(frame)


@once
@given(
    st.lists(st.lists(st.tuples(*[st.text(letters, min_size=1, max_size=6)] * 2), min_size=1), min_size=1, max_size=5)
)
def test_tokens_and_tags_come_back(tmp_path, sentences):
    clean = [[tuple("".join(part.split()) or "x" for part in pair) for pair in sentence] for sentence in sentences]
    (tmp_path / "a.bio").write_bytes("\n\n".join("\n".join("\t".join(p) for p in s) for s in clean).encode())
    found = read(tmp_path / "a.bio")
    assert found.features["tokens"].to_list() == [[token for token, _ in sentence] for sentence in clean]
    assert found.target.to_list() == [[tag for _, tag in sentence] for sentence in clean]


@once
@given(st.lists(st.tuples(names, st.text(letters, min_size=1).filter(str.strip)), min_size=1, max_size=6))
def test_labelled_text_comes_back(tmp_path, pairs):
    clean = [(label, " ".join(text.split())) for label, text in pairs]
    clean = [(label, text) for label, text in clean if text and not text.startswith("__label__")] or [("a", "b")]
    (tmp_path / "a.txt").write_bytes("\n".join(f"__label__{label} {text}" for label, text in clean).encode())
    found = read(tmp_path / "a.txt")
    assert list(zip(found.target, found.features["text"], strict=True)) == clean
