"""A computation graph as a table in plain text."""

from __future__ import annotations

from gradwright.view.drawn import folded_nodes
from gradwright.view.graph import Graph, GraphNode
from gradwright.view.sentences import formula_words, is_number, sum_words
from gradwright.view.text import clean, plural, short
from gradwright.view.values import Known, Unknown, Values
from gradwright.view.words import as_operand, names_of, shape_words, value_words

__all__ = ["table"]

_ROOM = 34
_LONGEST = 44


def table(graph: Graph, *, digits: int = 6, fold: bool = True) -> str:
    """Write a graph as a table: a row for each node, in topological order.

    Examples
    --------
    >>> import gradwright as gw
    >>> print(table(gw.graph(lambda x: x * 2.0, 3.0)))
    #  node                 forward: value  backward: gradient  upstream × local = downstream  line
    0  x         input      3               2
    1  2         constant   2
    2  x × 2     mul        6               1                   to x: 1 × 2 = 2                ...
    """
    names = names_of(graph)
    folds, stands_for = folded_nodes(graph) if fold else ([], {})
    folds_at = {found.id: found for found in folds}
    shaped = any(node.shape for node in graph.nodes)
    head = ["#", "node", "", "shape", "forward: value", "backward: gradient", "upstream × local = downstream", "line"]
    rows = [head]
    shares: dict[int, list[Known | None]] = {}
    for edge in (edge for node in graph.nodes for edge in node.inputs if edge.downstream is not None):
        shares.setdefault(edge.source, []).append(edge.downstream)
    for node in graph.nodes:
        if node.id in folds_at:
            found = folds_at[node.id]
            times = f"{found.times} more like this" if found.times > 1 else "once more"
            rows.append(["…", f"{times}: {plural(len(found.operations), 'operation')}", *[""] * 6])
        elif node.id not in stands_for:
            rows += _rows(node, graph, names, shares.get(node.id, []), digits)
    shown = [i for i in range(len(head)) if (i != 3 or shaped) and any(row[i] for row in rows[1:])]
    rows = [[row[i] for i in shown] for row in rows]
    # a fold's words may run on over empty cells
    widths = [max(len(row[i]) for row in rows if row[0] != "…" or i == 0) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines + (["", clean(graph.note)] if graph.note else [])).replace("−", "-")


def _rows(
    node: GraphNode, graph: Graph, names: dict[int, str], shares: list[Known | None], digits: int
) -> list[list[str]]:
    flows = [_flow(node, i, graph, names, digits) for i in range(len(node.inputs))]
    shown = [flow for flow in flows if flow] or [""]
    line = "" if node.line is None else f"{node.line}  {short(clean(node.line.part or node.line.text), 60)}".rstrip()
    name = names[node.id]
    first = [
        str(node.id),
        short("" if name.startswith("#") else name, _LONGEST),
        node.op,
        shape_words(node.shape),
        value_words(node.value, digits, _ROOM),
        _gradient(node, shares, digits),
        shown[0],
        line,
    ]
    return [first, *([*[""] * 6, flow, ""] for flow in shown[1:])]


def _gradient(node: GraphNode, shares: list[Known | None], digits: int) -> str:
    """The gradient; at a branch, where it is of numbers, the sum that it is."""
    if not isinstance(node.upstream, Values):
        return ""
    if len(shares) > 1 and all(map(is_number, shares)):
        return sum_words(shares, node.upstream, digits)
    return value_words(node.upstream, digits, _ROOM)


def _flow(node: GraphNode, position: int, graph: Graph, names: dict[int, str], digits: int) -> str:
    edge = node.inputs[position]
    if edge.downstream is None or isinstance(edge.downstream, Unknown):
        return ""
    to = f"to {short(names[edge.source], 24)}"
    down = value_words(edge.downstream, digits, 20)
    if is_number(node.upstream) and is_number(edge.local):
        up, local = value_words(node.upstream, digits), value_words(edge.local, digits)
        return f"{to}: {up} × {as_operand(local)} = {down}"
    rule = formula_words(node, edge, names)
    what = f"g × {as_operand(rule)}" if rule and node.kind == "elementwise" else rule
    if what and node.kind == "elementwise" and node.shape != graph.nodes[edge.source].shape:
        what += " added up"
    return f"{to}: {short(what, 50) or 'its rule'}, {shape_words(edge.downstream.shape)}"
