"""A computation graph as it is drawn: repeated parts folded, leaves that feed one operation at its side."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import NamedTuple

from gradwright.view.folding import Fold, fold_away
from gradwright.view.graph import Graph, GraphInput, GraphNode
from gradwright.view.operations import sign_of
from gradwright.view.words import names_of

__all__ = ["Drawn", "DrawnEdge", "DrawnNode", "Part", "drawn_graph", "folded_nodes"]

#: More nodes than this are folded where they repeat.
FOLD_ABOVE = 40
#: More nodes than this, and leaves with one reader stand at its side.
SIDES_ABOVE = 14


class DrawnNode(NamedTuple):
    """A node as it is drawn.

    Attributes
    ----------
    id : int
    kind : {"operation", "output", "parameter", "input", "constant", "fold"}
    node : GraphNode
        Of a fold, the last of its operations, whose value comes out of it.
    title, name : str
        The operation's sign, and what the node is called.
    satellites : tuple of DrawnNode
        Leaves that feed this node alone.
    fold : Fold or None
        What it stands for.
    """

    id: int
    kind: str
    node: GraphNode
    title: str
    name: str
    satellites: tuple[DrawnNode, ...] = ()
    fold: Fold | None = None


class Part(NamedTuple):
    """One input of one operation, which an edge that is drawn stands for."""

    reader: GraphNode
    edge: GraphInput


class DrawnEdge(NamedTuple):
    """An edge as it is drawn, and what it stands for, in the order in which backward follows it."""

    source: int
    target: int
    parts: tuple[Part, ...]


class Drawn(NamedTuple):
    """What is drawn of a graph.

    Attributes
    ----------
    graph : Graph
    names : dict
        What each node of the graph is called, also those that are folded away.
    nodes : tuple of DrawnNode
        Without satellites, in topological order.
    edges : tuple of DrawnEdge
        Edges of satellites included.
    folded : int
        Operations that are not drawn one by one.
    """

    graph: Graph
    names: dict[int, str]
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    folded: int

    def all_nodes(self) -> list[DrawnNode]:
        """Every node that is drawn, satellites before what they feed."""
        return [one for node in self.nodes for one in (*node.satellites, node)]


def folded_nodes(graph: Graph) -> tuple[list[Fold], dict[int, int]]:
    """Find what repeats in a large graph: equal operations of equal shape, in modules of equal kind.

    Examples
    --------
    >>> import gradwright as gw
    >>> def deep(x):
    ...     for _ in range(50):
    ...         x = (x * 2.0).tanh()
    ...     return x
    >>> [(fold.times, fold.period) for fold in folded_nodes(gw.graph(deep, 1.0))[0]]
    [(49, 2)]
    """
    readers = _readers(graph)
    operations = [node for node in graph.nodes if not node.is_leaf]
    leaves = [node.id for node in graph.nodes if node.is_leaf]
    # whether the first of many equal layers reads the data or another layer makes no difference; what it learns does
    kinds = {node.id: (node.op == "parameter", node.shape) for node in graph.nodes}

    def signature(node: GraphNode) -> Hashable:
        inside = re.sub(r"\d+", "#", node.where)
        return (node.op, node.shape, node.meta, inside, tuple((e.argument, kinds[e.source]) for e in node.inputs))

    many = len(graph.nodes) > FOLD_ABOVE
    return fold_away([n.id for n in operations], [signature(n) for n in operations], readers, leaves, fold=many)


def drawn_graph(graph: Graph, *, fold: bool = True) -> Drawn:
    """Decide what is drawn of a graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> drawn = drawn_graph(gw.graph(lambda x, y: (x + y) * y, 1.0, 2.0))
    >>> [(node.title, node.name) for node in drawn.nodes]
    [('x', ''), ('y', ''), ('+', 'x + y'), ('×', '(x + y) × y')]
    >>> [(edge.source, edge.target) for edge in drawn.edges]
    [(0, 2), (1, 2), (2, 3), (1, 3)]
    """
    names = names_of(graph)
    readers = _readers(graph)
    folds, stands_for = folded_nodes(graph) if fold else ([], {})
    last = {f.id: f.operations[-1] for f in folds}
    fold_of = {f.id: f for f in folds}
    beside = {
        node.id: readers[node.id][0]
        for node in graph.nodes
        if len(set(readers[node.id])) == 1
        and node.id not in stands_for
        and (
            (node.op == "constant" and not node.shape)
            or (node.op in ("parameter", "constant") and len(graph.nodes) > SIDES_ABOVE)
        )
    }

    at_side: dict[int, list[int]] = {}
    for leaf, reader in beside.items():
        at_side.setdefault(reader, []).append(leaf)

    def draw(node: GraphNode) -> DrawnNode:
        if node.id in fold_of:
            found = fold_of[node.id]
            title = f"×{found.times} more like this" if found.times > 1 else "once more"
            pattern = [sign_of(graph.nodes[i].op) for i in found.operations[: found.period]]
            shown = " → ".join(pattern[:5]) + (" …" if len(pattern) > 5 else "")
            return DrawnNode(node.id, "fold", graph.nodes[last[node.id]], title, shown, (), found)
        satellites = tuple(draw(graph.nodes[leaf]) for leaf in at_side.get(node.id, ()))
        name = names[node.id]
        if node.op == "constant" and name.startswith("#"):
            return DrawnNode(node.id, "constant", node, "constant", "", ())
        if node.is_leaf:
            title = node.op if name.startswith("#") else name
            return DrawnNode(node.id, node.op, node, title, name if name != title else "", ())
        kind = "output" if node is graph.nodes[-1] else "operation"
        return DrawnNode(node.id, kind, node, sign_of(node.op), name, satellites)

    nodes = tuple(
        draw(node) for node in graph.nodes if stands_for.get(node.id, node.id) == node.id and node.id not in beside
    )
    edges: dict[tuple[int, int], list[Part]] = {}
    for node in graph.nodes:
        for edge in node.inputs:
            ends = stands_for.get(edge.source, edge.source), stands_for.get(node.id, node.id)
            if ends[0] != ends[1]:
                edges.setdefault(ends, []).append(Part(node, edge))
    return Drawn(
        graph,
        names,
        nodes,
        # backward reaches the newest reader first
        tuple(DrawnEdge(*ends, tuple(sorted(parts, key=lambda p: -p.reader.id))) for ends, parts in edges.items()),
        sum(len(f.operations) for f in folds),
    )


def _readers(graph: Graph) -> dict[int, list[int]]:
    readers: dict[int, list[int]] = {node.id: [] for node in graph.nodes}
    for source, target in graph.edges:
        readers[source].append(target)
    return readers
