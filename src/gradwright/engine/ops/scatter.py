"""Folding many elements into the places that their indices name: products, largest and smallest."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, general
from gradwright.engine.ops.elementwise import cast, eq, where, zeros_like
from gradwright.engine.ops.indexing import gather, grid, scatter_sum

__all__ = ["scatter_fold"]

_NUMPYS = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}
_JAXS = {"prod": "multiply", "amax": "max", "amin": "min"}


def _fold(xp: Any, x: Any, source: Any, index: Any, *, axis: int, how: str) -> Any:
    if xp is np:
        out = x.copy()
        _NUMPYS[how].at(out, grid(np, index, axis), source)
        return out
    return getattr(xp.asarray(x).at[grid(xp, xp.asarray(index), axis)], _JAXS[how])(source)


def _added(zero: Any, source: Any, index: Any, axis: int) -> Any:
    return zero + scatter_sum(source, index, axis=axis, shape=zero.shape)


def _slopes(ans: Any, x: Any, source: Any, index: Any, axis: int, how: str) -> tuple[Any, Any]:
    """The derivative of each result by its ``x``, and by each ``source`` that went into it."""
    if how == "prod":
        # the product of the others: of what is not zero, unless another one is zero
        x0, s0 = eq(x, 0), eq(source, 0)
        x1, s1 = where(x0, 1.0, x), where(s0, 1.0, source)
        whole = scatter_fold(x1, s1, index, axis=axis, how="prod")
        zx, zs = cast(x0, dtype=ans.dtype), cast(s0, dtype=ans.dtype)
        zeros = _added(zx, zs, index, axis)
        each = gather(whole, index, axis=axis)
        return (
            where(eq(zeros - zx, 0), whole / x1, 0.0),
            where(eq(gather(zeros, index, axis=axis) - zs, 0), each / s1, 0.0),
        )
    mx = cast(eq(x, ans), dtype=ans.dtype)
    ms = cast(eq(source, gather(ans, index, axis=axis)), dtype=ans.dtype)
    share = 1 / _added(mx, ms, index, axis)  # ties share evenly
    return mx * share, ms * gather(share, index, axis=axis)


def _ahead_source(t: Any, ans: Any, x: Any, source: Any, index: Any, axis: int, how: str) -> Any:
    return _added(zeros_like(ans), t * _slopes(ans, x, source, index, axis, how)[1], index, axis)


#: x and every source whose index names its place, folded by ``how``
scatter_fold: Op = general(
    "scatter_fold",
    _fold,
    vjp=[
        lambda g, ans, x, source, index, axis, how: g * _slopes(ans, x, source, index, axis, how)[0],
        lambda g, ans, x, source, index, axis, how: (
            gather(g, index, axis=axis) * _slopes(ans, x, source, index, axis, how)[1]
        ),
        None,
    ],
    jvp=[
        lambda t, ans, x, source, index, axis, how: t * _slopes(ans, x, source, index, axis, how)[0],
        _ahead_source,
        None,
    ],
)
