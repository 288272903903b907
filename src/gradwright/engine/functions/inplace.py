"""In-place methods: the tensor is given another array, and the old one is left as it was.

``name_`` is what ``name`` gives, put into the tensor; the method ``name`` is looked up when it is called.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend.dtypes import category
from gradwright.engine.base import TensorBase
from gradwright.engine.mode import mode
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.views import check_write
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["InPlaceMethods"]

#: Methods whose result goes into the tensor they are called on.
IN_PLACE = [
    "abs", "absolute", "acos", "acosh", "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh",
    "baddbmm", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "copysign", "cos", "cosh", "cumprod",
    "cumsum", "deg2rad", "digamma", "divide", "eq", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fix",
    "float_power", "floor", "floor_divide", "fmod", "frac", "ge", "greater", "greater_equal", "gt",
    "heaviside", "hypot", "i0", "index_add", "index_copy", "index_fill", "index_put",
    "le", "lerp", "less", "less_equal", "lgamma", "log", "log10", "log1p", "log2",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "lt", "masked_fill", "masked_scatter",
    "multiply", "nan_to_num", "ne", "neg", "negative", "not_equal", "polygamma", "pow",
    "put", "rad2deg", "reciprocal", "relu", "remainder", "round", "rsqrt", "scatter", "scatter_add",
    "scatter_reduce", "sgn", "sigmoid", "sign", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "tril",
    "triu", "true_divide", "trunc", "xlogy",
]  # fmt: skip

#: Methods that only show the same elements in another shape.
SHAPE_IN_PLACE = ["squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze"]


def put(tensor: Any, result: Any) -> Any:
    """Put the result of an operation into ``tensor``.

    Raises
    ------
    DTypeError
        When the result is of a higher kind: floats do not go into whole numbers, nor these into truth values.
    """
    have, found = tensor._array.dtype, result._array.dtype
    if found is not have and category(np.dtype(found)) > category(np.dtype(have)):
        check_write(tensor)  # which PyTorch says first
        raise DTypeError(f"in place: a {found} result does not go into a {have} tensor; write `x = x + …` instead")
    return tensor._assign(result)


def _over(tensor: Any, result: Any) -> Any:
    """Put other numbers into ``tensor``, whatever stood there: what made those gets gradients of 0."""
    if mode.grad and tensor._requires_grad and result._requires_grad:
        check_write(tensor)
        result = ew.where(np.True_, result, tensor)
    return tensor._assign(result)


def _before(tensor: Any, *others: Any) -> Any:
    """Return the tensor as it is before the change, for the operation that changes it to keep.

    What other operations keep of the tensor is refused in backward, since it has been written over; the operation that
    writes it keeps an old value of its own, as PyTorch's do (so `x *= y` is fine, and `x *= x` is not).
    """
    array = tensor._array
    asks = tensor._requires_grad or any(isinstance(a, TensorBase) and a._requires_grad for a in others)
    if not (asks and mode.grad) or type(array) is not np.ndarray:
        return tensor
    old = wrap(array[...])  # another array object on the same numbers
    old._node, old._index, old._requires_grad = tensor._node, tensor._index, tensor._requires_grad
    return old


def _in_place(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return put(self, getattr(_before(self, *args), name)(*args, **kwargs))

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"Do what ``{name}`` does in place."
    return method


def _shape_in_place(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        check_write(self)
        result = getattr(self, name)(*args, **kwargs)
        self._base = None  # another shape of its own: whoever it was an alias of keeps theirs
        self._set(result._array)
        if result._requires_grad:
            self._node, self._index = result._node, result._index
        return self

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"Do what ``{name}`` does in place."
    return method


def _operator(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return put(self, combine(_before(self, other), other))

    return method


class InPlaceMethods:
    """Methods that end in an underscore, and the operators that assign."""

    __slots__ = ()

    def _assign(self, result: Any) -> Any:
        raise NotImplementedError

    # --- operators --------------------------------------------------------------------------------------------------
    __iadd__ = _operator(operator.add)
    __isub__ = _operator(operator.sub)
    __imul__ = _operator(operator.mul)
    __itruediv__ = _operator(operator.truediv)
    __ifloordiv__ = _operator(operator.floordiv)
    __imod__ = _operator(operator.mod)
    __ipow__ = _operator(operator.pow)
    __imatmul__ = _operator(operator.matmul)
    __ior__ = _operator(operator.or_)
    __iand__ = _operator(operator.and_)
    __ixor__ = _operator(operator.xor)
    __ilshift__ = _operator(operator.lshift)
    __irshift__ = _operator(operator.rshift)

    # --- arithmetic -------------------------------------------------------------------------------------------------
    def add_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """Add ``alpha * other`` in place."""
        return put(self, _before(self, other) + (other if alpha == 1 else alpha * other))

    def sub_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """Subtract ``alpha * other`` in place."""
        return put(self, _before(self, other) - (other if alpha == 1 else alpha * other))

    subtract_ = sub_

    def mul_(self: Any, other: Any) -> Any:
        """Multiply in place."""
        return put(self, _before(self, other) * other)

    def div_(self: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
        """Divide in place."""
        old = _before(self, other)
        return put(self, old / other if rounding_mode is None else old.div(other, rounding_mode=rounding_mode))

    # --- other numbers ----------------------------------------------------------------------------------------------
    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
        """Copy another tensor's numbers into this one; gradients go to where they came from."""
        if not isinstance(src, TensorBase):
            raise DTypeError(f"copy_: expected a Tensor, got {type(src).__name__}")
        source: Any = src
        if source.shape != self.shape:
            source = source.expand(*self.shape)
        return _over(self, source.to(self.dtype))

    def fill_(self: Any, value: Any) -> Any:
        """Set every element to ``value``, a number or a Tensor without axes."""
        if isinstance(value, TensorBase):
            if value._array.ndim:
                raise ShapeError(f"fill_: expected a single number, got a tensor of shape {tuple(value._array.shape)}")
            return _over(self, (ew.zeros_like(self) + value).to(self.dtype))
        return self._assign(wrap(np.full(self.shape, value, self.dtype)))

    def zero_(self: Any) -> Any:
        """Set every element to 0."""
        return self._assign(ew.zeros_like(self))

    def fill_diagonal_(self: Any, fill_value: float, wrap: bool = False) -> Any:
        """Set the elements on the diagonal to ``fill_value``; ``wrap`` begins anew below a tall matrix's last row."""
        shape = self.shape
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise ShapeError(f"fill_diagonal_: expected a matrix, or all axes of one length, got {shape}")
        where = np.zeros(shape, np.bool_)
        np.fill_diagonal(where, True, wrap=wrap)
        return put(self, ew.where(where, np.asarray(fill_value, self.dtype), self))

    def detach_(self: Any) -> Any:
        """Cut this tensor off from the graph that made it."""
        self._node, self._index, self._requires_grad = None, 0, False
        return self

    def apply_(self: Any, function: Callable[[Any], Any]) -> Any:
        """Replace each element by what a Python function makes of it; slow."""
        if self._requires_grad and mode.grad:
            raise GraphError("apply_: a Python function has no gradient; do it inside `with no_grad():`")
        values = [function(x) for x in np.asarray(self._array).ravel().tolist()]
        return self._assign(wrap(np.array(values, self.dtype).reshape(self.shape)))


for _name in IN_PLACE:
    setattr(InPlaceMethods, f"{_name}_", _in_place(_name))
for _name in SHAPE_IN_PLACE:
    setattr(InPlaceMethods, f"{_name}_", _shape_in_place(_name))
