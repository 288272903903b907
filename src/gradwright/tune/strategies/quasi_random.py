"""Quasi-random search."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.tune.space import Space
from gradwright.tune.strategies.base import Direction, Strategy

__all__ = ["QuasiRandom"]


class QuasiRandom(Strategy):
    """Scrambled Sobol' points: each drawn like a random one, and together spread more evenly.

    Parameters
    ----------
    space, trials, seed, direction
        As :class:`Strategy` has them. A power of two is the best count of trials.

    References
    ----------
    Owen, "Scrambling Sobol' and Niederreiter–Xing Points", Journal of Complexity 14 (1998); the points are SciPy's.

    Examples
    --------
    >>> from gradwright.tune import Linear, Space
    >>> search = QuasiRandom(Space({"dropout": Linear(0.0, 0.5)}), trials=4)
    >>> sorted(int(values["dropout"] // 0.125) for values in search.ask(4))  # one in each quarter
    [0, 1, 2, 3]
    """

    name: ClassVar[str] = "quasi-random"

    def __init__(self, space: Space, *, trials: int, seed: int = 0, direction: Direction = "minimize") -> None:
        super().__init__(space, trials=trials, seed=seed, direction=direction)
        from scipy.stats import qmc

        sobol = qmc.Sobol(len(space), scramble=True, seed=np.random.default_rng(seed))
        self._points = sobol.random_base2((trials - 1).bit_length())[:trials]

    def _propose(self, count: int) -> list[dict[str, Any]]:
        return [self.space.from_unit(u) for u in self._points[len(self.asked) : len(self.asked) + count]]
