"""Arrays as plain JSON, for jobs and results that travel."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import DataError

__all__ = ["packed", "unpacked"]

#: What may travel: numbers and truth values, never objects.
_DTYPES = {
    np.dtype(name).str
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32")
} | {np.dtype("float64").str}


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON, every bit of it.

    Parameters
    ----------
    array : array of truth values, whole numbers or floats

    Examples
    --------
    >>> packed(np.array([[1, 2]], np.int16))
    {'dtype': '<i2', 'shape': [1, 2], 'base64': 'AQACAA=='}
    >>> unpacked(packed(np.float32([0.1, np.nan])))
    array([0.1, nan], dtype=float32)
    """
    array = np.asarray(array)
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    if little.dtype.str not in _DTYPES:
        raise DataError(f"packed: expected truth values, whole numbers or floats, got {array.dtype}")
    return {
        "dtype": little.dtype.str,
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def unpacked(text: dict[str, Any]) -> NDArray[Any]:
    """Return the array of :func:`packed`.

    Raises
    ------
    DataError
        When dtype, shape and bytes do not fit each other.

    Examples
    --------
    >>> unpacked({"dtype": "<f8", "shape": [10**9], "base64": "AAAA"})
    Traceback (most recent call last):
    gradwright.errors.DataError: an array that came as JSON: 3 bytes, but <f8 [1000000000] takes 8000000000
    """
    dtype, shape, code = text.get("dtype"), text.get("shape"), text.get("base64")
    if dtype not in _DTYPES or not isinstance(code, str) or not isinstance(shape, list):
        raise DataError(
            f"an array that came as JSON: expected dtype, shape and base64, got {sorted(text)!r:.80} of {dtype!r:.20}"
        )
    if not all(type(size) is int and size >= 0 for size in shape):
        raise DataError(f"an array that came as JSON: expected sizes from 0 as its shape, got {shape!r:.80}")
    try:
        content = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"an array that came as JSON: its base64 cannot be read ({error})") from error
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    if len(content) != needed:
        raise DataError(f"an array that came as JSON: {len(content)} bytes, but {dtype} {shape} takes {needed}")
    return np.frombuffer(content, dtype).reshape(shape).copy()
