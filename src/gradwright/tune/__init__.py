"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.comparison import compare_configurations
from gradwright.tune.comparison_book import ComparisonBook
from gradwright.tune.cross_validation import cross_validate
from gradwright.tune.folds import Fold, draw_folds
from gradwright.tune.groups import Group, Groups
from gradwright.tune.layout import Layout
from gradwright.tune.members import Member, MemberResult, Members, train_members
from gradwright.tune.outcome import Outcome
from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter
from gradwright.tune.plans import SearchSettings
from gradwright.tune.population import Population
from gradwright.tune.seeds import train_seeds
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
from gradwright.tune.tuning import SearchFolder, Searching, resumed, run_search, search_work

__all__ = [
    "ASHA",
    "Bayesian",
    "Choice",
    "ComparisonBook",
    "Fold",
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
    "Outcome",
    "Parameter",
    "Population",
    "PopulationBased",
    "QuasiRandom",
    "Random",
    "SearchFolder",
    "SearchSettings",
    "Searching",
    "Space",
    "StoredTrial",
    "Strategy",
    "StudyStore",
    "SuccessiveHalving",
    "compare_configurations",
    "cross_validate",
    "draw_folds",
    "resumed",
    "run_search",
    "search_work",
    "train_members",
    "train_seeds",
]
