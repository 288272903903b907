"""scikit-learn's whole conformance suite, with nothing left out and no failure expected."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from gradwright.sklearn import GradwrightClassifier, GradwrightRegressor

# Fewer epochs and larger steps than by default: the same lines run, and most fits are too short to be compiled.
ESTIMATORS = [
    GradwrightClassifier(max_iter=50, learning_rate_init=0.02),
    GradwrightRegressor(max_iter=50, learning_rate_init=0.02),
]


@pytest.mark.filterwarnings("ignore")  # some checks warn on purpose, and fifty epochs do not converge
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_check(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)
