"""Nodes and values in words: what a node is called, and numbers as short as they can be."""

from __future__ import annotations

from gradwright.view.graph import Graph, GraphNode
from gradwright.view.operations import expression_of
from gradwright.view.text import clean, figure, plural, short
from gradwright.view.values import Known, Unknown, Values

__all__ = ["as_operand", "box_words", "count_words", "is_summary", "names_of", "outline", "shape_words", "value_words"]

_LONGEST_NAME = 40
_LONGEST_EXPRESSION = 24
_LONGEST_NUMBERS = 14


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape as it is written in Python.

    Examples
    --------
    >>> shape_words((2, 3)), shape_words((4,)), shape_words(())
    ('(2, 3)', '(4,)', '()')
    """
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def value_words(value: Known | None, digits: int = 5, room: int = 30) -> str:
    """Values in words: the number, the few numbers, or shape, mean and range.

    Examples
    --------
    >>> value_words(Values((), "float32", (0.5,), 0.5, 0.5, 0.5))
    '0.5'
    >>> value_words(Values((2,), "float32", (0.5, 1.0), 0.75, 0.5, 1.0))
    '[0.5, 1]'
    >>> value_words(Values((9, 9), "float32", None, 0.5, -1.0, 1.0, (1, 3)))
    'mean 0.5, −1 to 1'
    >>> value_words(Unknown("gone")), value_words(None)
    ('not kept', '')
    """
    if value is None:
        return ""
    if isinstance(value, Unknown):
        return "not kept"
    whole = _all_numbers(value, digits, room)
    return outline(value, min(digits, 4)) if whole is None else whole


def is_summary(text: str) -> bool:
    """Say whether `value_words` could not write the numbers out."""
    return text.startswith(("mean ", "all ", "empty")) or text.endswith("not finite")


def box_words(value: Known | None, room: int = 18) -> str:
    """Values in words for where there is little room: many numbers by their range.

    Examples
    --------
    >>> box_words(Values((9, 9), "float32", None, 0.5, -1.0, 1.0, (1, 3)))
    '−1 … 1'
    """
    text = value_words(value, 5, room)
    if isinstance(value, Values) and is_summary(text) and value.low <= value.high:
        ends = [figure(value.low, 2), figure(value.high, 2)]
        text = " … ".join(dict.fromkeys(ends)) + (" ⚠" if value.strange else "")
        return f"all {text}" if value.low == value.high else text
    return text


def _all_numbers(value: Values, digits: int, room: int) -> str | None:
    if value.numbers is None or len(value.numbers) * 2 > room:
        return None
    if any(isinstance(number, complex) for number in value.numbers):
        return None
    text = _nested(value.tolist(), digits)
    return text if len(text) <= room or not value.shape else None


def _nested(numbers: object, digits: int) -> str:
    if isinstance(numbers, list):
        return "[" + ", ".join(_nested(part, digits) for part in numbers) + "]"
    return figure(numbers, digits)  # type: ignore[arg-type]


def outline(value: Values, digits: int = 5) -> str:
    """Mean, range and what is not finite.

    Examples
    --------
    >>> outline(Values((99,), "float32", None, 0.5, -1.0, 1.0, (), 3), 2)
    'mean 0.5, −1 to 1, 3 not finite'
    """
    parts = []
    if value.mean == value.mean:
        parts = [f"mean {figure(value.mean, digits)}", f"{figure(value.low, digits)} to {figure(value.high, digits)}"]
        if value.low == value.high:
            parts = [f"all {figure(value.low, digits)}"]
    if value.strange:
        parts.append(f"{value.strange:,} not finite")
    return ", ".join(parts) or "empty"


def names_of(graph: Graph) -> dict[int, str]:
    """What to call each node: its own name, a constant's number, a short expression, or its number in the graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> list(names_of(gw.graph(lambda x, y: (x + y) * gw.exp(y) + 1, 2.0, 3.0)).values())
    ['x', 'y', 'x + y', 'exp(y)', '(x + y) × exp(y)', '1', '(x + y) × exp(y) + 1']
    """
    names: dict[int, str] = {}
    for node in graph.nodes:
        names[node.id] = _own_name(node) or _expression(node, names) or f"#{node.id}"
    return names


def _own_name(node: GraphNode) -> str:
    if node.label:
        return short(clean(node.label), _LONGEST_NAME)
    if node.op == "constant" and isinstance(node.value, Values):
        text = value_words(node.value, room=_LONGEST_NUMBERS)
        return "" if is_summary(text) else text
    return ""


#: How tightly each operation binds, and how tightly its operands must.
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 6)
_NEEDS = {
    "add": (_SUM, _PRODUCT),
    "sub": (_SUM, _PRODUCT),
    "mul": (_PRODUCT, _SIGN),
    "div": (_PRODUCT, _SIGN),
    "matmul": (_PRODUCT, _SIGN),
    "reciprocal": (_SIGN,),
    "neg": (_POWER,),
    "pow": (_ATOM, _POWER),
}


def _expression(node: GraphNode, names: dict[int, str]) -> str:
    if node.is_leaf or not node.inputs or node.op.startswith("part "):
        return ""
    operands = {}
    for i, edge in enumerate(node.inputs):
        name = names[edge.source]
        if name.startswith("#"):
            return ""
        needs = _NEEDS.get(node.op, (0,) * len(node.inputs))[i]
        operands[edge.argument] = f"({name})" if _binding(name) < needs else name
    text = expression_of(node.op, operands)
    return text if len(text) <= _LONGEST_EXPRESSION else ""


def _binding(name: str) -> int:
    """How tightly the loosest sign outside all brackets binds."""
    depth, found = 0, _SIGN if name.startswith(("−", "-")) else _ATOM
    signs = {"+": _SUM, "−": _SUM, "-": _SUM, "×": _PRODUCT, "*": _PRODUCT, "/": _PRODUCT, "@": _PRODUCT, "**": _POWER}
    outside = ""
    for character in name:
        depth += character in "(["
        outside += character if depth == 0 else "x"
        depth -= character in ")]"
    for word in outside.split(" ")[1:]:
        found = min(found, signs.get(word, found))
    return found


def as_operand(name: str) -> str:
    """A name in brackets where it would otherwise run into its neighbours.

    Examples
    --------
    >>> as_operand("x + y"), as_operand("max(y, z)"), as_operand("0.weight"), as_operand("−x")
    ('(x + y)', 'max(y, z)', '0.weight', '(−x)')
    """
    return name if _binding(name) == _ATOM else f"({name})"


def count_words(graph: Graph) -> str:
    """How much there is in a graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> count_words(gw.graph(lambda x: x * 2.0, 1.0))
    '1 operation on 1 input and 1 constant'
    """
    kinds = {kind: sum(node.op == kind for node in graph.nodes) for kind in ("parameter", "input", "constant")}
    operations = sum(node.kind != "leaf" for node in graph.nodes)
    leaves = [plural(number, kind) for kind, number in kinds.items() if number]
    joined = " and ".join([", ".join(leaves[:-1]), leaves[-1]] if len(leaves) > 1 else leaves)
    return plural(operations, "operation") + (f" on {joined}" if leaves else "")
