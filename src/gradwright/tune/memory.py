"""How much memory a population may take."""

from __future__ import annotations

from pathlib import Path

from gradwright.backend import jax_modules

__all__ = ["available_memory", "memory_budget"]

#: The share of what is free that may be used: what XLA holds for a moment is estimated only.
SHARE = 0.4
_UNKNOWN = 4 * 2**30


def available_memory() -> int:
    """Return the bytes that are free: on the device, or for this process where its group is limited."""
    device = jax_modules().jax.local_devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return int(stats.get("bytes_limit", _UNKNOWN)) - int(stats.get("bytes_in_use", 0))
    found = [n for n in (_free(), _of_group()) if n is not None]
    return min(found, default=_UNKNOWN)


def memory_budget() -> int:
    """Return how many bytes members may take together."""
    return int(SHARE * available_memory())


def _free() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def _of_group() -> int | None:
    """Return what the control group leaves, as containers limit it."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text().strip()
        return None if most == "max" else int(most) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None
