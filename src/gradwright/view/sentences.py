"""What happens at a node, in a sentence: forwards, backwards, and where a branch adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradwright.view.graph import GraphInput, GraphNode
from gradwright.view.operations import ROUTES, expression_of, local_formula, rule_formula, sign_of
from gradwright.view.text import joined, plural
from gradwright.view.values import Known, Values
from gradwright.view.words import as_operand, is_summary, shape_words, value_words

__all__ = ["adding_sentence", "backward_sentence", "forward_sentence", "is_number", "sum_words"]

Names = Mapping[int, str]


def is_number(value: Known | None) -> bool:
    """Whether this is one number without axes."""
    return isinstance(value, Values) and not value.shape and value.numbers is not None


def _shown(value: Known | None) -> str:
    """A value inside a sentence: short, or its shape."""
    if isinstance(value, Values):
        text = value_words(value, room=16)
        return shape_words(value.shape) if is_summary(text) else text
    return value_words(value)


def forward_sentence(node: GraphNode, nodes: Sequence[GraphNode], names: Names) -> str:
    """Say what an operation computes.

    Examples
    --------
    >>> import gradwright as gw
    >>> g = gw.graph(lambda x, y: x + y, 2.0, 3.0)
    >>> forward_sentence(g[2], g.nodes, {0: "x", 1: "y", 2: "f"})
    'f = x + y = 2 + 3 = 5.'
    """
    operands = {edge.argument: as_operand(names[edge.source]) for edge in node.inputs}
    said = expression_of(node.op, operands)
    name = names[node.id]
    start = "" if name.startswith("#") or name == said or " " in name else f"{name} = "
    values = [nodes[edge.source].value for edge in node.inputs]
    if is_number(node.value) and all(is_number(value) for value in values):
        numbers = {e.argument: as_operand(_shown(v)) for e, v in zip(node.inputs, values, strict=True)}
        filled = expression_of(node.op, numbers)
        middle = f" = {filled}" if filled != said else ""
        return f"{start}{said}{middle} = {_shown(node.value)}."
    shapes = joined([f"{names[e.source]} {shape_words(nodes[e.source].shape)}" for e in node.inputs])
    result = f"one number, {_shown(node.value)}" if is_number(node.value) else shape_words(node.shape)
    return f"{start}{sign_of(node.op)} of {shapes} gives {result}."


def backward_sentence(node: GraphNode, nodes: Sequence[GraphNode], names: Names) -> str:
    """Say how an operation passes its upstream gradient on.

    Examples
    --------
    >>> import gradwright as gw
    >>> g = gw.graph(lambda x, y: x * y, 2.0, 3.0)
    >>> backward_sentence(g[2], g.nodes, {0: "x", 1: "y", 2: "f"})
    '× switches: downstream to x = upstream 1 × y 3 = 3; downstream to y = upstream 1 × x 2 = 2.'
    """
    edges = [edge for edge in node.inputs if edge.downstream is not None]
    up = _shown(node.upstream)
    stretched = [e for e in edges if node.kind == "elementwise" and nodes[e.source].shape != node.shape]
    if node.op == "add":
        said = _distributes(edges, names, up)
    elif node.op == "mul":
        said = _switches(node, edges, nodes, names, up)
    elif node.op in ROUTES:
        said = _routes(node, edges, nodes, names, up)
    elif node.op == "relu" and len(edges) == 1:
        said = _gates(edges[0], nodes, names, up)
    elif node.op == "sum":
        said = f"sum distributes: every element of {names[edges[0].source]} gets the upstream gradient {up}"
    else:
        starts = {"neg": "− turns the sign", "sub": "− distributes, and turns the sign of what is taken away"}
        said = "; ".join(_general(node, edge, names, up) for edge in edges)
        start = sign_of(node.op) if node.op == "sub" and len(edges) == 1 else starts.get(node.op, sign_of(node.op))
        said = f"{start}: {said}"
    if stretched:
        said += f"; added up where {joined([names[e.source] for e in stretched])} was stretched"
    still = [names[e.source] for e in node.inputs if e.downstream is None]
    if still and not all(nodes[e.source].op == "constant" for e in node.inputs if e.downstream is None):
        return said + f". Nothing flows to {joined(still)}."
    return said + "."


def _distributes(edges: Sequence[GraphInput], names: Names, up: str) -> str:
    targets = [names[edge.source] for edge in edges]
    if len(targets) == 1:
        return f"+ passes the upstream gradient {up} on to {targets[0]} as it is"
    if len(set(targets)) == 1:
        return f"+ distributes: {targets[0]} gets the upstream gradient {up} twice"
    return f"+ distributes: {targets[0]} and {targets[1]} each get the upstream gradient {up} as it is"


def _switches(node: GraphNode, edges: Sequence[GraphInput], nodes: Sequence[GraphNode], names: Names, up: str) -> str:
    said = []
    for edge in edges:
        other = next(e for e in node.inputs if e.argument != edge.argument).source
        factor, value = names[other], _shown(nodes[other].value)
        shown = as_operand(factor) if factor == value or value == "not kept" else f"{as_operand(factor)} {value}"
        result = f" = {_shown(edge.downstream)}" if is_number(edge.downstream) else ", element by element"
        said.append(f"downstream to {names[edge.source]} = upstream {as_operand(up)} × {shown}{result}")
    return ("× switches: " if len(node.inputs) == len(edges) else "× scales: ") + "; ".join(said)


def _routes(node: GraphNode, edges: Sequence[GraphInput], nodes: Sequence[GraphNode], names: Names, up: str) -> str:
    sign, which = sign_of(node.op), ROUTES[node.op]
    if node.op == "amax":
        target = names[edges[0].source]
        return f"max routes: the upstream gradient {up} goes to the largest element of {target}, 0 to the others"
    if len(edges) == 2 and all(is_number(edge.local) for edge in edges):
        first, second = edges
        if first.local == second.local:
            return f"{sign} routes: a tie, so {names[first.source]} and {names[second.source]} each get half of {up}"
        won, lost = (first, second) if first.local.item() > second.local.item() else (second, first)  # type: ignore[union-attr]
        return (
            f"{sign} routes: the whole upstream gradient {up} goes to {_with_value(won, nodes, names)}, the {which}; "
            f"{_with_value(lost, nodes, names)} gets 0"
        )
    if len(edges) == 1 and is_number(edges[0].local):
        won_it = edges[0].downstream == node.upstream
        goes = f"the upstream gradient {up} goes to" if won_it else "nothing goes to"
        target = _with_value(edges[0], nodes, names)
        return f"{sign} routes: {goes} {target}, which is {'' if won_it else 'not '}the {which}"
    return f"{sign} routes: each element of the upstream gradient goes to the {which} of {_both(node, names)}"


def _both(node: GraphNode, names: Names) -> str:
    return joined([names[edge.source] for edge in node.inputs])


def _with_value(edge: GraphInput, nodes: Sequence[GraphNode], names: Names) -> str:
    name, value = names[edge.source], _shown(nodes[edge.source].value)
    return name if name == value else f"{name} ({value})"


def _gates(edge: GraphInput, nodes: Sequence[GraphNode], names: Names, up: str) -> str:
    target = names[edge.source]
    if not is_number(edge.local):
        return f"relu is a gate: the upstream gradient passes where {target} is above 0, and 0 elsewhere"
    if edge.local.item():  # type: ignore[union-attr]
        return f"relu is a gate, and open: {_with_value(edge, nodes, names)} is above 0 and gets upstream {up}"
    return f"relu is a gate, and shut: {_with_value(edge, nodes, names)} is not above 0 and gets 0"


def _general(node: GraphNode, edge: GraphInput, names: Names, up: str) -> str:
    target = names[edge.source]
    if edge.local is not None and (node.kind == "elementwise" or is_number(edge.local)):
        formula = formula_words(node, edge, names) if node.kind == "elementwise" else ""
        local = _shown(edge.local)
        if formula and formula.lstrip("−").replace(".", "").isdigit():
            formula = ""
        shown = f"{formula} = {local}" if is_number(edge.local) and formula else formula or local
        shown = f"({shown})" if " " in shown else as_operand(shown)
        result = f" = {_shown(edge.downstream)}" if is_number(edge.downstream) else ", element by element"
        return f"downstream to {target} = upstream {as_operand(up)} × local {shown}{result}"
    rule = formula_words(node, edge, names)
    rule = rule if rule and len(rule) < 60 else f"its rule applied to g {up}"
    result = _shown(edge.downstream)
    result = f" = {result}" if result.startswith("[") else f", of shape {result}"
    return f"downstream to {target} = {rule}{result}"


def formula_words(node: GraphNode, edge: GraphInput, names: Names) -> str:
    """The local derivative, or the rule in terms of the upstream gradient g, with the nodes' own names.

    Examples
    --------
    >>> import gradwright as gw
    >>> g = gw.graph(lambda a, b: a / b, 2.0, 3.0)
    >>> [formula_words(g[2], edge, {0: "a", 1: "b", 2: "f"}) for edge in g[2].inputs]
    ['1 / b', '−a / b²']
    """
    operands = {e.argument: as_operand(names[e.source]) for e in node.inputs}
    operands["ans"] = as_operand(names[node.id])
    if node.kind == "elementwise":
        return local_formula(node.op, edge.argument, operands)
    return rule_formula(node.op, edge.argument, operands)


def sum_words(shares: Sequence[Known | None], total: Known | None, digits: int = 5) -> str:
    """A sum written out, where it is of numbers.

    Examples
    --------
    >>> two, three, five = (Values((), "float32", (v,), v, v, v) for v in (2.0, 3.0, 5.0))
    >>> sum_words([two, three], five)
    '2 + 3 = 5'
    """
    if not all(is_number(share) for share in shares) or len(shares) > 6:
        return f"the sum of {plural(len(shares), 'gradient')}"
    said = [value_words(share, digits) for share in shares]
    terms = " + ".join([said[0], *map(as_operand, said[1:])])
    return f"{terms} = {value_words(total, digits)}" if total is not None else terms


def adding_sentence(name: str, output: str, shares: Sequence[Known | None], total: Known | None) -> str:
    """Say how the gradients that reach a branch add up.

    Examples
    --------
    >>> two, three, five = (Values((), "float32", (v,), v, v, v) for v in (2.0, 3.0, 5.0))
    >>> adding_sentence("y", "f", [two, three], five)
    'A branch adds up: y is used twice, so ∂f/∂y = 2 + 3 = 5.'
    """
    used = {2: "twice"}.get(len(shares), f"{len(shares)} times")
    return f"A branch adds up: {name} is used {used}, so ∂{output}/∂{as_operand(name)} = {sum_words(shares, total)}."
