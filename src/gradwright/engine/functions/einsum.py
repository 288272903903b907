"""Einstein's summation: reading PyTorch's notation."""

from __future__ import annotations

import string
from functools import lru_cache
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

Shape = tuple[int, ...]

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
    readied, subscripts, output = _plan(equation, tuple([x.shape for x in given]))
    xs = [_readied(x, *steps) for x, steps in zip(given, readied, strict=True)]
    if len(xs) == 1 and len(output) == len(subscripts[0]):  # nothing but another order
        return permute(xs[0], axes=tuple([subscripts[0].index(n) for n in output]))
    return einsum_op(*xs, subscripts=subscripts, output=output)


def _readied(x: Any, pairs: tuple[tuple[int, int], ...], shape: tuple[int, ...] | None) -> Any:
    """Take the diagonals of an operand, and drop its lengths of 1 that broadcast."""
    for a, b in pairs:
        x = diagonal(x, offset=0, axis1=a, axis2=b)
    return x if shape is None else reshape(x, shape=shape)


@lru_cache(maxsize=1024)
def _plan(equation: str, shapes: tuple[Shape, ...]) -> tuple[tuple[Any, ...], tuple[Shape, ...], Shape]:
    """Return what is done to each operand first, the numbers that name its axes then, and the output's."""
    names, output = _read(equation, shapes)
    pairs, labels, lengths = [], [], []
    size: dict[Any, int] = {}
    for k, (shape, own) in enumerate(zip(shapes, names, strict=True)):
        taken, shape, own = _diagonals(shape, own, k, equation)
        for label, n in zip(own, shape, strict=True):
            if n != 1 and size.get(label, 1) not in (1, n):
                raise ShapeError(
                    f"einsum: in {equation!r}, {_said(label)} has length {size[label]} in one operand and {n} in "
                    f"operand {k}; the shapes are {', '.join(map(str, shapes))}"
                )
            size[label] = n if size.get(label, 1) == 1 else size[label]
        pairs.append(taken)
        labels.append(own)
        lengths.append(shape)
    number = {label: i for i, label in enumerate(size)}
    readied, subscripts = [], []
    for taken, own, shape in zip(pairs, labels, lengths, strict=True):
        kept = [i for i, (label, n) in enumerate(zip(own, shape, strict=True)) if n == size[label]]
        readied.append((taken, None if len(kept) == len(own) else tuple([shape[i] for i in kept])))
        subscripts.append(tuple([number[own[i]] for i in kept]))
    return tuple(readied), tuple(subscripts), tuple([number[label] for label in output])


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


def _read(equation: str, shapes: tuple[Shape, ...]) -> tuple[list[list[Any]], list[Any]]:
    """Return the names of each operand's axes and of the output's; those behind dots are numbers from the right."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = [_labels(part, equation) for part in left.split(",")]
    if len(parts) != len(shapes):
        raise ConfigError(f"einsum: {equation!r} names {len(parts)} operands, but {len(shapes)} came")
    names, most = [], 0
    for k, (part, shape) in enumerate(zip(parts, shapes, strict=True)):
        free = len(shape) - len([p for p in part if p is not Ellipsis])
        if free < 0 or (free and Ellipsis not in part):
            raise ShapeError(f"einsum: in {equation!r}, operand {k} of shape {shape} has not so many axes as letters")
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


def _diagonals(shape: Shape, own: list[Any], k: int, equation: str) -> tuple[tuple[Any, ...], Shape, list[Any]]:
    """Replace letters that an operand has twice by diagonals: the pairs of axes, and the shape and letters then."""
    pairs = []
    for label in dict.fromkeys(own):
        while own.count(label) > 1:
            a = own.index(label)
            b = own.index(label, a + 1)
            if shape[a] != shape[b]:
                raise ShapeError(
                    f"einsum: in {equation!r}, {_said(label)} stands for {shape[a]} and {shape[b]} in operand {k}"
                )
            pairs.append((a, b))
            rest = [i for i in range(len(own)) if i not in (a, b)]
            shape = (*[shape[i] for i in rest], shape[a])
            own = [*[own[i] for i in rest], label]
    return tuple(pairs), shape, own


def _said(label: Any) -> str:
    return f"axis {-label} of '...'" if isinstance(label, int) else repr(label)
