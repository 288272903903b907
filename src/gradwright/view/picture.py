"""A computation graph as a picture: in each box the operation, its value and its gradient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources

from markupsafe import Markup

from gradwright.view.drawn import Drawn, DrawnNode, drawn_graph
from gradwright.view.graph import Graph
from gradwright.view.layout import Box, Layout, Point, Spacing, layout
from gradwright.view.story import Story
from gradwright.view.svg import element, label
from gradwright.view.text import short
from gradwright.view.values import Known, Values
from gradwright.view.words import box_words, count_words, is_summary, shape_words, value_words

__all__ = ["NodeText", "edge_labels", "node_text", "picture", "place", "spark", "standalone", "template_text"]

_TITLE, _ROW, _PAD = 20, 16, 8
_LONGEST_TITLE, _LONGEST_NAME, _ROOM = 26, 30, 18
_SPARK_WIDTH, _SPARK_HEIGHT = 40, 12
_WIDE = 7.6  # of a bold figure, in the widest of the fonts that systems bring
_SPACING = Spacing(row=44, column=30, side=58, side_row=8, margin=14)


class NodeText:
    """The lines of a node's box.

    Attributes
    ----------
    title, name : str
    value, gradient : str
        Empty where there is none.
    spark, gradient_spark : tuple of int
        Histograms that stand before them.
    """

    def __init__(self, drawn: DrawnNode, story: Story | None = None) -> None:
        node = drawn.node
        self.title = short(drawn.title, _LONGEST_TITLE)
        shape = shape_words(node.shape) if node.shape else ""
        self.name = "  ".join(filter(None, (short(drawn.name, _LONGEST_NAME), shape)))
        self.value = box_words(node.value)
        if drawn.kind == "constant" and self.value == self.title:
            self.value = ""
        self.gradient = box_words(node.upstream) if isinstance(node.upstream, Values) else ""
        if story is not None and drawn.id in story.gradients:
            self.gradient = story.gradients[drawn.id][-1][1]
        self.spark = _bins(node.value)
        self.gradient_spark = _bins(node.upstream)

    def rows(self) -> int:
        """How many lines stand under the title."""
        return sum(map(bool, (self.name, self.value, self.gradient)))


def node_text(drawn: DrawnNode, story: Story | None = None) -> NodeText:
    """Write the lines of a node's box.

    Examples
    --------
    >>> import gradwright as gw
    >>> drawn = drawn_graph(gw.graph(lambda x, y: x * y, 2.0, 3.0))
    >>> text = node_text(drawn.nodes[-1])
    >>> text.title, text.name, text.value, text.gradient
    ('×', 'x × y', '6', '1')
    """
    return NodeText(drawn, story)


def _bins(value: Known | None) -> tuple[int, ...]:
    return value.bins if isinstance(value, Values) else ()


def place(drawn: Drawn, story: Story | None = None) -> Layout[DrawnNode]:
    """Lay a graph out, its boxes as large as their text over all steps of its story.

    Examples
    --------
    >>> import gradwright as gw
    >>> placed = place(drawn_graph(gw.graph(lambda x, y: (x + y) * y, 1.0, 2.0)))
    >>> [box.node.title for box in placed.boxes]
    ['x', 'y', '+', '×']
    """

    def size(node: DrawnNode) -> tuple[float, float]:
        text = NodeText(node, story)
        gradients = [said for _, said in story.gradients.get(node.id, ())] if story is not None else []
        widths = [len(text.title) * 8.0, len(text.name) * 6.3]
        widths += [len(text.value) * _WIDE + (_SPARK_WIDTH if text.spark else 0)]
        room = 2 * _WIDE + (_SPARK_WIDTH if text.gradient_spark else 0)
        widths += [len(said) * _WIDE + room for said in (text.gradient, *gradients)]
        least = 44.0 if node.kind == "constant" else 72.0
        return max(least, max(widths) + 24), _TITLE + _ROW * text.rows() + _PAD

    pairs = {(edge.source, edge.target) for edge in drawn.edges}
    beside = {satellite.id for node in drawn.nodes for satellite in node.satellites}
    return layout(
        drawn.nodes, [e[:2] for e in drawn.edges if e.source not in beside and e[:2] in pairs], size, _SPACING
    )


def standalone(graph: Graph, *, fold: bool = True) -> str:
    """Draw a graph as an SVG file that brings its own style, for light and dark.

    Examples
    --------
    >>> import gradwright as gw
    >>> "<style>" in standalone(gw.graph(lambda x: x * 2.0, 1.0))
    True
    """
    style = element("style", Markup(template_text("graph.css")))
    return str(picture(drawn_graph(graph, fold=fold), None, key="graph", style=style))


def picture(drawn: Drawn, story: Story | None, *, key: str, style: Markup | None = None, scale: float = 1.0) -> Markup:
    """Draw a graph: as it is at the end, or, with a story, with marks that say from which step on each part is seen.

    Parameters
    ----------
    key : str
        What its ids begin with, so that several pictures can stand on one page.
    scale : float
        Pixels for each drawing unit.
    """
    placed = place(drawn, story)
    parts: list[str] = [] if style is None else [style]
    parts.append(_arrowheads(key))
    edges = _placed_edges(drawn, placed)
    parts += [_edge(i, points, sideways, key, story) for i, points, sideways in edges]
    parts += [_box(box, story) for box in (*placed.boxes, *placed.sides)]
    for i, (text, x, y) in _labels(drawn, placed).items():
        start = None if story is None else story.flow_from[i]
        parts.append(label(text, x, y, class_="gw-flow", data_from=None if start is None else str(start)))
    title = f"Computation graph: {count_words(drawn.graph)}"
    return element(
        "svg",
        element("title", title),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {placed.width:.0f} {placed.height:.0f}",
        width=round(placed.width * scale),
        height=round(placed.height * scale),
        class_="gw-graph",
        role="img",
        aria_label=title,
    )


@cache
def template_text(name: str) -> str:
    """The text of a template of this part."""
    return resources.files("gradwright.view").joinpath("templates", name).read_text(encoding="utf-8")


def _arrowheads(key: str) -> Markup:
    size: dict[str, str | float] = {"viewBox": "0 0 8 8", "refX": 8, "refY": 4, "markerWidth": 9, "markerHeight": 9}
    # in drawing units: a line that is lit is broader, its head is not
    size["markerUnits"] = "userSpaceOnUse"
    return element(
        "defs",
        *(
            element(
                "marker",
                element("path", class_=f"gw-head {name}", d="M0 0L8 4L0 8z"),
                id=f"{key}-{name}",
                orient="auto-start-reverse",
                **size,
            )
            for name in ("gw-plain", "gw-ahead", "gw-back")
        ),
    )


def _placed_edges(drawn: Drawn, placed: Layout[DrawnNode]) -> list[tuple[int, tuple[Point, ...], bool]]:
    """Each edge by its place in ``drawn.edges``, with its points, and whether it comes from a satellite."""
    beside = {box.node.id for box in placed.sides}
    main = [i for i, edge in enumerate(drawn.edges) if edge.source not in beside]
    side = {edge.source: i for i, edge in enumerate(drawn.edges) if edge.source in beside}
    edges = [(i, points, False) for i, points in zip(main, placed.edges, strict=True)]
    return edges + [(side[b.node.id], points, True) for b, points in zip(placed.sides, placed.side_edges, strict=True)]


def _edge(number: int, points: Sequence[Point], sideways: bool, key: str, story: Story | None) -> Markup:
    (x, y), *rest = points
    d = [f"M{x:.1f} {y:.1f}"]
    for nx, ny in rest:
        # Leave and arrive along the direction of the flow; half-way controls give an even bend.
        if sideways:
            d.append(f"C{(x + nx) / 2:.1f} {y:.1f} {(x + nx) / 2:.1f} {ny:.1f} {nx:.1f} {ny:.1f}")
        else:
            d.append(f"C{x:.1f} {(y + ny) / 2:.1f} {nx:.1f} {(y + ny) / 2:.1f} {nx:.1f} {ny:.1f}")
        x, y = nx, ny
    return element(
        "path",
        class_="gw-edge",
        d="".join(d),
        marker_end=f"url(#{key}-gw-plain)",
        data_edge=str(number) if story is not None else None,
    )


def edge_labels(drawn: Drawn, placed: Layout[DrawnNode]) -> list[tuple[str, float, float]]:
    """What flows back along each edge, and where that is written, for edges where it is short enough.

    Examples
    --------
    >>> import gradwright as gw
    >>> drawn = drawn_graph(gw.graph(lambda x, y: x * y, 2.0, 3.0))
    >>> [text for text, x, y in edge_labels(drawn, place(drawn))]
    ['3', '2']
    """
    return list(_labels(drawn, placed).values())


def _labels(drawn: Drawn, placed: Layout[DrawnNode]) -> dict[int, tuple[str, float, float]]:
    # Labels stand where edges are apart: near the source if many end together, near the target if many start together.
    starts, ends = Counter(e.source for e in drawn.edges), Counter(e.target for e in drawn.edges)
    labels = {}
    for i, points, sideways in _placed_edges(drawn, placed):
        edge = drawn.edges[i]
        texts = [value_words(part.edge.downstream, 4, 14) for part in edge.parts if part.edge.downstream is not None]
        text = " + ".join(texts)
        if not texts or any(map(is_summary, texts)) or len(text) > (9 if sideways else 24):
            continue
        t = 0.5 if sideways else 0.5 + 0.2 * (starts[edge.source] > 1) - 0.2 * (ends[edge.target] > 1)
        (x0, y0), (x1, y1) = points[0], points[1]
        x, y = 3 * t * t - 2 * t**3, 1.5 * t * (1 - t) + t**3  # of the way, along the bend
        labels[i] = (text, x0 + (x1 - x0) * x, y0 + (y1 - y0) * y + (-5 if sideways else 4))
    return labels


def spark(bins: Sequence[int], x: float, y: float, width: float, height: float, class_: str) -> Markup:
    """A histogram as small bars.

    Examples
    --------
    >>> print(spark((1, 2), 0, 0, 4, 2, "bars"))
    <path class="bars" d="M0 2v-1h1.6v1zM2 2v-2h1.6v2z"/>
    """
    top, step = max(bins), width / len(bins)
    bars = []
    for i, number in enumerate(bins):
        tall = height * number / top
        if number:
            tall = max(tall, 0.8)  # what is rare is still there
            bars.append(f"M{x + i * step:.4g} {y + height:.5g}v-{tall:.3g}h{step * 0.8:.3g}v{tall:.3g}z")
    return element("path", class_=class_, d="".join(bars))


def _box(box: Box[DrawnNode], story: Story | None) -> Markup:
    drawn = box.node
    text = NodeText(drawn, story)
    middle = box.x + box.width / 2
    # The shape tells the kind without its colour: pills are parameters, slanted boxes inputs, double frames the output.
    corner = {"parameter": min(box.height / 2, 18), "constant": 2, "input": 2}.get(drawn.kind, 7)
    frame = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    shapes = [element("rect", class_="gw-shape", rx=corner, **frame)]
    if drawn.kind == "input":
        slant, width = 8, box.width - 8
        outline = f"M{box.x + slant:.1f} {box.y:.1f}h{width:.1f}l{-slant} {box.height:.1f}h{-width:.1f}z"
        shapes = [element("path", class_="gw-shape", d=outline)]
    if drawn.kind in ("output", "fold"):
        inner = {"x": box.x + 3, "y": box.y + 3, "width": box.width - 6, "height": box.height - 6}
        shapes.append(element("rect", class_="gw-shape gw-inner", rx=5, **inner))
    y = box.y + _TITLE - 2
    lines = [label(text.title, middle, y, class_="gw-title")]
    if text.name:
        y += _ROW
        lines.append(label(text.name, middle, y, class_="gw-name"))
    if text.value:
        y += _ROW
        start = None if story is None else story.value_from.get(drawn.id)
        lines.append(_row(text.value, text.spark, middle, y, "gw-value", start, None))
    if text.gradient:
        y += _ROW
        lines += _gradients(drawn, text, middle, y, story)
    told = f"{drawn.kind}: {drawn.title}" + (f", {text.name}" if text.name else "")
    if drawn.node.line is not None and drawn.fold is None:
        told += f"\n{drawn.node.line}: {short(drawn.node.line.text, 100)}"
    return element(
        "g",
        element("title", told),
        *shapes,
        *lines,
        class_=f"gw-node gw-{drawn.kind}",
        data_node=str(drawn.id) if story is not None else None,
    )


def _gradients(drawn: DrawnNode, text: NodeText, middle: float, y: float, story: Story | None) -> list[Markup]:
    """The gradient, and on the way to it the sum so far."""
    if story is None:
        return [_row(f"∂ {text.gradient}", text.gradient_spark, middle, y, "gw-gradient", None, None)]
    told = story.gradients.get(drawn.id, ())
    rows = []
    for i, (start, said) in enumerate(told):
        last = i == len(told) - 1
        until = None if last else told[i + 1][0]
        shown = text.gradient if last else said
        rows.append(_row(f"∂ {shown}", text.gradient_spark if last else (), middle, y, "gw-gradient", start, until))
    return rows


def _row(
    text: str, bins: Sequence[int], middle: float, y: float, class_: str, start: int | None, until: int | None
) -> Markup:
    when = {
        "data_from": None if start is None else str(start),
        "data_until": None if until is None else str(until),
    }
    if not bins:
        return label(text, middle, y, class_=class_, **when)
    left = middle - (_SPARK_WIDTH + 6 + len(text) * 7.2) / 2
    return element(
        "g",
        spark(bins, left, y - _SPARK_HEIGHT + 1, _SPARK_WIDTH, _SPARK_HEIGHT, f"{class_}-bars"),
        label(text, left + _SPARK_WIDTH + 6, y, class_=f"{class_} gw-beside"),
        **when,
    )
