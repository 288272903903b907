"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """The switches, one set a thread."""

    grad = True  # record operations
    keep_all = False  # keep every input and output, which forward mode needs

    def __init__(self) -> None:
        # Entering np.errstate takes longer than a small operation; running inside a context where it has been entered
        # once takes a tenth of that.
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.quietly = context.run  # calls a function without NumPy's floating-point warnings


mode = _Mode()


class set_grad_enabled:
    """Record operations, or not, inside a ``with`` block or a decorated function.

    Parameters
    ----------
    enabled : bool
        Whether operations inside are recorded for ``backward``.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
    >>> with gw.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.grad)
        mode.grad = self.enabled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.grad = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with type(self)._again(self.enabled):
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]

    @staticmethod
    def _again(enabled: bool) -> set_grad_enabled:
        return set_grad_enabled(enabled)


class no_grad(set_grad_enabled):
    """Record nothing inside: a context manager, or a decorator.

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

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(set_grad_enabled):
    """Record operations inside, also within ``no_grad``."""

    def __init__(self) -> None:
        super().__init__(True)


inference_mode = no_grad


def is_grad_enabled() -> bool:
    """Say whether operations are recorded now."""
    return mode.grad
