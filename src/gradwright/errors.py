"""The exceptions of Gradwright, one hierarchy.

Every message names what was being done, what was found, what was expected and what to do about it.
An exception that replaces a familiar built-in one also inherits from it, so that habits
(``except ValueError``) keep working.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CompileError",
    "ConfigError",
    "DTypeError",
    "DataError",
    "DeviceError",
    "DivisionByZeroError",
    "GradwrightError",
    "GraphError",
    "GraphKeptWarning",
    "IndexOutOfRangeError",
    "LinAlgError",
    "MissingDependencyError",
    "NonFiniteError",
    "RunError",
    "ShapeError",
    "StateError",
    "TrainingInterrupted",
    "UnknownNameError",
]


class GradwrightError(Exception):
    """Base of all errors that Gradwright raises on purpose; the command line prints it without a traceback."""


class ShapeError(GradwrightError, ValueError):
    """Shapes that do not fit together; the message holds all of them."""


class DTypeError(GradwrightError, TypeError):
    """A dtype that an operation does not take."""


class DivisionByZeroError(GradwrightError, ZeroDivisionError):
    """A whole number divided by the whole number 0, which has no answer among whole numbers."""


class IndexOutOfRangeError(GradwrightError, IndexError):
    """An index or class label outside its range; the message names the row and the value."""


class GraphError(GradwrightError, RuntimeError):
    """The computation graph cannot answer: freed, never recorded, or not a scalar."""


class LinAlgError(GradwrightError, RuntimeError):
    """A matrix that has no such inverse or factorization: singular, or not positive-definite."""


class NonFiniteError(GradwrightError, ArithmeticError):
    """NaN or infinity where training cannot go on; the message names step and place."""


class CompileError(GradwrightError, RuntimeError):
    """A step that cannot become one program; the message names the line and the remedy."""


class StateError(GradwrightError, ValueError):
    """A saved state that does not fit: missing, unexpected or misshapen entries."""


class GraphKeptWarning(UserWarning):
    """A line that keeps the graphs of all steps alive for nothing; it names the line and the remedy."""


class DataError(GradwrightError, ValueError):
    """Data that cannot be used: the message names file, line or row, column, and the remedy."""


class ConfigError(GradwrightError, ValueError):
    """A configuration, option or argument that makes no sense; the message names it."""


class RunError(GradwrightError):
    """A run folder that is missing, incomplete or refuses what was asked of it."""


class TrainingInterrupted(GradwrightError):
    """Training was asked to stop, by a signal or by ``Trainer.stop``; the message says where it stopped."""


class CheckpointError(RunError):
    """A checkpoint that cannot be written or read; the message names the file and what is still there."""


class MissingDependencyError(GradwrightError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class DeviceError(GradwrightError, RuntimeError):
    """A device that is not there; the message says what to use instead."""


class UnknownNameError(GradwrightError, AttributeError):
    """A function, method or attribute that is not there; the message names it and says what to use instead."""
