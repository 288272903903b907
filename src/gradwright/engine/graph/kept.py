"""The values behind a graph: where something kept them, and computed again from what is kept where nothing did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Edge, Leaf, Node, TensorBase
from gradwright.engine.op import Op

__all__ = ["Kept", "kept_by", "nodes_behind"]


def nodes_behind(output: TensorBase) -> list[Node]:
    """Every node that a tensor depends on, in the order of their creation, which is topological."""
    found: dict[int, Node] = {}
    stack = [output._node]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node.id not in found:
            found[node.id] = node
            stack.extend(edge[0] for edge in node.inputs if edge is not None)
    return [node for _, node in sorted(found.items())]


def argument_names(node: Node) -> tuple[str, ...]:
    """The names of a node's inputs; numbered where an operation takes any number of them."""
    names = tuple(node.op.inputs)
    return tuple(f"{names[0]}[{i}]" for i in range(len(node.inputs))) if node.op.variadic else names


def kept_by(node: Node) -> dict[str, Any]:
    """What a node keeps, by the names of its inputs; nothing once backward has freed it."""
    saved = node.saved or {}
    if not isinstance(node.op, Op):
        return {}  # a function with rules of its own for this call, and what these need
    if not node.op.variadic:
        return saved
    many = saved.get(node.op.inputs[0], ())
    kept = dict(zip(argument_names(node), many, strict=False))  # none, where no rule asks for them
    return kept | {"ans": saved["ans"]} if "ans" in saved else kept


class Kept:
    """What is known of each node's output and of each argument.

    A node's own record of its output comes first, then what a reader of it kept, then what the leaf tensor holds now,
    and last what the operation gives when it runs again. Operations are pure, so running one again
    gives the same bits.
    """

    def __init__(self, nodes: Sequence[Node], output: TensorBase) -> None:
        self._outputs: dict[Edge, Any] = {}
        self._arguments: dict[tuple[int, int], Any] = {}
        edge = output._edge()
        if edge is not None:
            self._outputs[edge] = output._array
        for node in nodes:
            ans = kept_by(node).get("ans")
            for i, array in enumerate(ans if isinstance(ans, tuple) else () if ans is None else (ans,)):
                self._outputs.setdefault((node, i), array)
        for node in nodes:
            self._look_at_arguments(node)
        for node in nodes:
            self._run_again(node)

    def output(self, edge: Edge) -> Any:
        """The array that an edge starts from, or None."""
        return self._outputs.get(edge)

    def argument(self, node: Node, position: int) -> Any:
        """What an operation was called with, or None."""
        edge = node.inputs[position]
        found = self._arguments.get((node.id, position))
        return self._outputs.get(edge) if found is None and edge is not None else found

    def _look_at_arguments(self, node: Node) -> None:
        kept = kept_by(node)
        for i, (name, edge) in enumerate(zip(argument_names(node), node.inputs, strict=True)):
            if name in kept:
                self._arguments[node.id, i] = kept[name]
            if edge is None:
                continue
            if isinstance(edge[0], Leaf):
                tensor = edge[0].tensor()
                now = None if tensor is None else tensor._array
                if now is not None and (name not in kept or _same(now, kept[name])):
                    self._outputs[edge] = now
                    continue
            if name in kept:  # what was promoted goes back to the dtype that it came with
                self._outputs.setdefault(edge, np.asarray(kept[name]).astype(node.dtypes[i]))

    def _run_again(self, node: Node) -> None:
        if (node, 0) in self._outputs or not isinstance(node.op, Op):
            return
        arrays = [self.argument(node, i) for i in range(len(node.inputs))]
        if any(array is None for array in arrays):
            return
        with np.errstate(all="ignore"):
            ans = node.op._compute(arrays, node.meta)
        for i, array in enumerate(ans if isinstance(ans, tuple) else (ans,)):
            self._outputs[node, i] = array


def _same(now: Any, kept: Any) -> bool:
    """Whether a leaf still holds what the graph was computed with; an update rule may have been there."""
    if now is kept:
        return True
    now, kept = np.asarray(now), np.asarray(kept)
    return now.shape == kept.shape and bool(
        np.array_equal(now.astype(kept.dtype), kept, equal_nan=kept.dtype.kind == "f")
    )
