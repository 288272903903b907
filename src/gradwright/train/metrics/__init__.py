"""Figures of merit: of whole arrays with their intervals, and streaming, batch by batch."""

from gradwright.train.metrics.base import Metric
from gradwright.train.metrics.collection import MetricCollection
from gradwright.train.metrics.counting import F1, Accuracy, Precision, Recall, TopK
from gradwright.train.metrics.intervals import Interval, r2_interval, rmse_interval, wilson
from gradwright.train.metrics.probability import Brier, CalibrationError, LogLoss
from gradwright.train.metrics.ranking import ROCAUC, AveragePrecision
from gradwright.train.metrics.regression import MAE, R2, RMSE
from gradwright.train.metrics.table import METRICS, MetricInfo, check_metrics, direction_of, make_metric, metric_info
from gradwright.train.metrics.whole import accuracy, confusion_matrix, per_class, r2, rmse

__all__ = [
    "F1",
    "MAE",
    "METRICS",
    "R2",
    "RMSE",
    "ROCAUC",
    "Accuracy",
    "AveragePrecision",
    "Brier",
    "CalibrationError",
    "Interval",
    "LogLoss",
    "Metric",
    "MetricCollection",
    "MetricInfo",
    "Precision",
    "Recall",
    "TopK",
    "accuracy",
    "check_metrics",
    "confusion_matrix",
    "direction_of",
    "make_metric",
    "metric_info",
    "per_class",
    "r2",
    "r2_interval",
    "rmse",
    "rmse_interval",
    "wilson",
]
