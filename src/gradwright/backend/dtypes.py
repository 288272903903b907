"""Type promotion as PyTorch does it, which differs from NumPy's and JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.errors import DTypeError

__all__ = ["category", "common_dtype", "get_default_dtype", "promote", "result_dtype", "set_default_dtype"]

_default_float = np.dtype(np.float32)

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}  # "V" is bfloat16


def get_default_dtype() -> np.dtype:
    """Return the dtype that Python's floats become: float32 unless set otherwise."""
    return _default_float


def set_default_dtype(d: Any) -> None:
    """Say which dtype Python's floats become.

    Raises
    ------
    DTypeError
        When it is not a floating dtype.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.set_default_dtype(gw.float64)
    >>> gw.tensor([1.5]).dtype
    dtype('float64')
    >>> gw.set_default_dtype(gw.float32)
    """
    global _default_float
    dtype = np.dtype(d)
    if _CATEGORY.get(dtype.kind) != 2:
        raise DTypeError(f"set_default_dtype: expected a floating dtype, got {dtype}")
    _default_float = dtype


def category(dtype: np.dtype) -> int:
    """Return 0 for truth values, 1 for integers, 2 for floats: what may be put into what."""
    return _CATEGORY[dtype.kind]


def agreed(arrays: list[Any]) -> Any:
    """Return the one dtype of arrays that NumPy holds, at a glance; None where somebody must look closer."""
    dtype = None
    floats = False
    for array in arrays:
        kind = type(array)
        if kind is np.ndarray:
            if dtype is None:
                dtype = array.dtype
            elif array.dtype is not dtype:
                return None
        elif kind is float:
            floats = True
        elif kind is not int:
            return None
    return None if floats and dtype is not None and dtype.kind != "f" else dtype


def promote(arrays: list[Any]) -> list[Any]:
    """Bring arrays of different dtypes to PyTorch's common one.

    PyTorch ranks *arrays with dimensions* over *zero-dimensional arrays* over *Python numbers*, and the lower rank
    decides only when its category (bool < integer < float) is higher. So a float32 array times a float64 scalar
    stays float32, and an int64 array plus a float32 array is float32 (NumPy would make both float64).

    >>> a, b = promote([np.ones(2, np.float32), np.float64(3.0)])
    >>> a.dtype, b.dtype
    (dtype('float32'), dtype('float32'))
    >>> [x.dtype.name for x in promote([np.ones(2, np.int64), np.ones(2, np.float32)])]
    ['float32', 'float32']
    """
    if agreed(arrays) is not None:
        return arrays
    dtypes = {a.dtype for a in arrays if hasattr(a, "dtype")}
    floats = any(type(a) is float for a in arrays)
    if len(dtypes) <= 1 and not (floats and dtypes and next(iter(dtypes)).kind in "bui"):
        return arrays  # beside floats, Python numbers are weak in NumPy 2 and in JAX already
    result = _ranked(arrays)
    if floats and result is not None and result.kind in "bui":
        result = _default_float
    return [a.astype(result) if hasattr(a, "dtype") and a.dtype != result else a for a in arrays]


def _ranked(arrays: list[Any]) -> np.dtype | None:
    """Return the common dtype of the arrays alone; None when there is no array."""
    result: np.dtype | None = None
    for dimensioned in (True, False):
        rank: np.dtype | None = None
        for a in arrays:
            if hasattr(a, "dtype") and (a.ndim > 0) is dimensioned:
                rank = a.dtype if rank is None else common_dtype(rank, a.dtype)
        if rank is not None and (result is None or _CATEGORY[rank.kind] > _CATEGORY[result.kind]):
            result = rank
    return result


def result_dtype(values: list[Any]) -> np.dtype:
    """Return the dtype of an operation on these arrays and Python numbers."""
    numbers = [v for v in values if not hasattr(v, "dtype")]
    weak = max(
        (
            np.dtype(bool) if type(v) is bool else np.dtype(np.int64) if type(v) is int else _default_float
            for v in numbers
        ),
        key=category,
        default=None,
    )
    result = _ranked(values)
    if result is None:
        if weak is None:
            raise DTypeError("result_type: expected at least one Tensor or number")
        return weak
    return weak if weak is not None and category(weak) > category(result) else result


def common_dtype(a: np.dtype, b: np.dtype) -> np.dtype:
    """Return the smallest dtype that both fit into; a float beside an integer stays as it is."""
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca != cb:
        return a if ca > cb else b
    return np.promote_types(a, b)
