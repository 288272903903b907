"""Search strategies, one a file: what to try next, by what was found."""

from gradwright.tune.strategies.base import Direction, Strategy, better_first
from gradwright.tune.strategies.grid import Grid
from gradwright.tune.strategies.quasi_random import QuasiRandom
from gradwright.tune.strategies.random import Random

__all__ = ["Direction", "Grid", "QuasiRandom", "Random", "Strategy", "better_first"]
