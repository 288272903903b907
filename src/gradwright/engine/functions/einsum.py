"""Einstein's summation: reading PyTorch's notation."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.sizing import need_tensors
from gradwright.engine.ops.arranging import diagonal
from gradwright.engine.ops.einsum import einsum as einsum_op
from gradwright.engine.ops.shape import permute, reshape
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["einsum"]

_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order of an output that is not written


def einsum(*args: Any) -> Tensor:
    """Add up products of tensors' elements, as an equation says.

    Each operand's axes are named by letters. A letter in several operands multiplies along that axis; a letter that is
    not in the output is added up; a letter twice in one operand takes its diagonal. ``...`` stands for any further
    axes, which broadcast. Without ``->`` the output has the letters that occur once, in the order of the alphabet.

    Parameters
    ----------
    equation : str
        Such as ``"bij,bjk->bik"``.
    *operands : Tensor
        One for each part of the equation's left side, or one list of them. In place of an equation, lists of integers
        may follow each operand, and one more the last for the output.

    Raises
    ------
    ShapeError
        A letter stands for different lengths, or an operand has another number of axes than letters.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> gw.einsum("ij,ij->i", x, x).tolist()
    [5.0, 25.0]
    """
    equation, operands = _arguments(args)
    given = need_tensors("einsum", operands)
    for x in given:
        if x.dtype != given[0].dtype:
            raise DTypeError(
                f"einsum: all operands must have the same dtype, got {given[0].dtype} and {x.dtype}; use .to(dtype)"
            )
    names, output = _read(equation, given)
    arrays, labels = [], []
    size: dict[Any, int] = {}
    for k, (x, own) in enumerate(zip(given, names, strict=True)):
        x, own = _diagonals(x, own, k, equation)
        for label, n in zip(own, x.shape, strict=True):
            if n != 1 and size.get(label, 1) not in (1, n):
                raise ShapeError(
                    f"einsum: in {equation!r}, {_said(label)} has length {size[label]} in one operand and {n} in "
                    f"operand {k}; the shapes are {', '.join(str(y.shape) for y in given)}"
                )
            size[label] = n if size.get(label, 1) == 1 else size[label]
        arrays.append(x)
        labels.append(own)
    number = {label: i for i, label in enumerate(size)}
    xs, subscripts = [], []
    for x, own in zip(arrays, labels, strict=True):
        kept = [i for i, (label, n) in enumerate(zip(own, x.shape, strict=True)) if n == size[label]]
        if len(kept) < len(own):  # a length of 1 that broadcasts
            x = reshape(x, shape=tuple([x.shape[i] for i in kept]))
        xs.append(x)
        subscripts.append(tuple([number[own[i]] for i in kept]))
    out = tuple([number[label] for label in output])
    if len(xs) == 1 and sorted(out) == sorted(subscripts[0]):  # nothing but another order
        order = tuple([subscripts[0].index(n) for n in out])
        return permute(xs[0], axes=order)
    return einsum_op(*xs, subscripts=tuple(subscripts), output=out)


def _arguments(args: tuple[Any, ...]) -> tuple[str, Any]:
    """Return the equation and the operands, writing an equation from lists of integers where that is the form."""
    if not args:
        raise ConfigError("einsum: needs an equation and its operands")
    if isinstance(args[0], str):
        rest = args[1:]
        return args[0], rest[0] if len(rest) == 1 and isinstance(rest[0], tuple | list) else rest
    if not isinstance(args[0], TensorBase) or len(args) < 2:
        raise ConfigError("einsum: the first argument must be an equation, or an operand that a list of axes follows")

    def written(axes: Any) -> str:
        if any(axis is not Ellipsis and not 0 <= axis < len(_LETTERS) for axis in axes):
            raise ConfigError(
                f"einsum: axes in lists must be ... or integers from 0 to {len(_LETTERS) - 1}, got {axes}"
            )
        return "".join("..." if axis is Ellipsis else _LETTERS[axis] for axis in axes)

    pairs = args[: len(args) // 2 * 2]
    equation = ",".join(written(axes) for axes in pairs[1::2])
    if len(args) % 2:
        equation += "->" + written(args[-1])
    return equation, list(pairs[::2])


def _labels(part: str, equation: str) -> list[Any]:
    """Return the letters of one part, Ellipsis for the dots."""
    before, dots, after = part.partition("...")
    for letter in before + after:
        if letter not in _LETTERS:
            raise ConfigError(f"einsum: {letter!r} in {equation!r} is no letter (dots come as '...', once an operand)")
    return [*before, *([Ellipsis] if dots else []), *after]


def _read(equation: str, given: tuple[Any, ...]) -> tuple[list[list[Any]], list[Any]]:
    """Return the names of each operand's axes and of the output's; those behind dots are numbers from the right."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = [_labels(part, equation) for part in left.split(",")]
    if len(parts) != len(given):
        raise ConfigError(f"einsum: {equation!r} names {len(parts)} operands, but {len(given)} came")
    names, most = [], 0
    for k, (part, x) in enumerate(zip(parts, given, strict=True)):
        free = x.ndim - len([p for p in part if p is not Ellipsis])
        if free < 0 or (free and Ellipsis not in part):
            raise ShapeError(f"einsum: in {equation!r}, operand {k} of shape {x.shape} has not so many axes as letters")
        names.append([p for q in part for p in (range(free, 0, -1) if q is Ellipsis else [q])])
        most = max(most, free if Ellipsis in part else 0)
    dots = list(range(most, 0, -1))
    if arrow:
        out = _labels(right, equation)
        known = {label for own in names for label in own}
        for label in out:
            if label is not Ellipsis and (label not in known or out.count(label) > 1):
                raise ConfigError(
                    f"einsum: in {equation!r}, {label!r} must stand in an operand, and once only in the output"
                )
        return names, [p for q in out for p in (dots if q is Ellipsis else [q])]
    letters = [label for part in parts for label in part if label is not Ellipsis]
    return names, dots + sorted([label for label in set(letters) if letters.count(label) == 1], key=_LETTERS.index)


def _diagonals(x: Any, own: list[Any], k: int, equation: str) -> tuple[Any, list[Any]]:
    """Replace letters that an operand has twice by its diagonals."""
    for label in dict.fromkeys(own):
        while own.count(label) > 1:
            a = own.index(label)
            b = own.index(label, a + 1)
            if x.shape[a] != x.shape[b]:
                raise ShapeError(
                    f"einsum: in {equation!r}, {_said(label)} stands for {x.shape[a]} and {x.shape[b]} in operand {k}"
                )
            x = diagonal(x, offset=0, axis1=a, axis2=b)
            own = [p for i, p in enumerate(own) if i not in (a, b)] + [label]
    return x, own


def _said(label: Any) -> str:
    return f"axis {-label} of '...'" if isinstance(label, int) else repr(label)
