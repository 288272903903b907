"""What a page says of each node: its values in full, the rule of each input, and the line that made it."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from gradwright.view.drawn import Drawn, DrawnNode
from gradwright.view.graph import GraphInput, GraphNode
from gradwright.view.picture import spark
from gradwright.view.sentences import formula_words
from gradwright.view.svg import element
from gradwright.view.text import clean, joined, short
from gradwright.view.values import Known, Unknown, Values
from gradwright.view.words import as_operand, shape_words, value_words

__all__ = ["Detail", "InputDetail", "details_of", "fold_detail"]

_DIGITS, _ROOM = 8, 400


class InputDetail(NamedTuple):
    """What flows along one edge.

    Attributes
    ----------
    name, value : str
        What the input is called, and its value.
    local : str
        The local derivative, or the rule; and its value or the shape of the Jacobian.
    downstream : str
        What flows to it; empty where nothing does.
    """

    name: str
    value: str
    local: str
    downstream: str


class Detail(NamedTuple):
    """All there is to say of a node.

    Attributes
    ----------
    key : str
        Its id on the page.
    title, name, about : str
    value, gradient : str
    value_bars, gradient_bars : Markup
        Histograms, where there are many numbers.
    inputs : tuple of InputDetail
    readers : str
        What reads it.
    line, before, part, after : str
        The file and number, and the text of the line around the part that made the node.
    """

    key: str
    title: str
    name: str
    about: str
    value: str
    gradient: str
    value_bars: Markup = Markup()
    gradient_bars: Markup = Markup()
    inputs: tuple[InputDetail, ...] = ()
    readers: str = ""
    line: str = ""
    before: str = ""
    part: str = ""
    after: str = ""


def details_of(drawn: Drawn, *, everything: bool = True) -> list[Detail]:
    """Describe every node of a graph, also, unless told otherwise, those that are folded away.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.view.drawn import drawn_graph
    >>> detail = details_of(drawn_graph(gw.graph(lambda x, y: x * y, 2.0, 3.0)))[-1]
    >>> detail.about, detail.value, detail.inputs[0]
    ('mul, one number, float32', '6', InputDetail(name='x', value='2', local='y = 3', downstream='1 × 3 = 3'))
    """
    readers: dict[int, list[str]] = {}
    for node in drawn.graph.nodes:
        for edge in node.inputs:
            readers.setdefault(edge.source, []).append(drawn.names[node.id])
    shown = {node.id for node in drawn.all_nodes() if node.fold is None}
    nodes = [node for node in drawn.graph.nodes if everything or node.id in shown]
    return [_detail(node, drawn, readers.get(node.id, [])) for node in nodes]


def _detail(node: GraphNode, drawn: Drawn, readers: list[str]) -> Detail:
    name = drawn.names[node.id]
    about = [node.op, "one number" if not node.shape else shape_words(node.shape), node.dtype]
    about += [f"{key} {value}" for key, value in node.meta]
    about += [f"in {short(clean(node.where), 60)}"] if node.where else []
    before, part, after = _parted(node)
    return Detail(
        f"n{node.id}",
        node.op if name.startswith("#") else name,
        f"#{node.id}",
        ", ".join(filter(None, about)),
        _full(node.value),
        _full(node.upstream),
        _bars(node.value, "gw-value-bars"),
        _bars(node.upstream, "gw-gradient-bars"),
        tuple(_input(node, edge, drawn) for edge in node.inputs),
        joined(list(dict.fromkeys(readers))[:8]),
        str(node.line or ""),
        before,
        part,
        after,
    )


def fold_detail(node: DrawnNode, drawn: Drawn) -> Detail:
    """Describe what a fold stands for."""
    assert node.fold is not None
    first, last = node.fold.operations[0], node.fold.operations[-1]
    return Detail(
        f"f{node.id}",
        node.title,
        f"nodes {first} to {last}",
        f"{node.name}, {len(node.fold.operations):,} operations; out of them comes {shape_words(node.node.shape)}",
        _full(node.node.value),
        _full(node.node.upstream),
        _bars(node.node.value, "gw-value-bars"),
        _bars(node.node.upstream, "gw-gradient-bars"),
    )


def _full(value: Known | None) -> str:
    if isinstance(value, Unknown):
        return value.why[:1].upper() + value.why[1:]
    return value_words(value, _DIGITS, _ROOM)


def _bars(value: Known | None, class_: str) -> Markup:
    if not isinstance(value, Values) or not value.bins:
        return Markup()
    bars = spark(value.bins, 0, 2, 160, 36, class_)
    return element(
        "svg", bars, class_="bars", viewBox="0 0 160 40", width=160, height=40, role="img", aria_label="histogram"
    )


def _input(node: GraphNode, edge: GraphInput, drawn: Drawn) -> InputDetail:
    source = drawn.graph.nodes[edge.source]
    value = value_words(source.value, 6, 40)
    value = f"{shape_words(source.shape)} {value}" if source.shape and len(value) > 24 else value
    name = drawn.names[edge.source]
    if edge.downstream is None:
        return InputDetail(name, value, "", "")
    formula = formula_words(node, edge, drawn.names)
    down = value_words(edge.downstream, _DIGITS, 40)
    if edge.local is None:
        local = f"the Jacobian {shape_words(edge.jacobian)} is not formed"
        return InputDetail(name, value, f"{formula}; {local}" if formula else local, down)
    local = value_words(edge.local, _DIGITS, 40)
    if not node.shape and not source.shape:
        down = f"{value_words(node.upstream, _DIGITS)} × {as_operand(local)} = {down}"
    if formula and node.kind != "elementwise":
        local += f"; rule: {formula}"
    elif formula and formula != local:
        local = f"{formula} = {local}" if " else " not in formula else f"{formula}; here {local}"
    return InputDetail(name, value, local, down)


def _parted(node: GraphNode) -> tuple[str, str, str]:
    """The text of the line, and in the middle the part that made the node."""
    if node.line is None:
        return "", "", ""
    text, part = clean(node.line.text), clean(node.line.part)
    if not part or part not in text:
        return short(text, 160), "", ""
    before, _, after = text.partition(part)
    return short(before, 80), short(part, 160), short(after, 80)
