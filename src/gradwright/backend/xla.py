"""JAX, imported when it is first used: importing it takes longer than importing everything else."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

from gradwright.errors import MissingDependencyError

__all__ = ["JaxModules", "jax_loaded", "jax_modules"]


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
    try:
        import jax
        import jax.extend.core
        import jax.numpy
    except ImportError as error:  # pragma: no cover - JAX is a hard dependency
        raise MissingDependencyError(
            f"compiling needs JAX, which cannot be imported here ({error}). "
            "Install it with `pip install jax`, or run eagerly on NumPy (`--eager`)."
        ) from error
    return JaxModules(jax, jax.numpy, jax.lax, jax.core.Tracer, jax.Array)
