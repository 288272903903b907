"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``, ``inference_mode``."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """The switches, one set a thread."""

    grad = True  # record operations
    keep_all = False  # keep every input and output, which forward mode needs
    autocast: np.dtype | None = None  # what products are computed in; see engine/autocast.py

    def __init__(self) -> None:
        # Entering np.errstate takes longer than a small operation; running inside a context where it has been entered
        # once takes a tenth of that.
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.quietly = context.run  # calls a function without NumPy's floating-point warnings


mode = _Mode()


class _Switch:
    """A context manager, and a decorator, that records operations or not."""

    enabled: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.grad)
        mode.grad = self.enabled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.grad = self._before.pop()

    def __call__(self, function: F) -> F:
        enabled = self.enabled

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with _Fixed(enabled):
                return function(*args, **kwargs)

        @functools.wraps(function)
        def step_by_step(*args: Any, **kwargs: Any) -> Iterator[Any]:
            # only the generator's own lines run inside, not those of whoever takes what it yields
            generator = function(*args, **kwargs)
            while True:
                with _Fixed(enabled):
                    try:
                        value = next(generator)
                    except StopIteration:
                        return
                yield value

        return step_by_step if inspect.isgeneratorfunction(function) else inside  # type: ignore[return-value]


class _Fixed(_Switch):
    def __init__(self, enabled: bool) -> None:
        super().__init__()
        self.enabled = enabled


class set_grad_enabled(_Switch):
    """Record operations, or not: from now on, inside a ``with`` block, or in a decorated function.

    Parameters
    ----------
    mode : bool
        Whether operations are recorded for ``backward``.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
    >>> with gw.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    >>> _ = gw.set_grad_enabled(False)
    >>> gw.is_grad_enabled()
    False
    >>> _ = gw.set_grad_enabled(True)
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = bool(mode)
        self._at_call = _switched(self.enabled)

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        self._at_call = _switched(self.enabled)

    def __call__(self, function: F) -> F:
        _switched(self._at_call)  # a decorator switches nothing for what follows it
        return super().__call__(function)


def _switched(enabled: bool) -> bool:
    """Switch, and return how it was before."""
    before = mode.grad
    mode.grad = enabled
    return before


class no_grad(_Switch):
    """Record nothing inside: a context manager, or a decorator, with parentheses or without.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.ones(2, requires_grad=True)
    >>> @gw.no_grad()
    ... def double(x):
    ...     return 2 * x
    >>> double(w).requires_grad
    False
    """

    enabled = False

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)


class enable_grad(_Switch):
    """Record operations inside, also within ``no_grad``."""

    enabled = True

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)


class inference_mode(_Switch):
    """Record nothing inside, as ``no_grad``; ``inference_mode(False)`` changes nothing.

    Tensors made inside may be used for training later, where PyTorch refuses.
    """

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.recording_off = mode

    @property
    def enabled(self) -> bool:  # type: ignore[override]
        """Whether operations inside are recorded."""
        return False if self.recording_off else mode.grad


def is_grad_enabled() -> bool:
    """Say whether operations are recorded now."""
    return mode.grad
