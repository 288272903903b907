"""The graph is folded where it repeats, and laid out so that nothing lies on anything else."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from typing import Any

import pytest

from gradwright.report import example_files, example_record, graph_info, parse_record
from gradwright.report.graph import CUT_ABOVE, GraphInfo, graph_words
from gradwright.report.graph_drawing import draw_graph, place_graph
from gradwright.view.layout import Box


def _graph(nodes: list[tuple[str, str]], edges: list[tuple[int, int]]) -> GraphInfo:
    files = example_files()
    network = json.loads(files["network.json"])
    network["graph"] = {
        "nodes": [{"id": i, "op": op, "label": name, "shape": [2]} for i, (op, name) in enumerate(nodes)],
        "edges": [list(edge) for edge in edges],
    }
    return graph_info(parse_record(files | {"network.json": json.dumps(network)}))


def _overlap(a: Box, b: Box) -> bool:
    return (
        a.x < b.x + b.width - 0.01
        and b.x < a.x + a.width - 0.01
        and a.y < b.y + b.height - 0.01
        and b.y < a.y + a.height - 0.01
    )


def _residual(blocks: int) -> GraphInfo:
    nodes: list[tuple[str, str]] = [("input", "x")]
    edges: list[tuple[int, int]] = []
    last = 0
    for block in range(blocks):
        start = last
        for op in ("linear", "relu", "linear"):
            nodes.append(("parameter", f"{block}.weight"))
            nodes.append((op, ""))
            edges += [(len(nodes) - 2, len(nodes) - 1), (last, len(nodes) - 1)]
            last = len(nodes) - 1
        nodes.append(("add", ""))
        edges += [(start, len(nodes) - 1), (last, len(nodes) - 1)]
        last = len(nodes) - 1
    nodes += [("input", "y"), ("mse_loss", "loss")]
    edges += [(last, len(nodes) - 1), (len(nodes) - 2, len(nodes) - 1)]
    return _graph(nodes, edges)


def _tied() -> GraphInfo:
    """One weight read by three operations, two of them side by side."""
    return _graph(
        [
            ("input", "x"),
            ("parameter", "w"),
            ("linear", ""),
            ("tanh", ""),
            ("linear", ""),
            ("linear", ""),
            ("add", ""),
        ],
        [(0, 2), (1, 2), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5), (4, 6), (5, 6), (2, 6)],
    )


GRAPHS: dict[str, Any] = {
    "plain": lambda: graph_info(example_record(hidden=4)),
    "deep": lambda: graph_info(example_record(hidden=50)),
    "residual": lambda: _residual(3),
    "deep residual": lambda: _residual(30),
    "tied": _tied,
    "lonely": lambda: _graph([("sum", "")], []),
    "empty": lambda: _graph([], []),
    "wide": lambda: _graph(
        [("input", "x"), *[(f"op{i}", "") for i in range(30)], ("add", "")],
        [*[(0, i) for i in range(1, 31)], *[(i, 31) for i in range(1, 31)]],
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_boxes_keep_apart_and_edges_run_downwards(name: str) -> None:
    placed = place_graph(GRAPHS[name]())
    boxes = [*placed.boxes, *placed.sides]
    for a, b in combinations(boxes, 2):
        assert not _overlap(a, b), (a, b)
    for box in boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= placed.width
        assert box.y + box.height <= placed.height
    for points in placed.edges:
        assert all(one[1] < other[1] for one, other in pairwise(points))


@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_can_be_drawn(name: str) -> None:
    assert draw_graph(GRAPHS[name]()).svg.startswith("<svg")


def test_a_deep_network_is_folded() -> None:
    info = graph_info(example_record(hidden=50))
    fold = next(node for node in info.nodes if node.kind == "fold")
    assert (fold.name, fold.detail) == ("49 more of the same", "linear → relu")
    assert (info.operations, info.parameters, info.folded) == (102, 102, 98)
    assert len(info.nodes) == 6
    assert "98 operations not drawn one by one" in graph_words(info)


def test_a_fold_keeps_what_goes_in_and_out() -> None:
    info = _residual(30)
    fold = next(node.id for node in info.nodes if node.kind == "fold")
    assert any(target == fold for _, target in info.edges)
    assert any(source == fold for source, _ in info.edges)
    assert info.nodes[-1].kind == "loss"


def test_a_small_graph_is_not_folded() -> None:
    assert graph_info(example_record(hidden=4)).folded == 0


def test_a_long_graph_without_repetition_is_cut_in_the_middle() -> None:
    size = 2000
    info = _graph([("input", "x"), *[(f"op{i}", "") for i in range(size)]], [(i, i + 1) for i in range(size)])
    assert len(info.nodes) <= CUT_ABOVE + 2
    assert any(node.name == f"{size - CUT_ABOVE:,} operations not drawn" for node in info.nodes)
    place_graph(info)


def test_the_target_stands_beside_the_loss() -> None:
    info = graph_info(example_record())
    assert info.nodes[0].name == "x"
    assert [s.name for s in info.nodes[-1].satellites] == ["y"]
