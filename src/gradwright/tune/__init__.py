"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter
from gradwright.tune.space import Space
from gradwright.tune.storage import StoredTrial, StudyStore
from gradwright.tune.strategies import Grid, QuasiRandom, Random, Strategy

__all__ = [
    "Choice",
    "Grid",
    "Integer",
    "Linear",
    "Log",
    "Parameter",
    "QuasiRandom",
    "Random",
    "Space",
    "StoredTrial",
    "Strategy",
    "StudyStore",
]
