"""The names of a function's parameters, read off its code: `inspect` takes a tenth of a second for all operations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

__all__ = ["Parameters", "name_parameters", "parameters_of"]

_TAKES_MORE = inspect.CO_VARARGS


class Parameters(NamedTuple):
    """What a forward function or a rule asks for."""

    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    defaults: dict[str, Any]  # of the keywords
    variadic: bool  # whether the last positional one is `*xs`

    @property
    def names(self) -> tuple[str, ...]:
        """All, in order."""
        return (*self.positional, *self.keyword)


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """Return the parameters of a function, or those that :func:`name_parameters` gave it."""
    named = getattr(function, "_parameter_names", None)
    if named is not None:
        return Parameters(named, (), {}, False)
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        code = function.__code__
        n, k = code.co_argcount, code.co_kwonlyargcount
        variadic = bool(code.co_flags & _TAKES_MORE)
        positional = code.co_varnames[:n] + ((code.co_varnames[n + k],) if variadic else ())
        return Parameters(positional, code.co_varnames[n : n + k], dict(function.__kwdefaults__ or {}), variadic)
    parameters = inspect.signature(function).parameters.values()
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return Parameters(
        tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY),
        tuple(p.name for p in keyword),
        {p.name: p.default for p in keyword if p.default is not p.empty},
        any(p.kind is p.VAR_POSITIONAL for p in parameters),
    )


def name_parameters(function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """Give a positional function parameter names."""
    function._parameter_names = tuple(names)  # type: ignore[attr-defined]
    return function
