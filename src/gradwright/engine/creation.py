"""Tensors made from a shape and little else: zeros, ones, ranges, and their likes."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend.dtypes import get_default_dtype
from gradwright.engine.base import TensorBase
from gradwright.engine.devices import check_device
from gradwright.engine.dtypes import as_dtype
from gradwright.engine.from_data import as_tensor, tensor
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.skeleton import new_array, reserve
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones",
    "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def lengths(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """Return a shape that was given number by number, as one sequence, or by the name ``size``.

    Raises
    ------
    DTypeError, ShapeError
        A length that is no whole number, or is below 0.
    """
    if size is not None:
        sizes = tuple(size) if isinstance(size, tuple | list) else (size,)
    elif len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    try:
        shape = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise DTypeError(f"{name}: the lengths of axes must be whole numbers, got {sizes!r:.80}") from None
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: the shape {shape} has a negative length")
    return shape


def floating(name: str, dtype: Any) -> np.dtype:
    """Return the dtype asked for, or the default one."""
    return get_default_dtype() if dtype is None else as_dtype(name, dtype)


def made(name: str, array: Any, device: Any, requires_grad: bool) -> Tensor:
    """Wrap a new array, after a look at the device."""
    check_device(name, device)
    out: Tensor = wrap(array)
    return out.requires_grad_() if requires_grad else out


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros of the given shape (float32 by default)."""
    array = new_array(np.zeros, lengths("zeros", sizes, size), floating("zeros", dtype))
    return made("zeros", array, device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones of the given shape (float32 by default)."""
    array = new_array(np.ones, lengths("ones", sizes, size), floating("ones", dtype))
    return made("ones", array, device, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the given shape whose numbers mean nothing (here: zeros)."""
    array = new_array(np.zeros, lengths("empty", sizes, size), floating("empty", dtype))
    return made("empty", array, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the given shape with ``fill_value`` everywhere."""
    value, found = _number("full", fill_value)
    kind = found if dtype is None else as_dtype("full", dtype)
    array = new_array(np.full, lengths("full", (), size), value, kind)
    return made("full", array, device, requires_grad)


def _number(name: str, value: Any) -> tuple[Any, np.dtype]:
    """Return a number and the dtype that PyTorch makes of it."""
    if isinstance(value, TensorBase):
        value = value._array
    if np.ndim(value) or not isinstance(value, bool | int | float | np.generic | np.ndarray):
        raise DTypeError(f"{name}: expected a number to fill with, got a {type(value).__name__}")
    dtype = np.asarray(value).dtype
    return value, get_default_dtype() if isinstance(value, float) else dtype


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones on the diagonal of an (n, m) matrix of zeros; m is n unless given."""
    rows, columns = lengths("eye", (n, n if m is None else m))
    array = new_array(lambda shape, kind: np.eye(*shape, dtype=kind), (rows, columns), floating("eye", dtype))
    return made("eye", array, device, requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ``start, start + step, …`` up to but without ``end``; ``arange(n)`` counts from 0.

    Whole numbers give int64; a float among the three gives the default dtype.

    Raises
    ------
    ConfigError
        When ``step`` is 0 or leads away from ``end``.
    """
    if end is None:
        start, end = 0, start
    first, last, by = _numbers("arange", start=start, end=end, step=step)
    wanted = None if dtype is None else as_dtype("arange", dtype)
    first, last, by = _whole(wanted, first, last, by)
    if by == 0:
        raise ConfigError("arange: step must not be 0")
    if not all(map(math.isfinite, (first, last))):
        raise ConfigError(f"arange: from {first} to {last} is no finite range")
    if (last - first) * by < 0:
        raise ConfigError(f"arange: a step of {by} does not lead from {first} to {last}")
    reserve(math.ceil((last - first) / by))
    whole = all(isinstance(v, int) for v in (first, last, by))
    array = np.arange(first, last, by) if whole else first + by * np.arange(math.ceil((last - first) / by))
    if wanted is None:
        wanted = np.dtype(np.int64) if whole else get_default_dtype()
    return made("arange", array.astype(wanted), device, requires_grad)


def _whole(dtype: np.dtype | None, *numbers: Any) -> tuple[Any, ...]:
    """Cut the ends of a range of whole numbers to whole numbers first, as PyTorch does."""
    return tuple([int(n) for n in numbers]) if dtype is not None and dtype.kind in "iub" else numbers


def _numbers(name: str, **values: Any) -> list[Any]:
    found = []
    for key, value in values.items():
        value = value._array.item() if isinstance(value, TensorBase) else value
        value = value.item() if isinstance(value, np.generic | np.ndarray) else value
        if not isinstance(value, int | float):
            raise DTypeError(f"{name}: {key} must be a number, got a {type(value).__name__}")
        found.append(value)
    return found


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ``steps`` numbers from ``start`` to ``end``, both included, at equal distances."""
    (count,) = lengths("linspace", (steps,))
    wanted = floating("linspace", dtype)
    first, last = _whole(wanted, *_numbers("linspace", start=start, end=end))
    array = _spaced(first, last, count).astype(wanted)
    return made("linspace", array, device, requires_grad)


def _spaced(first: float, last: float, count: int) -> np.ndarray:
    reserve(count)
    i = np.arange(count)
    step = (last - first) / (count - 1) if count > 1 else 0.0
    # from both ends, as PyTorch counts, so that both are exact
    return np.where(i < count / 2, first + step * i, last - step * (count - 1 - i)) if count != 1 else np.full(1, first)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return ``base`` to the power of ``steps`` numbers from ``start`` to ``end``."""
    (count,) = lengths("logspace", (steps,))
    wanted = floating("logspace", dtype)
    first, last = _whole(wanted, *_numbers("logspace", start=start, end=end))
    array = np.power(float(base), _spaced(first, last, count)).astype(wanted)
    return made("logspace", array, device, requires_grad)


# --- of another tensor's shape --------------------------------------------------------------------------------------
def _like(name: str, input: Tensor, dtype: Any, device: Any, requires_grad: bool, value: Any = 0) -> Tensor:
    if not isinstance(input, TensorBase):
        raise DTypeError(f"{name}: expected a Tensor, got {type(input).__name__}")
    check_device(name, device)
    if value in (0, 1) and dtype is None:  # also of a traced tensor
        out: Tensor = OPERATIONS["ones_like" if value else "zeros_like"](input)
    else:
        out = wrap(np.full(tuple(input._array.shape), value, input.dtype if dtype is None else as_dtype(name, dtype)))
    return out.requires_grad_() if requires_grad else out


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros of another tensor's shape and dtype."""
    return _like("zeros_like", input, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones of another tensor's shape and dtype."""
    return _like("ones_like", input, dtype, device, requires_grad, 1)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of another's shape and dtype whose numbers mean nothing (here: zeros)."""
    return _like("empty_like", input, dtype, device, requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ``fill_value`` everywhere in another tensor's shape and dtype."""
    value, _ = _number("full_like", fill_value)
    return _like("full_like", input, dtype, device, requires_grad, value)


class CreationMethods:
    """These as methods: a new tensor of this one's dtype."""

    __slots__ = ()

    def new_zeros(self: Any, *sizes: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
        """Return zeros of the given shape in this tensor's dtype."""
        return zeros(*sizes, size=size, dtype=dtype or self.dtype, **options)

    def new_ones(self: Any, *sizes: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
        """Return ones of the given shape in this tensor's dtype."""
        return ones(*sizes, size=size, dtype=dtype or self.dtype, **options)

    def new_empty(self: Any, *sizes: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
        """Return a tensor of the given shape in this tensor's dtype whose numbers mean nothing."""
        return empty(*sizes, size=size, dtype=dtype or self.dtype, **options)

    def new_full(self: Any, size: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Tensor:
        """Return ``fill_value`` everywhere in the given shape and this tensor's dtype."""
        return full(size, fill_value, dtype=dtype or self.dtype, **options)

    def new_tensor(self: Any, data: Any, dtype: Any = None, **options: Any) -> Tensor:
        """Return the data in this tensor's dtype."""
        return tensor(data, dtype=dtype or self.dtype, **options)
