"""Table, DOT, SVG and files: of every graph, well formed, escaped, and nothing of it lost."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest

from gradwright.errors import ConfigError, MissingDependencyError
from gradwright.view.drawn import drawn_graph
from gradwright.view.graph import Graph
from gradwright.view.picture import place
from gradwright.view.story import story_of

from .conftest import HOSTILE, hostile_graph

STRING = r'"(?:[^"\\\n]|\\.)*"'
ATTRIBUTE = rf"\w+=(?:{STRING}|\w+)"
STATEMENT = re.compile(
    rf"  (?:node|edge|n\d+(?: -> n\d+)?)(?: \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\])?;"
)  # of Graphviz's grammar, all that we write


def check_dot(text: str) -> None:
    """Raise unless this is a graph in Graphviz's language."""
    first, *lines, last = text.split("\n")
    assert (first, last) == ("digraph {", "}")
    for line in lines:
        assert STATEMENT.fullmatch(line), line
    assert not set(text) & {"\x00", "\x1b", "\u202e"}
    text.encode("utf-8")
    named = set(re.findall(r"^  (n\d+) \[", text, re.MULTILINE))
    assert set(re.findall(r"(n\d+) ->|-> (n\d+)", text)) <= {(n, "") for n in named} | {("", n) for n in named}


# --- the table -----------------------------------------------------------------------------------------------
def test_the_table_shows_both_directions(maximum: Graph) -> None:
    lines = maximum.text().splitlines()
    assert lines[0].split("  ")[0] == "#"
    for words in ("forward: value", "backward: gradient", "upstream × local = downstream", "line"):
        assert words in lines[0]
    rows = [re.split(r"  +", line) for line in lines[1:] if line[0].isdigit()]
    assert [row[:5] for row in rows] == [
        ["0", "x", "input", "1", "2"],
        ["1", "y", "input", "2", "2 + 3 = 5"],
        ["2", "x + y", "add", "3", "2"],
        ["3", "z", "input", "0", "0"],
        ["4", "max(y, z)", "maximum", "2", "3"],
        ["5", "(x + y) × max(y, z)", "mul", "6", "1"],
    ]
    assert rows[4][5] == "to y: 3 × 1 = 3"
    assert rows[4][6].startswith("conftest.py:") or "conftest.py:" in rows[4][6]
    assert rows[4][7] == "gw.maximum(y, z)"


def test_columns_are_aligned(any_graph: Graph) -> None:
    text = any_graph.text()
    lines = text.split("\n\n")[0].splitlines()
    start = lines[0].index("forward: value")
    for line in lines[1:]:
        if line.startswith("…"):
            continue
        assert line[start - 2 : start].strip() == "", line
    assert str(any_graph) == text


def test_a_deep_network_is_said_once(deep: Graph) -> None:
    short, long = deep.text(), deep.text(fold=False)
    assert "48 more like this: 96 operations" in short
    assert len(short.splitlines()) < 40 < 200 < len(long.splitlines())


# --- DOT -----------------------------------------------------------------------------------------------------
def test_dot_is_valid(any_graph: Graph) -> None:
    check_dot(any_graph.dot())
    check_dot(any_graph.dot(fold=False))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_dot_escapes(text: str) -> None:
    check_dot(hostile_graph(text).dot())


# --- SVG -----------------------------------------------------------------------------------------------------
def test_svg_is_well_formed_and_boxes_keep_apart(any_graph: Graph) -> None:
    for fold in (True, False):
        root = ET.fromstring(any_graph.svg(fold=fold))
        assert root.tag.endswith("svg")
        drawn = drawn_graph(any_graph, fold=fold)
        assert len(root.findall(".//*[@class='gw-edge']")) == len(drawn.edges)
        placed = place(drawn, story_of(drawn))
        for a, b in combinations([*placed.boxes, *placed.sides], 2):
            apart = a.x + a.width <= b.x + 0.01 or b.x + b.width <= a.x + 0.01
            assert apart or a.y + a.height <= b.y + 0.01 or b.y + b.height <= a.y + 0.01, (a, b)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_svg_escapes(text: str) -> None:
    root = ET.fromstring(hostile_graph(text).svg())
    assert {e.tag.rsplit("}")[-1] for e in root.iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "g", "rect", "text"
    }  # fmt: skip
    assert not [name for e in root.iter() for name in e.attrib if name.startswith("on")]


def test_a_deep_network_folds(deep: Graph) -> None:
    drawn = drawn_graph(deep)
    fold = next(node for node in drawn.nodes if node.fold)
    assert fold.title == "×48 more like this"
    assert drawn.folded == 96
    assert len(drawn.nodes) < 12
    # all that is not folded is there, and what goes through the fold is connected
    assert {fold.id} <= {edge.source for edge in drawn.edges} & {edge.target for edge in drawn.edges}
    assert len(drawn_graph(deep, fold=False).all_nodes()) == len(deep.nodes)


def test_a_notebook_shows_the_picture(maximum: Graph) -> None:
    assert maximum._repr_svg_() == maximum.svg()


def test_large_tensors_are_drawn_as_histograms(deep: Graph) -> None:
    root = ET.fromstring(deep.svg())
    assert root.findall(".//*[@class='gw-value-bars']")
    assert root.findall(".//*[@class='gw-gradient-bars']")


# --- files ---------------------------------------------------------------------------------------------------
def test_files_by_their_ending(maximum: Graph, tmp_path: Path) -> None:
    for ending, start in {"html": b"<!DOCTYPE", "svg": b"<svg", "dot": b"digraph", "txt": b"#", "SVG": b"<svg"}.items():
        path = maximum.save(tmp_path / f"g.{ending}")
        assert path.read_bytes().startswith(start)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".SVG", ".dot", ".html", ".svg", ".txt"]
    with pytest.raises(ConfigError, match=r"g.pdf ends in .pdf; expected one of .html"):
        maximum.save(tmp_path / "g.pdf")
    with pytest.raises(ConfigError, match="ends in nothing"):
        maximum.save(tmp_path / "g")


def test_what_was_there_stays_when_writing_fails(maximum: Graph, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing/g.svg"):
        maximum.save(tmp_path / "missing" / "g.svg")
    (tmp_path / "g.svg").mkdir()
    with pytest.raises(IsADirectoryError):
        maximum.save(tmp_path / "g.svg")
    assert [p.name for p in tmp_path.iterdir()] == ["g.svg"]


def test_png(any_graph: Graph, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    pixels = image.imread(any_graph.save(tmp_path / "g.png"))[..., :3]
    ink = (pixels < 0.7).any(-1).mean()
    assert 0.001 < ink < 0.5


@pytest.mark.parametrize("name", ["dollar", "control", "long"])
def test_png_of_hostile_names(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert hostile_graph(HOSTILE[name]).save(tmp_path / "g.png").stat().st_size > 1000


def test_png_without_matplotlib(maximum: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("matplotlib")] + ["matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        maximum.save(tmp_path / "g.png")
    assert not list(tmp_path.iterdir())


def test_importing_brings_in_no_template_engine() -> None:
    code = "import sys, gradwright; print([m for m in ('jinja2', 'matplotlib', 'markupsafe') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
