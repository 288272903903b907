"""Ctrl-C and SIGTERM: one orderly stop, however often they come."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["Signals"]

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
_PATIENCE = 3  # signals until even an orderly stop is broken off


class Signals:
    """Handle Ctrl-C and SIGTERM while the ``with`` block runs.

    While a network trains (:meth:`polite`) the first one asks the trainer to stop at the end of its block of steps, and
    more of them change nothing until the third, which breaks off. Elsewhere the first raises KeyboardInterrupt, and the
    rest are ignored, so that cleaning up is not disturbed.

    Attributes
    ----------
    caught : int or None
        The first signal that came; a shell expects the exit status 128 + it.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        self._count = 0
        self._trainer: Trainer | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():  # only there signals can be handled
            self._before = {number: signal.signal(number, self._handle) for number in _NAMES}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def polite(self, trainer: Trainer) -> Iterator[None]:
        """Let a running ``fit`` come to the end of its block."""
        self._trainer = trainer
        try:
            yield
        finally:
            self._trainer = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self.caught = self.caught or number
        if self._trainer is not None and self._count < _PATIENCE:
            self._trainer.stop(f"stopped by {_NAMES[signal.Signals(self.caught)]}")
        elif self._count == 1 or self._count == _PATIENCE:
            raise KeyboardInterrupt
