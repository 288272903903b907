"""A loop over the first axis of arrays: Python's on NumPy, XLA's in a program (unrolled it compiles for minutes)."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from gradwright.backend.xla import jax_modules

__all__ = ["scan"]


def scan(
    xp: ModuleType, body: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, *, reverse: bool = False
) -> tuple[Any, Any]:
    """Call ``body(carry, x) → (carry, y)`` for each x in turn and return the last carry and all y.

    Parameters
    ----------
    xp : module
        The array namespace.
    carry : array or tuple of arrays
        Their shapes and dtypes do not change.
    xs : tuple of arrays
        All equally long, not empty.
    reverse : bool
        Begin at the end; ``y`` keep the places of their ``x``.
    """
    if xp is not np:
        return jax_modules().lax.scan(body, carry, xs, reverse=reverse)
    length = len(xs[0])
    ys: list[Any] = [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys[i] = body(carry, tuple([x[i] for x in xs]))
    first = ys[0]
    if isinstance(first, tuple):
        return carry, tuple(np.stack([y[k] for y in ys]) for k in range(len(first)))
    return carry, None if first is None else np.stack(ys)
