"""The computation graph as plain data: what made a tensor, in topological order."""

from __future__ import annotations

from dataclasses import dataclass

from gradwright.engine.base import Leaf, Node, TensorBase

__all__ = ["Graph", "GraphNode", "graph"]


@dataclass(frozen=True)
class GraphNode:
    """One node: an operation, or a leaf (``op`` is then "parameter" or "input")."""

    id: int
    op: str
    label: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order, the output last, and edges as pairs of their ids."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int], ...]


def graph(output: TensorBase) -> Graph:
    """Return the computation graph behind a tensor.

    Parameters
    ----------
    output : Tensor
        The end of the graph, such as a loss; it must depend on a tensor with ``requires_grad=True``.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 2.0], requires_grad=True)
    >>> g = gw.graph((x * x).sum())
    >>> [n.op for n in g.nodes], g.edges
    (['input', 'mul', 'sum'], ((0, 1), (0, 1), (1, 2)))
    """
    inner: dict[int, Node] = {}
    stack = [output._node]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node.id not in inner:
            inner[node.id] = node
            stack.extend(edge[0] for edge in node.inputs if edge is not None)
    nodes: list[GraphNode] = []
    edges: list[tuple[int, int]] = []
    numbers: dict[int, int] = {}  # id() of an engine node → its number here

    def place(node: Node | Leaf, op: str, label: str, shape: tuple[int, ...]) -> None:
        numbers[id(node)] = len(nodes)
        nodes.append(GraphNode(len(nodes), op, label, shape))

    for _, node in sorted(inner.items()):
        for edge in node.inputs:
            source = edge[0] if edge is not None else None
            if isinstance(source, Leaf) and id(source) not in numbers:
                tensor = source.tensor()
                shape = tuple(tensor._array.shape) if tensor is not None else ()
                name = (tensor.name if tensor is not None else None) or ""
                kind = "parameter" if type(tensor).__name__ == "Parameter" else "input"
                place(source, kind, name, shape)
        place(node, node.op.name, node.where or "", tuple(node.outputs[0][0]))
        edges += [(numbers[id(edge[0])], numbers[id(node)]) for edge in node.inputs if edge is not None]
    return Graph(tuple(nodes), tuple(edges))
