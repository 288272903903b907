"""Logic, bits and questions about each element; no gradient flows through any of these."""

from __future__ import annotations

from typing import Any

from gradwright.engine.op import nondifferentiable
from gradwright.engine.ops.elementwise import refuse_truth
from gradwright.errors import DTypeError

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "heaviside", "isneginf", "isposinf", "logical_xor", "signbit",
]  # fmt: skip

logical_xor = nondifferentiable("logical_xor", lambda xp, x, y: xp.logical_xor(x, y))


def _bits(name: str) -> Any:
    def forward(xp: Any, x: Any, y: Any) -> Any:
        refuse_fractions(name, x, y)
        if "shift" in name:
            refuse_truth(name, x, y)
        return getattr(xp, name)(x, y)

    return forward


def refuse_fractions(name: str, *values: Any) -> None:
    """Refuse what has no bits to work on.

    Raises
    ------
    DTypeError
        Naming the operation and the dtype.
    """
    for value in values:
        if isinstance(value, float) or (getattr(value, "dtype", None) is not None and value.dtype.kind not in "biu"):
            found = getattr(value, "dtype", "float")
            raise DTypeError(f"{name}: only for whole numbers and truth values, got {found}")


bitwise_and = nondifferentiable("bitwise_and", _bits("bitwise_and"), promotes=True)
bitwise_or = nondifferentiable("bitwise_or", _bits("bitwise_or"), promotes=True)
bitwise_xor = nondifferentiable("bitwise_xor", _bits("bitwise_xor"), promotes=True)
bitwise_left_shift = nondifferentiable("bitwise_left_shift", _bits("left_shift"), promotes=True)
bitwise_right_shift = nondifferentiable("bitwise_right_shift", _bits("right_shift"), promotes=True)


def _bitwise_not(xp: Any, x: Any) -> Any:
    refuse_fractions("bitwise_not", x)
    return xp.invert(x)


bitwise_not = nondifferentiable("bitwise_not", _bitwise_not)

isposinf = nondifferentiable("isposinf", lambda xp, x: (x == xp.inf) if x.dtype.kind == "f" else xp.isinf(x))
isneginf = nondifferentiable("isneginf", lambda xp, x: (x == -xp.inf) if x.dtype.kind == "f" else xp.isinf(x))
signbit = nondifferentiable("signbit", lambda xp, x: xp.signbit(x) if x.dtype.kind == "f" else x < 0)


def _heaviside(xp: Any, x: Any, values: Any) -> Any:
    zero = x == 0
    return xp.where(zero, values, (x > 0).astype(x.dtype))


heaviside = nondifferentiable("heaviside", _heaviside, promotes=True)
