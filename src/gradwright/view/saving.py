"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file under a temporary name, flush and rename it.

    Raises
    ------
    OSError
        The file cannot be written; what was there before is still there.
    """
    temporary = path.with_name(
        f".gradwright-{os.getpid()}.tmp"
    )  # not made of the name, which may be as long as allowed
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path
