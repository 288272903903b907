"""Reverse mode: walk the graph from the outputs, adding up gradients at branches."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Edge, Leaf, Node, TensorBase
from gradwright.engine.mode import set_grad_enabled
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.tracing import trace_now
from gradwright.errors import GraphError, ShapeError

__all__ = ["backward", "grad", "run_reverse"]


def run_reverse(
    outputs: Sequence[TensorBase],
    seeds: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    wanted: Sequence[TensorBase] | None = None,
) -> dict[Edge, Any]:
    """Propagate ``seeds`` backward and return the gradient that reached each leaf (or each wanted tensor).

    Nodes are numbered in the order of their creation, so a heap of numbers is all that reverse topological order
    takes: when a node comes out, everything that consumes it has come out before. Nothing recurses.

    Seeds and returned gradients are arrays, or Tensors when ``create_graph`` is set.
    """
    # A gradient waits here under (node id, output) until all of the node's consumers have added theirs.
    waiting: dict[tuple[int, int], Any] = {}
    nodes: dict[int, Node] = {}
    heap: list[int] = []
    arrived: dict[Edge, Any] = {}
    edges_wanted = None if wanted is None else {e for t in wanted if (e := t._edge()) is not None}
    needed = None if edges_wanted is None else _ancestors_of(outputs, edges_wanted)

    def send(edge: Edge, g: Any) -> None:
        node, index = edge
        if isinstance(node, Leaf):
            if edges_wanted is None or edge in edges_wanted:
                arrived[edge] = arrived[edge] + g if edge in arrived else g
            return
        if node.id not in nodes:
            if needed is not None and node.id not in needed:
                return
            nodes[node.id] = node
            heapq.heappush(heap, -node.id)
        key = (node.id, index)
        waiting[key] = waiting[key] + g if key in waiting else g

    for output, seed in zip(outputs, seeds, strict=True):
        edge = output._edge()
        if edge is not None:
            send(edge, seed)

    with set_grad_enabled(create_graph), np.errstate(all="ignore"):  # an infinite slope is a value
        while heap:
            node = nodes.pop(-heapq.heappop(heap))
            gs = [waiting.pop((node.id, i), None) for i in range(len(node.outputs))]
            if edges_wanted is not None:
                for i, g in enumerate(gs):
                    if (node, i) in edges_wanted:
                        arrived[(node, i)] = g
            if node.retained:
                _leave_gradients(node, gs)
            _apply(node, gs, create_graph, send)
            if not retain_graph:
                node.saved = None
    return arrived


def _apply(node: Node, gs: list[Any], create_graph: bool, send: Any) -> None:
    """Run the node's reverse rules and send the results on."""
    if node.saved is None:
        raise GraphError(
            f"backward reached {node.name} {node.outputs[0][0]} a second time, but the first backward freed "
            f"what it kept. "
            "Call backward(retain_graph=True) the first time, or run the forward pass again."
        )
    op = node.op
    values = rule_values(node, create_graph)
    values["g"] = gs[0] if len(gs) == 1 else tuple(gs)
    for i, edge in enumerate(node.inputs):
        if edge is None:
            continue
        g = op.vjps[i](values)
        if g is None:
            continue
        if g.dtype != node.dtypes[i]:
            g = cast_to(g, node.dtypes[i])
        if trace_now.watcher is not None:
            trace_now.watcher.backward(node, g, i)
        send(edge, g)


def rule_values(node: Node, as_tensors: bool) -> dict[str, Any]:
    """Everything a rule may ask for by name: what was kept, shapes, metadata."""
    saved = node.saved or {}
    values = dict(node.meta)
    for i, name in enumerate(node.op.inputs):
        values[f"{name}_shape"] = node.shapes[i]
        if name in saved:
            values[name] = _reattach(saved[name], node.inputs[i]) if as_tensors else saved[name]
    if "ans" in saved:
        ans = saved["ans"]
        if as_tensors:
            ans = (
                tuple(_reattach(a, (node, k)) for k, a in enumerate(ans))
                if isinstance(ans, tuple)
                else _reattach(ans, (node, 0))
            )
        values["ans"] = ans
    return values


def _reattach(array: Any, edge: Edge | None) -> Any:
    """Make a kept array a Tensor again that hangs where it hung, so that rules can be differentiated."""
    if edge is None or not hasattr(array, "dtype"):
        return array
    node, index = edge
    tensor = wrap(array, None, 0)
    tensor._node, tensor._index, tensor._requires_grad = node, index, True
    return tensor


def cast_to(g: Any, dtype: Any) -> Any:
    return OPERATIONS["cast"](g, dtype=dtype) if isinstance(g, TensorBase) else g.astype(dtype)


def _leave_gradients(node: Node, gs: list[Any]) -> None:
    for index, reference in node.retained or []:
        tensor = reference()
        if tensor is not None and gs[index] is not None:
            new = _own(gs[index])
            tensor._grad = new if tensor._grad is None else tensor._grad + new


def _own(g: Any) -> Any:
    """Make a tensor that nobody else holds: one gradient may reach many leaves, and each may be written to in place."""
    return (
        _reattach(g._array, g._edge())
        if isinstance(g, TensorBase) and g._requires_grad
        else wrap(getattr(g, "_array", g))
    )


def _ancestors_of(outputs: Sequence[TensorBase], wanted: set[Edge]) -> set[int]:
    """Ids of the nodes through which the outputs depend on what is wanted."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [t._node for t in outputs]
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node.id in seen:
            continue
        seen.add(node.id)
        order.append(node)
        stack.extend(edge[0] for edge in node.inputs if edge is not None)
    order.sort(key=lambda n: n.id)
    wanted_nodes = {edge[0].id for edge in wanted if isinstance(edge[0], Node)}
    needed: set[int] = set()
    for node in order:
        for edge in node.inputs:
            if edge is not None and (edge in wanted or edge[0].id in needed):
                needed.add(node.id)
                break
    return needed | wanted_nodes


def _seed(output: TensorBase, gradient: Any, create_graph: bool) -> Any:
    array = output._array
    if not output._requires_grad:
        raise GraphError(
            "backward needs an output that depends on a tensor with requires_grad=True; this one does not. "
            "Was it computed under no_grad, or detached?"
        )
    if gradient is None:
        if array.size != 1:
            raise GraphError(
                f"backward starts from one number; this output has shape {tuple(array.shape)}. "
                "Reduce it (`.sum()`, `.mean()`), or pass the upstream gradient: backward(gradient)."
            )
        seed = OPERATIONS["ones_like"](array)
    else:
        seed = gradient._array if isinstance(gradient, TensorBase) and not create_graph else gradient
    if tuple(seed.shape) != tuple(array.shape):
        raise ShapeError(f"backward: gradient {tuple(seed.shape)} for an output of shape {tuple(array.shape)}")
    if create_graph and not isinstance(seed, TensorBase):
        seed = wrap(seed, None, 0)
    return seed


def backward(
    output: TensorBase, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add d output / d leaf to the ``grad`` of every leaf tensor that requires it."""
    seed = _seed(output, gradient, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    for edge, g in run_reverse([output], [seed], retain_graph=keep, create_graph=create_graph).items():
        leaf = edge[0].tensor() if isinstance(edge[0], Leaf) else None
        if leaf is None:
            continue
        new = _own(g)
        with set_grad_enabled(create_graph):
            leaf._grad = new if leaf._grad is None else leaf._grad + new


def grad(
    outputs: TensorBase | Sequence[TensorBase],
    inputs: TensorBase | Sequence[TensorBase],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of ``outputs`` with respect to ``inputs``; no ``grad`` is touched.

    Equation: for each input x, sum over outputs y of (dy/dx)ᵀ v, v the matching ``grad_outputs`` (ones for a scalar).

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
        What is differentiated, and with respect to what.
    grad_outputs : Tensor or sequence of Tensor, optional
        Upstream gradients, each of its output's shape.
    retain_graph : bool, optional
        Keep the graph for another backward (default: the value of ``create_graph``).
    create_graph : bool
        Record the derivative itself, so that it can be differentiated again.
    allow_unused : bool
        Return None for an input that no output depends on instead of raising.

    Raises
    ------
    GraphError
        When an output needs no gradient, or an input is not part of the graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor(3.0, requires_grad=True)
    >>> (slope,) = gw.autograd.grad(x ** 3, x, create_graph=True)
    >>> slope.item(), gw.autograd.grad(slope, x)[0].item()
    (27.0, 18.0)
    """
    ys = [outputs] if isinstance(outputs, TensorBase) else list(outputs)
    xs = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    vs = [grad_outputs] if grad_outputs is None or isinstance(grad_outputs, TensorBase) else list(grad_outputs)
    if grad_outputs is None:
        vs = [None] * len(ys)
    for i, x in enumerate(xs):
        if not x._requires_grad:
            raise GraphError(f"grad: input {i} of shape {tuple(x._array.shape)} has requires_grad=False")
    seeds = [_seed(y, v, create_graph) for y, v in zip(ys, vs, strict=True)]
    keep = create_graph if retain_graph is None else retain_graph
    arrived = run_reverse(ys, seeds, retain_graph=keep, create_graph=create_graph, wanted=xs)
    results: list[Any] = []
    for i, x in enumerate(xs):
        edge = x._edge()
        g = arrived.get(edge) if edge is not None else None
        if g is None and not allow_unused:
            raise GraphError(
                f"grad: no output depends on input {i} of shape {tuple(x._array.shape)}. "
                "Pass allow_unused=True to get None for it."
            )
        results.append(g if g is None or isinstance(g, TensorBase) else wrap(g, None, 0))
    return tuple(results)
