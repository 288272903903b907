"""JAX, imported when it is first used: importing it takes longer than importing everything else."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from gradwright.backend.program_cache import keep_programs
from gradwright.backend.threads import fix_pool
from gradwright.errors import MissingDependencyError

__all__ = ["JaxModules", "compiler_options", "jax_loaded", "jax_modules", "special_functions"]


class JaxModules(NamedTuple):
    """What the package uses of JAX: arrays, control flow and the compiler, never its autodiff."""

    jax: ModuleType
    numpy: ModuleType
    lax: ModuleType
    Tracer: type[Any]
    Array: type[Any]


def jax_loaded() -> bool:
    """Say whether anything has imported JAX yet (no array can be JAX's before that)."""
    return "jax" in sys.modules


@lru_cache(maxsize=1)
def jax_modules() -> JaxModules:
    """Import JAX and return the parts that the package uses."""
    fix_pool()
    try:
        import jax
        import jax.custom_batching
        import jax.extend.core
        import jax.numpy
    except ImportError as error:  # pragma: no cover - JAX is a hard dependency
        raise MissingDependencyError(
            f"compiling needs JAX, which cannot be imported here ({error}). "
            "Install it with `pip install jax`, or run eagerly on NumPy (`--eager`)."
        ) from error
    keep_programs(jax)
    return JaxModules(jax, jax.numpy, jax.lax, jax.core.Tracer, jax.Array)


def special_functions(xp: ModuleType) -> ModuleType:
    """Return ``scipy.special`` for NumPy and its twin in JAX for jax.numpy, imported when first used."""
    if xp is np:
        import scipy.special

        return scipy.special
    import jax.scipy.special

    return jax.scipy.special


@lru_cache(maxsize=1)
def compiler_options() -> dict[str, Any]:
    """Return the compiler settings of every training program; measured on CPUs, empty elsewhere.

    LLVM's first optimisation level makes small steps faster than its third (0.75 to 0.9 of the time) and compiles
    sooner; region analysis spares the loop a copy of each weight in each step. The results are the same to the bit.
    """
    if jax_modules().jax.default_backend() != "cpu":
        return {}
    return {"xla_backend_optimization_level": 1, "xla_cpu_copy_insertion_use_region_analysis": True}
