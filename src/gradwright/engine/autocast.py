"""Mixed precision: inside a region products are computed in bfloat16, losses in float32, the rest in what comes.

Which function belongs to which kind is PyTorch's list for CPUs. Products that are one operation say so where they are
defined (``Op.lowers``); functions made of several are decorated here. Parameters stay as they are, and gradients come
back in the parameters' own dtype, because a lowered input is a promoted one as far as the graph knows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.devices import device
from gradwright.engine.dtypes import as_dtype, dtype_named
from gradwright.engine.mode import mode
from gradwright.engine.op import OPERATIONS
from gradwright.errors import ConfigError

__all__ = ["as_given", "autocast", "in_float32", "in_lower", "is_autocast_enabled", "kept_autocast", "widened"]

F = TypeVar("F", bound=Callable[..., Any])


class autocast:
    """Compute products in bfloat16 inside a ``with`` block or a decorated function, and losses in float32.

    Products (``linear``, ``matmul``, convolutions, attention, recurrent layers' gates, ``einsum``, ``prelu``) take
    floating inputs in bfloat16 and give bfloat16. Losses and what needs digits take theirs in float32. All else works
    in what it is given; normalisations, softmax and sums of bfloat16 compute in float32 and round once, running
    statistics stay float32. float64 is left alone. Wrap the forward pass and the loss, not ``backward``.

    Parameters
    ----------
    device_type : str
        ``"cpu"``, ``"cuda"``, …; the same for all.
    dtype : dtype
        Only ``gradwright.bfloat16``, which has float32's range and so needs no scaling of the loss.
    enabled : bool
        False: no casting inside, also within another region.
    cache_enabled : bool, optional
        Taken for PyTorch's sake.

    Raises
    ------
    ConfigError
        When the dtype is another.

    Notes
    -----
    On CPUs bfloat16 halves the memory that activations take; products are computed in float32 and rounded, as fast as
    those of float32. Only accelerators have faster ones.

    References
    ----------
    P. Micikevicius et al., *Mixed precision training* (ICLR 2018); D. Kalamkar et al., *A study of BFLOAT16 for deep
    learning training* (arXiv:1905.12322, 2019).

    Examples
    --------
    >>> import gradwright as gw
    >>> model = gw.nn.Linear(3, 2)
    >>> with gw.autocast("cpu", dtype=gw.bfloat16):
    ...     y = model(gw.ones(4, 3))
    ...     loss = gw.nn.functional.mse_loss(y, gw.zeros(4, 2))
    >>> loss.backward()
    >>> y.dtype.name, loss.dtype.name, model.weight.dtype.name, model.weight.grad.dtype.name
    ('bfloat16', 'float32', 'float32', 'float32')
    """

    def __init__(
        self, device_type: Any, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        self.device = device(device_type).type
        half = dtype_named("bfloat16")
        self.fast_dtype = half if dtype is None else as_dtype("autocast", dtype)
        if enabled and self.fast_dtype != half:
            raise ConfigError(
                f"autocast: dtype must be gradwright.bfloat16, got {self.fast_dtype}"
                + ("; float16 would need its gradients scaled" if self.fast_dtype == np.float16 else "")
            )
        self.enabled = enabled
        self._before: list[np.dtype | None] = []

    def __enter__(self) -> autocast:
        self._before.append(mode.autocast)
        mode.autocast = self.fast_dtype if self.enabled else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.autocast = self._before.pop()

    def __call__(self, function: F) -> F:
        """Run a function inside the region."""
        return _within(function, self.fast_dtype if self.enabled else None)


def is_autocast_enabled(device_type: Any = None) -> bool:
    """Say whether products are computed in a lower precision now."""
    return mode.autocast is not None


def _within(function: F, dtype: np.dtype | None) -> F:
    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        before, mode.autocast = mode.autocast, dtype
        try:
            return function(*args, **kwargs)
        finally:
            mode.autocast = before

    return inside  # type: ignore[return-value]


def kept_autocast(function: F) -> F:
    """Let a function that the backward pass calls once more work in the precision of this moment."""
    return _within(function, mode.autocast)


def as_given(function: F) -> F:
    """Declare a function that works in what it is given, although it is made of products."""
    plain = _within(function, None)

    @functools.wraps(function)
    def chosen(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs) if mode.autocast is None else plain(*args, **kwargs)

    return chosen  # type: ignore[return-value]


def in_lower(function: F) -> F:
    """Declare a function whose inputs autocast lowers."""

    @functools.wraps(function)
    def cast(*args: Any, **kwargs: Any) -> Any:
        if mode.autocast is None:
            return function(*args, **kwargs)
        return _on_cast(function, args, kwargs, mode.autocast)

    return cast  # type: ignore[return-value]


def in_float32(function: F) -> F:
    """Declare a function whose inputs autocast widens to float32, such as a loss."""

    @functools.wraps(function)
    def cast(*args: Any, **kwargs: Any) -> Any:
        if mode.autocast is None:
            return function(*args, **kwargs)
        return _on_cast(function, args, kwargs, np.dtype(np.float32))

    return cast  # type: ignore[return-value]


def widened(function: F) -> F:
    """Declare a function of ``input`` that computes bfloat16 in float32 and rounds its result, always."""

    @functools.wraps(function)
    def cast(input: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(input, TensorBase) or input._array.dtype.kind != "V":
            return function(input, *args, **kwargs)
        # the others stay what they are: running statistics are written to
        return _cast(function(_cast(input, np.dtype(np.float32)), *args, **kwargs), input._array.dtype)

    return cast  # type: ignore[return-value]


def _on_cast(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], dtype: np.dtype) -> Any:
    return function(*[_cast(a, dtype) for a in args], **{name: _cast(a, dtype) for name, a in kwargs.items()})


def _cast(value: Any, dtype: np.dtype) -> Any:
    """Return a Tensor of floats in another precision, but float64, and anything else, as it is."""
    if not isinstance(value, TensorBase):
        return value
    have = value._array.dtype
    return (
        value
        if have == dtype or have.kind not in "fV" or have.itemsize == 8
        else OPERATIONS["cast"](value, dtype=dtype)
    )
