"""Gradwright: train neural networks you can see through.

Write it like PyTorch, run it as one compiled program::

    import gradwright as gw
    from gradwright import nn, optim
"""

import math as _math

from gradwright import amp, autograd, backends, cuda, errors, extend, func, linalg, nn, optim, special, utils
from gradwright.compile import Population, compile
from gradwright.engine import *  # noqa: F403
from gradwright.engine import __all__ as _engine_names
from gradwright.engine import random
from gradwright.engine.dtypes import DTYPES as _DTYPES
from gradwright.engine.dtypes import dtype_named as _dtype_named
from gradwright.engine.functions import *  # noqa: F403
from gradwright.engine.functions import __all__ as _function_names
from gradwright.engine.missing import explained as _explained
from gradwright.errors import GradwrightError
from gradwright.func import *  # noqa: F403
from gradwright.func import __all__ as _transform_names

__version__ = "0.1.0"

e = _math.e
inf = _math.inf
nan = _math.nan
newaxis = None
pi = _math.pi

globals().update({_name: _dtype_named(_name) for _name in _DTYPES})  # float32, long, bool, …

_missing = _explained("gradwright", globals())


def __getattr__(name: str) -> object:
    return _dtype_named(name) if name == "bfloat16" else _missing(name)  # whose import takes long


__all__ = [
    "GradwrightError",
    "Population",
    "__version__",
    "amp",
    "autograd",
    "backends",
    "compile",
    "cuda",
    "e",
    "errors",
    "extend",
    "func",
    "linalg",
    "nn",
    "optim",
    "special",
    "utils",
    "inf",
    "nan",
    "newaxis",
    "pi",
    "random",
    *(name for name in _DTYPES if name not in ("float", "int")),  # which a star import should leave Python's
    *_engine_names,
    *_function_names,
    *_transform_names,
]
