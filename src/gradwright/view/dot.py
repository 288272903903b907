"""A computation graph in Graphviz's language."""

from __future__ import annotations

from gradwright.view.drawn import DrawnNode, drawn_graph
from gradwright.view.graph import Graph
from gradwright.view.picture import NodeText
from gradwright.view.text import clean
from gradwright.view.words import is_summary, value_words

__all__ = ["dot", "quoted"]

_SHAPES = {"parameter": "oval", "input": "parallelogram", "constant": "plaintext", "output": "doubleoctagon"}


def dot(graph: Graph, *, fold: bool = True) -> str:
    """Write a graph for Graphviz: edges carry what flows back along them.

    Examples
    --------
    >>> import gradwright as gw
    >>> print(dot(gw.graph(lambda x, y: x * y, 2.0, 3.0)))
    digraph {
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [fontname="sans-serif", fontcolor="#a35408"];
      n0 [label="x\\n2\\n∂ 3", shape=parallelogram, style=solid];
      n1 [label="y\\n3\\n∂ 2", shape=parallelogram, style=solid];
      n2 [label="×\\nx × y\\n6\\n∂ 1", shape=doubleoctagon, style=solid];
      n0 -> n2 [label="3"];
      n1 -> n2 [label="2"];
    }
    """
    drawn = drawn_graph(graph, fold=fold)
    lines = [
        "digraph {",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontcolor="#a35408"];',
    ]
    for node in drawn.all_nodes():
        shape = _SHAPES.get(node.kind)
        look = "" if shape is None else f", shape={shape}, style=solid"
        look = ", style=dashed" if node.kind == "fold" else look
        lines.append(f"  n{node.id} [label={_label(node)}{look}];")
    for edge in drawn.edges:
        texts = [value_words(part.edge.downstream, 4, 14) for part in edge.parts if part.edge.downstream is not None]
        shown = bool(texts) and len(texts) <= 3 and not any(map(is_summary, texts))
        lines.append(
            f"  n{edge.source} -> n{edge.target}" + (f" [label={quoted(' + '.join(texts))}]" if shown else "") + ";"
        )
    return "\n".join([*lines, "}"])


def _label(node: DrawnNode) -> str:
    text = NodeText(node)
    rows = [text.title, text.name, text.value, f"∂ {text.gradient}" if text.gradient else ""]
    return quoted("\n".join(row for row in rows if row))


def quoted(text: str) -> str:
    r"""Text as a string of the language, in which only quotation marks, backslashes and line ends mean anything.

    Examples
    --------
    >>> print(quoted('a "b" \\'))
    "a \"b\" \\"
    """
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
