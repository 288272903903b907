"""What happened in a training: a row an epoch, a figure a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["History", "Steps"]


class Steps(Mapping[str, np.ndarray]):
    """Figures of every step, by name: ``step`` (from 1, over all epochs), ``epoch``, ``loss``, ``learning_rate``.

    Examples
    --------
    >>> steps = Steps()
    >>> steps.append(epoch=1, loss=np.array([0.5, 0.25]), learning_rate=np.array([0.1, 0.1]))
    >>> len(steps["loss"]), steps["step"].tolist()
    (2, [1, 2])
    """

    NAMES = ("step", "epoch", "loss", "learning_rate")

    def __init__(self) -> None:
        self._parts: dict[str, list[np.ndarray]] = {name: [] for name in self.NAMES}
        self.count = 0

    def append(self, *, epoch: int, loss: np.ndarray, learning_rate: np.ndarray) -> None:
        """Add the steps of a block."""
        n = len(loss)
        self._parts["step"].append(np.arange(self.count + 1, self.count + n + 1))
        self._parts["epoch"].append(np.full(n, epoch))
        self._parts["loss"].append(np.asarray(loss, np.float64))
        self._parts["learning_rate"].append(np.asarray(learning_rate, np.float64))
        self.count += n

    def since(self, count: int) -> dict[str, np.ndarray]:
        """Return the figures of the steps after the first ``count``."""
        return {name: self[name][count:] for name in self.NAMES}

    def __getitem__(self, name: str) -> np.ndarray:
        parts = self._parts[name]
        if len(parts) > 1:
            self._parts[name] = parts = [np.concatenate(parts)]
        return parts[0] if parts else np.zeros(0, np.int64 if name in ("step", "epoch") else np.float64)

    def __iter__(self) -> Any:
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)

    def load(self, values: Mapping[str, Any]) -> None:
        """Take what ``dict(steps)`` gave."""
        self._parts = {name: [np.asarray(values[name])] for name in self.NAMES}
        self.count = len(self._parts["step"][0])


@dataclass
class History:
    """What happened, an epoch a row and a step a figure, and how it ended."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    best_epoch: int = 0
    stopped: str = ""
    problem: str | None = None
    first_epoch_seconds: float = 0.0  # with what is compiled in it
