"""A sign of life from inside a long job, so that one that computes is told from one that hangs."""

from __future__ import annotations

import threading

__all__ = ["tick", "ticks"]


class _Count:
    """How often any job of this process has said that it goes on."""

    value = 0
    lock = threading.Lock()


def tick(*_: object, **__: object) -> None:
    """Say that the job goes on; a work function calls it now and then, say each epoch.

    It takes any arguments, so that it can be given as a hook.
    """
    with _Count.lock:
        _Count.value += 1


def ticks() -> int:
    """Return how often :func:`tick` has been called in this process."""
    return _Count.value
