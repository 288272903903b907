"""Forward mode: push tangents through the recorded graph in topological order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gradwright.engine.base import Edge, Node, TensorBase
from gradwright.engine.mode import enable_grad, mode
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.reverse import cast_to, rule_values
from gradwright.engine.transforms.opened import captured_by, fresh, now
from gradwright.errors import ShapeError

__all__ = ["jvp", "keeping_all", "push_forward"]


def jvp(function: Callable[..., Any], primals: Sequence[TensorBase], tangents: Sequence[TensorBase]) -> tuple[Any, Any]:
    """Return ``function(*primals)`` and its directional derivative along ``tangents``.

    Equation: out = f(x), tangent = Σᵢ (∂f/∂xᵢ) tᵢ, one pass, whatever the number of outputs.
    The function is recorded once and the tangents follow the nodes in the order of their creation. They are
    Tensors of the graph themselves, so forward over reverse, reverse over forward and any nesting work.

    Parameters
    ----------
    function : callable
        From Tensors to a Tensor or a tuple of Tensors.
    primals, tangents : sequence of Tensor
        The point and the direction; same shapes.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0])
    >>> out, tangent = gw.autograd.jvp(lambda x: (x * x).sum(), [x], [gw.tensor([1.0, 0.0])])
    >>> out.item(), tangent.item()
    (5.0, 2.0)
    """
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        if tuple(x._array.shape) != tuple(t._array.shape):
            raise ShapeError(
                f"jvp: tangent {i} has shape {tuple(t._array.shape)}, but its primal {tuple(x._array.shape)}"
            )
    outside, since = mode.grad, now()
    with enable_grad(), keeping_all():
        inputs = [fresh(p) for p in primals]
        outputs = function(*inputs)
        many = isinstance(outputs, tuple | list)
        ys = list(outputs) if many else [outputs]
        results = push_forward(ys, inputs, tangents)
    asking = [x for x in (*primals, *tangents) if x._requires_grad]
    if not (outside and (asking or captured_by(ys, inputs, since))):
        ys, results = [wrap(y._array) for y in ys], [wrap(t._array) for t in results]
    return (tuple(ys), tuple(results)) if many else (ys[0], results[0])


@contextlib.contextmanager
def keeping_all() -> Iterator[None]:
    """Let what is recorded inside keep every input and output: forward mode may need any of them."""
    before = mode.keep_all
    mode.keep_all = True
    try:
        yield
    finally:
        mode.keep_all = before


def push_forward(outputs: Sequence[TensorBase], inputs: Sequence[TensorBase], tangents: Sequence[Any]) -> list[Any]:
    """Push tangents of ``inputs`` (None: it does not move) through a graph recorded with everything kept."""
    moving: dict[Edge, Any] = {}
    for x, t in zip(inputs, tangents, strict=True):
        edge = x._edge()
        if edge is not None and t is not None:
            moving[edge] = t
    for node in _between([y._node for y in outputs], inputs):
        _push(node, moving)
    found = []
    for y in outputs:
        end = y._edge()
        t = moving.get(end) if end is not None else None
        if t is None:
            t = OPERATIONS["zeros_like"](wrap(y._array))
        found.append(t if isinstance(t, TensorBase) else wrap(t))
    return found


def _between(ends: Sequence[Any], inputs: Sequence[TensorBase]) -> list[Node]:
    """Nodes behind ``ends`` in the order of their creation, stopping where the tangents start."""
    roots = {id(x._node) for x in inputs}
    seen: set[int] = set()
    found: list[Node] = []
    stack = list(ends)
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node.id in seen or id(node) in roots:
            continue
        seen.add(node.id)
        found.append(node)
        stack.extend(edge[0] for edge in node.inputs if edge is not None)
    return sorted(found, key=lambda n: n.id)


def _push(node: Node, moving: dict[Edge, Any]) -> None:
    """Apply the node's forward rules to the tangents that have reached its inputs."""
    ts = [moving.get(edge) if edge is not None else None for edge in node.inputs]
    if all(t is None for t in ts):
        return
    if node.op.lowers:  # autocast computed it in another dtype than its inputs'
        dtype = node.outputs[0][1]
        ts = [t if t is None or t.dtype == dtype else cast_to(t, dtype) for t in ts]
    values = rule_values(node, True)
    if node.op.variadic:
        values["ts"] = tuple(ts)
        parts = [node.op.jvps[0](values)]
    else:
        parts = []
        for rule, t in zip(node.op.jvps, ts, strict=True):
            if t is not None:
                values["t"] = t
                parts.append(rule(values))
    for k, (shape, dtype) in enumerate(node.outputs):
        total: Any = None
        for part in parts:
            out = part[k] if node.many else part
            if out is not None:
                total = out if total is None else total + out
        if total is None:
            continue
        if tuple(total.shape) != tuple(shape):
            total = OPERATIONS["expand"](total, shape=tuple(shape))
        if total.dtype != dtype:
            total = cast_to(total, dtype)
        moving[(node, k)] = total
