"""Methods that bring a tensor into another dtype, to another place, or out of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.backend.dtypes import category
from gradwright.engine.base import TensorBase, settle
from gradwright.engine.devices import CPU, check_device, device
from gradwright.engine.dtypes import as_dtype, dtype_named
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tracing import trace_now
from gradwright.errors import DeviceError, DTypeError, GraphError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["ConversionMethods"]

#: What `.type()` says, as PyTorch's tensor types.
_TYPE_NAMES = {
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip
_NAMED_TYPES = {long: short for short, long in _TYPE_NAMES.items()}


class ConversionMethods:
    """Dtypes, devices, NumPy arrays and Python numbers."""

    __slots__ = ()

    # --- dtypes -----------------------------------------------------------------------------------------------------
    def to(self: Any, *where: Any, dtype: Any = None, device: Any = None, copy: bool = False, **ignored: Any) -> Tensor:
        """Return the tensor in another dtype: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``.

        Parameters
        ----------
        *where : dtype, device or Tensor
            A Tensor stands for its dtype.
        copy : bool
            A new tensor even where nothing changes.
        **ignored
            ``non_blocking`` and ``memory_format``, which change nothing here.

        Raises
        ------
        DeviceError
            For any device but the CPU.
        """
        if len(where) == 1 and where[0].__class__ is np.dtype:  # the usual call
            dtype = where[0]
            if dtype is self._array.dtype and not copy:
                return self
        else:
            if ignored.keys() - {"non_blocking", "memory_format"}:
                raise DTypeError(f"to: unknown argument {', '.join(sorted(ignored))}")
            dtype = destination(where, dtype, device)
        if dtype is None or dtype == self._array.dtype:
            return ew.identity(self) if copy else self
        return ew.cast(self, dtype=dtype)

    def type(self: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the tensor in another dtype; without one, the name of its type, such as ``gradwright.FloatTensor``."""
        if dtype is None:
            return f"gradwright.{_TYPE_NAMES.get(self.dtype.name, self.dtype.name)}Tensor"
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            name = dtype.rpartition(".")[2].removesuffix("Tensor")
            dtype = dtype_named(_NAMED_TYPES[name]) if name in _NAMED_TYPES else dtype
        return self.to(as_dtype("type", dtype))

    def type_as(self: Any, other: Tensor) -> Tensor:
        """Return the tensor in the dtype of another."""
        return self.to(other.dtype)

    def float(self: Any) -> Tensor:
        """Return the tensor in float32."""
        return self.to(np.dtype(np.float32))

    def double(self: Any) -> Tensor:
        """Return the tensor in float64."""
        return self.to(np.dtype(np.float64))

    def half(self: Any) -> Tensor:
        """Return the tensor in float16."""
        return self.to(np.dtype(np.float16))

    def bfloat16(self: Any) -> Tensor:
        """Return the tensor in bfloat16: the range of float32 in 16 bits."""
        return self.to(dtype_named("bfloat16"))

    def int(self: Any) -> Tensor:
        """Return the tensor in int32."""
        return self.to(np.dtype(np.int32))

    def long(self: Any) -> Tensor:
        """Return the tensor in int64."""
        return self.to(np.dtype(np.int64))

    def short(self: Any) -> Tensor:
        """Return the tensor in int16."""
        return self.to(np.dtype(np.int16))

    def char(self: Any) -> Tensor:
        """Return the tensor in int8."""
        return self.to(np.dtype(np.int8))

    def byte(self: Any) -> Tensor:
        """Return the tensor in uint8."""
        return self.to(np.dtype(np.uint8))

    def bool(self: Any) -> Tensor:
        """Return the tensor as truth values."""
        return self.to(np.dtype(np.bool_))

    def is_floating_point(self: Any) -> Any:
        """Say whether the elements are floats."""
        return category(self.dtype) == 2

    def is_complex(self: Any) -> Any:
        """Say no: there are no complex tensors."""
        return False

    def is_signed(self: Any) -> Any:
        """Say whether the dtype holds negative numbers."""
        return self.dtype.kind not in "ub"

    # --- devices and memory -----------------------------------------------------------------------------------------
    @property
    def device(self: Any) -> device:
        """Where it lies: the CPU."""
        return CPU

    @property
    def is_cuda(self: Any) -> Any:
        """No."""
        return False

    @property
    def is_cpu(self: Any) -> Any:
        """Yes."""
        return True

    def get_device(self: Any) -> Any:
        """Return -1, which is the CPU's number."""
        return -1

    def cpu(self: Any) -> Tensor:
        """Return the tensor itself."""
        return self

    def cuda(self: Any, device: Any = None, non_blocking: Any = False) -> Tensor:
        """Refuse, and say what to use instead."""
        check_device("cuda", "cuda" if device is None else device)
        raise DeviceError("cuda: single tensors lie in main memory; compile the step (gradwright.compile) instead")

    def contiguous(self: Any, memory_format: Any = None) -> Tensor:
        """Return the tensor itself: how its elements lie in memory is nothing that a program here can see."""
        return self

    def is_contiguous(self: Any, memory_format: Any = None) -> Any:
        """Say yes; see :meth:`contiguous`."""
        return True

    def stride(self: Any, dim: Any = None) -> Any:
        """Return how many elements apart neighbours along each axis lie, in row-major order."""
        steps, step = [], 1
        for n in reversed(self.shape):
            steps.append(step)
            step *= max(n, 1)
        return tuple(reversed(steps)) if dim is None else steps[::-1][dim]

    def element_size(self: Any) -> Any:
        """Return the number of bytes of one element."""
        return self.dtype.itemsize

    @property
    def itemsize(self: Any) -> Any:
        """Number of bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self: Any) -> Any:
        """Number of bytes of all elements."""
        return self.numel() * self.dtype.itemsize

    # --- out of the library -----------------------------------------------------------------------------------------
    def numpy(self: Any, *, force: Any = False) -> np.ndarray:
        """Return the numbers as a NumPy array; a copy, so writing to it changes nothing here."""
        if self._requires_grad and not force:
            raise GraphError("numpy() on a tensor that requires grad: call .detach().numpy()")
        return to_numpy(self._array)

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self._requires_grad:
            raise GraphError("a tensor that requires grad is no array for NumPy: call .detach().numpy()")
        array = np.asarray(self._array if trace_now.trace is not None else settle(self))
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor as a {np.dtype(dtype)} array takes a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def item(self: Any) -> Any:
        """Return the one element as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"item() needs exactly one element; this tensor has shape {self.shape}")
        return self._array.item()

    def tolist(self: Any) -> Any:
        """Return the numbers as nested lists."""
        return np.asarray(self._array).tolist()


def destination(where: tuple[Any, ...], dtype: Any, place: Any) -> Any:
    """Return the dtype that ``to`` was asked for, after a look at the device."""
    for value in where:
        if isinstance(value, TensorBase):
            dtype = value._array.dtype
        elif value is None or isinstance(value, bool):  # non_blocking, copy
            continue
        elif isinstance(value, device | str | int):
            if not isinstance(value, str) or dtype_named(value) is None:
                place = value
            else:
                dtype = value
        else:
            dtype = value
    check_device("to", place)
    return None if dtype is None else as_dtype("to", dtype)
