"""The only place that knows whether NumPy or JAX holds an array."""

from gradwright.backend.arrays import (
    is_array,
    is_concrete,
    is_jax,
    is_tracer,
    namespace,
    to_numpy,
)
from gradwright.backend.dtypes import promote
from gradwright.backend.loops import scan
from gradwright.backend.random import random_bits, threefry, uniform_from_bits
from gradwright.backend.xla import compiler_options, jax_modules, special_functions

__all__ = [
    "compiler_options",
    "is_array",
    "is_concrete",
    "is_jax",
    "is_tracer",
    "jax_modules",
    "namespace",
    "promote",
    "random_bits",
    "scan",
    "special_functions",
    "threefry",
    "to_numpy",
    "uniform_from_bits",
]
