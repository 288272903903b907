"""Reverse mode: walk the graph from the outputs, adding up gradients at branches."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Edge, Leaf, Node, TensorBase, next_id
from gradwright.engine.hooks import run_hooks
from gradwright.engine.kept_losses import freed_by
from gradwright.engine.mode import set_grad_enabled
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.overwritten import overwritten, refuse_overwritten
from gradwright.engine.row_sparse import RowSparse, dense
from gradwright.engine.tracing import trace_now
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["backward", "grad", "run_reverse"]


def run_reverse(
    outputs: Sequence[TensorBase],
    seeds: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    wanted: Sequence[TensorBase] | None = None,
    ends: Sequence[TensorBase] = (),
) -> dict[Edge, Any]:
    """Propagate ``seeds`` backward and return the gradient that reached each leaf (or each wanted tensor).

    Nodes are numbered in the order of their creation, so a heap of numbers is all that reverse topological order
    takes: when a node comes out, everything that consumes it has come out before. Nothing recurses.

    Seeds and returned gradients are arrays, or Tensors when ``create_graph`` is set. Nothing passes beyond ``ends``,
    which are among those wanted: parts of another graph, whose own backward runs their hooks and hands on what arrived.
    """
    # Nodes that some gradient has reached, by number, with what has been added up for each of their outputs.
    reached: dict[int, tuple[Node, list[Any]]] = {}
    heap: list[int] = []
    arrived: dict[Edge, Any] = {}
    edges_wanted = None if wanted is None else {e for t in wanted if (e := t._edge()) is not None}
    closed = {e for t in ends if (e := t._edge()) is not None}
    needed = None if edges_wanted is None else _ancestors_of(outputs, edges_wanted, closed)

    def send(edge: Edge, g: Any) -> None:
        node, index = edge
        if isinstance(node, Leaf) or edge in closed:
            if edges_wanted is None or edge in edges_wanted:
                arrived[edge] = arrived[edge] + g if edge in arrived else g
            return
        number = node.id
        waiting = reached.get(number)
        if waiting is None:
            if needed is not None and number not in needed:
                return
            gs: list[Any] = [None] * len(node.outputs)
            gs[index] = g
            reached[number] = (node, gs)
            heapq.heappush(heap, -number)
        else:
            gs = waiting[1]
            gs[index] = g if gs[index] is None else gs[index] + g

    for output, seed in zip(outputs, seeds, strict=True):
        edge = output._edge()
        if edge is not None:
            send(edge, seed)

    with set_grad_enabled(create_graph), np.errstate(all="ignore"):  # an infinite slope is a value
        while heap:
            node, gs = reached.pop(-heapq.heappop(heap))
            if node.hooks:
                gs[:] = [g if g is None else run_hooks(node.hooks, i, g) for i, g in enumerate(gs)]
            if edges_wanted is not None:
                for i, g in enumerate(gs):
                    if (node, i) in edges_wanted:
                        arrived[(node, i)] = g
            if node.retained:
                _leave_gradients(node, gs)
            for edge, g in local_gradients(node, gs, create_graph):
                send(edge, g)
            if not retain_graph:
                node.saved = None
        if not retain_graph:
            freed_by(next_id())
        for edge, g in arrived.items():
            if isinstance(edge[0], Leaf) and edge[0].hooks and edge not in closed:
                arrived[edge] = run_hooks(edge[0].hooks, edge[1], g)
    return arrived


def local_gradients(node: Node, gs: list[Any], create_graph: bool) -> list[tuple[Edge, Any]]:
    """Run the node's reverse rules: for each input that asks, where its gradient goes and the gradient."""
    if node.saved is None:
        raise GraphError(
            f"backward reached {node.op.name} {node.outputs[0][0]} a second time, but the first backward freed what it "
            "kept. Call backward(retain_graph=True) the first time, or run the forward pass again."
        )
    if overwritten:
        refuse_overwritten(node)
    op = node.op
    found = []
    watcher = trace_now.watcher
    results = None
    if op.kind == "call":
        results = _call_results(node, gs, create_graph)
    elif op.variadic or create_graph:
        results = _results_by_name(node, gs, create_graph)
    upstream = tuple(gs) if node.many else gs[0]
    for i, edge in enumerate(node.inputs):
        if edge is None:
            continue
        g = op.vjps[i].on(node, upstream) if results is None else results[i]
        if g is None:
            continue
        dtype = node.dtypes[i]
        if g.dtype is not dtype and g.dtype != dtype:
            g = cast_to(g, dtype)
        if watcher is not None:
            watcher.backward(node, dense(g), i)
        found.append((edge, g))
    return found


def _results_by_name(node: Node, gs: list[Any], as_tensors: bool) -> list[Any]:
    """Run the rules of an operation of any number of inputs, or on Tensors."""
    op = node.op
    values = rule_values(node, as_tensors)
    values["g"] = tuple(gs) if node.many else gs[0]
    results = []
    for i, edge in enumerate(node.inputs):
        values["i"] = i
        results.append(None if edge is None else op.vjps[0 if op.variadic else i](values))
    return results


def _call_results(node: Node, gs: list[Any], create_graph: bool) -> list[Any]:
    """Run a function with one rule for all inputs, which works on Tensors."""
    assert node.saved is not None
    given = tuple([g if g is None or isinstance(g, TensorBase) else wrap(g) for g in gs])
    results = node.saved["vjp"](given)
    return list(results) if create_graph else [g if g is None else g._array for g in results]


def rule_values(node: Node, as_tensors: bool) -> dict[str, Any]:
    """Everything a rule may ask for by name: what was kept, shapes, metadata."""
    op = node.op
    values = dict(node.meta)
    values.update(zip(op.shape_names, (node.shapes,) if op.variadic else node.shapes, strict=True))
    values.update(node.saved or {})
    if not as_tensors:
        return values
    if op.variadic:
        (name,) = op.inputs
        if name in values:
            values[name] = tuple([_reattach(x, e) for x, e in zip(values[name], node.inputs, strict=True)])
    else:
        for name, edge in zip(op.inputs, node.inputs, strict=True):
            if name in values:
                values[name] = _reattach(values[name], edge)
    if "ans" in values:
        ans = values["ans"]
        if node.many:
            values["ans"] = tuple([_reattach(a, (node, k)) for k, a in enumerate(ans)])
        else:
            values["ans"] = _reattach(ans, (node, 0))
    return values


def _reattach(array: Any, edge: Edge | None) -> Any:
    """Make a kept array a Tensor again that hangs where it hung, so that rules can be differentiated."""
    if edge is None or not hasattr(array, "dtype") or array.dtype.kind not in "fVc":  # indices and masks hang nowhere
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
    if type(g) is RowSparse:
        return g
    return (
        _reattach(g._array, g._edge())
        if isinstance(g, TensorBase) and g._requires_grad
        else wrap(getattr(g, "_array", g))
    )


def _ancestors_of(outputs: Sequence[TensorBase], wanted: set[Edge], closed: set[Edge]) -> set[int]:
    """Ids of the nodes through which the outputs depend on what is wanted, without those behind what is closed."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [t._node for t in outputs if t._edge() not in closed]
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node.id in seen:
            continue
        seen.add(node.id)
        order.append(node)
        stack.extend(edge[0] for edge in node.inputs if edge is not None and edge not in closed)
    order.sort(key=lambda n: n.id)
    wanted_nodes = {edge[0].id for edge in wanted if isinstance(edge[0], Node)}
    needed: set[int] = set()
    for node in order:
        for edge in node.inputs:
            if edge is not None and (edge in wanted or edge[0].id in needed):
                needed.add(node.id)
                break
    return needed | wanted_nodes


def _seed(what: str, output: TensorBase, gradient: Any, create_graph: bool) -> Any:
    if not isinstance(output, TensorBase):
        raise DTypeError(f"{what}: expected a Tensor, got {type(output).__name__}")
    array = output._array
    if not output._requires_grad:
        raise GraphError(
            f"{what} needs an output that depends on a tensor with requires_grad=True; this one does not. "
            "Was it computed under no_grad, or detached?"
        )
    if gradient is None:
        if array.size != 1:
            raise GraphError(
                f"{what} starts from one number; this output has shape {tuple(array.shape)}. "
                "Reduce it (`.sum()`, `.mean()`), or pass the upstream gradient: backward(gradient)."
            )
        seed = OPERATIONS["ones_like"](array)
    elif not hasattr(gradient, "shape"):
        raise DTypeError(f"{what}: an upstream gradient is a Tensor, got {type(gradient).__name__}")
    else:
        seed = gradient._array if isinstance(gradient, TensorBase) and not create_graph else gradient
    if tuple(seed.shape) != tuple(array.shape):
        raise ShapeError(f"{what}: gradient {tuple(seed.shape)} for an output of shape {tuple(array.shape)}")
    if create_graph and not isinstance(seed, TensorBase):
        seed = wrap(seed, None, 0)
    return seed


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, Iterable) and not isinstance(values, TensorBase) else [values]


def _one(gradient: Any) -> list[Any]:
    """Return the gradient of a single output, whether or not it stands in a list."""
    return list(gradient) if isinstance(gradient, list | tuple) and len(gradient) == 1 else [gradient]


def backward(
    tensors: TensorBase | Sequence[TensorBase],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: TensorBase | Sequence[TensorBase] | None = None,
) -> None:
    """Add the derivative of ``tensors`` to the ``grad`` of every leaf tensor that requires it.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        What is differentiated; the derivatives of several add up.
    grad_tensors : Tensor or sequence of Tensor, optional
        Upstream gradients, each of its tensor's shape; may be left out (None) for a single number.
    retain_graph : bool, optional
        Keep what the graph stored, for another backward. Default: the value of ``create_graph``.
    create_graph : bool
        Record the derivative, so that it can itself be differentiated.
    inputs : Tensor or sequence of Tensor, optional
        Leave gradients only in these, which need not be leaves.

    Raises
    ------
    GraphError
        Not a single number and no gradient given; nothing requires grad; the graph has been freed.
    """
    ys = _listed(tensors)
    vs = [None] * len(ys) if grad_tensors is None else _listed(grad_tensors) if len(ys) > 1 else _one(grad_tensors)
    if len(ys) != len(vs):
        raise ShapeError(f"backward: {len(ys)} tensors, but {len(vs)} upstream gradients")
    seeds = [_seed("backward", y, v, create_graph) for y, v in zip(ys, vs, strict=True)]
    keep = create_graph if retain_graph is None else retain_graph
    wanted = None if inputs is None else _listed(inputs)
    if wanted == []:
        raise GraphError("backward: inputs is empty; leave it out to reach every leaf")
    arrived = run_reverse(ys, seeds, retain_graph=keep, create_graph=create_graph, wanted=wanted)
    if wanted is None:
        reached = [(edge[0].tensor(), g, edge[0]) for edge, g in arrived.items() if isinstance(edge[0], Leaf)]
    else:
        reached = [(x, arrived[e], e[0]) for x in wanted if (e := x._edge()) is not None and e in arrived]
    for tensor, g, node in reached:
        if tensor is None or g is None:
            continue
        if tensor._grad is None:
            tensor._grad = _own(g)
        else:
            with set_grad_enabled(create_graph):
                # a RowSparse can add a Tensor, but not the other way round
                tensor._grad = _own(g) + tensor._grad if type(g) is RowSparse else tensor._grad + _own(g)
        if isinstance(node, Leaf) and node.after:
            for hook in tuple(node.after.values()):
                hook(tensor)


def grad(
    outputs: TensorBase | Sequence[TensorBase],
    inputs: TensorBase | Sequence[TensorBase],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
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
    allow_unused : bool, optional
        Return None for an input that no output depends on instead of raising (default: the value of
        ``materialize_grads``).
    is_grads_batched : bool
        Not there: map over a batch of gradients with ``gradwright.func.vmap``, or in a loop.
    materialize_grads : bool
        Return zeros instead of None for an input that no output depends on.

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
    if is_grads_batched:
        raise GraphError("grad: is_grads_batched is not there; map over the gradients, or call grad for each")
    if materialize_grads and allow_unused is False:
        raise GraphError("grad: materialize_grads=True gives zeros for unused inputs, so allow_unused cannot be False")
    ys, xs = _listed(outputs), _listed(inputs)
    vs = [None] * len(ys) if grad_outputs is None else _listed(grad_outputs)
    if len(ys) != len(vs):
        raise ShapeError(f"grad: {len(ys)} outputs, but {len(vs)} upstream gradients")
    for i, x in enumerate(xs):
        if not isinstance(x, TensorBase):
            raise DTypeError(f"grad: input {i} is a {type(x).__name__}, not a Tensor")
        if not x._requires_grad:
            raise GraphError(f"grad: input {i} of shape {tuple(x._array.shape)} has requires_grad=False")
    seeds = [_seed("grad", y, v, create_graph) for y, v in zip(ys, vs, strict=True)]
    keep = create_graph if retain_graph is None else retain_graph
    arrived = run_reverse(ys, seeds, retain_graph=keep, create_graph=create_graph, wanted=xs)
    results: list[Any] = []
    for i, x in enumerate(xs):
        edge = x._edge()
        g = arrived.get(edge) if edge is not None else None
        if g is None and materialize_grads:
            g = OPERATIONS["zeros_like"](x)
        if g is None and not allow_unused:
            raise GraphError(
                f"grad: no output depends on input {i} of shape {tuple(x._array.shape)}. "
                "Pass allow_unused=True to get None for it."
            )
        results.append(g if g is None or isinstance(g, TensorBase | RowSparse) else wrap(g, None, 0))
    return tuple(results)
