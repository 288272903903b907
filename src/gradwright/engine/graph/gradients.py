"""What flows back through a graph: the engine's own backward pass, run without freeing and looked at as it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradwright.engine.base import Edge, Node, TensorBase
from gradwright.engine.graph.kept import Kept
from gradwright.engine.op import Op
from gradwright.engine.reverse import rule_values, run_reverse
from gradwright.engine.tracing import trace_now

__all__ = ["Flow", "local_gradient", "watched"]


class Flow:
    """The gradients of one backward pass.

    Attributes
    ----------
    upstream : dict of edge → array
        What reached each output, added up at branches.
    downstream : dict of (node id, position) → array
        What flowed to each input.
    """

    def __init__(self, output: TensorBase, seed: Any, nodes: Sequence[Node]) -> None:
        self.upstream: dict[Edge, Any] = {}
        self.downstream: dict[tuple[int, int], Any] = {}
        edge = output._edge()
        if edge is not None:
            self.upstream[edge] = seed
        # tensors that retain their gradients must not find this pass in them
        retained = [(node, node.retained) for node in nodes if node.retained]
        for node, _ in retained:
            node.retained = None
        try:
            with watched(self):
                run_reverse([output], [seed], retain_graph=True, create_graph=False)
        finally:
            for node, references in retained:
                node.retained = references

    def forward(self, op: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Nothing: no operation of the user's runs now."""

    def backward(self, node: Node, gradient: Any, position: int) -> None:
        """Note what flows to one input; gradients arrive in the order in which backward adds them up."""
        self.downstream[node.id, position] = gradient
        edge = node.inputs[position]
        assert edge is not None  # rules run for inputs that ask for a gradient
        self.upstream[edge] = self.upstream[edge] + gradient if edge in self.upstream else gradient


@contextmanager
def watched(watcher: Any) -> Iterator[None]:
    """Put a watcher in place; who watched before looks away meanwhile."""
    before = trace_now.watcher
    trace_now.watcher = watcher
    try:
        yield
    finally:
        trace_now.watcher = before


def local_gradient(node: Node, position: int, kept: Kept) -> Any:
    """Return d node / d input as an array where it is one, else None.

    For an elementwise operation it is the local derivative of each element, in the node's shape: its forward-mode
    rule applied to ones. For another operation that gives a single number, it is the reverse rule applied to 1.
    All others have a Jacobian of more axes, which is not formed.
    """
    shape, dtype = node.outputs[0]
    if not isinstance(node.op, Op):
        return None
    place = 0 if node.op.variadic else position
    elementwise = node.op.kind == "elementwise"
    rule = node.op.jvps[place] if elementwise else node.op.vjps[place]
    if rule is None or len(node.outputs) > 1 or not (elementwise or shape == ()):
        return None
    values = rule_values(node, False)
    known = [kept.argument(node, i) for i in range(len(node.inputs))]
    if node.op.variadic:
        values["i"] = position
        values.setdefault(node.op.inputs[0], None if any(x is None for x in known) else tuple(known))
    else:
        for name, argument in zip(node.op.inputs, known, strict=True):
            values.setdefault(name, argument)
    values.setdefault("ans", kept.output((node, 0)))
    values["t"] = values["g"] = np.ones(shape, dtype)
    if any(values[name] is None for name in rule.keeps):
        return None
    with np.errstate(all="ignore"):
        local = np.asarray(rule(values))
    return np.broadcast_to(local, shape) if elementwise else local
