"""NPZ and IDX: hostile files are refused by name, before memory is taken; honest ones are read exactly."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from gradwright.data import infer_task, read, read_npz, read_rows, split
from gradwright.data.idx import read_idx
from gradwright.errors import DataError

FASHION = Path("/usr/share/datasets/fashion-mnist")
MIB = 2**20


@contextmanager
def little_memory(limit: int = 4 * MIB):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def refusal(path, reader=read, limit: int = 4 * MIB) -> str:
    with little_memory(limit), pytest.raises(DataError) as caught:
        reader(path)
    return str(caught.value)


def npy(shape, descr: str = "<f8", body: bytes = b"", order: bool = False) -> bytes:
    """An NPY array with any claim in its header."""
    text = repr({"descr": descr, "fortran_order": order, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


@pytest.fixture
def archive(tmp_path):
    def write(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED, name: str = "a.npz"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as file:
            for member, content in members.items():
                file.writestr(member, content)
        return path

    return write


def good(values) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(values))
    return stream.getvalue()


def test_little_memory_notices_much_memory():
    with pytest.raises(AssertionError), little_memory():
        np.ones(MIB)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "u1", "?", "<U5"])
def test_agrees_with_numpy(tmp_path, save, dtype):
    values = np.asfortranarray((np.arange(60).reshape(3, 4, 5) % 7).astype(dtype))
    save(tmp_path / "a.npz", X=values, y=np.arange(3), other=np.zeros(2))
    mine = read_npz(tmp_path / "a.npz", ["X", "y"])
    with np.load(tmp_path / "a.npz", allow_pickle=False) as oracle:
        assert np.array_equal(mine["X"], oracle["X"])
    assert list(mine) == ["X", "y"]
    assert mine["X"].dtype.isnative


def zeros_packed(head: bytes) -> bytes:
    """A raw deflate stream of `head` and a gigabyte of zeros; one packed block of them is repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(64 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + 16 * block + packer.flush()


def test_one_megabyte_that_unpacks_to_a_gigabyte(tmp_path):
    path = tmp_path / "bomb.npz"
    head = npy((2**30,), "|u1")
    packed = zeros_packed(head)
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(packed), len(head) + 2**30, 5, 0)
    local = b"PK\x03\x04" + fields + b"X.npy" + packed
    central = b"PK\x01\x02\x14\x00" + fields + bytes(14) + b"X.npy"
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    path.write_bytes(local + central + end)
    assert path.stat().st_size < 1.1 * MIB
    with zipfile.ZipFile(path) as check, check.open("X.npy") as member:
        assert check.infolist()[0].file_size > 2**30  # the bomb is a real one
        assert member.read(len(head) + MIB) == head + bytes(MIB)
    message = refusal(path, read_rows)
    assert "bomb.npz" in message
    assert "KiB to 1.0 GiB" in message
    assert "decompression bomb" in message


def test_bomb_beside_a_large_honest_array(tmp_path, monkeypatch):
    monkeypatch.setattr("gradwright.data.limits.SMALL_BYTES", 10_000)
    honest = np.random.default_rng(0).integers(0, 256, (6000, 1), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", X=honest, y=np.zeros(30_000))
    assert "array 'y' of" in refusal(tmp_path / "a.npz")


def test_header_that_claims_a_terabyte(archive):
    message = refusal(archive({"X.npy": npy((2**37,)), "y.npy": good([0, 1])}))
    assert "array 'X'" in message
    assert "1.0 TiB" in message
    assert "there are 0 bytes" in message


def test_directory_that_claims_a_terabyte(archive):
    path = archive({"X.npy": good(np.zeros((2, 2))), "y.npy": good([0, 1])}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 20 : at + 28] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)  # both sizes: 4 GiB
    path.write_bytes(data)
    assert "4.0 GiB" in refusal(path)


def test_absurd_shape_beyond_64_bits(archive):
    message = refusal(archive({"X.npy": npy((2**62, 2**62)), "y.npy": good([0])}))
    assert "EiB" in message


def test_object_array(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path(tmp_path / "owned").touch, ())

    np.savez(tmp_path / "a.npz", X=np.array([[Evil()], [Evil()]], dtype=object), y=np.arange(2))
    message = refusal(tmp_path / "a.npz")
    assert "array 'X'" in message
    assert "Python objects" in message
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["../X.npy", "/X.npy", "a/../../X.npy", "..\\X.npy", "C:\\X.npy"])
def test_names_that_lead_out(archive, name):
    message = refusal(archive({name: good([[1.0]]), "X.npy": good([[1.0]]), "y.npy": good([1])}))
    assert "leads out of the archive" in message


def test_links(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("X.npy")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    assert "is a link" in refusal(path)


def test_two_members_of_one_name(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", good([[1.0]]))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("X.npy", good([[2.0]]))
    assert "two members" in refusal(path)


def test_other_compression(archive):
    assert "method 14" in refusal(archive({"X.npy": good([[1.0]])}, zipfile.ZIP_LZMA))


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"not an array",
        npy((2,), "<f8", bytes(15)),
        npy((2,), "<f8", bytes(17)),
        npy((-1,), "<f8"),
        npy((True,), "|u1", b"x"),
        npy([2], "<f8", bytes(16)),
        npy((1,), "|V8", bytes(8)),
        npy((1,), "<c16", bytes(16)),
        npy((1,), "<M8[s]", bytes(8)),
        npy((1,), "nonsense", bytes(8)),
        npy((1,), "<U1", b"\xff\xff\xff\xff"),
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 60000) + b"{" * 60000,
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000,
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 16) + b"__import__('os')",
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{}",
    ],
)
def test_members_that_are_no_plain_array(archive, member):
    message = refusal(archive({"X.npy": member, "y.npy": good([0])}))
    assert "cannot read" in message
    assert "a.npz" in message


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.99])
def test_archive_cut_short(tmp_path, keep):
    np.savez_compressed(tmp_path / "a.npz", X=np.random.default_rng(0).normal(size=(50, 4)), y=np.arange(50))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: int(keep * len(data))])
    assert "no whole NPZ archive" in refusal(tmp_path / "a.npz")


def test_every_flipped_byte_is_an_error_or_harmless(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 2))
    np.savez_compressed(tmp_path / "a.npz", X=values, y=np.arange(5.0))
    data = (tmp_path / "a.npz").read_bytes()
    refused = 0
    for i in range(len(data)):
        (tmp_path / "b.npz").write_bytes(data[:i] + bytes([data[i] ^ 0x55]) + data[i + 1 :])
        try:
            arrays = read_npz(tmp_path / "b.npz", ["X", "y"])
        except DataError:
            refused += 1
        else:
            assert np.array_equal(arrays["X"], values)
    assert refused > len(data) // 2


@pytest.mark.parametrize(("name", "lost"), [("y", "X"), ("X", "y")])
def test_missing_array(tmp_path, name, lost):
    np.savez(tmp_path / "a.npz", **{name: np.eye(2)})
    message = refusal(tmp_path / "a.npz")
    assert f"expected an array '{lost}', found '{name}'" in message


def test_different_lengths(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.eye(3), y=np.arange(2))
    assert "X has 3 rows and y has 2 values" in refusal(tmp_path / "a.npz", limit=50 * MIB)


def test_one_hot_target_is_explained(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.eye(3), y=np.eye(3))
    assert "argmax" in refusal(tmp_path / "a.npz", limit=50 * MIB)


def test_infinity_and_nan_in_an_array(tmp_path):
    values = np.ones((5, 2, 2))
    values[3, 1, 0] = np.nan
    assert any("1 NaN" in note for note in read((values, np.arange(5))).notes)
    values[3, 1, 0] = np.inf
    with pytest.raises(DataError, match=r"row 3: X\[3, 1, 0\] is inf; expected finite numbers"):
        read((values, np.arange(5)))


def test_numbers_are_a_table_and_bytes_are_images():
    y = np.arange(4)
    table, images = read((np.eye(4), y)), read((np.eye(4, dtype=np.uint8), y))
    assert (table.kind, table.feature_names) == ("table", ("x0", "x1", "x2", "x3"))
    assert (images.kind, images.shape) == ("images", (4,))


def idx(values, code: int = 8) -> bytes:
    values = np.asarray(values)
    return bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("train", 12), ("t10k", 5)):
        images = rng.integers(0, 256, (n, 3, 4), dtype=np.uint8)
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(np.arange(n, dtype=np.uint8) % 2))
    return tmp_path


def test_folder_keeps_its_split(folder):
    dataset = read(folder)
    assert dataset.features.shape == (17, 3, 4)
    assert dataset.feature_names[5] == "pixel_1_1"
    train, test = dataset.given_split
    assert (train.tolist(), test.tolist()) == (list(range(12)), list(range(12, 17)))
    assert dataset.target.to_list() == [i % 2 for i in range(12)] + [i % 2 for i in range(5)]
    parts = split(dataset, infer_task(dataset))
    assert parts.test.tolist() == test.tolist()
    assert sorted([*parts.train, *parts.validation]) == train.tolist()
    assert parts.given


@pytest.mark.parametrize(("code", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_idx_dtypes(tmp_path, code, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    (tmp_path / "x").write_bytes(idx(values, code))
    assert np.array_equal(read_idx(tmp_path / "x"), values)


def test_wrong_magic(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\x89PNG....")
    message = refusal(folder)
    assert "train-labels-idx1-ubyte" in message
    assert "magic number is 0x89504e47" in message


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("change", "words"), [(-1, "is cut short"), (1, "goes on after its end")])
def test_wrong_length(tmp_path, zipped, change, words):
    data = idx(np.arange(100, dtype=np.uint8))
    data = data[:change] if change < 0 else data + b"x"
    (tmp_path / "x").write_bytes(gzip.compress(data) if zipped else data)
    message = refusal(tmp_path / "x", read_idx)
    assert words in message
    assert "(100,)" in message


def test_gzip_cut_short_and_damaged(tmp_path):
    data = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)))
    (tmp_path / "x").write_bytes(data[: len(data) // 2])
    assert "gzip stream is damaged or cut short" in refusal(tmp_path / "x", read_idx)
    (tmp_path / "x").write_bytes(data[:-6] + b"\0\0" + data[-4:])
    assert "gzip stream is damaged or cut short" in refusal(tmp_path / "x", read_idx)


def test_gzip_bomb(tmp_path):
    head = gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 2**30))
    (tmp_path / "bomb").write_bytes(head + 16 * gzip.compress(bytes(64 * MIB)))
    assert (tmp_path / "bomb").stat().st_size < 1.1 * MIB
    assert "decompression bomb" in refusal(tmp_path / "bomb", read_idx)


def test_gzip_bomb_behind_a_modest_header(tmp_path):
    with gzip.open(tmp_path / "bomb", "wb", compresslevel=9) as file:
        file.write(bytes([0, 0, 8, 1]) + struct.pack(">I", 10))
        file.write(bytes(64 * MIB))
    assert "goes on after its end" in refusal(tmp_path / "bomb", read_idx)


@pytest.mark.parametrize("zipped", [True, False])
def test_idx_header_that_claims_exabytes(tmp_path, zipped):
    data = bytes([0, 0, 14, 3]) + struct.pack(">3I", 2**31, 2**31, 2**10) + b"few"
    (tmp_path / "x").write_bytes(gzip.compress(data) if zipped else data)
    assert "bytes" in refusal(tmp_path / "x", read_idx)


def test_labels_and_images_that_differ(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(11, np.uint8)))
    assert "(12, 3, 4) and labels of shape (11,)" in refusal(folder)


def test_images_without_labels(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    assert "no labels beside 't10k-…'" in refusal(folder)


def test_folder_without_idx(tmp_path):
    (tmp_path / "cat.png").touch()
    message = refusal(tmp_path)
    assert "found 'cat.png'" in message
    assert "train-images-idx3-ubyte.gz" in message


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist():
    dataset = read(FASHION)
    assert dataset.features.shape == (70_000, 28, 28)
    assert dataset.features.dtype == np.uint8
    assert [len(part) for part in dataset.given_split] == [60_000, 10_000]
    task = infer_task(dataset)
    assert task.class_counts == (7000,) * 10
    assert json.dumps(dataset.columns)
    assert len(dataset.columns) == 200
    raw = gzip.decompress((FASHION / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    assert dataset.features[60_000:].tobytes() == raw


def test_idx_header_that_claims_much_for_a_plain_file(tmp_path):
    (tmp_path / "x").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", 200 * MIB) + bytes(MIB))
    assert "is cut short" in refusal(tmp_path / "x", read_idx)
