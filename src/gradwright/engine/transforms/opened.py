"""What every transform needs: fresh inputs to differentiate by, what else a function used, and pulling back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Edge, Leaf, Node, TensorBase
from gradwright.engine.mode import mode
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.reverse import run_reverse
from gradwright.engine.row_sparse import dense

__all__ = ["captured_by", "fresh", "is_smooth", "pull_back"]


def is_smooth(x: TensorBase) -> bool:
    """Say whether the tensor's dtype has derivatives."""
    return bool(x._array.dtype.kind in "fV")


def fresh(x: TensorBase) -> Any:
    """Return a tensor with the same numbers to differentiate by: an inner node if ``x`` is part of a graph already."""
    if x._requires_grad and mode.grad:
        return OPERATIONS["identity"](x)
    leaf = wrap(x._array)
    leaf._requires_grad = True
    return leaf


def captured_by(outputs: Sequence[TensorBase], own: Sequence[TensorBase], since: int) -> list[Any]:
    """Return what the outputs depend on besides ``own``: parameters, and results of operations older than ``since``.

    Parameters
    ----------
    outputs, own : sequence of Tensor
        What a function gave, and what it was given.
    since : int
        The number of a node that was made just before the function ran.
    """
    roots = {x._edge() for x in own}
    seen: set[int] = set()
    found: dict[Edge, Any] = {}
    stack: list[Any] = [y._edge() for y in outputs if y._requires_grad]
    while stack:
        edge = stack.pop()
        if edge is None or edge in roots:
            continue
        node, index = edge
        if isinstance(node, Leaf):
            tensor = node.tensor()
            if tensor is not None:
                found[edge] = tensor
        elif node.id < since:
            shape, dtype = node.outputs[index]
            found[edge] = wrap(np.broadcast_to(np.zeros((), dtype), shape), node, index)  # only its place counts
        elif node.id not in seen:
            seen.add(node.id)
            stack.extend(node.inputs)
    return list(found.values())


def now() -> int:
    """Return a node number: larger than all before, smaller than all to come."""
    return Node(None, (), None, {}, (), ()).id


def pull_back(
    outputs: Sequence[Any], seeds: Sequence[Any], inputs: Sequence[Any], create_graph: bool, held: Sequence[Any] = ()
) -> list[Any]:
    """Return the gradient of each input as a Tensor, zeros where no output depends on it; the graph stays usable.

    Those inputs that are ``held``, which is what :func:`captured_by` found, get their partial derivatives: one may have
    been made from another, and that way belongs to the graph outside.
    """
    pairs = [(y, s) for y, s in zip(outputs, seeds, strict=True) if y._requires_grad]
    arrived = run_reverse(
        [y for y, _ in pairs],
        [s if create_graph else s._array for _, s in pairs],
        retain_graph=True,
        create_graph=create_graph,
        wanted=inputs,
        ends=held,
    )
    found = []
    for x in inputs:
        g = dense(arrived.get(x._edge()))
        if g is None:
            g = OPERATIONS["zeros_like"](wrap(x._array))
        found.append(g if isinstance(g, TensorBase) else wrap(g))
    return found
