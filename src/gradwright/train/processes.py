"""Whether the process that wrote something is still there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["alive"]


def alive(process: int, *, since: float | None = None) -> bool:
    """Say whether a process runs on this machine.

    Parameters
    ----------
    process : int
        Its number.
    since : float, optional
        A time, in seconds since 1970, at which it ran. Numbers are used again: a process that began later is another
        one (told on Linux only).

    Examples
    --------
    >>> alive(os.getpid()), alive(os.getpid(), since=0.0)
    (True, False)
    """
    if not 0 < process < 2**31:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    began = _began(process)
    return since is None or began is None or began <= since + 2  # the clocks tick in hundredths, and may be set


def _began(process: int) -> float | None:
    """Return when a process began, in seconds since 1970."""
    try:
        # the name, in brackets, may hold anything; the 20th field after it is the start in ticks since the machine's
        ticks = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[19])
        lines = Path("/proc/stat").read_text().splitlines()
        started = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
        return started + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None
