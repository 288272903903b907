"""The steps in which a graph is told: values forwards in topological order, gradients backwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradwright.view.drawn import Drawn, DrawnEdge, DrawnNode
from gradwright.view.sentences import adding_sentence, backward_sentence, forward_sentence, is_number, sum_words
from gradwright.view.text import joined, plural
from gradwright.view.values import Known, Values
from gradwright.view.words import as_operand, box_words, is_summary, shape_words, value_words

__all__ = ["Step", "Story", "output_name", "story_of"]


class Step(NamedTuple):
    """One step.

    Attributes
    ----------
    phase : {"start", "forward", "backward", "end"}
    nodes : tuple of int
        Drawn nodes that it is about.
    edges : tuple of int
        Places in ``drawn.edges`` along which something moves.
    sentence : str
    """

    phase: str
    nodes: tuple[int, ...]
    edges: tuple[int, ...]
    sentence: str


class Story(NamedTuple):
    """All steps, and what is to be seen from which on.

    Attributes
    ----------
    steps : tuple of Step
    value_from : dict of drawn node → step
    gradients : dict of drawn node → tuple of (step, text)
        What stands for the gradient from each step on; the last text is the whole sum.
    gradient_from : dict of drawn node → step
        When the gradient is complete.
    flow_from : tuple of int or None
        For each drawn edge, the step at which the gradient has flowed along it.
    """

    steps: tuple[Step, ...]
    value_from: dict[int, int]
    gradients: dict[int, tuple[tuple[int, str], ...]]
    gradient_from: dict[int, int]
    flow_from: tuple[int | None, ...]


def story_of(drawn: Drawn) -> Story:
    """Tell a graph.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.view.drawn import drawn_graph
    >>> story = story_of(drawn_graph(gw.graph(lambda x, y: x * y + y, 2.0, 3.0)))
    >>> for step in story.steps[4:]:
    ...     print(step.sentence)
    Backward starts at the end: ∂f/∂f = 1.
    + distributes: x × y and y each get the upstream gradient 1 as it is.
    × switches: downstream to x = upstream 1 × y 3 = 3; downstream to y = upstream 1 × x 2 = 2.
    A branch adds up: y is used twice, so ∂f/∂y = 2 + 1 = 3.
    The gradients: ∂f/∂x = 3, ∂f/∂y = 3.
    >>> story.gradients[1]
    ((5, '1 + …'), (6, '1 + 2'), (7, '2 + 1 = 3'))
    """
    return _Teller(drawn).tell()


class _Teller:
    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.nodes = drawn.graph.nodes
        self.names = drawn.names
        self.output = output_name(drawn)
        self.steps: list[Step] = []
        self.value_from: dict[int, int] = {}
        self.gradients: dict[int, list[tuple[int, str]]] = {}
        self.gradient_from: dict[int, int] = {}
        self.flow_from: list[int | None] = [None] * len(drawn.edges)
        self.into: dict[int, list[int]] = {node.id: [] for node in drawn.all_nodes()}
        self.out_of: dict[int, list[int]] = {node.id: [] for node in drawn.all_nodes()}
        for i, edge in enumerate(drawn.edges):
            self.into[edge.target].append(i)
            self.out_of[edge.source].append(i)

    def tell(self) -> Story:
        self._step("start", (), (), self._opening())
        leaves = [node for node in self.drawn.all_nodes() if node.node.is_leaf and not node.fold]
        self._step("forward", [n.id for n in leaves], (), self._given(leaves))
        for leaf in leaves:
            self.value_from[leaf.id] = 1
        for node in self.drawn.nodes:
            if node.id not in self.value_from:
                self.value_from[node.id] = len(self.steps)
                self._step("forward", (node.id,), self.into[node.id], self._forward(node))
        if self.nodes and isinstance(self.nodes[-1].upstream, Values):
            self._backward()
            self._step("end", (), (), self._ending())
        else:
            self._step("end", (), (), (self.drawn.graph.note or "No gradients were computed") + ".")
        return Story(
            tuple(self.steps),
            self.value_from,
            {identity: tuple(texts) for identity, texts in self.gradients.items()},
            self.gradient_from,
            tuple(self.flow_from),
        )

    def _step(self, phase: str, nodes: Sequence[int], edges: Sequence[int], sentence: str) -> None:
        self.steps.append(Step(phase, tuple(nodes), tuple(edges), sentence.replace("..", ".")))

    def _opening(self) -> str:
        return "Step forward to see each value computed, then each gradient flow back."

    def _given(self, leaves: Sequence[DrawnNode]) -> str:
        shown = []
        for leaf in leaves:
            if leaf.kind == "constant":
                continue
            value = leaf.node.value
            text = value_words(value, room=20) if isinstance(value, Values) else ""
            small = text and not is_summary(text)
            shown.append(f"{leaf.title} = {text}" if small else f"{leaf.title} {shape_words(leaf.node.shape)}")
        if len(shown) > 6:
            shown = [*shown[:5], f"{len(shown) - 5} more"]
        return f"Given: {joined(shown)}." if shown else "Only constants are given."

    def _forward(self, node: DrawnNode) -> str:
        if node.fold is None:
            return forward_sentence(node.node, self.nodes, self.names)
        return f"{self._folded(node)}: out of them comes {self._come_out(node)}."

    def _folded(self, node: DrawnNode) -> str:
        assert node.fold is not None
        times, size = node.fold.times, plural(len(node.fold.operations), "operation")
        return f"{times} more like this ({node.name}), {size}" if times > 1 else f"Once more {node.name}"

    def _come_out(self, node: DrawnNode) -> str:
        text = value_words(node.node.value)
        return text if is_number(node.node.value) else f"{shape_words(node.node.shape)}, {text}".rstrip(", ")

    def _backward(self) -> None:
        last = self.drawn.nodes[-1]
        self.gradients[last.id] = [(len(self.steps), box_words(last.node.upstream))]
        self.gradient_from[last.id] = len(self.steps)
        seed = self.nodes[-1].upstream
        shown = value_words(seed) if is_number(seed) else f"{shape_words(last.node.shape)}, {value_words(seed)}"
        self._step("backward", (last.id,), (), f"Backward starts at the end: ∂{self.output}/∂{self.output} = {shown}.")
        for node in reversed(self.drawn.all_nodes()):
            if not isinstance(node.node.upstream, Values):
                continue
            self._add_up(node)
            if node.node.is_leaf and node.fold is None:
                continue
            self._distribute(node)

    def _distribute(self, node: DrawnNode) -> None:
        step = len(self.steps)
        flowing = [
            i for i in self.into[node.id] if any(p.edge.downstream is not None for p in self.drawn.edges[i].parts)
        ]
        for i in flowing:
            self.flow_from[i] = step
        for source in dict.fromkeys(self.drawn.edges[i].source for i in flowing):
            so_far, everything = self._shares(source, step), self._shares(source, None)
            complete = len(so_far) == len(everything)
            self.gradients.setdefault(source, []).append((step, self._partial(source, so_far, complete)))
            if len(everything) == 1:
                self.gradient_from[source] = step
        if node.fold is not None:
            sentence = f"The gradient passes back through {self._folded(node)[0].lower()}{self._folded(node)[1:]}."
        else:
            sentence = backward_sentence(node.node, self.nodes, self.names)
        self._step("backward", (node.id,), flowing, sentence)

    def _add_up(self, node: DrawnNode) -> None:
        """A branch gets a step of its own once all of its gradients have come."""
        shares = self._shares(node.id, None)
        if len(shares) < 2:
            return
        step = len(self.steps)
        shares.reverse()  # written in the order of the graph, whatever the order they came in
        total = node.node.upstream
        text = sum_words(shares, total) if all(map(is_number, shares)) else box_words(total)
        self.gradients[node.id].append((step, text))
        self.gradient_from[node.id] = step
        name = self.names[node.node.id]
        self._step("backward", (node.id,), self.out_of[node.id], adding_sentence(name, self.output, shares, total))

    def _shares(self, node: int, until: int | None) -> list[Known | None]:
        """What has flowed to a node by a step, in the order in which backward adds it up."""
        edges: list[DrawnEdge] = [
            self.drawn.edges[i]
            for i in self.out_of[node]
            if until is None or ((flowed := self.flow_from[i]) is not None and flowed <= until)
        ]
        parts = sorted((p for e in edges for p in e.parts), key=lambda p: -p.reader.id)
        return [part.edge.downstream for part in parts if part.edge.downstream is not None]

    def _partial(self, source: int, shares: Sequence[Known | None], complete: bool) -> str:
        if len(shares) == 1 and complete:
            return box_words(shares[0])
        if all(is_number(share) for share in shares):
            return sum_words(shares, None) + ("" if complete else " + …")
        return f"{plural(len(shares), 'gradient')}" + (" to add" if complete else " so far")

    def _ending(self) -> str:
        leaves = [n for n in self.nodes if n.op in ("input", "parameter") and isinstance(n.upstream, Values)]
        told = [(self.names[leaf.id], value_words(leaf.upstream, room=20)) for leaf in leaves]
        if len(told) > 6 or any(is_summary(text) for _, text in told):
            kinds = joined(
                [plural(n, kind) for kind in ("input", "parameter") if (n := sum(x.op == kind for x in leaves))]
            )
            return f"The gradient of {self.output} has reached {kinds}; each node tells its own."
        return f"The gradients: {', '.join(f'∂{self.output}/∂{as_operand(name)} = {text}' for name, text in told)}."


def output_name(drawn: Drawn) -> str:
    """What the output is called in a derivative: its name, or f where that is an expression.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.view.drawn import drawn_graph
    >>> output_name(drawn_graph(gw.graph(lambda x: x + 1, 2.0)))
    'f'
    """
    name = drawn.names[len(drawn.graph.nodes) - 1] if drawn.graph.nodes else ""
    if name.isidentifier():
        return name
    return "output" if "f" in drawn.names.values() else "f"
