"""Arguments of convolution and pooling: one number for all spatial axes or one for each, and inputs without a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.engine.ops.shape import reshape
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError

__all__ = ["as_sizes", "batched"]


def as_sizes(function: str, argument: str, value: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """Return a number for each of ``n`` axes, each at least ``least``."""
    given = tuple(value) if isinstance(value, tuple | list) else (value,)
    whole = all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in given)
    if not whole or len(given) not in (1, n) or min(given) < least:
        many = "a whole number" if n == 1 else f"a whole number or {n} of them"
        raise ConfigError(f"{function}: {argument} must be {many}, at least {least}; got {value!r}")
    return tuple(int(v) for v in (given * n if len(given) == 1 else given))


def batched(function: str, input: Tensor, n: int, compute: Callable[[Tensor], Any]) -> Any:
    """Call ``compute`` with (N, C, …), also when the input is (C, …); the results lose the axis again."""
    shape = tuple(input.shape)
    if len(shape) == n + 2:
        return compute(input)
    if len(shape) != n + 1:
        axes = ", ".join(("D", "H", "W")[3 - n :] if n > 1 else ("L",))
        raise ShapeError(f"{function}: expected an input (N, C, {axes}) or (C, {axes}), got {shape}")
    out = compute(reshape(input, shape=(1, *shape)))
    if isinstance(out, tuple):
        return tuple(reshape(o, shape=o.shape[1:]) for o in out)
    return reshape(out, shape=out.shape[1:])
