"""Whole matrices of derivatives: Jacobian in either mode, Hessian, and the Hessian times a vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.engine.ahead import jvp
from gradwright.engine.base import TensorBase
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.transforms.derivative import grad, vjp
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import ConfigError, GraphError

__all__ = ["hessian", "hvp", "jacfwd", "jacobian", "jacrev"]


def jacobian(function: Callable[..., Any], argnums: Any = 0, mode: str = "reverse") -> Callable[..., Any]:
    """Return a function that gives the Jacobian of ``function``.

    Equation: J[i…, j…] = ∂ f(x)[i…] / ∂ x[j…]; its shape is the output's, then the input's.

    Parameters
    ----------
    function : callable
        From Tensors to one Tensor.
    argnums : int or tuple of int
        Which positional arguments, each a Tensor; for a tuple, a tuple of Jacobians.
    mode : "reverse" or "forward"
        Reverse takes one pass for each element of the output, forward one for each of the input.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.jacobian(lambda x: x * x)(gw.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if mode not in ("reverse", "forward"):
        raise ConfigError(f"jacobian: mode must be 'reverse' or 'forward', got {mode!r}")
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def matrices(*args: Any) -> Any:
        for n in positions:
            if not isinstance(args[n], TensorBase):
                raise GraphError(f"jacobian: argument {n} must be a Tensor, got {type(args[n]).__name__}")

        def of_chosen(*chosen: Any) -> Any:
            arguments = list(args)
            for n, x in zip(positions, chosen, strict=True):
                arguments[n] = x
            out = function(*arguments)
            if not isinstance(out, TensorBase):
                raise GraphError(f"jacobian: the function must return one Tensor, got {type(out).__name__}")
            return out

        rows = _by_rows if mode == "reverse" else _by_columns
        found = rows(of_chosen, [args[n] for n in positions])
        return found[0] if isinstance(argnums, int) else tuple(found)

    return matrices


def jacrev(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """Return the Jacobian by reverse mode: one pass an element of the output."""
    return jacobian(function, argnums, "reverse")


def jacfwd(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """Return the Jacobian by forward mode: one pass an element of the input."""
    return jacobian(function, argnums, "forward")


def _units(shape: tuple[int, ...], dtype: Any) -> list[Any]:
    size = int(np.prod(shape))
    return [wrap(row.reshape(shape)) for row in np.eye(size, dtype=dtype)]


def _stacked(rows: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    """Put tensors of one shape along a new first axis; ``shape`` is what comes out."""
    reshape, set_at = OPERATIONS["reshape"], OPERATIONS["set_at"]
    out = wrap(np.zeros((len(rows), int(np.prod(shape)) // max(len(rows), 1)), dtype))
    if "stack" in OPERATIONS and rows:
        out = OPERATIONS["stack"](*rows, axis=0)
    else:
        for i, row in enumerate(rows):
            out = set_at(out, reshape(row, shape=(-1,)), index=i)
    return reshape(out, shape=shape)


def _by_rows(function: Callable[..., Any], xs: list[Any]) -> list[Any]:
    out, back = vjp(function, *xs)
    rows = [back(unit) for unit in _units(out.shape, out.dtype)]
    return [_stacked([row[k] for row in rows], (*out.shape, *x.shape), x.dtype) for k, x in enumerate(xs)]


def _by_columns(function: Callable[..., Any], xs: list[Any]) -> list[Any]:
    found = []
    for k, x in enumerate(xs):

        def of_one(moved: Any, k: int = k) -> Any:
            return function(*xs[:k], moved, *xs[k + 1 :])

        columns = [jvp(of_one, [x], [unit])[1] for unit in _units(x.shape, x.dtype)]
        shape = columns[0].shape if columns else function(*xs).shape
        turned = _stacked(columns, (*x.shape, *shape), x.dtype)
        order = (*range(x.ndim, x.ndim + len(shape)), *range(x.ndim))
        found.append(OPERATIONS["permute"](turned, axes=order))
    return found


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """Return a function that gives the matrix of second derivatives, forward over reverse.

    Equation: H[i…, j…] = ∂² f(x) / ∂x[i…] ∂x[j…].

    Parameters
    ----------
    function : callable
        Returns one number.
    argnums : int
        Which positional argument, a Tensor.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.hessian(lambda x: x[0] ** 2 * x[1])(gw.tensor([1.0, 2.0]))
    tensor([[4., 2.],
            [2., 0.]])
    """
    return jacfwd(grad(function, argnums), argnums)


def hvp(function: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Return the gradient of ``function`` at a point, and its Hessian times a direction, without the Hessian.

    Equation: (∇f(x), H v), as the directional derivative of the gradient (forward over reverse), at the price of about
    two gradients (B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994).

    Parameters
    ----------
    function : callable
        From one argument, a Tensor or a nest of them, to one number.
    primals, tangents : Tensor or nest
        Point and direction, of the same structure.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.hvp(lambda x: (x ** 3).sum(), gw.tensor([1.0, 2.0]), gw.tensor([1.0, 0.5]))
    (tensor([ 3., 12.]), tensor([6., 6.]))
    """

    def flat(*xs: Any) -> Any:
        return tuple(leaves(grad(function)(rebuild(primals, iter(xs)))))

    slopes, curved = jvp(flat, leaves(primals), leaves(tangents))
    return rebuild(primals, iter(slopes)), rebuild(primals, iter(curved))
