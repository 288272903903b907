"""The computation graph as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gradwright.report.graph import GraphInfo, GraphNode, graph_words
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import short
from gradwright.view.layout import Box, Layout, layout

__all__ = ["draw_graph", "place_graph"]

_LONGEST = 30  # characters of a name or a detail that are drawn
_HEIGHT, _SIDE_HEIGHT = 42, 36


def draw_graph(info: GraphInfo) -> Drawing:
    """Draw a graph from top to bottom, parameters at the side of the operation that they feed.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> from gradwright.report.graph import graph_info
    >>> draw_graph(graph_info(example_record())).key
    'graph'
    """
    placed = place_graph(info)
    parts = [_arrowhead()]
    parts += [_edge(points, downwards=True) for points in placed.edges]
    parts += [_edge(points, downwards=False) for points in placed.side_edges]
    parts += [_box(box) for box in (*placed.boxes, *placed.sides)]
    return drawing(
        "graph",
        *parts,
        width=placed.width,
        height=placed.height,
        title="Computation graph, from the input at the top to the loss at the foot",
        description=graph_words(info),
        class_="fixed",
    )


def place_graph(info: GraphInfo) -> Layout[GraphNode]:
    """Lay a graph out, its boxes as wide as their text.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> from gradwright.report.graph import graph_info
    >>> placed = place_graph(graph_info(example_record(hidden=1)))
    >>> [box.node.name for box in placed.boxes]
    ['x', 'linear', 'relu', 'linear', 'cross_entropy']
    >>> all(a.y + a.height < b.y for a, b in zip(placed.boxes, placed.boxes[1:]))
    True
    """
    beside = {satellite.id for node in info.nodes for satellite in node.satellites}

    def size(node: GraphNode) -> tuple[float, float]:
        longest = max(len(short(node.name, _LONGEST)) * 7.4, len(short(node.detail, _LONGEST)) * 6.6)
        return max(84.0, longest + 24), _SIDE_HEIGHT if node.id in beside else _HEIGHT

    return layout(info.nodes, info.edges, size)


def _arrowhead() -> Markup:
    return element(
        "defs",
        element(
            "marker",
            element("path", class_="head", d="M0 0L8 4L0 8z"),
            id="arrow",
            viewBox="0 0 8 8",
            refX=8,
            refY=4,
            markerWidth=7,
            markerHeight=7,
            orient="auto",
        ),
    )


def _edge(points: Sequence[tuple[float, float]], *, downwards: bool) -> Markup:
    (x, y), *rest = points
    d = [f"M{x:.1f} {y:.1f}"]
    for nx, ny in rest:
        # Leave and arrive along the direction of the flow; half-way controls give an even bend.
        if downwards:
            d.append(f"C{x:.1f} {(y + ny) / 2:.1f} {nx:.1f} {(y + ny) / 2:.1f} {nx:.1f} {ny:.1f}")
        else:
            d.append(f"C{(x + nx) / 2:.1f} {y:.1f} {(x + nx) / 2:.1f} {ny:.1f} {nx:.1f} {ny:.1f}")
        x, y = nx, ny
    return element("path", class_="edge" if downwards else "edge side", d="".join(d), marker_end="url(#arrow)")


def _box(box: Box[GraphNode]) -> Markup:
    node = box.node
    middle = box.x + box.width / 2
    # The shape tells the kind without its colour: pills are parameters, slanted boxes inputs, double
    # frames the loss.
    corner = {"parameter": box.height / 2, "input": 2}.get(node.kind, 7)
    frames = [element("rect", class_="shape", x=box.x, y=box.y, width=box.width, height=box.height, rx=corner)]
    if node.kind == "input":
        slant, x, y, w, h = 9, box.x, box.y, box.width, box.height
        frames = [
            element(
                "path",
                class_="shape",
                d=f"M{x + slant:.1f} {y:.1f}h{w - slant:.1f}l{-slant} {h:.1f}h{-(w - slant):.1f}z",
            )
        ]
    if node.kind in ("loss", "fold"):
        inner = {"x": box.x + 3, "y": box.y + 3, "width": box.width - 6, "height": box.height - 6}
        frames.append(element("rect", class_="shape inner", rx=5, **inner))
    lines = [
        label(
            short(node.name, _LONGEST),
            middle,
            box.y + box.height / 2 - (2 if node.detail else -4),
            class_="node-name",
        )
    ]
    if node.detail:
        lines.append(label(short(node.detail, _LONGEST), middle, box.y + box.height / 2 + 12, class_="node-detail"))
    told = f"{node.kind}: {node.name}" + (f", {node.detail}" if node.detail else "")
    return element("g", element("title", told), *frames, *lines, class_=f"node {node.kind}")
