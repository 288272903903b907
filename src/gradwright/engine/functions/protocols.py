"""What Python asks of a tensor: len, iteration, truth, numbers, formatting, copies."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NoReturn

from gradwright.backend import is_tracer, to_numpy
from gradwright.engine.base import Node, TensorBase
from gradwright.engine.skeleton import building
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["PythonMethods"]


class PythonMethods:
    """Python's protocols."""

    __slots__ = ()

    def __len__(self: Any) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a tensor without axes")
        return int(self._array.shape[0])

    def __iter__(self: Any) -> Iterator[Any]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a tensor without axes")
        return (self[i] for i in range(len(self)))

    def __reversed__(self: Any) -> Any:
        return self if self._array.ndim == 0 else self[list(range(len(self) - 1, -1, -1))]

    def __contains__(self: Any, element: Any) -> bool:
        return bool((self == element)._array.any())

    def __bool__(self: Any) -> bool:
        if self._array.size != 1:
            raise ShapeError(f"the truth value of a tensor of shape {self.shape} is ambiguous: use .any() or .all()")
        return bool(self._array)

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __complex__(self: Any) -> complex:
        return complex(self.item())

    def __index__(self: Any) -> int:
        if self._array.dtype.kind not in "iub":
            raise TypeError(f"only whole numbers can be indices; this tensor is {self._array.dtype}")
        return int(self.item())

    def __format__(self: Any, spec: str) -> str:
        if self._array.ndim == 0 and not is_tracer(self._array) and type(self).__name__ != "Parameter":
            return format(self.item(), spec)
        if spec:
            raise TypeError(
                f"a tensor of shape {self.shape} cannot be formatted by {spec!r}; format a number: x.item()"
            )
        return str(self)

    def __copy__(self: Any) -> Any:
        other = _twin(self, self._array)
        other._base = self._base
        return other

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if isinstance(self._node, Node):
            raise GraphError("deepcopy of a tensor that an operation made: the graph stays where it is; use .clone()")
        if building.skeleton is None:
            array = to_numpy(self._array)
        else:
            array = building.skeleton.array(self.shape, self.dtype)
        other = memo[id(self)] = _twin(self, array)
        other._grad = copy.deepcopy(self._grad, memo)
        return other

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise DTypeError("tensors are not pickled, since a pickle can run any program: use gradwright.save and load")


def _twin(tensor: Any, array: Any) -> Any:
    """Return a leaf of the same class and settings that holds ``array``."""
    kind: Any = type(tensor)
    other = kind.__new__(kind)
    TensorBase.__init__(other, array)
    other._requires_grad = tensor._requires_grad
    other.name = tensor.name
    return other
