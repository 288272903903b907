"""Early stopping (placeholder until the rules are merged)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Decision(NamedTuple):
    best: int | None
    stop: str | None
    since_best: int


class EarlyStopping:
    def __init__(self, monitor: str = "validation_loss", patience: int | None = 10) -> None:
        self.monitor, self.patience = monitor, patience

    def decide(self, rows: list[dict[str, Any]]) -> Decision:
        best, low, since = None, math.inf, 0
        for i, row in enumerate(rows):
            v = row.get(self.monitor)
            if v is None:
                continue
            if v < low:
                best, low, since = i, v, 0
            else:
                since += 1
        stop = None
        if self.patience is not None and since >= self.patience:
            stop = f"early: validation loss did not improve for {self.patience} epochs"
        return Decision(best, stop, since)
