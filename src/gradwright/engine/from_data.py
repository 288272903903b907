"""Tensors made from data: numbers, nested sequences, NumPy arrays, other Tensors."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_jax, is_tracer, to_numpy
from gradwright.backend.dtypes import get_default_dtype
from gradwright.engine.base import TensorBase
from gradwright.engine.devices import check_device
from gradwright.engine.dtypes import as_dtype
from gradwright.engine.op import wrap
from gradwright.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor", "as_tensor", "asarray", "from_numpy", "scalar_tensor", "tensor",
]  # fmt: skip


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a Tensor of a copy of the data; Python floats become float32, integers int64.

    Parameters
    ----------
    data : number, nested sequence, NumPy array or Tensor
        The numbers.
    dtype : optional
        NumPy's or Gradwright's dtype. Default: the array's own; the default dtype for Python floats.
    device : optional
        The CPU.
    requires_grad : bool
        Whether ``backward`` leaves a gradient here.

    Raises
    ------
    ShapeError
        When nested lists have different lengths.
    DTypeError
        When something in them is no number, or an integer has more than 64 bits.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    check_device("tensor", device)
    array = array_of("tensor", data, dtype)
    return wrap(array).requires_grad_() if requires_grad else wrap(array)


def array_of(name: str, data: Any, dtype: Any = None) -> Any:
    """Return a new array of the data, in PyTorch's dtype for it or the one that is asked for."""
    if isinstance(data, TensorBase) or is_jax(data):
        found = data._array if isinstance(data, TensorBase) else data
        array = found if is_tracer(found) else to_numpy(found)
    else:
        array = _from_python(name, data)
    if dtype is not None:
        return array.astype(as_dtype(name, dtype))
    if array.dtype == np.float64 and not isinstance(data, np.ndarray | np.generic | TensorBase) and _plain(data):
        return array.astype(get_default_dtype())
    as_dtype(name, array.dtype)
    return array


def _from_python(name: str, data: Any) -> np.ndarray:
    if isinstance(_first(data), TensorBase):
        data = _unwrapped(name, data)
    try:
        array = np.array(data)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"{name}: the nested lists have different lengths ({error})") from None
    if array.dtype == object:
        if any(isinstance(x, int) and abs(x) >= 2**63 for x in array.flat):
            raise DTypeError(f"{name}: a whole number that needs more than 64 bits")
        raise ShapeError(f"{name}: the nested lists have different lengths, or hold something other than numbers")
    if array.dtype.kind not in "fiubcV":
        raise DTypeError(f"{name}: expected numbers, got {array.dtype.type.__name__} in a {type(data).__name__}")
    if array.dtype == np.uint64 and not isinstance(data, np.ndarray | np.generic):
        raise DTypeError(f"{name}: a whole number that needs more than 63 bits")
    return array if array.dtype.byteorder != ">" else array.astype(array.dtype.newbyteorder("="))


def _first(data: Any) -> Any:
    """Return the first number of nested lists, which says what the others are."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return data


def _plain(data: Any) -> bool:
    """Say whether these are Python's own numbers rather than NumPy's, which keep their dtype."""
    return not isinstance(_first(data), np.ndarray | np.generic | TensorBase)


def _unwrapped(name: str, data: Any) -> Any:
    """Put numbers in the places of single-element Tensors in nested lists."""
    if isinstance(data, list | tuple):
        return [_unwrapped(name, item) for item in data]
    if isinstance(data, TensorBase):
        if data._array.size != 1:
            raise ShapeError(
                f"{name}: a list of tensors of shape {tuple(data._array.shape)}; only single numbers can be elements. "
                "Use stack or cat."
            )
        return np.asarray(data._array).reshape(())[()]
    return data


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the data as a Tensor, itself if it is one already, without copying a NumPy array."""
    check_device("as_tensor", device)
    if isinstance(data, TensorBase):
        found: Any = data
        return found if dtype is None else found.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == as_dtype("as_tensor", dtype)):
        return from_numpy(data)
    return tensor(data, dtype)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """Return the data as a Tensor: shared where that is possible, or always (``copy=False``), or never (True).

    Raises
    ------
    DTypeError
        When ``copy=False`` and sharing is not possible.
    """
    check_device("asarray", device)
    if copy:
        return tensor(obj, dtype, requires_grad=requires_grad)
    shares = isinstance(obj, TensorBase | np.ndarray) and (dtype is None or obj.dtype == as_dtype("asarray", dtype))  # type: ignore[union-attr]
    if copy is False and not shares:
        raise DTypeError(f"asarray: a {type(obj).__name__} cannot be shared as {dtype or 'a Tensor'}; leave copy out")
    if isinstance(obj, TensorBase) and not requires_grad and obj._requires_grad:
        obj = obj.detach()  # type: ignore[attr-defined]
    out = as_tensor(obj, dtype)
    return out.requires_grad_() if requires_grad else out


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a Tensor that shares the array's memory until either is replaced."""
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}; use tensor(…)")
    dtype = as_dtype("from_numpy", ndarray.dtype)
    out: Tensor = wrap(ndarray if ndarray.dtype == dtype and ndarray.dtype.isnative else ndarray.astype(dtype))
    return out


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a number as a Tensor without axes, of the default dtype."""
    return tensor(s, get_default_dtype() if dtype is None else dtype, device, requires_grad)


# --- the constructors of old ----------------------------------------------------------------------------------------
def constructed(data: Any, more: tuple[Any, ...] = (), dtype: Any = None) -> Any:
    """Return the array of ``Tensor(2, 3)`` (zeros of that shape) or ``Tensor([1, 2])`` (those numbers, as floats)."""
    dtype = get_default_dtype() if dtype is None else np.dtype(dtype)
    if isinstance(data, int) and not isinstance(data, bool):
        return np.zeros((data, *(operator.index(n) for n in more)), dtype)
    if more or not isinstance(data, list | tuple | range | TensorBase | np.ndarray):
        raise DTypeError(
            f"Tensor: expected lengths of axes or one sequence of numbers, got a {type(data).__name__}"
            f"{' and more' if more else ''}; use tensor(data, dtype=…)"
        )
    return array_of("Tensor", list(data) if isinstance(data, range) else data, dtype)


def _typed(name: str, dtype: Any) -> Any:
    def make(data: Any = (), *more: Any) -> Any:
        return wrap(constructed(data, more, dtype))

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"Return a {np.dtype(dtype)} tensor of a sequence of numbers, or zeros of the given lengths."
    return make


FloatTensor = _typed("FloatTensor", np.float32)
DoubleTensor = _typed("DoubleTensor", np.float64)
HalfTensor = _typed("HalfTensor", np.float16)
LongTensor = _typed("LongTensor", np.int64)
IntTensor = _typed("IntTensor", np.int32)
ShortTensor = _typed("ShortTensor", np.int16)
CharTensor = _typed("CharTensor", np.int8)
ByteTensor = _typed("ByteTensor", np.uint8)
BoolTensor = _typed("BoolTensor", np.bool_)
