"""Whether two steps are one program: compared by what they hold, as tracing each of many members takes seconds."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradwright.compile.lift import Lifted
from gradwright.engine.generator import Generator

__all__ = ["signature"]

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, np.generic, np.dtype)
_OWN = frozenset({"_structure"})  # what an object notes for the compiler


def signature(lifted: Lifted, function: Any) -> tuple[Any, ...]:
    """Return what decides the program of a step, up to the numbers and tensors that are its inputs.

    Two steps with equal signatures are traced to the same text: the same functions, on objects of the same types with
    the same plain attributes, in the same modes, on tensors of the same shapes. It errs on the side of difference.

    Parameters
    ----------
    lifted : Lifted
        The step's state.
    function : callable
        The step.
    """
    numbers = {(id(c.store), c.key) for c in lifted.numbers}
    owners = [o for o in lifted.owners if not isinstance(o, Generator) and not _is_schedule(o)]
    return (
        _code(function),
        tuple((path, t.shape, str(t.dtype), t._requires_grad) for path, t in lifted.tensors),
        tuple((c.path, c.key, c.place, type(c.get()) is bool or c.get() is None) for c in lifted.numbers),
        lifted.mode_key(),
        tuple((n.key, n.now()) for n in lifted.constants),
        tuple((n.key, _code(n.now())) for n in lifted.names if callable(n.now())),
        tuple((type(o), _plain(vars(o), numbers)) for o in owners),
        tuple((type(h), _held(h, numbers)) for h, _ in lifted.holders if not _is_schedule(h)),
    )


def _is_schedule(value: Any) -> bool:
    """A schedule runs on the host; of it a program has only the numbers of its optimizer."""
    return not hasattr(value, "param_groups") and hasattr(value, "optimizer") and hasattr(value, "step")


def _plain(attributes: Mapping[Any, Any], numbers: set[tuple[int, str]]) -> tuple[Any, ...]:
    store = id(attributes)
    return tuple(
        (key, type(value), _value(value))
        for key, value in attributes.items()
        if key not in _OWN and (store, key) not in numbers and _is_plain(value)
    )


def _held(holder: Any, numbers: set[tuple[int, str]]) -> tuple[Any, ...]:
    if isinstance(holder, dict):
        return _plain(holder, numbers)
    if isinstance(holder, list | tuple | set | frozenset):
        return tuple((type(value), _value(value)) for value in holder if _is_plain(value))
    return _plain(vars(holder), numbers)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (*_PLAIN, types.FunctionType, types.MethodType))


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_value(item) for item in value)
    if isinstance(value, float):
        return value.hex()  # NaN equals itself
    return _code(value) if callable(value) and not isinstance(value, type) else value


def _code(function: Any) -> Any:
    """What a function says; what it closes over stands among the state's names and constants."""
    function = getattr(function, "__func__", function)
    return getattr(function, "__code__", type(function))
