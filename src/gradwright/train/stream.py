"""What a trainer asks of data that is read while training goes on."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, runtime_checkable

import numpy as np

__all__ = ["RowStream"]

Arrays = tuple[np.ndarray, np.ndarray]


@runtime_checkable
class RowStream(Protocol):
    """Rows in blocks, whose order is a function of the epoch; :class:`gradwright.data.StreamPart` is one."""

    rows: int
    batch_size: int

    def example(self) -> Arrays:
        """Return one row: x of shape (1, ...) and y of shape (1, ...)."""

    def blocks(self, epoch: int, start_step: int = 0) -> Generator[Arrays, None, None]:
        """Give out (x, y) from a step on: whole batches; only the last block of the epoch may end in a short one."""
