"""The statistics of honest comparisons: numbers in, numbers and plain words out; nothing is trained here."""

from gradwright.tune.statistics.bootstrap import bootstrap_difference, root_mean
from gradwright.tune.statistics.budget import ExpectedBest, expected_best
from gradwright.tune.statistics.detectable import detectable_accuracy, detectable_difference
from gradwright.tune.statistics.five_by_two import five_by_two_f, five_by_two_t
from gradwright.tune.statistics.intervals import fold_interval, leave_one_out_interval
from gradwright.tune.statistics.mcnemar import mcnemar, mcnemar_table
from gradwright.tune.statistics.resampled import corrected_resampled_t
from gradwright.tune.statistics.result import TestResult
from gradwright.tune.statistics.seeds import SeedSummary, compare_seeds, summarize_seeds
from gradwright.tune.statistics.selection import (
    Optimism,
    best_without_luck,
    expected_largest,
    one_standard_error,
    score_noise,
    selection_optimism,
)
from gradwright.tune.statistics.several import bonferroni, holm, holm_words
from gradwright.tune.statistics.words import Comparison, repeated_testing

__all__ = [
    "Comparison",
    "ExpectedBest",
    "Optimism",
    "SeedSummary",
    "TestResult",
    "best_without_luck",
    "bonferroni",
    "bootstrap_difference",
    "compare_seeds",
    "corrected_resampled_t",
    "detectable_accuracy",
    "detectable_difference",
    "expected_best",
    "expected_largest",
    "five_by_two_f",
    "five_by_two_t",
    "fold_interval",
    "holm",
    "holm_words",
    "leave_one_out_interval",
    "mcnemar",
    "mcnemar_table",
    "one_standard_error",
    "repeated_testing",
    "root_mean",
    "score_noise",
    "selection_optimism",
    "summarize_seeds",
]
