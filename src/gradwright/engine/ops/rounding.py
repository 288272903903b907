"""Rounding, and division with a remainder: flat nearly everywhere, so gradients are zeros, as PyTorch's are."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, elementwise, nondifferentiable
from gradwright.engine.ops.elementwise import cast, eq, refuse_truth, where
from gradwright.errors import DivisionByZeroError, DTypeError

__all__ = [
    "ceil", "copysign", "floor", "floor_divide", "fmod", "frac", "isfinite", "isinf", "isnan", "nan_to_num",
    "remainder", "round", "trunc", "truncating_divide",
]  # fmt: skip


def _whole(name: str) -> Any:
    def forward(xp: Any, x: Any) -> Any:
        refuse_truth(name, x)
        return x if x.dtype.kind in "iu" else getattr(xp, name)(x)

    return forward


floor = elementwise("floor", _whole("floor"), 0)
ceil = elementwise("ceil", _whole("ceil"), 0)
trunc = elementwise("trunc", _whole("trunc"), 0)


def _round(xp: Any, x: Any, *, decimals: int = 0) -> Any:
    refuse_truth("round", x)
    if x.dtype.kind in "iu":
        return x
    if decimals == 0:
        return xp.rint(x)  # halves to the even neighbour
    power = 10.0 ** abs(decimals)
    return xp.rint(x * power) / power if decimals > 0 else xp.rint(x / power) * power


round = elementwise("round", _round, 0)


def _frac(xp: Any, x: Any) -> Any:
    if x.dtype.kind != "f":
        raise DTypeError(f"frac: only for floating tensors, got {x.dtype}")
    return x - xp.trunc(x)


frac = elementwise("frac", _frac, 1)


# --- division ---------------------------------------------------------------------------------------------------------
def _check_division(xp: Any, name: str, x: Any, y: Any) -> None:
    refuse_truth(name, x, y)
    whole = all(isinstance(v, int) or getattr(v, "dtype", np.dtype(float)).kind in "biu" for v in (x, y))
    if whole and xp is np and not np.all(y):
        # under XLA there is no telling; it gives -1
        at = "" if np.ndim(y) == 0 else f" at {tuple(int(i) for i in np.argwhere(np.asarray(y) == 0)[0])}"
        raise DivisionByZeroError(f"{name}: a whole number divided by 0{at}; with .float() the answer is inf or NaN")


def _floor_divide(xp: Any, x: Any, y: Any) -> Any:
    _check_division(xp, "floor_divide", x, y)
    return xp.floor_divide(x, y)


def _truncating_divide(xp: Any, x: Any, y: Any) -> Any:
    _check_division(xp, "div", x, y)
    if xp.result_type(x, y).kind == "f":
        return xp.trunc(xp.true_divide(x, y))
    down = xp.floor_divide(x, y)
    return down + ((x - down * y != 0) & ((x < 0) != (y < 0)))


def _remainder(xp: Any, x: Any, y: Any) -> Any:
    _check_division(xp, "remainder", x, y)
    return xp.remainder(x, y)


def _fmod(xp: Any, x: Any, y: Any) -> Any:
    _check_division(xp, "fmod", x, y)
    return xp.fmod(x, y)


floor_divide = elementwise("floor_divide", _floor_divide, 0, 0)
truncating_divide = elementwise("truncating_divide", _truncating_divide, 0, 0)
# x - y·⌊x/y⌋ has the sign of y, fmod's x - y·trunc(x/y) that of x
remainder = elementwise("remainder", _remainder, 1, lambda x, y: -floor_divide(x, y))
fmod = elementwise("fmod", _fmod, 1, lambda x, y: -truncating_divide(x, y))


# --- what is no ordinary number ---------------------------------------------------------------------------------------
isnan = nondifferentiable("isnan", lambda xp, x: xp.isnan(x))
isinf = nondifferentiable("isinf", lambda xp, x: xp.isinf(x))
isfinite: Op = nondifferentiable("isfinite", lambda xp, x: xp.isfinite(x))


def _nan_to_num(xp: Any, x: Any, *, nan: Any, posinf: Any, neginf: Any) -> Any:
    if x.dtype.kind != "f":
        return x
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = elementwise("nan_to_num", _nan_to_num, lambda x: cast(isfinite(x), dtype=x.dtype))


def _copysign_slope(ans: Any, x: Any) -> Any:
    zero = eq(x, 0)
    return where(zero, 0.0, ans / where(zero, 1.0, x))


copysign = elementwise("copysign", lambda xp, x, y: xp.copysign(x, y), _copysign_slope, 0, floating=True)
