"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.groups import Group, Groups
from gradwright.tune.layout import Layout
from gradwright.tune.members import Member, MemberResult, Members, train_members
from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter
from gradwright.tune.population import Population
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
    "Group",
    "Groups",
    "Hyperband",
    "Integer",
    "LRSweep",
    "Layout",
    "Linear",
    "Log",
    "Member",
    "MemberResult",
    "Members",
    "Parameter",
    "Population",
    "PopulationBased",
    "QuasiRandom",
    "Random",
    "Space",
    "StoredTrial",
    "Strategy",
    "StudyStore",
    "SuccessiveHalving",
    "train_members",
]
