"""Where each node of a computation graph stands: layers from top to bottom, few crossings, a straight spine.

A node's layer is the length of the longest path to it; what has no inputs sinks to just above its first
reader. Edges that pass layers get a placeholder in each. Within a layer, nodes are ordered by the mean place
of their neighbours (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981) and then moved towards it
as far as others leave room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Box", "Laid", "Layout", "Point", "Spacing", "layout"]

_SWEEPS = 6


class Laid(Protocol):
    """A node that can be laid out: it has a number, and perhaps satellites, which stand at its side."""

    @property
    def id(self) -> int:
        """Its number, by which edges name it."""

    @property
    def satellites(self) -> Sequence[Laid]:
        """Nodes that feed this one alone."""


N = TypeVar("N", bound=Laid)
Point = tuple[float, float]


class Spacing(NamedTuple):
    """Room between boxes, and around all of them, in drawing units."""

    row: float = 34
    column: float = 28
    side: float = 26
    side_row: float = 6
    margin: float = 12


class Box(NamedTuple, Generic[N]):
    """A node's rectangle."""

    node: N
    x: float
    y: float
    width: float
    height: float


class Layout(NamedTuple, Generic[N]):
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

    boxes: tuple[Box[N], ...]
    sides: tuple[Box[N], ...]
    edges: tuple[tuple[Point, ...], ...]
    side_edges: tuple[tuple[Point, ...], ...]
    width: float
    height: float


class _Item:
    """A node, or the placeholder of an edge in one layer; `left` and `right` are its reach around `x`."""

    def __init__(self, size: Point = (0.0, 0.0), sides: Sequence[Point] = (), spacing: Spacing | None = None) -> None:
        self.x = 0.0
        self.ups: list[_Item] = []
        self.downs: list[_Item] = []
        self.width, self.own_height = size
        self.sides = sides
        self.side_width = max((width for width, _ in sides), default=0.0)
        gaps = spacing or Spacing()
        self.left = self.width / 2 + (self.side_width + gaps.side if sides else 0.0)
        self.right = self.width / 2
        self.stack = sum(height for _, height in sides) + gaps.side_row * (len(sides) - 1)
        self.height = max(self.own_height, self.stack)


def layout(
    nodes: Sequence[N],
    edges: Sequence[tuple[int, int]],
    size: Callable[[N], Point],
    spacing: Spacing | None = None,
) -> Layout[N]:
    """Lay a graph out.

    Parameters
    ----------
    nodes : sequence
        In topological order; only sources may stand after what they feed.
    edges : sequence of (int, int)
        Ids of source and target, each pair once.
    size : callable
        From a node to its width and height.
    spacing : Spacing, optional

    Examples
    --------
    >>> from collections import namedtuple
    >>> node = namedtuple("node", "id satellites")
    >>> placed = layout([node(0, ()), node(1, ())], [(0, 1)], lambda n: (80, 40))
    >>> [(box.x, box.y) for box in placed.boxes], placed.edges
    ([(12.0, 12.0), (12.0, 86.0)], (((52.0, 52.0), (52.0, 86.0)),))
    """
    gaps = spacing or Spacing()
    items = {node.id: _Item(size(node), [size(s) for s in node.satellites], gaps) for node in nodes}  # type: ignore[arg-type]
    depth = _depths([node.id for node in nodes], edges)
    layers: list[list[_Item]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in nodes:
        layers[depth[node.id]].append(items[node.id])
    paths = []
    for source, target in edges:
        path = [items[source]]
        for level in range(depth[source] + 1, depth[target]):
            placeholder = _Item()
            layers[level].append(placeholder)
            path.append(placeholder)
        path.append(items[target])
        for upper, lower in pairwise(path):
            upper.downs.append(lower)
            lower.ups.append(upper)
        paths.append(path)
    _place(layers, gaps.column)
    tops, y = [], float(gaps.margin)
    for layer in layers:
        tops.append((y, max((item.height for item in layer), default=0.0)))
        y += tops[-1][1] + gaps.row
    shift = gaps.margin - min((item.x - item.left for layer in layers for item in layer), default=0.0)
    width = max((item.x + item.right for layer in layers for item in layer), default=0.0) + shift + gaps.margin
    boxes: list[Box[N]] = []
    sides: list[Box[N]] = []
    side_edges = []
    level_of = {id(item): level for level, layer in enumerate(layers) for item in layer}
    for node in nodes:
        item = items[node.id]
        top, room = tops[depth[node.id]]
        middle, axis = top + room / 2, item.x + shift
        edge_x = axis - item.width / 2
        boxes.append(Box(node, edge_x, middle - item.own_height / 2, item.width, item.own_height))
        at = middle - item.stack / 2
        for i, (satellite, (_, height)) in enumerate(zip(node.satellites, item.sides, strict=True)):
            x = edge_x - gaps.side - item.side_width
            sides.append(Box(satellite, x, at, item.side_width, height))  # type: ignore[arg-type]
            # Ends of several arrows spread over the node's flank.
            share = (i + 1) / (len(node.satellites) + 1) - 0.5
            side_edges.append(((x + item.side_width, at + height / 2), (edge_x, middle + item.own_height * share)))
            at += height + gaps.side_row

    def points(path: Sequence[_Item]) -> tuple[Point, ...]:
        middles = [tops[level_of[id(item)]] for item in path]
        heads = [(item.x + shift, top + room / 2) for item, (top, room) in zip(path, middles, strict=True)]
        start = (heads[0][0], heads[0][1] + path[0].own_height / 2)
        end = (heads[-1][0], heads[-1][1] - path[-1].own_height / 2)
        return (start, *heads[1:-1], end)

    return Layout(
        tuple(boxes),
        tuple(sides),
        tuple(points(path) for path in paths),
        tuple(side_edges),
        width,
        y - gaps.row + gaps.margin,
    )


def _depths(ids: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Longest path from the top; sources then sink to just above their first reader."""
    depth = dict.fromkeys(ids, 0)
    fed = {target for _, target in edges}
    # Folding keeps the topological order of operations: one pass is enough once all sources have gone first.
    order = {identity: (identity in fed, i) for i, identity in enumerate(ids)}
    for source, target in sorted(edges, key=lambda edge: order[edge[0]]):
        depth[target] = max(depth[target], depth[source] + 1)
    readers: dict[int, list[int]] = {}
    for source, target in edges:
        readers.setdefault(source, []).append(depth[target])
    for source, found in readers.items():
        if source not in fed:
            depth[source] = min(found) - 1
    return depth


def _place(layers: list[list[_Item]], gap: float) -> None:
    """Order the items of each layer and give them their places."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer), gap)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for layer in layers if downwards else reversed(layers):
            wanted = []
            for item in layer:
                near = item.ups if downwards else item.downs
                wanted.append(sum(other.x for other in near) / len(near) if near else item.x)
            order = sorted(range(len(layer)), key=wanted.__getitem__)
            layer[:] = [layer[i] for i in order]
            _spread(layer, [wanted[i] for i in order], gap)


def _spread(layer: list[_Item], wanted: list[float], gap: float) -> None:
    """Put items where they want to be, in their order, pushed apart where they would touch."""
    for i, item in enumerate(layer):
        item.x = wanted[i]
        if i:
            before = layer[i - 1]
            item.x = max(item.x, before.x + before.right + gap + item.left)
    if layer:
        shift = sum(item.x - want for item, want in zip(layer, wanted, strict=True)) / len(layer)
        for item in layer:
            item.x -= shift
