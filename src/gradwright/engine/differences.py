"""Derivatives from evaluations alone: central differences, and the complex step where all operations are analytic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.mode import no_grad
from gradwright.engine.op import wrap
from gradwright.engine.tracing import trace_now
from gradwright.errors import DTypeError

__all__ = ["Differences", "differences"]

#: Operations whose forward functions continue analytically into the complex plane as they are written: no absolute
#: value, no comparison, no maximum, no shift by one. Anything else makes central differences the judge.
ANALYTIC = frozenset({
    "add", "sub", "mul", "div", "neg", "reciprocal", "identity", "square", "exp", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "reshape", "permute", "expand", "getitem", "scatter_into", "sum", "matmul", "linear", "cat",
    "stack", "einsum",
})  # fmt: skip


class Differences(NamedTuple):
    """A Jacobian from evaluations, outputs down and the input's elements across."""

    slope: np.ndarray
    left: np.ndarray  # one-sided slopes: where they differ there is a kink
    right: np.ndarray
    exact: bool  # whether by the complex step


def differences(flat: Callable[..., list[Any]], xs: Sequence[Any], position: int, eps: float) -> Differences:
    """Return d outputs / d xs[position].

    Parameters
    ----------
    flat : callable
        From Tensors to a list of Tensors.
    xs : sequence of Tensor
        The point.
    position : int
        Which input moves.
    eps : float > 0
        Half the distance of the two evaluations; the complex step, which needs no difference, is 1e-30.
    """
    arrays = [x.detach().numpy() for x in xs]
    asks = [x.requires_grad for x in xs]

    def value(moved: np.ndarray, recorded: bool) -> np.ndarray:
        tensors = [wrap(moved if k == position else a) for k, a in enumerate(arrays)]
        if recorded:  # the function may take derivatives itself
            for t, ask in zip(tensors, asks, strict=True):
                t._requires_grad = ask
            ys = flat(*tensors)
        else:
            with no_grad():
                ys = flat(*[wrap(t._array.astype(complex)) if t._array.dtype.kind == "f" else t for t in tensors])
        return np.concatenate([y.detach().numpy().ravel() for y in ys] or [np.zeros(0)])

    x = arrays[position]
    here = value(x, True)
    if _is_analytic(flat, xs):
        try:
            columns = [value(_moved(x.astype(complex), i, 1e-30j), False).imag / 1e-30 for i in range(x.size)]
        except DTypeError:  # a product of a complex matrix and a real one that stands in the function
            pass
        else:
            slope = _matrix(columns, here.size)
            return Differences(slope, slope, slope, True)
    right = [(value(_moved(x, i, eps), True) - here) / eps for i in range(x.size)]
    left = [(here - value(_moved(x, i, -eps), True)) / eps for i in range(x.size)]
    a, b = _matrix(left, here.size), _matrix(right, here.size)
    return Differences((a + b) / 2, a, b, False)


def _moved(x: np.ndarray, i: int, step: complex) -> np.ndarray:
    moved = x.copy()
    moved.flat[i] += step
    return moved


def _matrix(columns: list[np.ndarray], rows: int) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


class _Names:
    """A watcher that notes which operations run."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def forward(self, op: Any, inputs: Any, output: Any) -> None:
        self.seen.add(op.name)

    def backward(self, node: Any, gradient: Any, position: int) -> None:
        self.seen.add("a derivative")


def _is_analytic(flat: Callable[..., list[Any]], xs: Sequence[Any]) -> bool:
    """Say whether the function uses nothing but analytic operations, and no derivatives."""
    before, names = trace_now.watcher, _Names()
    trace_now.watcher = names
    try:
        flat(*xs)
    finally:
        trace_now.watcher = before
    return names.seen <= ANALYTIC
