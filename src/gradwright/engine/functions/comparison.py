"""Comparisons, and questions about closeness."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import binary
from gradwright.engine.ops import elementwise as ew

__all__ = ["allclose", "eq", "ge", "gt", "le", "lt", "ne"]

eq = binary(ew.eq, "Say of each pair whether they are equal.")
ne = binary(ew.ne, "Say of each pair whether they differ.")
lt = binary(ew.lt, "Say of each pair whether the first is smaller.")
le = binary(ew.le, "Say of each pair whether the first is smaller, or they are equal.")
gt = binary(ew.gt, "Say of each pair whether the first is larger.")
ge = binary(ew.ge, "Say of each pair whether the first is larger, or they are equal.")


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Say whether |input - other| <= atol + rtol·|other| everywhere."""
    a, b = (np.asarray(x._array if isinstance(x, TensorBase) else x) for x in (input, other))
    return bool(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


class ComparisonMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    allclose = allclose
    eq = eq
    ge = ge
    gt = gt
    le = le
    lt = lt
    ne = ne
