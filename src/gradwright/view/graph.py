"""A computation graph as plain data: what was computed, forwards, and what flowed back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradwright.errors import ConfigError
from gradwright.view.values import Known

__all__ = ["LEAVES", "Graph", "GraphInput", "GraphNode", "Line"]

#: What a node is that no operation made.
LEAVES = ("parameter", "input", "constant")


@dataclass(frozen=True)
class Line:
    """A place in somebody's code.

    Attributes
    ----------
    file : str
    number : int
    text : str
        The line; empty where the source cannot be read.
    part : str
        The part of it that made the operation.
    """

    file: str
    number: int
    text: str
    part: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(frozen=True)
class GraphInput:
    """An edge: where one input of an operation comes from, and what flows back along it.

    Attributes
    ----------
    source : int
        The id of the node that it comes from.
    argument : str
        The operation's own name for it.
    jacobian : tuple of int
        The shape of d node / d input: the node's shape and then the input's.
    local : Values, Unknown or None
        d node / d input where it is known: number by number for elementwise operations (in the node's shape where the
        input was stretched), and whole where the node is one number. None where no gradient is asked for.
    downstream : Values, Unknown or None
        What flows to the input: upstream × local, added up over axes along which the input was stretched.
    """

    source: int
    argument: str
    jacobian: tuple[int, ...] = ()
    local: Known | None = None
    downstream: Known | None = None


@dataclass(frozen=True)
class GraphNode:
    """One node: an operation, or a leaf (``op`` is then "parameter", "input" or "constant").

    Attributes
    ----------
    id : int
        Its place in topological order.
    op : str
    label : str
        The name of the tensor, where one is known.
    shape : tuple of int
    kind : str
        What kind of operation: "elementwise", "linear", "general"; "leaf" for leaves.
    dtype : str
    value : Values or Unknown
    upstream : Values, Unknown or None
        d output / d node: all that flows to it, added up. None where no gradient is asked for.
    inputs : tuple of GraphInput
        In the order of the operation's arguments.
    meta : tuple of (str, str)
        The operation's other arguments, such as an axis.
    where : str
        The path of the module that it ran in, where somebody was looking.
    line : Line or None
        The line of code that made it.
    """

    id: int
    op: str
    label: str
    shape: tuple[int, ...]
    kind: str = "leaf"
    dtype: str = ""
    value: Known | None = None
    upstream: Known | None = None
    inputs: tuple[GraphInput, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    where: str = ""
    line: Line | None = None

    @property
    def is_leaf(self) -> bool:
        """Whether no operation made it."""
        return self.op in LEAVES


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order, the output last.

    ``graph["x"]`` is the node named x, ``graph[3]`` the node with id 3. In a notebook a graph shows itself.

    Attributes
    ----------
    nodes : tuple of GraphNode
    note : str
        A remark that concerns the whole graph, such as why there are no gradients.
    """

    nodes: tuple[GraphNode, ...]
    note: str = ""

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of ids, from source to target; an operation that reads a node twice has two."""
        return tuple((edge.source, node.id) for node in self.nodes for edge in node.inputs)

    def __getitem__(self, key: int | str) -> GraphNode:
        if isinstance(key, int):
            return self.nodes[key]
        for node in reversed(self.nodes):
            if node.label == key:
                return node
        raise KeyError(f"no node is named {key!r}; names: {', '.join(n.label for n in self.nodes if n.label)}")

    def text(self, *, digits: int = 6, fold: bool = True) -> str:
        """Return a table: each node with its value and gradient, and what flows back along each edge.

        Parameters
        ----------
        digits : int
            Significant digits of a number.
        fold : bool
            Say repeated parts once.

        Examples
        --------
        >>> import gradwright as gw
        >>> print(gw.graph(lambda x, y: x * y, 2.0, 3.0).text())
        #  node          forward: value  backward: gradient  upstream × local = downstream  line
        0  x      input  2               3
        1  y      input  3               2
        2  x × y  mul    6               1                   to x: 1 × 3 = 3                ...
                                                             to y: 1 × 2 = 2
        """
        from gradwright.view.table import table

        return table(self, digits=digits, fold=fold)

    def dot(self, *, fold: bool = True) -> str:
        """Return the graph in Graphviz's language.

        Examples
        --------
        >>> import gradwright as gw
        >>> gw.graph(lambda x: x * 2.0, 1.0).dot().splitlines()[0]
        'digraph {'
        """
        from gradwright.view.dot import dot

        return dot(self, fold=fold)

    def svg(self, *, fold: bool = True) -> str:
        """Return a picture of the graph with its values and gradients.

        Examples
        --------
        >>> import gradwright as gw
        >>> gw.graph(lambda x: x * 2.0, 1.0).svg().startswith("<svg")
        True
        """
        from gradwright.view.picture import standalone

        return standalone(self, fold=fold)

    def html(self, *, title: str | None = None) -> str:
        """Return one page, which loads nothing, on which a person steps forward and backward through the graph.

        Parameters
        ----------
        title : str, optional
            What the graph computes; by default its output's name.

        Examples
        --------
        >>> import gradwright as gw
        >>> gw.graph(lambda x: x * 2.0, 1.0).html().startswith("<!DOCTYPE html>")
        True
        """
        from gradwright.view.page import page

        return page(self, title=title)

    def save(self, path: str | Path) -> Path:
        """Write the graph to a file, whole or not at all; its ending says how: .html, .svg, .png, .dot or .txt.

        Raises
        ------
        ConfigError
            Another ending.
        MissingDependencyError
            A .png without Matplotlib.
        OSError
            The file cannot be written.
        """
        from gradwright.view.saving import write_whole

        path = Path(path)
        ending = path.suffix.lower()
        if ending == ".png":
            from gradwright.view.png import png

            return write_whole(path, png(self))
        makers: dict[str, Callable[[], str]] = {
            ".html": self.html,
            ".svg": self.svg,
            ".dot": self.dot,
            ".txt": self.text,
        }
        if ending not in makers:
            raise ConfigError(
                f"saving a graph: {path.name} ends in {ending or 'nothing'}; expected one of .html (to step "
                "through), .svg, .png, .dot (for Graphviz), .txt"
            )
        return write_whole(path, (makers[ending]() + "\n").encode("utf-8"))

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()
