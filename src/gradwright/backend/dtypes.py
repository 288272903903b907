"""Type promotion as PyTorch does it, which differs from NumPy's and JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["default_float", "promote"]

default_float = np.dtype(np.float32)

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}  # "V" is bfloat16


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
    dtypes = {a.dtype for a in arrays if hasattr(a, "dtype")}
    floats = any(type(a) is float for a in arrays)
    if len(dtypes) <= 1 and not (floats and dtypes and next(iter(dtypes)).kind in "bui"):
        return arrays  # beside floats, Python numbers are weak in NumPy 2 and in JAX already
    result: np.dtype | None = None
    for dimensioned in (True, False):
        rank: np.dtype | None = None
        for a in arrays:
            if hasattr(a, "dtype") and (a.ndim > 0) is dimensioned:
                rank = a.dtype if rank is None else _common(rank, a.dtype)
        if rank is not None and (result is None or _CATEGORY[rank.kind] > _CATEGORY[result.kind]):
            result = rank
    if floats and result is not None and result.kind in "bui":
        result = default_float
    return [a.astype(result) if hasattr(a, "dtype") and a.dtype != result else a for a in arrays]


def _common(a: np.dtype, b: np.dtype) -> np.dtype:
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca != cb:
        return a if ca > cb else b
    return np.promote_types(a, b)
