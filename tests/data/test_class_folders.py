"""Folders of images and texts by class: pixels as Pillow gives them, texts as scikit-learn reads them."""

import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_files

from gradwright.data import infer_task, read, read_rows, split
from gradwright.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


def picture(path, *shape: int, mode: str | None = None, **options) -> np.ndarray:
    values = RNG.integers(0, 256, shape or (4, 5), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return values


def pixels(path, mode: str | None = None) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode) if mode else image)


@pytest.fixture
def folder(tmp_path):
    for name in ("dog", "cat"):
        for i in range(4):
            picture(tmp_path / "set" / name / f"{i}.png")
    return tmp_path / "set"


def refusal(source, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(source, **options)
    return str(caught.value)


def test_grey_images_by_class(folder):
    found = read(folder)
    assert (found.kind, found.features.shape, found.features.dtype) == ("images", (8, 4, 5), np.uint8)
    assert found.target.to_list() == ["cat"] * 4 + ["dog"] * 4
    for row in range(8):
        name = folder / found.target[row] / f"{row % 4}.png"
        assert np.array_equal(found.features[row], pixels(name))
        assert found.place(row) == f"'{name}' (row {row})"
    assert infer_task(found).classes == ("cat", "dog")
    assert found.given_split is None
    assert read(folder).fingerprint == found.fingerprint


def test_the_canonical_split_is_honoured(tmp_path):
    for part, count in (("train", 5), ("test", 2), ("val", 1)):
        for name in ("a", "b"):
            for i in range(count):
                picture(tmp_path / part / name / f"{i}.png")
    found = read(tmp_path)
    train, test = found.given_split
    assert (len(train), len(test)) == (12, 4)
    assert all("/test/" in found.place(row) for row in test)
    assert not any("/test/" in found.place(row) for row in train)
    assert any("'val' joins the training part" in note for note in found.notes)
    parts = split(found, infer_task(found))
    assert parts.given
    assert parts.test.tolist() == test.tolist()


@pytest.mark.parametrize("ending", ["png", "bmp", "webp", "gif", "ppm", "jpg"])
def test_colour_in_every_format(tmp_path, ending):
    for name in ("a", "b"):
        picture(tmp_path / name / f"0.{ending}", 6, 4, 3, **({"lossless": True} if ending == "webp" else {}))
    found = read(tmp_path)
    assert found.shape == (6, 4, 3)
    assert np.array_equal(found.features[1], pixels(tmp_path / "b" / f"0.{ending}", "RGB"))


def test_alpha_is_dropped_and_said(tmp_path):
    one = picture(tmp_path / "a" / "0.png", 4, 5, 4)
    two = picture(tmp_path / "b" / "0.png", 4, 5)
    found = read(tmp_path)
    assert np.array_equal(found.features[0], one[..., :3])
    assert np.array_equal(found.features[1], np.stack([two] * 3, axis=-1))
    assert any("1 image with transparency: it was dropped" in note for note in found.notes)
    assert any("1 image without colour among coloured ones" in note for note in found.notes)


def test_one_bit_and_several_frames(tmp_path):
    picture(tmp_path / "a" / "0.png", mode="1")
    frames = [Image.fromarray(RNG.integers(0, 256, (4, 5), dtype=np.uint8)) for _ in range(3)]
    (tmp_path / "b").mkdir()
    frames[0].save(tmp_path / "b" / "0.gif", save_all=True, append_images=frames[1:])
    found = read(tmp_path)
    assert set(np.unique(found.features[0])) <= {0, 255}
    assert np.array_equal(found.features[1], np.asarray(frames[0]))
    assert any("1 image with several frames: the first was taken (first '0.gif')" in note for note in found.notes)


def test_sizes_that_differ_are_an_error_or_resized(folder):
    picture(folder / "dog" / "9.png", 8, 10)
    message = refusal(folder)
    assert "dog/9.png': it is 8 by 10 (height by width); expected 4 by 5, as 8 of 9 images are" in message
    assert "image_size=(4, 5)" in message
    found = read(folder, image_size=(4, 5))
    oracle = Image.fromarray(pixels(folder / "dog" / "9.png")).resize((5, 4), Image.Resampling.BILINEAR)
    assert np.array_equal(found.features[-1], np.asarray(oracle))
    assert any("1 image resized to 4 by 5" in note for note in found.notes)
    assert read_rows(folder, image_size=(2, 3)).features.shape == (9, 2, 3)
    for bad in ((0, 3), (4,), (2.0, 3), (10**6, 2)):
        with pytest.raises(ConfigError, match=r"the image size is .*; expected \(height, width\) in pixels"):
            read(folder, image_size=bad)


def test_images_to_predict_for_need_no_classes(folder):
    rows = read_rows(folder / "cat")
    assert (rows.kind, rows.features.shape) == ("images", (4, 4, 5))
    assert rows.place(2) == f"'{folder / 'cat' / '2.png'}' (row 2)"
    assert read_rows(folder).rows == 8


def test_what_is_left_out_is_said(folder):
    (folder / "cat" / "notes.csv").touch()
    (folder / "cat" / "Thumbs.db").touch()
    (folder / ".hidden").mkdir()
    (folder / "empty").mkdir()
    (folder / "dog" / "old").mkdir()
    found = read(folder)
    assert found.rows == 8
    assert any("left out 1 file of class 'cat'" in note and "'notes.csv'" in note for note in found.notes)
    assert any("'empty' holds no images or texts and is no class" in note for note in found.notes)
    assert any("left out 1 folder within the class 'dog'" in note for note in found.notes)
    assert len(found.notes) == 3


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(2**20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 20_000, 100_000])
def test_a_hundred_megapixels_are_refused_by_the_header(folder, side):
    (folder / "cat" / "8.png").write_bytes(png_that_claims(side, side))
    tracemalloc.start()
    message = refusal(folder)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    assert "cat/8.png'" in message
    assert "megapixels" in message


def test_images_that_take_too_much_together(folder, monkeypatch):
    monkeypatch.setattr("gradwright.data.image_folder.MAX_BYTES", 159)
    assert "8 images of 4 by 5: they take 160 bytes; the limit is 159 bytes" in refusal(folder)


@pytest.mark.parametrize("deep", [False, True])
def test_links_must_stay_inside(folder, tmp_path, deep):
    picture(tmp_path / "other" / "0.png")
    os.symlink(tmp_path / "other" / ("0.png" if deep else ""), folder / ("cat/8.png" if deep else "mouse"))
    assert "is a link that leads outside of the folder" in refusal(folder)


def test_links_inside_are_followed_and_circles_are_named(folder):
    os.symlink(folder / "cat" / "0.png", folder / "dog" / "8.png")
    assert read(folder).rows == 9
    os.symlink(folder / "circle", folder / "circle")
    assert "circle': it is a link that leads nowhere" in refusal(folder)


@pytest.fixture
def texts(tmp_path):
    for name in ("spam", "ham"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} nümber {i}\nsecond line", encoding="utf-8")
    return tmp_path


def test_texts_by_class_agree_with_scikit_learn(texts):
    found, oracle = read(texts), load_files(texts, encoding="utf-8", shuffle=False)
    order = np.argsort(oracle.filenames)
    assert found.features["text"].to_list() == [oracle.data[i] for i in order]
    assert found.target.to_list() == [oracle.target_names[oracle.target[i]] for i in order]
    assert (found.kind, found.target_name, infer_task(found).kind) == ("table", "label", "binary")
    assert read_rows(texts / "spam").features.columns == ["text"]
    assert read_rows(texts).features.columns == ["text", "label"]


@pytest.mark.parametrize("content", [b"\xff\xfea\0", b"caf\xe9", b"a\0b", b""])
def test_a_text_that_is_none_is_named(texts, content):
    (texts / "ham" / "1.txt").write_bytes(content)
    assert "ham/1.txt'" in refusal(texts)


def test_folders_that_are_no_classes(texts, folder, tmp_path):
    picture(tmp_path / "mixed" / "ham" / "0.png")
    (tmp_path / "mixed" / "ham" / "0.txt").write_text("text")
    assert "holds both images ('0.png') and texts ('0.txt')" in refusal(tmp_path / "mixed")
    assert "has its target fixed: 'label', not 'class'" in refusal(folder, target="class")
    (tmp_path / "parts" / "test").mkdir(parents=True)
    picture(tmp_path / "parts" / "train" / "a" / "0.png")
    assert "its test part holds no images or texts" in refusal(tmp_path / "parts")
