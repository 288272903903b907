"""Loggers by name, as the command line says them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradwright.errors import ConfigError
from gradwright.train.loggers.base import FigureLogger
from gradwright.train.loggers.mlflow import MLflowLogger
from gradwright.train.loggers.tensorboard import TensorBoardLogger

__all__ = ["LOGGERS", "make_loggers"]

LOGGERS = ("tensorboard", "mlflow")


def make_loggers(names: Iterable[str], folder: Path, settings: dict[str, Any]) -> list[FigureLogger]:
    """Return the loggers of a run; TensorBoard's files go into its folder.

    Raises
    ------
    ConfigError
        For a name that is none of ``LOGGERS``.
    MissingDependencyError
        When an extra is not installed.
    """
    made: list[FigureLogger] = []
    for name in names:
        if name == "tensorboard":
            made.append(TensorBoardLogger(folder / "tensorboard", settings))
        elif name == "mlflow":
            made.append(MLflowLogger(folder.name, settings))
        else:
            raise ConfigError(f"--log {name}: no such logger; there are {', '.join(LOGGERS)}")
    return made
