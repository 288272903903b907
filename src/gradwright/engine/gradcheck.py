"""Compare derivatives with finite differences, every coordinate, in both modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.engine.ahead import jvp
from gradwright.engine.creation import tensor
from gradwright.engine.reverse import grad
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError, GradwrightError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck", "numerical_jacobian"]


class GradcheckError(GradwrightError, AssertionError):
    """A rule disagrees with finite differences; the message names input, output and coordinate."""


def numerical_jacobian(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], position: int, eps: float = 1e-6
) -> np.ndarray:
    """Return d output / d input[position] by central differences, shape (outputs, elements of the input)."""
    arrays = [x.detach().numpy() for x in inputs]
    x = arrays[position]
    columns = []
    for i in range(x.size):
        ends = []
        for step in (eps, -eps):
            moved = x.copy()
            moved.flat[i] += step
            values = [Tensor(moved if k == position else a) for k, a in enumerate(arrays)]
            ends.append(
                function(*[v.requires_grad_() if v.dtype.kind == "f" else v for v in values]).detach().numpy().ravel()
            )
        columns.append((ends[0] - ends[1]) / (2 * eps))
    size = function(*inputs).numel()
    return np.stack(columns, axis=1) if columns else np.zeros((size, 0))


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-6,
) -> bool:
    """Check reverse mode and forward mode of ``function`` against central differences in every coordinate.

    Equation: J[i, j] = (fᵢ(x + ε eⱼ) - fᵢ(x - ε eⱼ)) / 2ε; |analytic - J| <= atol + rtol·|J| must hold everywhere.

    Parameters
    ----------
    function : callable
        From Tensors to one Tensor.
    inputs : Tensor or sequence of Tensor
        The point; those with ``requires_grad`` are checked and must be float64.
    eps : float > 0
        Half the distance of the two evaluations.
    atol, rtol : float >= 0
        Tolerances.

    Raises
    ------
    GradcheckError
        Naming mode, input, output element and coordinate of the largest disagreement.
    DTypeError
        For an input that is not float64: float32 has too few digits for finite differences.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([0.5, -1.0], dtype=gw.float64, requires_grad=True)
    >>> gw.autograd.gradcheck(lambda x: (x * x).tanh(), x)
    True
    """
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(xs) if x.requires_grad]
    for i in checked:
        if xs[i].dtype != np.float64:
            raise DTypeError(f"gradcheck: input {i} is {xs[i].dtype}; finite differences need float64")
    out = function(*xs)
    size = out.numel()
    for i in checked:
        expected = numerical_jacobian(function, xs, i, eps)
        backward = np.zeros_like(expected)
        for row in range(size):
            seed = np.zeros(size)
            seed[row] = 1
            (g,) = grad(out, xs[i], tensor(seed.reshape(out.shape)), retain_graph=True, allow_unused=True)
            if g is not None:
                backward[row] = g.numpy().ravel()
        _compare("reverse", i, backward, expected, atol, rtol)
        forward = np.zeros_like(expected)
        for column in range(expected.shape[1]):
            direction = np.zeros(expected.shape[1])
            direction[column] = 1

            def of_one(x: Tensor, i: int = i) -> Any:
                return function(*[x if k == i else other for k, other in enumerate(xs)])

            _, t = jvp(of_one, [xs[i]], [tensor(direction.reshape(xs[i].shape))])
            forward[:, column] = t.detach().numpy().ravel()
        _compare("forward", i, forward, expected, atol, rtol)
    return True


def gradgradcheck(function: Callable[..., Tensor], inputs: Tensor | Sequence[Tensor], **tolerances: float) -> bool:
    """Check second derivatives: :func:`gradcheck` of the gradient of a fixed weighted sum of the outputs."""
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    positions = [i for i, x in enumerate(xs) if x.requires_grad]

    for i in positions:

        def slope(*values: Tensor, i: int = i) -> Tensor:
            out = function(*values)
            weights = tensor(np.cos(np.arange(out.numel(), dtype=np.float64)).reshape(out.shape) + 2)
            (g,) = grad((out * weights).sum(), values[i], create_graph=True, allow_unused=True)
            # a constant slope hangs on nothing; adding 0·x keeps it in the graph, with derivative 0
            return values[i] * 0 if g is None else g + values[i] * 0

        gradcheck(slope, xs, **tolerances)
    return True


def _compare(mode: str, i: int, found: np.ndarray, expected: np.ndarray, atol: float, rtol: float) -> None:
    off = np.abs(found - expected) - (atol + rtol * np.abs(expected))
    if not expected.size or (off <= 0).all():
        return
    off = np.where(np.isnan(off), np.inf, off)
    row, column = np.unravel_index(np.argmax(off), off.shape)
    raise GradcheckError(
        f"gradcheck, {mode} mode, input {i}: d output[{row}] / d input[{column}] is {found[row, column]:.6g}, "
        f"central differences give {expected[row, column]:.6g} "
        f"({int((off > 0).sum())} of {off.size} entries disagree)"
    )
