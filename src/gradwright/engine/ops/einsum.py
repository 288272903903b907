"""Sums of products over named axes, which all products of tensors are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.op import Op, general, lowered
from gradwright.engine.ops.shape import expand, reshape

__all__ = ["einsum", "products"]

Labels = tuple[int, ...]


class _Step(NamedTuple):
    """One product of two operands: add up, order, fold and multiply each of them, then unfold."""

    first: int
    second: int
    x: _Fold
    y: _Fold
    contracts: bool
    shape: Labels


class _Fold(NamedTuple):
    """How an operand becomes a batch of matrices: axes added up first, the order of the others, the folded shape."""

    added: Labels
    order: Labels | None
    shape: Labels


@lru_cache(maxsize=1024)
def _program(shapes: tuple[Labels, ...], subscripts: tuple[Labels, ...], output: Labels) -> tuple[Any, ...]:
    """Return the steps of a contraction, and what is done to the last operand."""
    size = {
        label: n
        for labels, shape in zip(subscripts, shapes, strict=True)
        for label, n in zip(labels, shape, strict=True)
    }
    rest, steps = list(subscripts), []
    while len(rest) > 1:
        first, second = _cheapest(rest, size, output)
        b, a = rest.pop(second), rest.pop(first)
        step, labels = _pair(first, second, a, b, set(output).union(*rest), size)
        steps.append(step)
        rest.append(labels)
    return tuple(steps), _fold(rest[0], output, tuple([size[label] for label in output]))


def _pair(first: int, second: int, a: Labels, b: Labels, keep: set[int], size: dict[int, int]) -> tuple[_Step, Labels]:
    """Contract two operands as one batched matrix product."""
    shared = set(a) & set(b)
    batch = tuple([label for label in a if label in shared and label in keep])
    inner = tuple([label for label in a if label in shared and label not in keep])
    left = tuple([label for label in a if label not in shared and label in keep])
    right = tuple([label for label in b if label not in shared and label in keep])

    def folded(labels: Labels, *parts: Labels) -> _Fold:
        shape = [size[label] for label in batch] + [math.prod([size[label] for label in part]) for part in parts]
        return _fold(labels, batch + parts[0] + parts[1], tuple(shape))

    labels = batch + left + right
    shape = tuple([size[label] for label in labels])
    return _Step(first, second, folded(a, left, inner), folded(b, inner, right), bool(inner), shape), labels


def _fold(labels: Labels, wanted: Labels, shape: Labels) -> _Fold:
    added = tuple([i for i, label in enumerate(labels) if label not in wanted])
    kept = [label for label in labels if label in wanted]
    order = tuple([kept.index(label) for label in wanted])
    return _Fold(added, None if order == tuple(range(len(order))) else order, shape)


def _folded(x: Any, fold: _Fold) -> Any:
    if fold.added:
        x = x.sum(axis=fold.added, dtype=x.dtype)
    if fold.order is not None:
        x = x.transpose(fold.order)
    return x if x.shape == fold.shape else x.reshape(fold.shape)


def _cheapest(rest: list[Labels], size: dict[int, int], output: Labels) -> tuple[int, int]:
    """Choose which two operands to contract next: those whose product makes the numbers grow least."""
    if len(rest) == 2:
        return 0, 1

    def growth(pair: tuple[int, int]) -> int:
        i, j = pair
        keep = set(output).union(*[labels for k, labels in enumerate(rest) if k not in pair])
        made, *before = (set(rest[i] + rest[j]) & keep, rest[i], rest[j])
        counts = [math.prod([size[label] for label in labels]) for labels in (made, *before)]
        return counts[0] - counts[1] - counts[2]

    return min(itertools.combinations(range(len(rest)), 2), key=growth)


def products(shapes: tuple[Labels, ...], subscripts: tuple[Labels, ...], output: Labels) -> int:
    """Return how many multiplications with an addition a contraction takes in the order in which it is done."""
    steps, _ = _program(shapes, subscripts, output)
    return sum(math.prod(step.x.shape) * step.y.shape[-1] for step in steps if step.contracts)


def _einsum(xp: Any, *xs: Any, subscripts: tuple[Labels, ...], output: Labels) -> Any:
    if xp is not np:  # XLA orders and fuses by itself
        mixed: list[Any] = []
        for x, labels in zip(xs, subscripts, strict=True):
            mixed += [x, list(labels)]
        return xp.einsum(*mixed, list(output))
    steps, last = _program(tuple([x.shape for x in xs]), subscripts, output)
    rest = list(xs)
    for step in steps:
        y, x = _folded(rest.pop(step.second), step.y), _folded(rest.pop(step.first), step.x)
        # nothing to add up: multiplying is quicker than products of matrices with one column
        out = np.matmul(x, y) if step.contracts else x * y
        rest.append(out.reshape(step.shape))
    return _folded(rest[0], last)


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
lowered(einsum)
