"""Gradwright: train neural networks you can see through.

Write it like PyTorch, run it as one compiled program::

    import gradwright as gw
    from gradwright import nn, optim
"""

import numpy as _np

from gradwright import errors, extend, func, linalg, nn, optim, special
from gradwright.compile import Population, compile
from gradwright.engine import *  # noqa: F403
from gradwright.engine import __all__ as _engine_names
from gradwright.engine import autograd
from gradwright.engine.functions import *  # noqa: F403
from gradwright.engine.functions import __all__ as _function_names
from gradwright.errors import GradwrightError
from gradwright.func import *  # noqa: F403
from gradwright.func import __all__ as _transform_names

__version__ = "0.1.0"

float32 = _np.dtype(_np.float32)
float64 = _np.dtype(_np.float64)
int32 = _np.dtype(_np.int32)
int64 = _np.dtype(_np.int64)
bool = _np.dtype(_np.bool_)
double = float64
long = int64

__all__ = [
    "GradwrightError",
    "Population",
    "__version__",
    "autograd",
    "bool",
    "compile",
    "double",
    "errors",
    "extend",
    "func",
    "float32",
    "float64",
    "int32",
    "int64",
    "linalg",
    "long",
    "nn",
    "optim",
    "special",
    *_engine_names,
    *_function_names,
    *_transform_names,
]
