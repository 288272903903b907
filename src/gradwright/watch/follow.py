"""Reading files of JSON lines as they grow: only what is new, whole lines only, and in bounded memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Follower"]

#: Bytes that are read at once.
CHUNK = 1 << 20
#: A line of more bytes is no record of ours; it is skipped.
LONGEST = 4 << 20


class Follower:
    """The objects of a JSON-lines file that is still being written.

    A last line without its end is left for the next time; a line that is no JSON object is skipped. When the file was
    replaced or cut short (a resumed run goes back to its checkpoint), it is read anew from the start.

    Parameters
    ----------
    path : Path
        Need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0
        self._inode: int | None = None
        self._rest = b""
        self._skipping = False

    def read(self) -> Iterator[dict[str, Any] | None]:
        """Yield the objects that are new since the last time; None says that everything before is void."""
        try:
            file = self.path.open("rb")
        except OSError:  # not there yet, or no longer
            return
        with file:
            found = os.fstat(file.fileno())
            if self._inode is not None and (found.st_ino != self._inode or found.st_size < self._place):
                self._place, self._rest, self._skipping = 0, b"", False
                yield None
            self._inode = found.st_ino
            file.seek(self._place)
            while chunk := file.read(CHUNK):
                self._place += len(chunk)
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    if not self._skipping and (value := _object(line)) is not None:
                        yield value
                    self._skipping = False
                if len(self._rest) > LONGEST:
                    self._rest, self._skipping = b"", True


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
