"""Notice a loss that is added up over steps together with its graph: `total += loss` instead of `total += loss.item()`.

Such a sum computes what it should, but each step's graph stays in memory as long as the sum, and no gradient could ever
be taken back through it. Two things give it away, both of which need a loop:

* a line adds to what the same line has added up before the latest backward, and some of that has been freed by one;
* a line such as ``sum(losses)`` adds losses that one line made, each freed by a backward of its own.

A sum of several losses before their backward, a total that begins anew, and a graph that is retained are none of these.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator
from types import CodeType

from gradwright.engine.base import Node
from gradwright.engine.lines import read_line
from gradwright.engine.tracing import trace_now
from gradwright.errors import GraphKeptWarning

__all__ = ["freed_by", "look"]

#: How far behind an addend its loss may stand: `total += loss.sum() * len(x) / n`.
_DEPTH = 4

# Node numbers at which a backward ended that freed its graph.
_ends: deque[int] = deque(maxlen=64)
_told: set[tuple[CodeType, int]] = set()


def freed_by(number: int) -> None:
    """Note that a backward which freed its graph has ended before node ``number`` is made."""
    _ends.append(number)


def look(node: Node) -> None:
    """Look at an addition that has just been recorded, and warn if it adds up losses with their graphs."""
    if node.outputs[0][0] or not _ends or trace_now.trace is not None:  # the graph of a program lives for its trace
        return
    op = node.op
    for edge in node.inputs:
        if edge is None or type(edge[0]) is not Node:
            continue
        before = edge[0]
        if before.op is op:
            _suspect(node, before)
            continue
        for inner in before.inputs:  # `0.9 * average + 0.1 * loss`
            if inner is not None and type(inner[0]) is Node and inner[0].op is op:
                _suspect(node, inner[0])


def _suspect(node: Node, sum_so_far: Node) -> None:
    """Warn if this addition and the one before it are the same line's, and that one keeps a graph for nothing."""
    scalar = not sum_so_far.outputs[0][0]
    if scalar and node.line is not None and sum_so_far.line == node.line and _keeps(node, sum_so_far):
        _warn(node.line)


def _keeps(node: Node, sum_so_far: Node) -> bool:
    if sum_so_far.saved is None:  # its own backward has been: the next one is refused by name
        return False
    if sum_so_far.id < _ends[-1]:
        return any(_freed(term, _DEPTH) for term in _behind(sum_so_far))
    new, old = ([n for n in _behind(s) if n.saved is None] for s in (node, sum_so_far))
    return any(a.line == b.line and any(a.id < end < b.id for end in _ends) for a in old for b in new)


def _freed(node: Node, depth: int) -> bool:
    """Say whether a number, or one that it was computed from, has been freed."""
    if node.saved is None:
        return True
    return depth > 0 and any(_freed(before, depth - 1) for before in _behind(node))


def _behind(node: Node) -> Iterator[Node]:
    """Go through the numbers that were computed and that this one was computed from."""
    for edge in node.inputs:
        if edge is not None and type(edge[0]) is Node and not edge[0].outputs[edge[1]][0]:
            yield edge[0]


def _warn(place: tuple[CodeType, int]) -> None:
    """Warn about a line, once."""
    line, code = read_line(place), place[0]
    if line is None or (code, line.number) in _told:
        return
    _told.add((code, line.number))
    warnings.warn_explicit(
        f"{line.text or 'this line'!r} adds up losses together with their graphs: those of all steps stay in memory, "
        "although backward has used them. Add up numbers, `total += loss.item()`, or tensors without a graph, "
        "`total += loss.detach()`.",
        GraphKeptWarning,
        code.co_filename,
        line.number,
    )
