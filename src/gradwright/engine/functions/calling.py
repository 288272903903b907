"""What the public functions share: refusing what is no Tensor, and naming the thin ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.op import Op
from gradwright.errors import DTypeError, IndexOutOfRangeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["axes", "axis", "binary", "need_float", "need_tensor", "unary"]


def need_tensor(name: str, value: Any) -> None:
    """Refuse anything but a Tensor.

    Raises
    ------
    DTypeError
        Naming the function and what it was given.
    """
    if not isinstance(value, TensorBase):
        raise DTypeError(f"{name}: expected a Tensor, got {type(value).__name__}; make one with gradwright.tensor(…)")


def need_float(name: str, *values: Any) -> None:
    """Refuse Tensors that all hold whole numbers or truth values, for functions that PyTorch has only of floats.

    Raises
    ------
    DTypeError
        Naming the function and the dtypes.
    """
    for value in values:
        if isinstance(value, TensorBase) and value._array.dtype.kind not in "biu":
            return
    kinds = [str(v._array.dtype) for v in values if isinstance(v, TensorBase)]
    raise DTypeError(f"{name}: only for floating tensors, got {', '.join(kinds)}; use .float()")


def unary(op: Op, doc: str, *, floats: bool = False) -> Callable[[Tensor], Tensor]:
    """Make the public function of an operation that has one input and nothing else to say."""

    def function(input: Any) -> Any:
        if not isinstance(input, TensorBase):
            need_tensor(op.name, input)
        if floats:
            need_float(op.name, input)
        return op(input)

    return _named(function, op.name, doc)


def binary(op: Op, doc: str, *, numbers: str = "either", floats: bool = False) -> Callable[[Any, Any], Tensor]:
    """Make the public function of an operation with two inputs.

    Parameters
    ----------
    numbers : "either", "second" or "neither"
        Which of the two may be a Python number rather than a Tensor.
    floats : bool
        Whether to refuse inputs without a float among them.
    """
    first, second = numbers == "either", numbers != "neither"

    def function(input: Any, other: Any) -> Any:
        if not isinstance(input, TensorBase):
            if not isinstance(other, TensorBase) or (not first and isinstance(input, _NUMBERS)):
                need_tensor(op.name, input)
        elif not second and isinstance(other, _NUMBERS):
            need_tensor(op.name, other)
        if floats:
            need_float(op.name, input, other)
        return op(input, other)

    return _named(function, op.name, doc)


_NUMBERS = (bool, int, float, np.generic)


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def axes(dim: Any) -> Any:
    """Turn PyTorch's ``dim`` (None, a number, a list or tuple of numbers) into an ``axis``."""
    return tuple(dim) if isinstance(dim, list) else dim


def axis(name: str, input: Tensor, dim: Any) -> int:
    """Return ``dim`` as an axis of the tensor, counted from 0; a single number may be asked along axis 0.

    Raises
    ------
    IndexOutOfRangeError
        Naming the function, ``dim`` and the shape.
    """
    count = input.ndim or 1
    if type(dim) is int and -count <= dim < count:
        return dim % count
    if not isinstance(dim, int | np.integer) or isinstance(dim, bool):
        raise DTypeError(f"{name}: dim must be a whole number, got {dim!r}")
    if not -count <= dim < count:
        raise IndexOutOfRangeError(
            f"{name}: dim {dim} is out of range for a tensor of shape {input.shape}, "
            f"whose dims are {-count} to {count - 1}"
        )
    return int(dim) % count
