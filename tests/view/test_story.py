"""What is said at each step, and when what is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import gradwright as gw
from gradwright.view.drawn import drawn_graph
from gradwright.view.graph import Graph
from gradwright.view.sentences import backward_sentence
from gradwright.view.story import Story, story_of
from gradwright.view.values import Values
from gradwright.view.words import names_of


def told(function: Callable[..., Any], *inputs: Any) -> str:
    """What the last operation of a function does backwards."""
    g = gw.graph(function, *inputs)
    return backward_sentence(g.nodes[-1], g.nodes, names_of(g))


def test_the_lecture_is_told_step_by_step(maximum: Graph) -> None:
    story = story_of(drawn_graph(maximum))
    assert [(step.phase, step.sentence) for step in story.steps[1:]] == [
        ("forward", "Given: x = 1, y = 2 and z = 0."),
        ("forward", "x + y = 1 + 2 = 3."),
        ("forward", "max(y, z) = max(2, 0) = 2."),
        ("forward", "(x + y) × max(y, z) = 3 × 2 = 6."),
        ("backward", "Backward starts at the end: ∂f/∂f = 1."),
        (
            "backward",
            "× switches: downstream to x + y = upstream 1 × max(y, z) 2 = 2; "
            "downstream to max(y, z) = upstream 1 × (x + y) 3 = 3.",
        ),
        ("backward", "max routes: the whole upstream gradient 3 goes to y (2), the larger; z (0) gets 0."),
        ("backward", "+ distributes: x and y each get the upstream gradient 2 as it is."),
        ("backward", "A branch adds up: y is used twice, so ∂f/∂y = 2 + 3 = 5."),
        ("end", "The gradients: ∂f/∂x = 2, ∂f/∂y = 5, ∂f/∂z = 0."),
    ]
    # what stands in the box of y while its gradients come
    assert [text for _, text in story.gradients[1]] == ["3 + …", "3 + 2", "2 + 3 = 5"]


@pytest.mark.parametrize(
    ("function", "inputs", "sentence"),
    [
        (lambda x, y: x * y, (2.0, 3.0), "× switches: downstream to x = upstream 1 × y 3 = 3; downstream to y ="),
        (lambda x: x * 4, (2.0,), "× scales: downstream to x = upstream 1 × 4 = 4."),
        (lambda x: x * x, (3.0,), "× switches: downstream to x = upstream 1 × x 3 = 3; downstream to x ="),
        (lambda x: x + 4, (2.0,), "+ passes the upstream gradient 1 on to x as it is."),
        (lambda x: x + x, (2.0,), "+ distributes: x gets the upstream gradient 1 twice."),
        (lambda x: -x, (2.0,), "− turns the sign: downstream to x = upstream 1 × local (−1) = −1."),
        (lambda x, y: gw.maximum(x, y), (2.0, 2.0), "max routes: a tie, so x and y each get half of 1."),
        (lambda x, y: gw.minimum(x, y), (1.0, 2.0), "min routes: the whole upstream gradient 1 goes to x (1), the sm"),
        (lambda x: gw.maximum(x, gw.tensor(0.0)), (-1.0,), "max routes: nothing goes to x (−1), which is not the larg"),
        (lambda x: x.relu(), (2.0,), "relu is a gate, and open: x (2) is above 0 and gets upstream 1."),
        (lambda x: x.relu(), (-2.0,), "relu is a gate, and shut: x (−2) is not above 0 and gets 0."),
        (lambda x: x.exp(), (0.0,), "exp: downstream to x = upstream 1 × local (exp(x) = 1) = 1."),
        (lambda x: x.log(), (4.0,), "log: downstream to x = upstream 1 × local (1 / x = 0.25) = 0.25."),
        (lambda x: x.sum(), ([1.0, 2.0],), "sum distributes: every element of x gets the upstream gradient 1."),
        (lambda x: x.amax(), ([1.0, 2.0],), "max routes: the upstream gradient 1 goes to the largest element of x"),
        (
            lambda x, y: x @ y,
            ([1.0, 2.0], [3.0, 4.0]),
            "@: downstream to x = g @ yᵀ = [3, 4]; downstream to y = xᵀ @ g = [1, 2].",
        ),
    ],
)
def test_what_each_kind_of_operation_does(function: Callable[..., Any], inputs: tuple[Any, ...], sentence: str) -> None:
    assert told(function, *inputs).startswith(sentence)


def test_a_stretched_input_adds_up() -> None:
    g = gw.graph(lambda x, b: (x + b).sum(), [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])
    add = next(n for n in g.nodes if n.op == "add")
    assert backward_sentence(add, g.nodes, names_of(g)).endswith("; added up where b was stretched.")


def complete(story: Story) -> bool:
    phases = [step.phase for step in story.steps]
    order = ["start", "forward", "backward", "end"]
    return phases == sorted(phases, key=order.index)


def test_every_story_is_whole(any_graph: Graph) -> None:
    for fold in (True, False):
        drawn = drawn_graph(any_graph, fold=fold)
        story = story_of(drawn)
        assert complete(story)
        assert all(step.sentence.endswith((".", ".)")) for step in story.steps)
        position = {node.id: i for i, node in enumerate(drawn.all_nodes())}
        assert set(story.value_from) == set(position)
        for edge in drawn.edges:
            # a value is computed after what it is computed from, and flows back after it is complete
            assert story.value_from[edge.source] <= story.value_from[edge.target]
        for i, edge in enumerate(drawn.edges):
            if story.flow_from[i] is not None:
                assert story.gradient_from[edge.target] <= story.flow_from[i]
        for node in drawn.all_nodes():
            if isinstance(node.node.upstream, Values) and isinstance(any_graph.nodes[-1].upstream, Values):
                assert node.id in story.gradient_from, node


def test_a_graph_without_gradients_ends_with_the_reason() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    story = story_of(drawn_graph(gw.graph(x * x)))
    assert story.steps[-1].sentence.startswith("No gradients: the output has shape (2,)")
    assert not story.gradients
