"""The computation graph as shown: operations, what feeds one of them alone, repeated parts folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradwright.report.layers import shape_text
from gradwright.report.records import RunRecord
from gradwright.report.text import listed, plural
from gradwright.view.folding import Fold, fold_away

__all__ = ["GraphInfo", "GraphNode", "graph_info", "graph_words"]

#: More nodes than this are folded where they repeat.
FOLD_ABOVE = 40
#: More operations than this are cut out of the middle if folding did not help.
CUT_ABOVE = 150

Node = Mapping[str, Any]


class GraphNode(NamedTuple):
    """A node as it is drawn.

    Attributes
    ----------
    id : int
    kind : {"operation", "parameter", "input", "loss", "fold"}
    name : str
        The operation, or the parameter's or input's own name.
    detail : str
        Its shape, or what a fold stands for.
    satellites : tuple of GraphNode
        Parameters and inputs that feed this node alone; they are drawn at its side.
    """

    id: int
    kind: str
    name: str
    detail: str
    satellites: tuple[GraphNode, ...] = ()


class GraphInfo(NamedTuple):
    """The nodes in topological order, the edges between them, and what the whole graph holds.

    Attributes
    ----------
    nodes : tuple of GraphNode
    edges : tuple of (int, int)
        Ids of source and target; edges of satellites are not among them.
    operations, parameters : int
        Numbers in the whole graph, folded parts included.
    folded : int
        Operations that are not drawn one by one.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int], ...]
    operations: int
    parameters: int
    folded: int


def graph_info(record: RunRecord) -> GraphInfo:
    """Prepare the computation graph of a run for drawing.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> info = graph_info(example_record(hidden=1))
    >>> [node.name for node in info.nodes], [s.name for s in info.nodes[1].satellites]
    (['x', 'linear', 'relu', 'linear', 'cross_entropy'], ['0.weight', '0.bias'])
    >>> len(graph_info(example_record(hidden=49)).nodes)
    6
    """
    graph = record.network["graph"]
    nodes: Sequence[Node] = graph["nodes"]
    edges = [(source, target) for source, target in dict.fromkeys((a, b) for a, b in graph["edges"])]
    consumers: dict[int, list[int]] = {node["id"]: [] for node in nodes}
    for source, target in edges:
        consumers[source].append(target)
    leaf = {node["id"]: node["op"] in ("parameter", "input", "constant", "buffer") for node in nodes}
    operations = [node for node in nodes if not leaf[node["id"]]]
    # The input that is read first heads the graph (the target is read by the loss, last); every other leaf
    # with a single reader stands at its side.
    place = {node["id"]: i for i, node in enumerate(nodes)}
    inputs = [node["id"] for node in nodes if node["op"] == "input" and consumers[node["id"]]]
    first_input = min(inputs, key=lambda i: min(place[c] for c in consumers[i]), default=None)
    at_side: dict[int, list[Node]] = {}
    for node in nodes:
        if leaf[node["id"]] and len(consumers[node["id"]]) == 1 and node["id"] != first_input:
            at_side.setdefault(consumers[node["id"]][0], []).append(node)
    beside = {node["id"] for group in at_side.values() for node in group}

    def signature(node: Node) -> tuple[object, ...]:
        return (node["op"], tuple(side["op"] for side in at_side.get(node["id"], ())))

    by_id = {node["id"]: node for node in nodes}
    folds, folded_into = fold_away(
        [node["id"] for node in operations],
        [signature(node) for node in operations],
        consumers,
        [i for i, is_leaf in leaf.items() if is_leaf],
        fold=len(nodes) > FOLD_ABOVE,
        cut_above=CUT_ABOVE,
    )
    stands_for = {node["id"]: node["id"] for node in nodes} | folded_into
    fold_nodes = {fold.id: _fold_node(fold, by_id) for fold in folds}
    drawn = [
        fold_nodes.get(node["id"]) or _node(node, at_side.get(node["id"], ()), node is nodes[-1])
        for node in nodes
        if stands_for[node["id"]] == node["id"]
        and node["id"] not in beside
        and (consumers[node["id"]] or not leaf[node["id"]])
    ]
    ids = {node.id for node in drawn}
    kept = {
        (stands_for[a], stands_for[b]): None
        for a, b in edges
        if stands_for[a] != stands_for[b] and stands_for[a] in ids and stands_for[b] in ids
    }
    return GraphInfo(
        tuple(drawn),
        tuple(kept),
        len(operations),
        sum(node["op"] == "parameter" for node in nodes),
        sum(len(fold.operations) for fold in folds),
    )


def _node(node: Node, satellites: Sequence[Node], is_last: bool) -> GraphNode:
    kind = {"parameter": "parameter", "input": "input", "constant": "input", "buffer": "input"}.get(
        node["op"], "loss" if is_last else "operation"
    )
    name = node["op"] if kind in ("operation", "loss") else node["label"] or node["op"]
    return GraphNode(
        node["id"],
        kind,
        name,
        shape_text(node["shape"]),
        tuple(_node(side, (), False) for side in satellites),
    )


def _fold_node(fold: Fold, by_id: Mapping[int, Node]) -> GraphNode:
    if not fold.period:
        return GraphNode(fold.id, "fold", f"{plural(len(fold.operations), 'operation')} not drawn", "")
    pattern = " → ".join(by_id[i]["op"] for i in fold.operations[: fold.period][:5])
    pattern += " …" if fold.period > 5 else ""
    return GraphNode(fold.id, "fold", f"{fold.times} more of the same" if fold.times > 1 else "once more", pattern)


def graph_words(info: GraphInfo) -> str:
    """Say what the graph holds.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> graph_words(graph_info(example_record()))
    '6 operations and 6 parameter tensors. Most used: linear (3), relu (2) and cross_entropy (1).'
    """
    words = f"{plural(info.operations, 'operation')} and {plural(info.parameters, 'parameter tensor')}."
    if info.folded:
        return words + f" Repeated parts are folded: {plural(info.folded, 'operation')} not drawn one by one."
    names = [node.name for node in info.nodes if node.kind in ("operation", "loss")]
    often = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    return words + (f" Most used: {listed([f'{n} ({names.count(n)})' for n in often], 4)}." if often else "")
