"""Operations of your own, with their derivatives beside them: ``gradwright.extend``.

``docs/EXTENDING.md`` is one page on how. For a function that is made of Tensors' operations there is nothing to do; for
one call with a backward of its own, see :class:`gradwright.autograd.Function`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from gradwright.backend import is_array
from gradwright.engine import op as engine
from gradwright.engine.base import TensorBase

__all__ = ["elementwise", "general", "linear", "nondifferentiable"]

Rule = Callable[..., Any]


def elementwise(name: str, forward: Callable[..., Any], *local: Rule | float | None, floating: bool = False) -> Any:
    """Define an operation that works on each element by itself; both rules follow from the local derivatives.

    Equation: downstream = upstream × d ans / d x, summed over the axes along which x was broadcast.

    Parameters
    ----------
    name : str
        Not one of the library's own.
    forward : callable ``(xp, x, y, …, *, metadata)``
        On arrays, with the array library ``xp``.
    *local
        For each input the derivative of the output by it: a rule on Tensors, a constant, or None where there is none.
    floating : bool
        Whether integer inputs become float32 first.

    Raises
    ------
    ConfigError
        For a name that the library uses itself.

    Examples
    --------
    >>> import gradwright as gw
    >>> cube = gw.extend.elementwise("cube", lambda xp, x: x * x * x, lambda x: 3 * x ** 2)
    >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
    """
    rules = [_on_tensors(rule, forward) if callable(rule) else rule for rule in local]
    return _public(engine.elementwise(name, forward, *rules, floating=floating))


def linear(name: str, forward: Callable[..., Any], *transpose: Rule | None, promotes: bool = False) -> Any:
    """Define an operation that is linear in each input; forward mode is the operation itself.

    Parameters
    ----------
    name, forward
        As in :func:`elementwise`.
    *transpose
        For each input the rule that takes ``g`` back to it.
    promotes : bool
        Whether inputs of different dtypes are brought to a common one first.
    """
    rules = [rule and _on_tensors(rule, forward) for rule in transpose]
    return _public(engine.linear(name, forward, *rules, promotes=promotes))


def general(
    name: str,
    forward: Callable[..., Any],
    *,
    vjp: Sequence[Rule | None],
    jvp: Sequence[Rule | None],
    floating: bool = False,
    promotes: bool = False,
) -> Any:
    """Define an operation by both its rules, one of each for every input."""
    reverse = [rule and _on_tensors(rule, forward) for rule in vjp]
    ahead = [rule and _on_tensors(rule, forward) for rule in jvp]
    return _public(engine.general(name, forward, vjp=reverse, jvp=ahead, floating=floating, promotes=promotes))


def nondifferentiable(name: str, forward: Callable[..., Any], *, promotes: bool = False) -> Any:
    """Define an operation through which no gradient flows, such as a comparison."""
    return _public(engine.nondifferentiable(name, forward, promotes=promotes))


def _on_tensors(rule: Rule, forward: Callable[..., Any]) -> Rule:
    """Let a rule see Tensors where the engine, when nothing is to be recorded, passes bare arrays."""
    inputs = {p.name for p in inspect.signature(forward).parameters.values() if p.kind is not p.KEYWORD_ONLY}
    names = list(inspect.signature(rule).parameters)
    lifted = [name in inputs or name in ("g", "t", "ts", "ans") for name in names]

    @functools.wraps(rule)
    def on_tensors(*values: Any) -> Any:
        given = [_wrapped(v) if up else v for v, up in zip(values, lifted, strict=True)]
        result = rule(*given)
        recorded = any(isinstance(v, TensorBase) for value in values for v in _items(value))
        return result if recorded else _unwrapped(result)

    return on_tensors


def _items(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _wrapped(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_wrapped(v) for v in value)
    return engine.wrap(value) if is_array(value) else value


def _unwrapped(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_unwrapped(v) for v in value)
    return value._array if isinstance(value, TensorBase) else value


def _public(op: Any) -> Any:
    """Let the operation take arrays and numbers as Tensors when none of its inputs is one."""

    @functools.wraps(op.forward)
    def called(*inputs: Any, **metadata: Any) -> Any:
        if not any(isinstance(x, TensorBase) for x in inputs):
            inputs = tuple(_wrapped(x) for x in inputs)
        return op(*inputs, **metadata)

    called.__name__ = called.__qualname__ = op.name
    called.__signature__ = _without_first(op.forward)  # type: ignore[attr-defined]
    return called


def _without_first(forward: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(forward)
    return signature.replace(parameters=list(signature.parameters.values())[1:])
