"""Which array library serves an array: NumPy eagerly, JAX while a program is traced."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from gradwright.backend.xla import jax_loaded, jax_modules

__all__ = ["Array", "is_array", "is_concrete", "is_jax", "is_tracer", "namespace", "to_numpy"]

Array = Any  # numpy.ndarray or jax.Array; neither library has a static type for both

_NUMPY_TYPES = frozenset({np.ndarray, float, int, bool, *np.sctypeDict.values()})


def namespace(arrays: Iterable[Array]) -> ModuleType:
    """Return ``numpy`` when NumPy holds all the arrays, else ``jax.numpy``."""
    for array in arrays:
        if type(array) not in _NUMPY_TYPES and is_jax(array):
            return jax_modules().numpy
    return np


def is_jax(array: Any) -> bool:
    """Say whether JAX holds this array (a tracer counts)."""
    return jax_loaded() and isinstance(array, jax_modules().Array)


def is_tracer(array: Any) -> bool:
    """Say whether this array stands for a value in a program that is being traced."""
    return jax_loaded() and isinstance(array, jax_modules().Tracer)


def is_concrete(array: Any) -> bool:
    """Say whether this array holds numbers (rather than standing for them in a trace)."""
    return type(array) in _NUMPY_TYPES or not is_tracer(array)


def is_array(value: Any) -> bool:
    """Say whether the value is an array of either library."""
    return isinstance(value, np.ndarray | np.generic) or is_jax(value)


def to_numpy(array: Array) -> np.ndarray:
    """Return the array's numbers as a NumPy array of its own; a view of a device buffer could be donated away."""
    return np.array(array)
