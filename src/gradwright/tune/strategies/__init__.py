"""Search strategies, one a file: what to try next, by what was found."""

from gradwright.tune.strategies.asha import ASHA, Job
from gradwright.tune.strategies.base import Direction, Strategy, better_first
from gradwright.tune.strategies.bayesian import Bayesian
from gradwright.tune.strategies.grid import Grid
from gradwright.tune.strategies.hyperband import Hyperband
from gradwright.tune.strategies.lr_sweep import LRSweep
from gradwright.tune.strategies.population_based import Copy, PopulationBased
from gradwright.tune.strategies.quasi_random import QuasiRandom
from gradwright.tune.strategies.random import Random
from gradwright.tune.strategies.rungs import Rung, SuccessiveHalving

__all__ = [
    "ASHA",
    "Bayesian",
    "Copy",
    "Direction",
    "Grid",
    "Hyperband",
    "Job",
    "LRSweep",
    "PopulationBased",
    "QuasiRandom",
    "Random",
    "Rung",
    "Strategy",
    "SuccessiveHalving",
    "better_first",
]
