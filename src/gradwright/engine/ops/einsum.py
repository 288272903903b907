"""Sums of products over named axes, which all products of tensors are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.engine.op import Op, general
from gradwright.engine.ops.shape import expand, reshape

__all__ = ["einsum"]

Labels = tuple[int, ...]


def _without(xp: Any, x: Any, labels: Labels, keep: set[int]) -> tuple[Any, Labels]:
    """Add up the axes that nobody asks for any more."""
    gone = tuple(i for i, label in enumerate(labels) if label not in keep)
    return (xp.sum(x, axis=gone, dtype=x.dtype) if gone else x), tuple(label for label in labels if label in keep)


def _pair(xp: Any, x: Any, a: Labels, y: Any, b: Labels, keep: set[int]) -> tuple[Any, Labels]:
    """Contract two operands as one batched matrix product."""
    x, a = _without(xp, x, a, keep | set(b))
    y, b = _without(xp, y, b, keep | set(a))
    size = dict(zip(a, x.shape, strict=True)) | dict(zip(b, y.shape, strict=True))
    batch = tuple(label for label in a if label in b and label in keep)
    inner = tuple(label for label in a if label in b and label not in keep)
    left = tuple(label for label in a if label not in b)
    right = tuple(label for label in b if label not in a)

    def arranged(array: Any, labels: Labels, order: Labels, shape: Sequence[Labels]) -> Any:
        array = array.transpose([labels.index(label) for label in order])
        return array.reshape([size[label] for label in batch] + [math.prod(size[n] for n in part) for part in shape])

    if inner:
        x = arranged(x, a, batch + left + inner, (left, inner))
        y = arranged(y, b, batch + inner + right, (inner, right))
        out = xp.matmul(x, y)
    else:  # nothing to add up: multiplying is quicker than products of matrices of one column
        out = arranged(x, a, batch + left, (left, ())) * arranged(y, b, batch + right, ((), right))
    labels = batch + left + right
    return out.reshape([size[label] for label in labels]), labels


def _einsum(xp: Any, *xs: Any, subscripts: tuple[Labels, ...], output: Labels) -> Any:
    if xp is not np:  # XLA orders and fuses by itself
        mixed: list[Any] = []
        for x, labels in zip(xs, subscripts, strict=True):
            mixed += [x, list(labels)]
        return xp.einsum(*mixed, list(output))
    rest = list(zip(xs, subscripts, strict=True))
    while len(rest) > 1:
        first, second = _cheapest(rest, output)
        (y, b), (x, a) = rest.pop(second), rest.pop(first)
        keep = set(output).union(*[labels for _, labels in rest])
        rest.append(_pair(xp, x, a, y, b, keep))
    x, labels = _without(xp, *rest[0], set(output))
    return x.transpose([labels.index(label) for label in output])


def _cheapest(rest: list[tuple[Any, Labels]], output: Labels) -> tuple[int, int]:
    """Choose which two operands to contract next: those whose product makes the numbers grow least."""
    if len(rest) == 2:
        return 0, 1
    size = {label: n for x, labels in rest for label, n in zip(labels, x.shape, strict=True)}
    best, chosen = math.inf, (0, 1)
    for i in range(len(rest)):
        for j in range(i + 1, len(rest)):
            keep = set(output).union(*[labels for k, (_, labels) in enumerate(rest) if k not in (i, j)])
            made = {label for label in rest[i][1] + rest[j][1] if label in keep}
            growth = math.prod(size[label] for label in made) - rest[i][0].size - rest[j][0].size
            if growth < best:
                best, chosen = growth, (i, j)
    return chosen


def _einsum_vjp(
    g: Any, i: int, xs: Sequence[Any], xs_shapes: Sequence[Labels], subscripts: tuple[Labels, ...], output: Labels
) -> Any:
    # The gradient of operand i is an einsum of g with the other operands, to i's own subscripts. A letter that only i
    # has was added up: its gradient is the same along that axis.
    own, shape = subscripts[i], xs_shapes[i]
    others = subscripts[:i] + subscripts[i + 1 :]
    reached = set(output).union(*others)
    out = einsum(
        g,
        *xs[:i],
        *xs[i + 1 :],
        subscripts=(output, *others),
        output=tuple(label for label in own if label in reached),
    )
    if all(label in reached for label in own):
        return out
    out = reshape(out, shape=tuple(n if label in reached else 1 for label, n in zip(own, shape, strict=True)))
    return expand(out, shape=shape)


def _einsum_jvp(ts: Sequence[Any], xs: Sequence[Any], subscripts: tuple[Labels, ...], output: Labels) -> Any:
    # linear in each operand: the sum over the operands that move
    total: Any = None
    for i, t in enumerate(ts):
        if t is not None:
            part = einsum(*xs[:i], t, *xs[i + 1 :], subscripts=subscripts, output=output)
            total = part if total is None else total + part
    return total


#: ``subscripts`` names the axes of each operand by numbers, none twice in one operand and all of one length;
#: ``output`` those of the result. What is in no output is added up. The public function reads PyTorch's notation.
einsum: Op = general("einsum", _einsum, vjp=[_einsum_vjp], jvp=[_einsum_jvp])
