"""Where each node of a computation graph stands: layers from top to bottom, few crossings, a straight spine.

A node's layer is the length of the longest path to it; what has no inputs sinks to just above its first
reader. Edges that pass layers get a placeholder in each. Within a layer, nodes are ordered by the mean place
of their neighbours (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981) and then moved towards it
as far as others leave room.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gradwright.report.graph import GraphInfo, GraphNode
from gradwright.report.text import short

__all__ = ["Box", "Layout", "layout"]

_HEIGHT, _SIDE_HEIGHT = 42, 36
_ROW_GAP, _COLUMN_GAP, _SIDE_GAP, _SIDE_ROW_GAP = 34, 28, 26, 6
_MARGIN = 12
_LONGEST = 30  # characters of a name or a detail that are drawn
_SWEEPS = 6


class Box(NamedTuple):
    """A node's rectangle."""

    node: GraphNode
    x: float
    y: float
    width: float
    height: float


class Layout(NamedTuple):
    """Boxes and the points that each edge passes, in drawing units.

    Attributes
    ----------
    boxes, sides : tuple of Box
        Nodes of the graph, and the satellites at their sides.
    edges : tuple of tuple of (float, float)
        From the foot of a box down to the head of another.
    side_edges : tuple of tuple of (float, float)
        From a satellite to its node.
    width, height : float
    """

    boxes: tuple[Box, ...]
    sides: tuple[Box, ...]
    edges: tuple[tuple[tuple[float, float], ...], ...]
    side_edges: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


class _Item:
    """A node, or the placeholder of an edge in one layer; `left` and `right` are its reach around `x`."""

    def __init__(self, node: GraphNode | None) -> None:
        self.node = node
        self.x = 0.0
        self.ups: list[_Item] = []
        self.downs: list[_Item] = []
        self.width = _text_width(node) if node else 0.0
        side = max((_text_width(s) for s in node.satellites), default=0.0) if node else 0.0
        self.left = self.width / 2 + (side + _SIDE_GAP if side else 0.0)
        self.right = self.width / 2
        sides = len(node.satellites) if node else 0
        self.height = max(float(_HEIGHT), sides * (_SIDE_HEIGHT + _SIDE_ROW_GAP) - _SIDE_ROW_GAP) if node else 0.0


def _text_width(node: GraphNode) -> float:
    longest = max(len(short(node.name, _LONGEST)) * 7.4, len(short(node.detail, _LONGEST)) * 6.6)
    return max(84.0, longest + 24)


def layout(info: GraphInfo) -> Layout:
    """Lay a graph out.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> from gradwright.report.graph import graph_info
    >>> placed = layout(graph_info(example_record(hidden=1)))
    >>> [box.node.name for box in placed.boxes]
    ['x', 'linear', 'relu', 'linear', 'cross_entropy']
    >>> all(a.y + a.height < b.y for a, b in zip(placed.boxes, placed.boxes[1:]))
    True
    """
    items = {node.id: _Item(node) for node in info.nodes}
    depth = _depths(info)
    layers: list[list[_Item]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in info.nodes:
        layers[depth[node.id]].append(items[node.id])
    paths = []
    for source, target in info.edges:
        path = [items[source]]
        for level in range(depth[source] + 1, depth[target]):
            placeholder = _Item(None)
            layers[level].append(placeholder)
            path.append(placeholder)
        path.append(items[target])
        for upper, lower in pairwise(path):
            upper.downs.append(lower)
            lower.ups.append(upper)
        paths.append(path)
    _place(layers)
    tops, y = [], float(_MARGIN)
    for layer in layers:
        tops.append((y, max((item.height for item in layer), default=0.0)))
        y += tops[-1][1] + _ROW_GAP
    shift = _MARGIN - min((item.x - item.left for layer in layers for item in layer), default=0.0)
    width = max((item.x + item.right for layer in layers for item in layer), default=0.0) + shift + _MARGIN
    boxes, sides, side_edges = [], [], []
    level_of = {id(item): level for level, layer in enumerate(layers) for item in layer}
    for node in info.nodes:
        item = items[node.id]
        top, room = tops[depth[node.id]]
        middle = top + room / 2
        axis = item.x + shift
        boxes.append(Box(node, axis - item.width / 2, middle - _HEIGHT / 2, item.width, _HEIGHT))
        stack = len(node.satellites) * (_SIDE_HEIGHT + _SIDE_ROW_GAP) - _SIDE_ROW_GAP
        side_width = max((_text_width(s) for s in node.satellites), default=0.0)
        for i, satellite in enumerate(node.satellites):
            x = axis - item.width / 2 - _SIDE_GAP - side_width
            at = middle - stack / 2 + i * (_SIDE_HEIGHT + _SIDE_ROW_GAP)
            sides.append(Box(satellite, x, at, side_width, _SIDE_HEIGHT))
            # Ends of several arrows spread over the node's flank.
            share = (i + 1) / (len(node.satellites) + 1)
            side_edges.append(
                (
                    (x + side_width, at + _SIDE_HEIGHT / 2),
                    (axis - item.width / 2, middle + _HEIGHT * (share - 0.5)),
                )
            )

    def points(path: Sequence[_Item]) -> tuple[tuple[float, float], ...]:
        middles = [tops[level_of[id(item)]] for item in path]
        heads = [(item.x + shift, top + room / 2) for item, (top, room) in zip(path, middles, strict=True)]
        start = (heads[0][0], heads[0][1] + _HEIGHT / 2)
        end = (heads[-1][0], heads[-1][1] - _HEIGHT / 2)
        return (start, *heads[1:-1], end)

    return Layout(
        tuple(boxes),
        tuple(sides),
        tuple(points(path) for path in paths),
        tuple(side_edges),
        width,
        y - _ROW_GAP + _MARGIN,
    )


def _depths(info: GraphInfo) -> dict[int, int]:
    """Longest path from the top; sources then sink to just above their first reader."""
    depth = {node.id: 0 for node in info.nodes}
    fed = {target for _, target in info.edges}
    # Folding keeps the topological order of operations: one pass is enough once all sources have gone first.
    order = {node.id: (node.id in fed, i) for i, node in enumerate(info.nodes)}
    for source, target in sorted(info.edges, key=lambda edge: order[edge[0]]):
        depth[target] = max(depth[target], depth[source] + 1)
    for node in info.nodes:
        readers = [depth[target] for source, target in info.edges if source == node.id]
        if node.id not in fed and readers:
            depth[node.id] = min(readers) - 1
    return depth


def _place(layers: list[list[_Item]]) -> None:
    """Order the items of each layer and give them their places."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer))
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for layer in layers if downwards else reversed(layers):
            wanted = []
            for item in layer:
                near = item.ups if downwards else item.downs
                wanted.append(sum(other.x for other in near) / len(near) if near else item.x)
            order = sorted(range(len(layer)), key=wanted.__getitem__)
            layer[:] = [layer[i] for i in order]
            _spread(layer, [wanted[i] for i in order])


def _spread(layer: list[_Item], wanted: list[float]) -> None:
    """Put items where they want to be, in their order, pushed apart where they would touch."""
    for i, item in enumerate(layer):
        item.x = wanted[i]
        if i:
            before = layer[i - 1]
            item.x = max(item.x, before.x + before.right + _COLUMN_GAP + item.left)
    if layer:
        shift = sum(item.x - want for item, want in zip(layer, wanted, strict=True)) / len(layer)
        for item in layer:
            item.x -= shift
