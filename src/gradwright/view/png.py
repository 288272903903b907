"""The picture of a graph as PNG, drawn by Matplotlib where it is installed."""

from __future__ import annotations

import io
import warnings
from typing import Any

from gradwright.errors import MissingDependencyError
from gradwright.view.drawn import DrawnNode, drawn_graph
from gradwright.view.graph import Graph
from gradwright.view.layout import Box
from gradwright.view.picture import NodeText, edge_labels, place

__all__ = ["png"]

_AHEAD, _BACK, _INK, _MUTED, _FRAME, _RAISED = "#1c5cbe", "#a35408", "#17191c", "#595f68", "#868d97", "#f6f7f8"
_DPI, _PIXELS = 100, 1.6  # pixels for each unit of the layout
_POINTS = 72 / _DPI * _PIXELS
_LARGEST = 12000  # pixels along a side


def png(graph: Graph, *, fold: bool = True) -> bytes:
    """Draw a graph as a PNG image.

    Raises
    ------
    MissingDependencyError
        Matplotlib is not installed.

    Examples
    --------
    >>> import gradwright as gw
    >>> png(gw.graph(lambda x: x * 2.0, 1.0))[1:4]
    b'PNG'
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "saving a graph as PNG needs Matplotlib: pip install matplotlib. SVG, HTML, DOT and text need nothing."
        ) from None
    drawn = drawn_graph(graph, fold=fold)
    placed = place(drawn)
    scale = min(_PIXELS, _LARGEST / max(placed.width, placed.height))
    figure = Figure((placed.width * scale / _DPI, placed.height * scale / _DPI), dpi=_DPI, facecolor="white")
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, placed.width), ylim=(placed.height, 0))
    axes.axis("off")
    shrink = scale / _PIXELS
    for points, sideways in [*((e, False) for e in placed.edges), *((e, True) for e in placed.side_edges)]:
        _edge(axes, points, sideways, shrink)
    for box in (*placed.boxes, *placed.sides):
        _box(axes, box, shrink)
    for text, x, y in edge_labels(drawn, placed):
        halo = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        _write(axes, x, y, text, 11 * shrink, _BACK, bold=True, bbox=halo)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that the font lacks is drawn as boxes
        FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def _edge(axes: Any, points: Any, sideways: bool, shrink: float) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    (x, y), *rest = points
    vertices, codes = [(x, y)], [Path.MOVETO]
    for nx, ny in rest:
        bends = [((x + nx) / 2, y), ((x + nx) / 2, ny)] if sideways else [(x, (y + ny) / 2), (nx, (y + ny) / 2)]
        vertices += [*bends, (nx, ny)]
        codes += [Path.CURVE4] * 3
        x, y = nx, ny
    size = 11 * shrink
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": size, "color": _FRAME, "linewidth": 1.3 * shrink}
    axes.add_patch(FancyArrowPatch(path=Path(vertices, codes), shrinkA=0, shrinkB=0, **look))


def _box(axes: Any, box: Box[DrawnNode], shrink: float) -> None:
    from matplotlib.patches import FancyBboxPatch, Polygon

    kind, text = box.node.kind, NodeText(box.node)
    face = _RAISED if kind in ("constant", "fold") else "white"
    look: dict[str, Any] = {"facecolor": face, "edgecolor": _FRAME, "linewidth": 1.3 * shrink}
    if kind in ("parameter", "fold"):
        look["linestyle"] = "--" if kind == "parameter" else ":"
    corners = {"parameter": min(box.height / 2, 18), "constant": 2}.get(kind, 7)
    if kind == "input":
        x, y, w, h = box.x, box.y, box.width, box.height
        axes.add_patch(Polygon([(x + 8, y), (x + w, y), (x + w - 8, y + h), (x, y + h)], **look))
    else:
        style = f"round,pad=0,rounding_size={corners}"
        axes.add_patch(FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle=style, **look))
    if kind in ("output", "fold"):
        inner = (box.x + 3, box.y + 3), box.width - 6, box.height - 6
        axes.add_patch(FancyBboxPatch(*inner, boxstyle="round,pad=0,rounding_size=5", **{**look, "facecolor": "none"}))
    middle = box.x + box.width / 2
    rows = [(text.title, _INK, 12.5, True), (text.name, _MUTED, 10, False), (text.value, _AHEAD, 11.5, True)]
    rows += [(f"∂ {text.gradient}" if text.gradient else "", _BACK, 11.5, True)]
    y = box.y + 14
    for line, colour, size, bold in rows:
        if line:
            _write(axes, middle, y, line, size * shrink, colour, bold=bold)
            y += 16


def _write(axes: Any, x: float, y: float, text: str, size: float, colour: str, *, bold: bool, **look: Any) -> None:
    weight = "bold" if bold else "normal"
    # a dollar sign in a name begins no formula
    axes.text(
        x,
        y,
        text,
        size=size * 0.92 * _POINTS,
        color=colour,
        weight=weight,
        ha="center",
        va="center",
        parse_math=False,
        **look,
    )
