"""Compiled programs kept on disk, so that the next process need not compile them again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
from pathlib import Path
from types import ModuleType

__all__ = ["cache_folder", "keep_programs"]

_OFF = ("", "0", "off", "no", "false")
#: When the folder holds more, the programs that were written first go until half of it is left.
MOST_BYTES = 512 * 2**20


def cache_folder() -> Path | None:
    """Return where compiled programs are kept, or None where they are not.

    ``GRADWRIGHT_CACHE`` names the folder, or is ``off``; otherwise it is ``gradwright`` in ``XDG_CACHE_HOME``, or in
    ``~/.cache``. A program is machine code for one processor, so each kind of processor has a folder of its own inside.
    """
    named = os.environ.get("GRADWRIGHT_CACHE")
    if named is not None and named.strip().lower() in _OFF:
        return None
    try:
        if named is not None:
            root = Path(named).expanduser()
        else:
            base = os.environ.get("XDG_CACHE_HOME", "")
            # a relative path there is to be ignored, says the XDG base directory specification
            root = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "gradwright"
    except RuntimeError:  # nobody's home is known
        return None
    return root / "programs" / _processor()


def keep_programs(jax: ModuleType) -> Path | None:
    """Let JAX keep what it compiles, unless its user has said where or the folder is not ours alone to write to.

    Returns
    -------
    Path or None
        The folder; None when nothing is kept there.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return None
    folder = cache_folder()
    if folder is None or not _own(folder):
        return None
    _make_room(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # small programs are what is waited for
    return folder


def _own(folder: Path) -> bool:
    """Make the folder; say whether nobody else can put programs into it, which would be run."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return False
        if not hasattr(os, "getuid"):  # Windows: the profile's folders are the user's own
            return True
        state = folder.stat()
        return state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    except OSError:
        return False


def _make_room(folder: Path) -> None:
    """Take away the oldest programs when there are too many; others may be doing the same."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            files = sorted((s.st_mtime, s.st_size, e.path) for e in entries for s in [e.stat()])
        size = sum(bytes for _, bytes, _ in files)
        if size <= MOST_BYTES:
            return
        for _, bytes, path in files:
            if size <= MOST_BYTES // 2:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            size -= bytes


def _processor() -> str:
    """Return a name for this kind of processor: what it can do is part of the machine code."""
    can = platform.processor()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        can = next((line for line in lines if line.lower().startswith(("flags", "features"))), can)
    return f"{platform.machine() or 'any'}-{hashlib.sha256(can.encode()).hexdigest()[:12]}"
