"""Estimators with scikit-learn's interface: Gradwright in pipelines, searches and cross-validation."""

from gradwright.sklearn.classifier import GradwrightClassifier
from gradwright.sklearn.regressor import GradwrightRegressor

__all__ = ["GradwrightClassifier", "GradwrightRegressor"]
