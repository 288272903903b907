"""Text files as bytes and as lines: UTF-8 or an error that names the byte, whatever the format on top of it."""

from __future__ import annotations

from pathlib import Path

from gradwright.data.limits import MAX_BYTES, size_in_words
from gradwright.data.messages import shown
from gradwright.errors import DataError

__all__ = ["read_lines", "read_text"]


def read_text(path: Path, expected: str) -> bytes:
    r"""Read a text file that is checked to be UTF-8.

    Parameters
    ----------
    path : Path
        The file: UTF-8, with or without a byte-order mark.
    expected : str
        What an empty file should have held, for the message.

    Returns
    -------
    bytes
        Without the byte-order mark; where lines end with ``\r`` alone, with ``\n`` in its place.

    Raises
    ------
    DataError
        The file cannot be opened, is larger than `gradwright.data.limits.MAX_BYTES`, is empty, holds a NUL
        byte or is in another encoding; the message names line and byte.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_bytes("\ufeffOrléans\n".encode())
    ...     read_text(path, "lines").decode()
    'Orléans\n'
    """
    where = shown(str(path), 200)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"cannot read {where}: it has {size_in_words(size)}; the limit is "
                f"{size_in_words(MAX_BYTES)}. Take fewer rows, or save it as Parquet"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror or error}") from None
    return _checked(data, where, expected)


def read_lines(path: Path, expected: str) -> list[str]:
    r"""Read a text file as its lines, numbered from 0, without their ends (``\n`` or ``\r\n``, nothing else).

    Takes and raises what `read_text` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_bytes(b"one\r\n\ntwo\n")
    ...     read_lines(path, "lines")
    ['one', '', 'two']
    """
    data = read_text(path, expected)
    lines = data.decode("utf-8").replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _checked(data: bytes, where: str, expected: str) -> bytes:
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(f"cannot read {where}: the file is empty ({len(data)} bytes); expected {expected}")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            f"cannot read {where}: it begins with a UTF-16 byte-order mark at byte 0; expected UTF-8. "
            f"Save it as UTF-8 (in Excel 'CSV UTF-8'), or convert it: iconv -f UTF-16 -t UTF-8"
        )
    nul = data.find(b"\0")
    if nul >= 0:
        hint = (
            "That many of them mean UTF-16 text: save it as UTF-8 (in Excel 'CSV UTF-8'), or convert it: "
            "iconv -f UTF-16 -t UTF-8"
            if data.count(b"\0") * 4 > len(data)
            else "Text files have none: the file is damaged, or not a text file at all"
        )
        line = data.count(b"\n", 0, nul) + 1
        raise DataError(f"cannot read {where}, line {line}: a NUL byte at byte {nul}. {hint}")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        line = data.count(b"\n", 0, at) + 1
        start = data.rfind(b"\n", 0, at) + 1
        seen = data[max(start, at - 20) : at + 20].split(b"\n")[0].decode("cp1252", errors="replace")
        raise DataError(
            f"cannot read {where}, line {line}: byte {at} is 0x{data[at]:02x}, which is not "
            f"UTF-8. As Windows-1252 the place reads {shown(seen)}. Save the file as UTF-8 (in Excel "
            f"'CSV UTF-8'), or convert it: iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    return data
