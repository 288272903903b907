"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter
from gradwright.tune.space import Space
from gradwright.tune.storage import StoredTrial, StudyStore
from gradwright.tune.strategies import (
    ASHA,
    Bayesian,
    Grid,
    Hyperband,
    LRSweep,
    PopulationBased,
    QuasiRandom,
    Random,
    Strategy,
    SuccessiveHalving,
)

__all__ = [
    "ASHA",
    "Bayesian",
    "Choice",
    "Grid",
    "Hyperband",
    "Integer",
    "LRSweep",
    "Linear",
    "Log",
    "Parameter",
    "PopulationBased",
    "QuasiRandom",
    "Random",
    "Space",
    "StoredTrial",
    "Strategy",
    "StudyStore",
    "SuccessiveHalving",
]
