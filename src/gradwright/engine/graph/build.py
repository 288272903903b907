"""``graph``: the computation graph behind a tensor, or behind a function that is run with everything kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradwright.backend import is_tracer
from gradwright.engine.base import Edge, Leaf, Node, TensorBase
from gradwright.engine.creation import tensor
from gradwright.engine.graph.gradients import Flow, local_gradient, watched
from gradwright.engine.graph.kept import Kept, argument_names, kept_by, nodes_behind
from gradwright.engine.graph.names import Names
from gradwright.engine.graph.summary import summarise
from gradwright.engine.graph.words import argument_words
from gradwright.engine.lines import read_line
from gradwright.engine.mode import enable_grad, mode
from gradwright.engine.tracing import trace_now
from gradwright.errors import GraphError, ShapeError
from gradwright.view.graph import Graph, GraphInput, GraphNode, Line
from gradwright.view.values import Known, Unknown

__all__ = ["graph", "keep_everything"]

_NOT_KEPT = Unknown("not kept: call graph with the function instead of its result, and it keeps everything")
_FREED = "No gradients: backward has freed this graph. Call graph before backward, or with the function itself."
_NO_SEED = (
    "No gradients: the output has shape {}, and they start from one number. Reduce it (`.sum()`, `.mean()`), or pass "
    "the upstream gradient: graph(…, gradient=…)."
)


def graph(
    output: TensorBase | Callable[..., TensorBase],
    *inputs: Any,
    gradient: Any = None,
    names: Mapping[str, TensorBase] | None = None,
    values: bool = True,
    largest: int = 64,
) -> Graph:
    """Return the computation graph behind a tensor: every value and every gradient in it.

    Equation: upstream(node) = Σ downstream over the operations that read the node, and
    downstream(input) = upstream(node) × d node / d input; the output's upstream is 1. It is ``backward`` itself that is
    run and looked at, without freeing: ``output.backward()`` works afterwards, and no ``grad`` is touched.

    Parameters
    ----------
    output : Tensor or callable
        The end of the graph, such as a loss. Of a tensor that is already computed, values are shown that the graph kept
        or that follow from what it kept; a leaf that nothing kept shows what it holds now. A callable is
        called with ``inputs`` and everything is kept.
    *inputs : Tensor, number or array
        What the callable takes and is differentiated by. Numbers and arrays become float tensors.
    gradient : Tensor, optional
        Upstream gradient of the output, for an output that is not one number.
    names : mapping from str to Tensor, optional
        What to call tensors; otherwise their own names are used, and those of the caller's variables.
    values : bool
        False: operations and what asks for gradients only, without any numbers.
    largest : int
        Tensors of more elements are summarised: mean, range, histogram.

    Returns
    -------
    Graph
        Frozen plain data that prints, draws and saves itself: ``text``, ``dot``, ``svg``, ``html``, ``save``.

    Raises
    ------
    GraphError
        Nothing was recorded, or a step is being compiled, in which there are no numbers.
    ShapeError
        ``gradient`` does not have the output's shape.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
    >>> g = gw.graph((x * x).sum())
    >>> [n.op for n in g.nodes], g.edges
    (['input', 'mul', 'sum'], ((0, 1), (0, 1), (1, 2)))
    >>> g["x"].upstream.tolist(), [edge.local.tolist() for edge in g[1].inputs]
    ([2.0, 4.0], [[1.0, 2.0], [1.0, 2.0]])
    """
    function = None if isinstance(output, TensorBase) else output
    named = dict(names or {})
    if function is not None:
        output, arguments = _run(function, inputs)
        named = {**dict(zip(_parameters(function), arguments, strict=False)), **named}
    elif inputs:
        raise GraphError("graph: inputs go with a function; the first argument is a tensor that is already computed")
    if not isinstance(output, TensorBase):
        raise GraphError(
            f"graph: expected one Tensor at the end of the graph, such as the loss; got {type(output).__name__}"
        )
    if not output._requires_grad:
        raise GraphError(
            "graph: nothing was recorded, because the output depends on no tensor with requires_grad=True. Was it "
            "computed under no_grad, or detached?"
        )
    if is_tracer(output._array):
        raise GraphError("graph: inside a compiled step there are no numbers; call it on the step that is not compiled")
    output._edge()  # of an output that is a leaf, so that it can be named
    return _Builder(output, gradient, Names(named, function) if values else None, largest).graph()


class _Looking:
    """Somebody who watches, so that operations learn which module they run in."""

    def forward(self, op: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    def backward(self, node: Any, gradient: Any, position: int) -> None:
        pass


def _run(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """Call a function with everything kept."""
    arguments = [_asking(value) for value in inputs]
    with keep_everything():
        return function(*arguments), arguments


@contextmanager
def keep_everything() -> Iterator[None]:
    """Record operations with all of their inputs and outputs, and the modules that they run in."""
    before = mode.keep_all
    mode.keep_all = True
    try:
        with enable_grad(), watched(trace_now.watcher or _Looking()):
            yield
    finally:
        mode.keep_all = before


def _asking(value: Any) -> Any:
    """An input that asks for a gradient, where it can."""
    if not isinstance(value, TensorBase):
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            return value
        return tensor(value, dtype=None if array.dtype.kind == "f" else np.float32).requires_grad_()
    if value._requires_grad or value._array.dtype.kind not in "fV":
        return value
    fresh = type(value)(value._array)
    fresh._requires_grad = True
    fresh.name = value.name
    return fresh


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a built-in that does not say
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


class _Builder:
    """One graph in the making."""

    def __init__(self, output: TensorBase, gradient: Any, names: Names | None, largest: int) -> None:
        self._engine_nodes = nodes_behind(output)
        self._output = output
        self._names = names
        self._largest = largest
        self._kept = Kept(self._engine_nodes, output) if names is not None else None
        self._note = ""
        self._flow = self._backward(gradient) if names is not None else None
        self._nodes: list[GraphNode] = []
        self._lines: dict[Any, Line | None] = {}  # many operations come from one line
        self._ids: dict[Any, int] = {}  # an edge, or id() of a constant's array → the id of its node

    def graph(self) -> Graph:
        """Put the nodes together, each after what it reads."""
        for node in self._engine_nodes:
            self._operation(node)
        if not self._engine_nodes:  # the output is a leaf itself
            self._leaf(self._output._edge())
        return Graph(tuple(self._nodes), self._note)

    def _backward(self, gradient: Any) -> Flow | None:
        array = self._output._array
        if gradient is None:
            if array.size != 1:
                self._note = _NO_SEED.format(tuple(array.shape))
                return None
            gradient = np.ones_like(array)
        seed = np.asarray(getattr(gradient, "_array", gradient), array.dtype)
        if seed.shape != tuple(array.shape):
            raise ShapeError(f"graph: gradient {seed.shape} for an output of shape {tuple(array.shape)}")
        if any(node.saved is None for node in self._engine_nodes):
            self._note = _FREED
            return None
        return Flow(self._output, seed, self._engine_nodes)

    def _operation(self, node: Node) -> None:
        inputs = tuple(found for i in range(len(node.inputs)) if (found := self._input(node, i)) is not None)
        single = len(node.outputs) == 1
        shape, dtype = node.outputs[0] if single else ((), "")
        self._place(
            (node, 0) if single else node,
            node.op.name,
            shape,
            kind=node.op.kind,
            dtype=str(dtype),
            edge=(node, 0) if single else None,
            label=self._names.of_edge((node, 0)) if self._names and single else "",
            inputs=inputs,
            meta=tuple((name, argument_words(value)) for name, value in node.meta.items()),
            where=node.where or "",
            line=self._line(node) if self._names else None,
        )
        if not single:  # each of several results is a node of its own behind the operation's
            for i, (part_shape, part_dtype) in enumerate(node.outputs):
                edge = (node, i)
                label = self._names.of_edge(edge) if self._names else ""
                part = (GraphInput(self._ids[node], "ans", downstream=self._gradient(edge)),)
                self._place(edge, f"part {i}", part_shape, dtype=str(part_dtype), edge=edge, label=label, inputs=part)

    def _input(self, node: Node, position: int) -> GraphInput | None:
        edge = node.inputs[position]
        name, input_shape = argument_names(node)[position], tuple(node.shapes[position])
        if edge is None:
            source = self._constant(node, position)
            return None if source is None else GraphInput(source, name)
        if isinstance(edge[0], Leaf) and edge not in self._ids:
            self._leaf(edge)
        jacobian = (*node.outputs[0][0], *input_shape)
        if self._flow is None or self._kept is None:
            return GraphInput(self._ids[edge], name, jacobian)
        local = local_gradient(node, position, self._kept)
        flowed = self._flow.downstream.get((node.id, position))
        return GraphInput(
            self._ids[edge],
            name,
            jacobian,
            None if local is None else summarise(local, self._largest),
            None if flowed is None else summarise(flowed, self._largest),
        )

    def _line(self, node: Node) -> Line | None:
        place = getattr(node, "line", None)
        if place not in self._lines:
            self._lines[place] = read_line(place)
        return self._lines[place]

    def _leaf(self, edge: Edge | None) -> None:
        assert edge is not None
        assert isinstance(edge[0], Leaf)
        tensor = edge[0].tensor()
        kind = "parameter" if type(tensor).__name__ == "Parameter" else "input"
        label = (tensor.name if tensor is not None else None) or (self._names.of_edge(edge) if self._names else "")
        array = tensor._array if tensor is not None else None
        if array is None and self._kept is not None:
            array = self._kept.output(edge)
        shape, dtype = ((), "") if array is None else (tuple(array.shape), str(array.dtype))
        self._place(edge, kind, shape, dtype=dtype, edge=edge, label=label)

    def _constant(self, node: Node, position: int) -> int | None:
        """Place an input that asks for no gradient, where it is known that there is one."""
        if self._kept is None or self._names is None:
            return None
        value = self._kept.argument(node, position)
        if value is None and argument_names(node)[position] in kept_by(node):
            return None  # an argument that was left out
        key = id(value) if getattr(value, "ndim", 0) else (node.id, position)
        if key not in self._ids:
            shape = tuple(node.shapes[position])
            label = self._names.of_array(value) if hasattr(value, "dtype") else ""
            known = _NOT_KEPT if value is None else summarise(value, self._largest)
            dtype = str(getattr(value, "dtype", "") or node.dtypes[position] or "")
            self._place(key, "constant", shape, dtype=dtype, label=label, value=known)
        return self._ids[key]

    def _place(
        self,
        key: Any,
        op: str,
        shape: tuple[int, ...],
        *,
        edge: Edge | None = None,
        value: Known | None = None,
        **rest: Any,
    ) -> None:
        if edge is not None and self._kept is not None:
            array = self._kept.output(edge)
            value = _NOT_KEPT if array is None else summarise(array, self._largest)
        self._ids[key] = len(self._nodes)
        upstream = None if edge is None else self._gradient(edge)
        self._nodes.append(GraphNode(len(self._nodes), op, shape=tuple(shape), value=value, upstream=upstream, **rest))

    def _gradient(self, edge: Edge) -> Known | None:
        if self._flow is None:
            return Unknown(self._note) if self._note else None
        array = self._flow.upstream.get(edge)
        return None if array is None else summarise(array, self._largest)
