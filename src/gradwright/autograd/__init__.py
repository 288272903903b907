"""Derivatives as functions, under PyTorch's names."""

from gradwright.autograd import function
from gradwright.engine.autograd import *  # noqa: F403
from gradwright.engine.autograd import __all__ as _names
from gradwright.engine.missing import explained

__all__ = [*_names, "function"]

__getattr__ = explained("gradwright.autograd", globals())
