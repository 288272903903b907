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
from gradwright.backend.threads import get_num_threads, one_blas_thread, set_num_threads
from gradwright.backend.xla import compiler_options, jax_modules, special_functions

__all__ = [
    "compiler_options",
    "get_num_threads",
    "is_array",
    "is_concrete",
    "is_jax",
    "is_tracer",
    "jax_modules",
    "namespace",
    "one_blas_thread",
    "promote",
    "random_bits",
    "scan",
    "set_num_threads",
    "special_functions",
    "threefry",
    "to_numpy",
    "uniform_from_bits",
]
