"""A progress bar for whoever waits at a terminal, and for nobody else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["watched"]

_T = TypeVar("_T")
_PATIENCE = 2.0  # seconds before anybody asks


def watched(items: Sequence[_T], what: str) -> Iterator[_T]:
    """Go through items; after two seconds, where the error output is a terminal, show how far it is.

    Parameters
    ----------
    items : sequence
        What is gone through.
    what : str
        What is being done to them, such as ``reading images``.

    Examples
    --------
    >>> list(watched([1, 2], "counting"))
    [1, 2]
    """
    if not sys.stderr.isatty():
        yield from items
        return
    started, done = time.monotonic(), 0
    while done < len(items) and time.monotonic() - started < _PATIENCE:
        yield items[done]
        done += 1
    if done == len(items):
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items[done:], what, total=len(items), completed=done, console=console, transient=True)
