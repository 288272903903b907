"""Files that are there whole or not at all, and reading what may be a stranger's without trusting its size or kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from gradwright.errors import StateError

__all__ = ["read_whole", "sync_folder", "temporary_of", "write_whole"]

_PIECE = 16 * 2**20  # bytes of one call to the system


def write_whole(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Write a file whole or not at all: temporary name, fsync, rename, fsync of the folder.

    Parameters
    ----------
    path : Path
        In a folder that is there.
    content : bytes, or several to be written one after the other
        All of the file.

    Raises
    ------
    OSError
        Then the file that was there before is there still, and nothing else.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # not through a link that somebody has put in the temporary file's place
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            for part in (content,) if isinstance(content, bytes) else content:
                _write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_all(descriptor: int, content: bytes | memoryview) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left[:_PIECE]) :]  # a full disk can take a part and refuse the next


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems do not do that for folders
        pass
    finally:
        os.close(descriptor)


def temporary_of(path: Path) -> int | None:
    """Return the process that :func:`write_whole` gave this temporary name for; None for any other name."""
    parts = path.name.rsplit(".", 2)
    ours = (
        len(parts) == 3
        and parts[0].startswith(".")
        and parts[2] == "tmp"
        and parts[1].isdecimal()
        and parts[1].isascii()
    )
    return int(parts[1]) if ours and len(parts[1]) < 12 else None


def read_whole(path: Path, *, largest: int | None = None, links: bool = True) -> bytes:
    """Read a file that may come from a stranger: a device, a pipe or what memory cannot hold is not begun.

    Parameters
    ----------
    path : Path
        The file.
    largest : int, optional
        Bytes that it may have; by default as many as this machine has memory.
    links : bool
        Whether ``path`` may be a symbolic link.

    Raises
    ------
    StateError
        When it is no ordinary file, or too large.
    OSError
        When it cannot be read.
    """
    if not links and path.is_symlink():
        raise StateError("it is a link, which could lead to any file; put the file itself in its place")
    # without O_NONBLOCK, opening a pipe waits for somebody to write into it
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
            raise StateError(f"it cannot be read: it is no ordinary file but {kind}")
        bound = _memory() if largest is None else largest
        if about.st_size > bound:
            raise StateError(f"its {about.st_size:,} bytes are more than the {bound:,} that such a file can have here")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(about.st_size + 1)
    finally:
        os.close(descriptor)
    if len(content) != about.st_size:
        raise StateError("it changes while it is read")
    return content


def _memory() -> int:
    """Bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return 16 * 2**30
