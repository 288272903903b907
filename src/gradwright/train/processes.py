"""Whether the process that wrote something is still there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = ["alive", "training_process"]


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


def training_process(status: Mapping[str, Any]) -> int | None:
    """Return the number of the process that trains a run now, by its ``status.json``; None when none does.

    Examples
    --------
    >>> training_process({"state": "running", "pid": 2**40, "time": "2026-01-01T12:00:00+00:00"})
    >>> training_process({"state": "finished", "pid": os.getpid()})
    """
    process, time = status.get("pid"), status.get("time")
    if status.get("state") != "running" or type(process) is not int:
        return None
    try:
        since = datetime.fromisoformat(time).timestamp() if isinstance(time, str) else None
    except (ValueError, OverflowError, OSError):
        since = None
    return process if alive(process, since=since) else None


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
