"""Brackets: what stands between them, sorted into slices and index arrays, read and assigned to."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_array, is_concrete, is_jax
from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_index, concrete, out_of_range
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.ops.shape import reshape
from gradwright.errors import DTypeError, IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["getitem", "setitem", "split"]

_ALL = slice(None)
_END = {int, type(None)}
_WHAT = "integers, slices, ..., None, and tensors, arrays, lists or ranges of integers or truth values"


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return ``input[index]``.

    An index may be an integer, a slice (also with a negative step), ``...``, ``None``, a Tensor, array, list or range
    of integers, or truth values; or a tuple of these. Index arrays broadcast together; their axes stand where they
    stood, or first when something stands between them. As in PyTorch, an integer is no array of one.

    Raises
    ------
    IndexOutOfRangeError
        Naming index, axis and shape. A compiled step checks an index that it is given before it runs.
    """
    shape = tuple(input._array.shape)
    if type(index) is int and shape and -shape[0] <= index < shape[0]:  # the common case, sooner
        return indexing.getitem(input, index=(index,))
    if (
        type(index) is slice
        and shape
        and index != _ALL
        and {type(index.start), type(index.stop), type(index.step)} <= _END
    ):
        return indexing.getitem(input, index=(index,))
    basic, arrays = split(shape, index, input._array)
    if basic is not None:
        input = indexing.getitem(input, index=basic)
    elif arrays is None:
        return indexing.getitem(input, index=(Ellipsis,))
    return input if arrays is None else indexing.getitem(input, index=arrays)


def setitem(input: Any, index: Any, value: Any) -> None:
    """Put ``value``, broadcast, where ``input[index]`` stands: ``input[index] = value``.

    The tensor becomes the result of an operation, differentiable in what it was and in the value; where an index is
    repeated, one of the values stays. See :func:`getitem` for what an index may be.

    Raises
    ------
    ShapeError, DTypeError
        The value does not fit into what the index picks.
    GraphError
        The tensor is a leaf that requires a gradient.
    """
    mask = _traced_mask(index)
    if mask is not None:
        input._assign(_where(input, mask, value))
        return
    basic, arrays = split(tuple(input._array.shape), index, input._array)
    if arrays is not None:
        _need_same_dtype(input, index, value)
    input._assign(indexing.set_at(input, _value(input, value), index=() if basic is None else basic, inner=arrays))


def _need_same_dtype(input: Any, index: Any, value: Any) -> None:
    """Refuse a Tensor of another dtype where index arrays pick, as PyTorch does; a number by a mask may be cast."""
    if isinstance(value, TensorBase) and value._array.dtype != input._array.dtype:
        if value._array.ndim == 0 and _has_mask(index):
            return
        raise DTypeError(
            f"index assignment: a value of dtype {value._array.dtype} for a tensor of {input._array.dtype}; "
            "use value.to(tensor.dtype)"
        )


def _value(input: Any, value: Any) -> Any:
    """Return what is assigned in the tensor's dtype, without leading axes of length 1, which may be too many."""
    dtype = input._array.dtype
    if isinstance(value, TensorBase):
        value = value.to(dtype)  # type: ignore[attr-defined]
    elif isinstance(value, bool | int | float):
        return number_in("index assignment", value, dtype)
    else:
        array = value if is_array(value) else np.asarray(value)
        if array.dtype.kind not in "biufV" + ("c" if dtype.kind == "c" else ""):
            raise DTypeError(f"index assignment: {value!r} does not fit into a tensor of {dtype}")
        value = array.astype(dtype)
    shape = tuple(value.shape)
    extra = 0
    while extra < len(shape) and shape[extra] == 1:
        extra += 1
    return reshape(value, shape=shape[extra:]) if extra else value


def number_in(name: str, value: Any, dtype: np.dtype) -> Any:
    """Return a Python number that is written into a tensor of a dtype, floats cut off for integers.

    Raises
    ------
    DTypeError
        The dtype has no such number: an infinity among integers, a complex one.
    """
    kind = {"b": bool, "i": int, "u": int, "c": complex}.get(dtype.kind, float)
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        raise DTypeError(f"{name}: the value {value} does not fit into {dtype}") from None


# --- masks that a compiled step computes ------------------------------------------------------------------------------
def _traced_mask(index: Any) -> Any:
    """Return the mask if the index is one whose truth values are not known yet."""
    if isinstance(index, tuple) and len(index) == 1:
        (index,) = index
    array = index._array if isinstance(index, TensorBase) else index
    return array if is_jax(array) and array.dtype == bool and not is_concrete(array) else None


def _where(input: Any, mask: Any, value: Any) -> Any:
    """Assign by a mask without counting it: only values that are the same for each masked place."""
    shape, rest = tuple(input._array.shape), input._array.ndim - mask.ndim
    if tuple(mask.shape) != shape[: mask.ndim]:
        raise ShapeError(f"a mask of shape {tuple(mask.shape)} for a tensor of shape {shape}")
    value = _value(input, value)
    if len(np.shape(value)) > rest:
        concrete("assignment of a tensor by a mask", mask)
    return ew.where(mask.reshape(*mask.shape, *(1,) * rest), value, input)


def _has_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [p._array if isinstance(p, TensorBase) else np.asarray(p) for p in parts if not isinstance(p, slice)]
    return any(a.dtype == bool for a in arrays)


# --- sorting an index out ---------------------------------------------------------------------------------------------
def split(shape: tuple[int, ...], index: Any, indexed: Any = None) -> tuple[tuple[Any, ...] | None, Any]:
    """Split an index into what is done first (integers, slices, None) and the index arrays for the result of that.

    Either is None if there is nothing to do. This is PyTorch's order; NumPy takes an integer beside index arrays for
    an array too, so that ``x[0, :, [1, 2]]`` has its axes the other way round there.

    Parameters
    ----------
    shape : tuple of int
        Of what is indexed.
    indexed : array, optional
        What is indexed: NumPy checks index arrays itself, and need not be helped.
    """
    parts = [_part(p) for p in index] if isinstance(index, tuple) else [_part(index)]
    parts = _expanded(parts, shape, index)
    checks_itself = type(indexed) is np.ndarray
    several = sum(type(p) not in (int, slice) and p is not None for p in parts)
    basic: list[Any] = []
    arrays: list[Any] = []
    axis = 0
    for part in parts:
        kind = type(part)
        if kind is slice:
            basic.append(part)
            arrays.append(_ALL)
            axis += 1
        elif part is None:
            basic.append(None)
            arrays.append(_ALL)
        elif kind is int:
            if not -shape[axis] <= part < shape[axis]:
                raise out_of_range("index", part, axis, shape)
            basic.append(part)
            axis += 1
        elif kind is bool:
            basic.append(None)
            arrays.append(np.zeros(int(part), np.int64))
        elif part.dtype == bool:
            basic += [_ALL] * part.ndim
            arrays += _places(part, axis, shape, alone=several < 2)
            axis += part.ndim
        else:
            if not (checks_itself and isinstance(part, np.ndarray)):
                check_index("index", part, axis, shape, negative=True)
            if part.ndim:
                basic.append(_ALL)
                arrays.append(part)
            else:  # an integer that a compiled step computes
                basic.append(part)
            axis += 1
    nothing = all(p is _ALL or (type(p) is slice and p == _ALL) for p in basic)
    return None if nothing else tuple(basic), _trimmed(arrays)


def _trimmed(arrays: list[Any]) -> tuple[Any, ...] | None:
    """Return index arrays without the slices after the last; None if there is no array."""
    while arrays and arrays[-1] is _ALL:
        arrays.pop()
    return tuple(arrays) if arrays else None


def _places(mask: Any, axis: int, shape: tuple[int, ...], alone: bool) -> list[np.ndarray]:
    """Return index arrays for a mask; itself where there is no other array, because a mask repeats no place."""
    if tuple(mask.shape) != shape[axis : axis + mask.ndim]:
        raise IndexOutOfRangeError(
            f"index: a mask of shape {tuple(mask.shape)} does not fit the shape {shape} from axis {axis} on"
        )
    chosen = concrete("picking by a mask", mask)
    return [chosen] if alone else list(np.nonzero(chosen))


def _part(part: Any) -> Any:
    """Return one part of an index as an int, a bool, a slice, None, an ellipsis or an array."""
    if type(part) in (int, bool, slice) or part is None or part is Ellipsis:
        if type(part) is slice and (part.start is not None or part.stop is not None or part.step is not None):
            return slice(_end(part.start), _end(part.stop), _end(part.step))
        return part
    if isinstance(part, TensorBase):
        part = part._array
    elif isinstance(part, range):
        part = np.arange(part.start, part.stop, part.step)
    elif isinstance(part, list | tuple):
        part = _listed(part)
    if not is_array(part):
        try:
            return operator.index(part)
        except TypeError:
            raise DTypeError(f"index: {part!r} is a {type(part).__name__}; an index is made of {_WHAT}") from None
    if part.dtype.kind not in "biu":
        raise DTypeError(f"index: an array of {part.dtype} is no index; it is made of {_WHAT}")
    if not part.ndim and is_concrete(part):
        return part.item()
    return part


def _listed(part: Any) -> Any:
    """Return a list of indices as an array; a list may hold Tensors too."""
    try:
        array = np.asarray([p._array if isinstance(p, TensorBase) else p for p in part])
    except ValueError:
        raise DTypeError(f"index: {part!r} has lists of different lengths") from None
    return array if array.size or array.dtype.kind in "biu" else array.astype(np.int64)


def _end(end: Any) -> Any:
    return end if end is None or type(end) is int else _number(end)


def _number(end: Any) -> int:
    try:
        return int(end.item()) if isinstance(end, TensorBase) else operator.index(end)  # type: ignore[attr-defined]
    except TypeError:
        raise DTypeError(f"index: a slice is made of integers, got {end!r}") from None


def _expanded(parts: list[Any], shape: tuple[int, ...], index: Any) -> list[Any]:
    """Put slices in the place of the first ellipsis, or at the end."""
    used, at = 0, None
    for i, part in enumerate(parts):
        if part is Ellipsis:
            at = i if at is None else at
        elif part is not None and type(part) is not bool:
            used += part.ndim if not isinstance(part, int | slice) and part.dtype == bool else 1
    if used > len(shape):
        raise IndexOutOfRangeError(f"index: {used} axes are indexed, but the shape {shape} has {len(shape)}")
    filling = [_ALL] * (len(shape) - used)
    if at is None:
        return parts + filling
    return [*parts[:at], *filling, *[p for p in parts[at + 1 :] if p is not Ellipsis]]
