"""NPZ archives and NPY arrays of numbers and text, read without trusting them.

An archive is a ZIP file. Before any value is unpacked, the central directory and every array's own header are
compared with each other, with the bytes that are really there and with the limits in
`gradwright.data.limits`. Nothing is ever unpickled and nothing is ever written to disk, so names such as
``../x`` could do no harm; they are refused nevertheless, because no honest writer of arrays makes them.
"""

from __future__ import annotations

import ast
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.limits import check_unpacked, size_in_words
from gradwright.data.messages import closest, listed, shown
from gradwright.errors import DataError

__all__ = ["read_npy", "read_npz"]

_HEADER_LIMIT = 10_000  # NumPy's own limit for a header that it has not been told to trust


def read_npz(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read named arrays from an NPZ archive.

    Parameters
    ----------
    path : Path
        The archive, stored or deflated, as `numpy.savez` and `numpy.savez_compressed` write it.
    names : sequence of str
        The arrays wanted. Others are left alone.

    Returns
    -------
    dict of str to numpy.ndarray
        In the order of `names`; booleans, integers, floats or text, never objects.

    Raises
    ------
    DataError
        No archive, an array that is not there, an object or structured array, a size that does not agree or
        passes the limits, a name that leads out of the archive, a link, an encrypted or damaged member.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.npz")
    ...     np.savez(path, X=np.eye(2), y=np.arange(2))
    ...     read_npz(path, ["y"])
    {'y': array([0, 1])}
    """
    where = shown(str(path), 200)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(archive, where)
            wanted: dict[str, zipfile.ZipInfo] = {}
            for name in names:
                if name + ".npy" not in members:
                    arrays = [m.removesuffix(".npy") for m in members]
                    raise DataError(
                        f"cannot read {where}: expected an array {shown(name)}, found "
                        f"{listed(arrays) or 'no arrays'}{closest(name, arrays)}. Save it with "
                        f"numpy.savez(path, {', '.join(f'{n}=…' for n in names)})"
                    )
                wanted[name] = members[name + ".npy"]
            there = path.stat().st_size  # the directory can lie about the compressed size too
            check_unpacked(where, claimed=sum(m.file_size for m in wanted.values()), stored=there)
            for name, member in wanted.items():
                what = f"array {shown(name)} of {where}"
                check_unpacked(what, claimed=member.file_size, stored=min(member.compress_size, there))
            return {name: _read_member(archive, member, name, where) for name, member in wanted.items()}
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        struct.error,
        ArithmeticError,
    ) as error:
        raise _damaged(where, error) from None
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise _damaged(where, error) from None
        raise


def read_npy(path: Path) -> NDArray[Any]:
    """Read an NPY file: one array, as `numpy.save` writes it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    numpy.ndarray
        Booleans, integers, floats or text, never objects.

    Raises
    ------
    DataError
        No array, an object or structured one, or a size that does not agree or passes the limits.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.npy")
    ...     np.save(path, np.eye(2))
    ...     read_npy(path).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    where = shown(str(path), 200)
    try:
        with path.open("rb") as stream:
            return _read_array(stream, path.stat().st_size, where)
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    except (EOFError, struct.error) as error:
        raise DataError(
            f"cannot read {where}: it is no whole NPY file ({shown(str(error), 120)}). It may be cut short, damaged or "
            f"another kind of file; save it again with numpy.save"
        ) from None


def _damaged(where: str, error: Exception) -> DataError:
    return DataError(
        f"cannot read {where}: it is no whole NPZ archive ({shown(str(error), 120)}). It may be cut short, "
        f"damaged or another kind of file; save it again with numpy.savez"
    )


def _checked_members(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.orig_filename
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
            raise DataError(
                f"cannot read {where}: its member {shown(name)} has a name that leads out of the archive. "
                f"No writer of arrays makes such names; do not trust this file"
            )
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            raise DataError(
                f"cannot read {where}: its member {shown(name)} is a link. No writer of arrays makes links; "
                f"do not trust this file"
            )
        if name in members:
            raise DataError(f"cannot read {where}: two members are called {shown(name)}, so which one counts is unsure")
        if member.flag_bits & 1:
            raise DataError(f"cannot read {where}: its member {shown(name)} is encrypted; save it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"cannot read {where}: its member {shown(name)} is compressed by method "
                f"{member.compress_type}; expected stored or deflated, as numpy.savez writes them"
            )
        members[name] = member
    return members


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, where: str) -> NDArray[Any]:
    with archive.open(member) as stream:
        return _read_array(stream, member.file_size, f"array {shown(name)} of {where}")


def _read_array(stream: IO[bytes], size: int, what: str) -> NDArray[Any]:
    """Read header and values of an array that takes `size` bytes in all."""
    shape, fortran, dtype, header_size = _npy_header(stream, what)
    count = 1
    for length in shape:
        count *= length
    claimed = count * dtype.itemsize
    there = size - header_size
    if claimed != there:
        raise DataError(
            f"cannot read {what}: its header claims shape {shown(str(shape))} of {dtype}, "
            f"{size_in_words(claimed)}, and there are {size_in_words(max(there, 0))}. "
            f"The file is damaged or forged; save it again"
        )
    check_unpacked(what, claimed=claimed, stored=claimed)
    values = np.empty(count, dtype)
    target = values.view(np.uint8).data
    filled = 0
    while filled < claimed:
        got = stream.readinto(target[filled : filled + (1 << 20)])  # type: ignore[attr-defined]
        if not got:
            raise EOFError(f"{what} ends after {filled} of {claimed} bytes")
        filled += got
    stream.read(1)  # the end: the checksum of an archive is compared here
    if not dtype.isnative:
        values = values.astype(dtype.newbyteorder("="))
    if dtype.kind == "U" and count and int(values.view(np.uint32).max()) > 0x10FFFF:
        raise DataError(f"cannot read {what}: its text holds numbers that are no characters; the file is damaged")
    return values.reshape(shape, order="F" if fortran else "C")


def _npy_header(stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, dtype and size of an array's header, read by literal evaluation of a bounded text."""
    start = stream.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise DataError(f"cannot read {what}: it does not begin like an NPY array (found {shown(start[:8])})")
    wide = start[6] > 1
    raw = stream.read(4 if wide else 2)
    size = struct.unpack("<I" if wide else "<H", raw)[0]
    if size > _HEADER_LIMIT:
        raise DataError(f"cannot read {what}: its header claims {size_in_words(size)}; expected under {_HEADER_LIMIT}")
    text = stream.read(size)
    try:
        header = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
        shape, fortran, description = header["shape"], header["fortran_order"], header["descr"]
        good = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape) and len(shape) <= 32
        if not (good and isinstance(fortran, bool) and isinstance(description, str) and len(header) == 3):
            raise ValueError("shape, order or dtype")
        dtype = np.dtype(description)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise DataError(
            f"cannot read {what}: its header {shown(text, 80)} does not describe a plain array "
            f"({shown(str(error))}). Structured arrays are not read; save each field as an array of its own"
        ) from None
    if dtype.kind == "O":
        raise DataError(
            f"cannot read {what}: it is an array of Python objects (dtype object), which only unpickling "
            "could read, and a pickle can run any program. Save it as numbers or text: "
            f"numpy.asarray({'…'}, dtype=float)"
        )
    if dtype.kind not in "biufU" or dtype.itemsize == 0:
        raise DataError(f"cannot read {what}: its dtype is {dtype}; expected booleans, integers, floats or text")
    return shape, fortran, dtype, 8 + (4 if wide else 2) + size
