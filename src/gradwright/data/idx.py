"""IDX files, the format of MNIST and its kin, gzipped or not, one by one or as a folder with a split of its
own.

An IDX file is four bytes of magic (two zeros, a code for the dtype, the number of axes), the axes' lengths as
big-endian 32-bit integers, and the values in C order. Source: Y. LeCun, C. Cortes, C. Burges, the MNIST
database.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradwright.data.limits import check_unpacked, size_in_words
from gradwright.data.messages import listed, plural, shown
from gradwright.errors import DataError

__all__ = ["is_idx_folder", "read_idx", "read_idx_folder"]

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(r"^(?P<part>.*?)[-_.]?(?P<role>images|labels)[-_.]idx\d[-_.]ubyte(\.gz)?$", re.IGNORECASE)


def read_idx(path: Path) -> NDArray[Any]:
    """Read one IDX file.

    Parameters
    ----------
    path : Path
        The file; gzip is recognised by its first two bytes, not by its name.

    Returns
    -------
    numpy.ndarray
        With the axes and dtype that the file names, in native byte order.

    Raises
    ------
    DataError
        A wrong magic number, a file that is cut short or goes on after its end, a claim beyond the limits of
        `gradwright.data.limits`, or a damaged gzip stream. No more is unpacked than the header claims.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    where = shown(str(path), 200)
    try:
        stored = path.stat().st_size
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _read_stream(raw, where, stored, zipped)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _read_stream(stream, where, stored, zipped)  # type: ignore[arg-type]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"cannot read {where}: its gzip stream is damaged or cut short ({shown(str(error), 100)}). Fetch it again"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None


def _read_stream(stream: BinaryIO, where: str, stored: int, zipped: bool) -> NDArray[Any]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= 8:
        raise DataError(
            f"cannot read {where}: its magic number is 0x{magic.hex() or '(nothing)'}; an IDX file begins "
            f"with two zero bytes, a dtype code ({', '.join(f'0x{code:02x}' for code in _DTYPES)}) and its "
            f"number of axes. Is it another kind of file?"
        )
    dtype = np.dtype(_DTYPES[magic[2]])
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(f"cannot read {where}: it is cut short within its header of {4 + 4 * magic[3]} bytes")
    shape = struct.unpack(f">{magic[3]}I", lengths)
    claimed = dtype.itemsize
    for length in shape:
        claimed *= length
    header = 4 + 4 * magic[3]
    if not zipped and claimed != stored - header:
        raise _wrong_size(where, shape, dtype, claimed, max(stored - header, 0))
    check_unpacked(where, claimed=claimed, stored=stored)
    values = np.empty(claimed // dtype.itemsize, dtype)
    target = values.view(np.uint8).data
    filled = 0
    while filled < claimed:
        got = stream.readinto(target[filled : filled + (1 << 20)])  # type: ignore[attr-defined]
        if not got:
            raise _wrong_size(where, shape, dtype, claimed, filled)
        filled += got
    if stream.read(1):
        raise _wrong_size(where, shape, dtype, claimed, claimed + 1)
    return values.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _wrong_size(where: str, shape: tuple[int, ...], dtype: np.dtype[Any], claimed: int, there: int) -> DataError:
    found = f"at least {there} bytes" if there == claimed + 1 else size_in_words(there)
    state = "goes on after its end" if there > claimed else "is cut short"
    return DataError(
        f"cannot read {where}: it {state}. Its header claims shape {shape} of {dtype.name}, "
        f"{size_in_words(claimed)} of values, and there are {found}. Fetch it again"
    )


def is_idx_folder(folder: Path) -> bool:
    """Whether a file in a folder is named as MNIST's are; False for a folder that cannot be read."""
    try:
        return any(_NAME.match(path.name) for path in folder.iterdir())
    except OSError:
        return False


def read_idx_folder(
    folder: Path,
) -> tuple[NDArray[Any], NDArray[Any], tuple[NDArray[np.int64], NDArray[np.int64]] | None]:
    """Read the images and labels of a folder as MNIST's: ``train-images-idx3-ubyte``,
    ``t10k-labels-idx1-ubyte``.

    Parameters
    ----------
    folder : Path
        Holds ``train-images…`` and ``train-labels…``, and perhaps ``t10k-…`` or ``test-…``; each ``.gz`` or
        not.

    Returns
    -------
    images : array, shape (rows, height, width)
        The training rows, then the test rows.
    labels : array, shape (rows,)
        One for each image.
    given_split : (train_rows, test_rows) or None
        Where the test rows begin; None when there are none.

    Raises
    ------
    DataError
        No such files, images without labels, or numbers of them that differ.
    """
    where = shown(str(folder), 200)
    try:
        files = sorted(p for p in folder.iterdir() if p.is_file())
    except OSError as error:
        raise DataError(f"cannot read the folder {where}: {error.strerror or error}") from None
    parts: dict[str, dict[str, Path]] = {}
    for path in files:
        match = _NAME.match(path.name)
        if match:
            roles = parts.setdefault(match["part"].lower(), {})
            role = match["role"].lower()
            if role in roles and path.suffix == ".gz":
                continue  # the same file gzipped and not: the plain one is sorted first and faster
            roles[role] = path
    tests = [name for name in parts if name in ("t10k", "test")]
    trains = [name for name in parts if name not in tests]
    if len(trains) != 1 or len(tests) > 1:
        raise DataError(
            f"cannot use the folder {where}: expected IDX files such as train-images-idx3-ubyte.gz and "
            "train-labels-idx1-ubyte.gz (and t10k-… or test-…), found "
            f"{listed([p.name for p in files], 8) or 'no files'}"
        )
    images, labels = [], []
    for name in trains + tests:
        for role in ("images", "labels"):
            if role not in parts[name]:
                raise DataError(f"cannot use the folder {where}: it has no {role} beside {shown(name + '-…')}")
        x, y = read_idx(parts[name]["images"]), read_idx(parts[name]["labels"])
        if x.ndim < 2 or y.ndim != 1 or len(x) != len(y):
            raise DataError(
                f"cannot use {shown(str(parts[name]['images']), 200)}: images of shape {x.shape} and labels "
                f"of shape {y.shape}; expected (n, height, width) and (n,) with the same n"
            )
        images.append(x)
        labels.append(y)
    if images[0].shape[1:] != images[-1].shape[1:]:
        raise DataError(
            f"cannot use the folder {where}: training images of shape {images[0].shape[1:]} and test images "
            f"of shape {images[-1].shape[1:]}; expected the same"
        )
    if len(images[0]) == 0:
        raise DataError(f"cannot use the folder {where}: {plural(0, 'training image')}")
    if not tests:
        return images[0], labels[0], None
    first, total = len(images[0]), len(images[0]) + len(images[1])
    split = np.arange(first, dtype=np.int64), np.arange(first, total, dtype=np.int64)
    return np.concatenate(images), np.concatenate(labels), split
