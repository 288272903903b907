"""The computation graph as shown: operations, what feeds one of them alone, repeated parts folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradwright.report.layers import shape_text
from gradwright.report.records import RunRecord
from gradwright.report.text import listed, plural

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

    folds = _folds([signature(node) for node in operations]) if len(nodes) > FOLD_ABOVE else []
    if len(operations) - sum(stop - start for start, stop, _ in folds) > CUT_ABOVE:
        half = CUT_ABOVE // 2
        folds = [(half, len(operations) - half, 0)]
    stands_for = {node["id"]: node["id"] for node in nodes}
    fold_nodes: dict[int, GraphNode] = {}
    for start, stop, period in folds:
        inside = operations[start:stop]
        ids = {node["id"] for node in inside}
        fold_id = inside[0]["id"]
        # Leaves that feed only what is folded away go with it.
        ids |= {node["id"] for node in nodes if leaf[node["id"]] and _feeds_only(consumers[node["id"]], ids)}
        stands_for |= dict.fromkeys(ids, fold_id)
        fold_nodes[fold_id] = _fold_node(fold_id, inside, period)
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
        sum(stop - start for start, stop, _ in folds),
    )


def _feeds_only(readers: Sequence[int], ids: set[int]) -> bool:
    return bool(readers) and ids.issuperset(readers)


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


def _fold_node(identity: int, inside: Sequence[Node], period: int) -> GraphNode:
    if not period:
        return GraphNode(identity, "fold", f"{plural(len(inside), 'operation')} not drawn", "")
    pattern = " → ".join(node["op"] for node in inside[:period][:5]) + (" …" if period > 5 else "")
    times = len(inside) // period
    return GraphNode(identity, "fold", f"{times} more of the same" if times > 1 else "once more", pattern)


def _folds(signatures: Sequence[tuple[object, ...]], longest: int = 40) -> list[tuple[int, int, int]]:
    """Find runs that repeat what stands right before them: (start, stop, period) of what can be folded away.

    The first occurrence stays. From the left, the period that folds most is taken; what it covers is not
    looked at again.

    Examples
    --------
    >>> _folds([("a",), ("b",), ("a",), ("b",), ("a",), ("b",), ("c",)])
    [(2, 6, 2)]
    """
    folds, start, size = [], 0, len(signatures)
    while start < size:
        best = (0, 0)
        for period in range(1, min(longest, (size - start) // 2) + 1):
            same = 0
            while start + period + same < size and signatures[start + same] == signatures[start + period + same]:
                same += 1
            repeats = same // period
            # One repetition of a single operation is not worth a fold.
            if repeats * period > max(best[0], 1):
                best = (repeats * period, period)
        covered, period = best
        if covered:
            folds.append((start + period, start + period + covered, period))
            start += period + covered
        else:
            start += 1
    return folds


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
