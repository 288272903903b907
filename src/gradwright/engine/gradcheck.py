"""Compare derivatives with differences that know no rules: every coordinate, in both modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.ahead import jvp
from gradwright.engine.base import TensorBase
from gradwright.engine.differences import Differences, differences
from gradwright.engine.op import wrap
from gradwright.engine.reverse import grad
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import DTypeError, GradwrightError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(GradwrightError, AssertionError):
    """A rule disagrees with differences; the message names mode, input, output and coordinate."""


class _Input(NamedTuple):
    position: int  # among all Tensors of the arguments
    label: str


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-6,
    raise_exception: bool = True,
) -> bool:
    """Check reverse mode and forward mode of ``function`` against differences in every coordinate.

    Equation: J[i, j] = (fᵢ(x + ε eⱼ) - fᵢ(x - ε eⱼ)) / 2ε, and |analytic - J| <= atol + rtol·|J| must hold everywhere.
    Where all operations of the function are analytic, J[i, j] = Im fᵢ(x + i·h·eⱼ) / h is used, which loses no digits
    (W. Squire and G. Trapp, *Using complex variables to estimate derivatives*, SIAM Review 40, 1998), and the
    tolerances shrink to 1e-11.

    Parameters
    ----------
    function : callable
        From Tensors, or nests of them, to a Tensor or a nest.
    inputs : Tensor, or sequence of Tensors and nests
        The point; those with ``requires_grad`` are checked and must be float64.
    eps : float > 0
        Half the distance of the two evaluations.
    atol, rtol : float >= 0
        Tolerances.
    raise_exception : bool
        Raise at a disagreement rather than return False.

    Raises
    ------
    GradcheckError
        Naming mode, input, output element and coordinate of the largest disagreement, and whether the point lies on a
        kink, where no derivative is wrong.
    DTypeError
        For an input that is not float64: float32 has too few digits for finite differences.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([0.5, -1.0], dtype=gw.float64, requires_grad=True)
    >>> gw.autograd.gradcheck(lambda x: (x * x).tanh(), x)
    True
    """
    args = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    xs = leaves(args)
    labels = _labels(args)
    for x, label in zip(xs, labels, strict=True):
        if x.requires_grad and x.dtype != np.float64:
            raise DTypeError(f"gradcheck: {label} is {x.dtype}; finite differences need float64")
    checked = [_Input(i, labels[i]) for i, x in enumerate(xs) if x.requires_grad]

    def flat(*moved: Any) -> list[Any]:
        return [y for y in leaves(function(*rebuild(args, iter(moved)))) if y.dtype.kind in "fc"]

    try:
        _check(flat, xs, checked, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(function: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """Check second derivatives: :func:`gradcheck` of the gradient of a fixed weighted sum of the outputs."""
    args = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    xs = leaves(args)

    for i, x in enumerate(xs):
        if not x.requires_grad:
            continue

        def slope(*values: Any, i: int = i) -> Any:
            moved = leaves(values)
            total: Any = 0.0
            for y in leaves(function(*values)):
                if y.requires_grad:
                    weights = wrap(np.cos(np.arange(y.numel(), dtype=np.float64)).reshape(y.shape) + 2)
                    total = total + (y * weights).sum()
            # a constant slope hangs on nothing; adding 0·x keeps it in the graph, with derivative 0
            nothing = moved[i] * 0
            if not isinstance(total, TensorBase):
                return nothing
            (g,) = grad(total, moved[i], create_graph=True, allow_unused=True)
            return nothing if g is None else g + nothing

        if not gradcheck(slope, args, **options):
            return False
    return True


def _labels(args: Sequence[Any]) -> list[str]:
    def walk(value: Any, path: str) -> list[str]:
        if isinstance(value, TensorBase):
            return [path]
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
        )
        return [label for key, item in items for label in walk(item, f"{path}[{key!r}]")]

    return [label for i, arg in enumerate(args) for label in walk(arg, f"input {i}")]


def _check(
    flat: Callable[..., list[Any]], xs: list[Any], checked: list[_Input], eps: float, atol: float, rtol: float
) -> None:
    ys = flat(*xs)
    shapes = [tuple(y.shape) for y in ys]
    sizes = [int(np.prod(s)) for s in shapes]
    for position, label in checked:
        x = xs[position]
        expected = differences(flat, xs, position, eps)
        limits = (1e-11, 1e-11) if expected.exact else (atol, rtol)
        rows = [np.zeros((0, x.numel()))]
        for k, y in enumerate(ys):
            for unit in np.eye(sizes[k]) if y.requires_grad else ():
                (g,) = grad(y, x, wrap(unit.reshape(shapes[k])), retain_graph=True, allow_unused=True)
                rows.append((np.zeros(x.numel()) if g is None else g.numpy().ravel())[None])
            if not y.requires_grad:
                rows.append(np.zeros((sizes[k], x.numel())))
        _compare("reverse", label, np.concatenate(rows), expected, shapes, x.shape, *limits)
        columns = np.zeros((sum(sizes), x.numel()))

        def of_one(moved: Any, position: int = position) -> Any:
            return tuple(flat(*[moved if k == position else other for k, other in enumerate(xs)]))

        for column, unit in enumerate(np.eye(x.numel())):
            _, ts = jvp(of_one, [x], [wrap(unit.reshape(x.shape))])
            columns[:, column] = np.concatenate([t.detach().numpy().ravel() for t in ts] or [np.zeros(0)])
        _compare("forward", label, columns, expected, shapes, x.shape, *limits)


def _compare(
    mode: str,
    label: str,
    found: np.ndarray,
    expected: Differences,
    shapes: list[tuple[int, ...]],
    x_shape: tuple[int, ...],
    atol: float,
    rtol: float,
) -> None:
    off = np.abs(found - expected.slope) - (atol + rtol * np.abs(expected.slope))
    if not off.size or (off <= 0).all():
        return
    off = np.where(np.isnan(off), np.inf, off)
    row, column = (int(i) for i in np.unravel_index(np.argmax(off), off.shape))
    what = "the complex step gives" if expected.exact else "central differences give"
    raise GradcheckError(
        f"gradcheck, {mode} mode, {label}: d {_output(row, shapes)} / d input{_at(column, x_shape)} is "
        f"{found[row, column]:.6g}, {what} {expected.slope[row, column]:.6g} "
        f"({int((off > 0).sum())} of {off.size} entries disagree)" + _kink(expected, row, column)
    )


def _output(row: int, shapes: list[tuple[int, ...]]) -> str:
    for k, shape in enumerate(shapes):
        size = int(np.prod(shape))
        if row < size:
            return f"output{f' {k} ' if len(shapes) > 1 else ''}{_at(row, shape)}"
        row -= size
    raise AssertionError("no such row")


def _at(flat: int, shape: tuple[int, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(flat, shape))}]" if shape else "[0]"


def _kink(expected: Differences, row: int, column: int) -> str:
    """Say so when the slopes on the two sides differ: then the point lies on a kink, or next to one."""
    if expected.exact:
        return ""
    left, right = expected.left[row, column], expected.right[row, column]
    if not abs(left - right) > 1e-2 * max(abs(left), abs(right), 1e-3):
        return ""
    return (
        f". This point lies on a kink: the slope is {left:.4g} on the left and {right:.4g} on the right. "
        "There the rule may be right; check at a point away from it"
    )
