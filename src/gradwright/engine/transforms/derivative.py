"""Functions that turn a function into its derivative: ``grad``, ``value_and_grad``, ``vjp``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradwright.engine.base import TensorBase
from gradwright.engine.mode import enable_grad, mode
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.transforms.opened import captured_by, fresh, is_smooth, now, pull_back
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["grad", "value_and_grad", "vjp"]


def _opened(name: str, args: Sequence[Any], argnums: Sequence[int]) -> tuple[list[Any], list[Any], bool]:
    """Return the arguments with fresh Tensors at ``argnums``, these Tensors, and whether any was part of a graph."""
    arguments = list(args)
    found: list[Any] = []
    within = False
    for n in argnums:
        if not -len(args) <= n < len(args):
            raise ShapeError(f"{name}: argnums {n}, but the function was called with {len(args)} arguments")
        old = leaves(arguments[n])
        for x in old:
            if not is_smooth(x):
                raise DTypeError(f"{name}: argument {n} is {x.dtype}; only floating tensors have derivatives")
        if not old:
            raise DTypeError(f"{name}: argument {n} holds no Tensor, but {type(arguments[n]).__name__}")
        within = within or any(x._requires_grad for x in old)
        new = [fresh(x) for x in old]
        found += new
        arguments[n] = rebuild(arguments[n], iter(new))
    return arguments, found, within


def value_and_grad(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives ``function``'s value and its gradient.

    Equation: x ↦ (f(x), ∇f(x)).

    Parameters
    ----------
    function : callable
        Returns one number, or (that, anything) with ``has_aux``. Its arguments may be Tensors, or nests of them
        (tuples, lists, dictionaries).
    argnums : int or tuple of int
        Which positional arguments to differentiate by.
    has_aux : bool
        Whether the function returns more than what is differentiated.

    Returns
    -------
    callable
        To (value, gradient), or ((value, aux), gradient). The gradient has the argument's structure; a tuple of them
        for a tuple ``argnums``. If an argument is part of a graph, or the function uses parameters, so are the results.

    Raises
    ------
    GraphError
        When the function returns something else than one number.

    Examples
    --------
    >>> import gradwright as gw
    >>> value, slope = gw.value_and_grad(lambda x: (x ** 3).sum())(gw.tensor([1.0, 2.0]))
    >>> value, slope
    (tensor(9.), tensor([ 3., 12.]))
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        outside, since = mode.grad, now()
        arguments, xs, within = _opened("grad", args, positions)
        with enable_grad():
            result = function(*arguments, **kwargs)
            value, aux = result if has_aux else (result, None)
            if not isinstance(value, TensorBase) or value._array.size != 1:
                found = f"shape {tuple(value._array.shape)}" if isinstance(value, TensorBase) else type(value).__name__
                raise GraphError(f"grad: the function must return one number, a Tensor of one element; got {found}")
            recorded = outside and (within or bool(captured_by([value], xs, since)))
            seed = wrap(OPERATIONS["ones_like"](value._array))
            gradients = iter(pull_back([value], [seed], xs, recorded))
        if not recorded:
            value, aux = wrap(value._array), rebuild(aux, (wrap(t._array) for t in leaves(aux)))
        structured = tuple(rebuild(args[n], gradients) for n in positions)
        return (value, aux) if has_aux else value, structured[0] if isinstance(argnums, int) else structured

    return with_gradient


def grad(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives the gradient of ``function``; arguments as in :func:`value_and_grad`.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.func.grad(gw.func.grad(lambda x: x ** 3))(gw.tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(function, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return ``function(*primals)`` and the function that takes upstream gradients back to the primals.

    Equation: (f(x), v ↦ vᵀ ∂f/∂x).

    Parameters
    ----------
    function : callable
        From Tensors, or nests of them, to a Tensor or a nest.
    primals : Tensor or nest
        The point.
    has_aux : bool
        Whether the function returns (output, anything); the anything then comes third.

    Examples
    --------
    >>> import gradwright as gw
    >>> out, back = gw.vjp(lambda x: x * x, gw.tensor([1.0, 2.0]))
    >>> back(gw.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    outside, since = mode.grad, now()
    arguments, xs, within = _opened("vjp", primals, range(len(primals)))
    with enable_grad():
        result = function(*arguments)
    output, aux = result if has_aux else (result, None)
    ys = leaves(output)
    recorded = outside and (within or bool(captured_by(ys, xs, since)))

    def back(*cotangents: Any) -> tuple[Any, ...]:
        given = leaves(cotangents)
        shapes, wanted = [tuple(v.shape) for v in given], [tuple(y.shape) for y in ys]
        if shapes != wanted:
            raise ShapeError(f"vjp: upstream gradients of shapes {shapes} for outputs of shapes {wanted}")
        create = mode.grad and (recorded or any(v._requires_grad for v in given))
        gradients = iter(pull_back(ys, given, xs, create))
        return tuple(rebuild(p, gradients) for p in primals)

    shown = output if recorded else rebuild(output, (wrap(y._array) for y in ys))
    return (shown, back, aux) if has_aux else (shown, back)
