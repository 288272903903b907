"""What runs there are: each in a line, side by side, and cleaned up after."""

from gradwright.train.overview.cleaning import Removal, plan_cleaning, remove
from gradwright.train.overview.side_by_side import Comparison, compare_runs
from gradwright.train.overview.summary import RunSummary, list_runs, read_summary

__all__ = [
    "Comparison",
    "Removal",
    "RunSummary",
    "compare_runs",
    "list_runs",
    "plan_cleaning",
    "read_summary",
    "remove",
]
