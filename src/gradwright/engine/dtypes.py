"""The dtypes under PyTorch's names, and questions about them. They are NumPy's own objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend.dtypes import (
    category,
    common_dtype,
    get_default_dtype,
    result_dtype,
    set_default_dtype,
)
from gradwright.engine.base import TensorBase
from gradwright.errors import DTypeError

__all__ = [
    "as_dtype",
    "can_cast",
    "dtype_named",
    "finfo",
    "get_default_dtype",
    "iinfo",
    "promote_types",
    "result_type",
    "set_default_dtype",
]

#: PyTorch's names; two names of one dtype are the same object.
DTYPES = {
    "float16": np.float16, "half": np.float16, "float32": np.float32, "float": np.float32, "float64": np.float64,
    "double": np.float64, "int8": np.int8, "int16": np.int16, "short": np.int16, "int32": np.int32, "int": np.int32,
    "int64": np.int64, "long": np.int64, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32,
    "uint64": np.uint64, "bool": np.bool_,
}  # fmt: skip


def dtype_named(name: str) -> np.dtype | None:
    """Return the dtype that PyTorch calls ``name``; None when nothing is called so."""
    if name == "bfloat16":
        import ml_dtypes  # half a second of imports, for a dtype that few ask for

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(DTYPES[name]) if name in DTYPES else None


def as_dtype(name: str, dtype: Any) -> np.dtype:
    """Return NumPy's dtype object for whatever was given as ``dtype``.

    Raises
    ------
    DTypeError
        When it is no dtype, or one that tensors do not have.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{name}: {dtype!r:.80} is no dtype; use one such as gradwright.float32") from None
    if found.kind == "c":
        raise DTypeError(f"{name}: complex dtypes are not there; keep the real and the imaginary part apart")
    if (found.kind not in "fiub" and found.name != "bfloat16") or found.itemsize > 8:
        raise DTypeError(f"{name}: tensors do not hold {found}; use one such as gradwright.float32 or gradwright.int64")
    return found.newbyteorder("=") if found.byteorder == ">" else found


def promote_types(type1: Any, type2: Any) -> np.dtype:
    """Return the smallest dtype that both fit into, as PyTorch ranks them.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.promote_types(gw.int64, gw.float32)
    dtype('float32')
    """
    a, b = as_dtype("promote_types", type1), as_dtype("promote_types", type2)
    if a != b and "V" in (a.kind, b.kind) and category(a) == category(b):
        # bfloat16 beside another float: NumPy does not know the pair
        return np.dtype(np.float64 if np.dtype(np.float64) in (a, b) else np.float32)
    return common_dtype(a, b)


def result_type(tensor1: Any, tensor2: Any) -> np.dtype:
    """Return the dtype of an operation on these Tensors or numbers: dimensions outrank none, Tensors numbers."""
    return result_dtype([t._array if isinstance(t, TensorBase) else t for t in (tensor1, tensor2)])


def can_cast(from_: Any, to: Any) -> bool:
    """Say whether an in-place operation may put ``from_`` into ``to``: floats not into integers, neither into truth."""
    return category(as_dtype("can_cast", from_)) <= category(as_dtype("can_cast", to))


class finfo:
    """What a floating dtype can hold: ``eps``, ``max``, ``min``, ``tiny``, ``resolution``, ``bits``.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.finfo(gw.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        dtype = get_default_dtype() if type is None else as_dtype("finfo", type)
        if category(dtype) != 2:
            raise DTypeError(f"finfo: {dtype} is no floating dtype; use iinfo")
        if dtype.kind == "V":
            import ml_dtypes

            info: Any = ml_dtypes.finfo(dtype)
        else:
            info = np.finfo(dtype)
        self.dtype = dtype.name
        self.bits = dtype.itemsize * 8
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(info.resolution)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """What an integer dtype can hold: ``max``, ``min``, ``bits``."""

    def __init__(self, type: Any) -> None:
        dtype = as_dtype("iinfo", type)
        if category(dtype) != 1:
            raise DTypeError(f"iinfo: {dtype} is no integer dtype")
        info = np.iinfo(dtype)
        self.dtype = dtype.name
        self.bits = info.bits
        self.max = int(info.max)
        self.min = int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
