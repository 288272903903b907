"""Which line of the user's code made an operation: noted as cheaply as can be, read only when somebody asks."""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import sys
from pathlib import Path
from types import CodeType, FrameType

from gradwright import errors
from gradwright.view.graph import Line

__all__ = ["calling_line", "is_ours", "read_line", "spoken"]

_PACKAGE = os.path.dirname(errors.__file__) + os.sep


@functools.cache
def _is_own_file(file: str) -> bool:
    return file.startswith(_PACKAGE)


def is_ours(code: CodeType) -> bool:
    """Say whether code belongs to the library itself."""
    return _is_own_file(code.co_filename)


def calling_line(above: int = 0) -> tuple[CodeType, int] | None:
    """Return the code nearest to this call that is not the library's own, and the place in it.

    So many callers ``above`` this call are known to be the library's.

    A code object outlives its frame and is shared by all of its calls, so this keeps nothing alive that
    was not there before.
    """
    frame: FrameType | None = sys._getframe(1 + above)
    while frame is not None:
        code = frame.f_code
        if not _is_own_file(code.co_filename):
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def read_line(place: tuple[CodeType, int] | None) -> Line | None:
    """Find the file, the number and the text of a noted line.

    Examples
    --------
    >>> line = read_line(calling_line())
    >>> line.text
    'line = read_line(calling_line())'
    """
    if place is None:
        return None
    code, offset = place
    number, end, first, last = next(itertools.islice(code.co_positions(), offset // 2, None), (None,) * 4)
    if number is None:
        return Line(_short(code.co_filename), code.co_firstlineno, "", "")
    whole = linecache.getline(code.co_filename, number)
    part = ""
    if number == end and first is not None and last is not None:
        part = whole.encode()[first:last].decode(errors="replace")  # columns count bytes
    return Line(_short(code.co_filename), number, whole.strip(), part)


def spoken(place: tuple[CodeType, int] | None) -> str:
    """Return a noted line for the end of a message: `` (file:number: text)``, or nothing."""
    line = read_line(place)
    if line is None:
        return ""
    return f" ({line.file}:{line.number}{': ' + line.text if line.text else ''})"


def _short(file: str) -> str:
    """A path as its owner thinks of it; a picture is shown to others, and whose home it was drawn in is not theirs."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return Path(file).name
