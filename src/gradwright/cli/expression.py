"""An expression such as ``(x + y) * max(y, z)``, computed on tensors that record it.

Nothing is ever evaluated as Python. The text is parsed, and only what is listed here is computed: numbers, names,
arithmetic, brackets and a table of functions.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradwright.engine.graph import graph, keep_everything
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import linalg, reduction
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, GradwrightError
from gradwright.view.graph import Graph

__all__ = ["FUNCTIONS", "compute", "graph_of", "read_values"]

_LONGEST = 2000  # characters
_DEEPEST = 60  # brackets within brackets


def _mean(x: Tensor) -> Tensor:
    return x.mean()


def _most(chosen: Callable[..., Any], over_all: Callable[..., Any]) -> Callable[..., Any]:
    """Of several arguments each pair, of a single one all of its elements, as Python's own max and min."""

    def most(first: Any, *others: Any) -> Any:
        return functools.reduce(chosen, others, first) if others else over_all(first)

    return most


#: What may be called, and with how many arguments (from, to; None: any number).
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int | None]] = {
    "abs": (ew.abs, 1, 1),
    "cos": (ew.cos, 1, 1),
    "exp": (ew.exp, 1, 1),
    "log": (ew.log, 1, 1),
    "max": (_most(ew.maximum, reduction.amax), 1, None),
    "maximum": (ew.maximum, 2, 2),
    "mean": (_mean, 1, 1),
    "min": (_most(ew.minimum, lambda x: -reduction.amax(-x)), 1, None),
    "minimum": (ew.minimum, 2, 2),
    "relu": (act.relu, 1, 1),
    "sigmoid": (act.sigmoid, 1, 1),
    "sin": (ew.sin, 1, 1),
    "softmax": (lambda x: act.softmax(x, axis=-1), 1, 1),
    "softplus": (act.softplus, 1, 1),
    "sqrt": (ew.sqrt, 1, 1),
    "square": (ew.square, 1, 1),
    "sum": (reduction.sum, 1, 1),
    "tan": (lambda x: ew.sin(x) / ew.cos(x), 1, 1),
    "tanh": (act.tanh, 1, 1),
}

_OPERATORS: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: ew.add,
    ast.Sub: ew.sub,
    ast.Mult: ew.mul,
    ast.Div: ew.div,
    ast.Pow: ew.pow,
    ast.MatMult: linalg.matmul,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_KNOWN = "Known are numbers, names, + - * / ** @, brackets, lists, and " + ", ".join(FUNCTIONS) + "."


def read_values(given: Sequence[str]) -> dict[str, Tensor]:
    """Read arguments such as ``x=1`` and ``w=[[1, 2], [3, 4]]`` as float64 tensors that ask for gradients.

    Raises
    ------
    ConfigError
        No such form, not a number, or lists of unequal lengths.

    Examples
    --------
    >>> {name: value.tolist() for name, value in read_values(["x=-1", "w=[1, 2.5]"]).items()}
    {'x': -1.0, 'w': [1.0, 2.5]}
    """
    values: dict[str, Tensor] = {}
    for argument in given:
        name, equals, text = argument.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise ConfigError(f"graph: {argument[:60]!r}: expected a name and its value, such as x=2 or w=[1,2,3]")
        if name in FUNCTIONS:
            raise ConfigError(f"graph: {name} is a function here; call the variable something else")
        if name in values:
            raise ConfigError(f"graph: {name} is given twice")
        tree = _parsed(text, f"the value of {name}")
        array = np.array(_numbers(tree, name), np.float64)
        values[name] = Tensor(array).requires_grad_()
        values[name].name = name
    return values


def compute(text: str, values: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Compute an expression.

    Parameters
    ----------
    text : str
    values : mapping from str to Tensor
        One for each name in it.

    Returns
    -------
    output : Tensor
    parts : dict of str → Tensor
        Every part of the expression by its text, so that a graph can name its nodes.

    Raises
    ------
    ConfigError
        It cannot be read, has no value for a name, or asks for something that is not in the list.

    Examples
    --------
    >>> output, parts = compute("(x + y) * max(y, z)", read_values(["x=1", "y=2", "z=0"]))
    >>> output.item(), list(parts)
    (6.0, ['x + y', 'max(y, z)', '(x + y) * max(y, z)'])
    """
    tree = _parsed(text, "the expression")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            raise ConfigError(f"graph: {_written(node.func)!r} is not a function here. {_KNOWN}")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = used - set(FUNCTIONS)
    missing = sorted(names - set(values) - set(_CONSTANTS))
    if missing:
        example = " ".join(f"{name}=1" for name in missing)
        raise ConfigError(f"graph: no value for {', '.join(missing)}; add {example} after the expression")
    spare = sorted(set(values) - names)
    if spare:
        raise ConfigError(f"graph: {', '.join(spare)} is given a value, but the expression does not use it")
    if not names & set(values):
        raise ConfigError("graph: the expression has no variable, so there is nothing to differentiate by")
    parts: dict[str, Tensor] = {}
    output = _computed(tree, values, parts)
    if not isinstance(output, Tensor) or not output.requires_grad:
        raise ConfigError("graph: the expression comes to a constant, whatever its variables are")
    return output, parts


def graph_of(text: str, given: Sequence[str]) -> Graph:
    """Compute an expression with everything kept, in float64, and return its graph.

    A result of several numbers is differentiated as their sum, and the graph's note says so.

    Examples
    --------
    >>> g = graph_of("(x + y) * max(y, z)", ["x=1", "y=2", "z=0"])
    >>> [g[name].upstream.item() for name in "xyz"]
    [2.0, 5.0, 0.0]
    """
    values = read_values(given)  # held here, because the graph does not keep its leaves alive
    with keep_everything():
        output, parts = compute(text, values)
    shape = output.shape
    found = graph(output, names=parts, gradient=None if output.numel() == 1 else np.ones(shape))
    # the lines that computed it are this file's or its caller's, not the user's
    nodes = tuple(dataclasses.replace(node, line=None) for node in found.nodes)
    note = "" if output.numel() == 1 else f"The result has the shape {shape}; the gradients are those of its sum."
    return dataclasses.replace(found, nodes=nodes, note=note)


def _parsed(text: str, what: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ConfigError(f"graph: {what} has {len(text):,} characters; at most {_LONGEST:,} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        at = f" near {text.strip()[max(0, (error.offset or 1) - 1) :][:20]!r}" if error.offset else ""
        raise ConfigError(f"graph: {what} cannot be read{at}: {error.msg}. {_KNOWN}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ConfigError(f"graph: {what} cannot be read. {_KNOWN}") from None
    if _depth(tree) > _DEEPEST:
        raise ConfigError(f"graph: {what} is nested more than {_DEEPEST} levels deep; give its parts names")
    return tree


def _depth(tree: ast.AST) -> int:
    """How deep a tree is; without recursion, because it may be too deep for that."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return deepest


def _numbers(tree: ast.expr, name: str) -> Any:
    """A number or nested lists of them, all equally long."""
    if isinstance(tree, ast.List):
        parts = [_numbers(part, name) for part in tree.elts]
        if len({np.shape(part) for part in parts}) > 1:
            raise ConfigError(f"graph: the lists in {name} are not equally long")
        return parts
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        number = _number(tree.operand)
        if number is not None:
            return -number if isinstance(tree.op, ast.USub) else number
    number = _number(tree)
    if number is None:
        raise ConfigError(f"graph: {name}={_written(tree)}: expected a number or a list of numbers")
    return number


def _number(tree: ast.AST) -> float | None:
    if not isinstance(tree, ast.Constant) or type(tree.value) not in (int, float):
        return None
    try:
        return float(tree.value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf


def _computed(tree: ast.expr, values: Mapping[str, Tensor], parts: dict[str, Tensor]) -> Any:
    number = _number(tree)
    if number is not None:
        return number
    if isinstance(tree, ast.Name) and tree.id not in FUNCTIONS:
        return values[tree.id] if tree.id in values else _CONSTANTS[tree.id]
    if isinstance(tree, ast.List):
        return Tensor(np.array(_numbers(tree, "the expression"), np.float64))
    if isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        arguments = [_computed(side, values, parts) for side in (tree.left, tree.right)]
        return _apply(_OPERATORS[type(tree.op)], arguments, tree, parts)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        inner = _computed(tree.operand, values, parts)
        if isinstance(tree.op, ast.UAdd) or not isinstance(inner, Tensor):
            return -inner if isinstance(tree.op, ast.USub) else inner
        return _apply(ew.neg, [inner], tree, parts)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in FUNCTIONS:
        return _called(tree, tree.func.id, values, parts)
    raise ConfigError(f"graph: {_written(tree)!r} is nothing that can be computed here. {_KNOWN}")


def _called(tree: ast.Call, name: str, values: Mapping[str, Tensor], parts: dict[str, Tensor]) -> Any:
    function, least, most = FUNCTIONS[name]
    if tree.keywords or not least <= len(tree.args) <= (most or len(tree.args)):
        takes = f"{least} or more arguments" if most is None else f"{least} argument{'s' * (least > 1)}"
        raise ConfigError(f"graph: {name} takes {takes}, got {_written(tree)!r}")
    return _apply(function, [_computed(argument, values, parts) for argument in tree.args], tree, parts)


def _apply(function: Callable[..., Any], arguments: list[Any], tree: ast.expr, parts: dict[str, Tensor]) -> Any:
    if not any(isinstance(argument, Tensor) for argument in arguments):
        # numbers alone are computed in float64 as well: Python's own integers may grow without bound
        arguments[0] = Tensor(np.array(arguments[0], np.float64))
    try:
        result = function(*arguments)
    except (GradwrightError, ValueError, IndexError, AttributeError, TypeError) as error:
        why = (
            "this takes lists, not single numbers"
            if isinstance(error, AttributeError | IndexError | DTypeError)
            else error
        )
        raise ConfigError(f"graph: {_written(tree)!r} cannot be computed: {why}") from error
    if result.requires_grad:
        parts.setdefault(_written(tree), result)
    return result if result.requires_grad or result.ndim else result.item()


def _written(tree: ast.AST) -> str:
    text = re.sub(r"\s+", " ", ast.unparse(tree))
    return text if len(text) <= 60 else text[:59] + "…"
