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
    if len(dtypes) <= 1:
        return arrays  # Python numbers are weak in NumPy 2 and in JAX already
    result: np.dtype | None = None
    for dimensioned in (True, False):
        for a in arrays:
            if not hasattr(a, "dtype") or (a.ndim > 0) is not dimensioned:
                continue
            if result is None:
                result = a.dtype
            elif dimensioned or _CATEGORY[a.dtype.kind] > _CATEGORY[result.kind]:
                result = _common(result, a.dtype)
    return [a.astype(result) if hasattr(a, "dtype") and a.dtype != result else a for a in arrays]


def _common(a: np.dtype, b: np.dtype) -> np.dtype:
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca != cb:
        return a if ca > cb else b
    return np.promote_types(a, b)
