"""Random search."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.tune.strategies.base import Strategy

__all__ = ["Random"]


class Random(Strategy):
    """Values drawn independently of each other.

    Of as many trials, each parameter takes as many values, where a grid repeats few: better when only some of the
    parameters matter. Each trial has a stream of its own, by seed and number.

    Parameters
    ----------
    space, trials, seed, direction
        As :class:`Strategy` has them.

    References
    ----------
    Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13 (2012).

    Examples
    --------
    >>> from gradwright.tune import Linear, Space
    >>> search = Random(Space({"dropout": Linear(0.0, 0.5)}), trials=3, seed=1)
    >>> [round(values["dropout"], 3) for values in search.ask(2) + search.ask(2)]
    [0.256, 0.166, 0.224]
    """

    name: ClassVar[str] = "random"

    def _propose(self, count: int) -> list[dict[str, Any]]:
        numbers = range(len(self.asked), len(self.asked) + count)
        return [self.space.sample(np.random.default_rng([self.seed, number])) for number in numbers]
