"""Loggers for other people's tools, as callbacks; each needs its extra."""

from gradwright.train.loggers.base import FigureLogger
from gradwright.train.loggers.mlflow import MLflowLogger
from gradwright.train.loggers.names import LOGGERS, make_loggers
from gradwright.train.loggers.tensorboard import TensorBoardLogger

__all__ = ["LOGGERS", "FigureLogger", "MLflowLogger", "TensorBoardLogger", "make_loggers"]
