"""Grid search."""

from __future__ import annotations

from typing import Any, ClassVar

from gradwright.tune.space import Space
from gradwright.tune.strategies.base import Direction, Strategy

__all__ = ["Grid"]


class Grid(Strategy):
    """All combinations of the parameters' grid values, the last parameter changing fastest.

    Parameters
    ----------
    space : Space
        Whose ranges have ``count`` or ``step``.
    direction : {"minimize", "maximize"}
        Which scores are better.

    Examples
    --------
    >>> from gradwright.tune import Log, Space
    >>> Grid(Space({"lr": Log(1e-3, 1e-1, count=3)})).ask(2)
    [{'lr': 0.001}, {'lr': 0.01}]
    """

    name: ClassVar[str] = "grid"

    def __init__(self, space: Space, *, direction: Direction = "minimize") -> None:
        self._points = space.grid()
        super().__init__(space, trials=len(self._points), direction=direction)

    def record(self) -> dict[str, Any]:
        return {"name": self.name, "trials": self.trials}

    def _propose(self, count: int) -> list[dict[str, Any]]:
        return self._points[len(self.asked) : len(self.asked) + count]
