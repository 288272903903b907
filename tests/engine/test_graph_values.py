"""The numbers in a computation graph, against what mathematics and the engine's own two modes say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.engine.autograd import grad, jvp
from gradwright.engine.graph import graph
from gradwright.engine.op import OPERATIONS, general, sum_to
from gradwright.engine.tensor import Tensor
from gradwright.view.graph import Graph, GraphNode
from gradwright.view.values import Values

from .operations import ROWS, Row


def number(value: float) -> Tensor:
    return Tensor(np.array(value, np.float64))


def values_of(g: Graph) -> list[float]:
    return [node.value.item() for node in g.nodes]


def gradients_of(g: Graph) -> dict[str, float]:
    return {node.label: node.upstream.item() for node in g.nodes if node.label and node.upstream is not None}


# --- known answers -------------------------------------------------------------------------------------------
def f(x: Any, y: Any, z: Any) -> Any:
    return (x + y) * gw.maximum(y, z)


def test_a_sum_times_a_maximum() -> None:
    g = graph(f, number(1), number(2), number(0))
    assert [node.op for node in g.nodes] == ["input", "input", "add", "input", "maximum", "mul"]
    assert values_of(g) == [1, 2, 3, 0, 2, 6]
    assert gradients_of(g) == {"x": 2, "y": 5, "z": 0}
    assert [node.upstream.item() for node in g.nodes] == [2, 5, 2, 0, 3, 1]
    add, maximum, mul = g[2], g[4], g[5]
    assert [(e.source, e.local.item(), e.downstream.item()) for e in add.inputs] == [(0, 1, 2), (1, 1, 2)]
    assert [(e.source, e.local.item(), e.downstream.item()) for e in maximum.inputs] == [(1, 1, 3), (3, 0, 0)]
    assert [(e.source, e.local.item(), e.downstream.item()) for e in mul.inputs] == [(2, 2, 2), (4, 3, 3)]


#: L = -log σ(W·X), taken apart into primitives; each with its value and d L / d it, as formulas of s = W·X.
LOGISTIC: list[tuple[str, Callable[[Any], Any], Callable[[float], float], Callable[[float], float]]] = [
    ("mul", lambda v: v[0] * v[1], lambda s: s, lambda s: -1 / (1 + math.exp(s))),
    ("neg", lambda v: -v[2], lambda s: -s, lambda s: 1 / (1 + math.exp(s))),
    ("exp", lambda v: gw.exp(v[3]), lambda s: math.exp(-s), lambda s: 1 / (1 + math.exp(-s))),
    ("add", lambda v: v[4] + 1, lambda s: 1 + math.exp(-s), lambda s: 1 / (1 + math.exp(-s))),
    ("div", lambda v: 1 / v[5], lambda s: 1 / (1 + math.exp(-s)), lambda s: -(1 + math.exp(-s))),
    ("log", lambda v: gw.log(v[6]), lambda s: -math.log1p(math.exp(-s)), lambda s: -1.0),
    ("neg", lambda v: -v[7], lambda s: math.log1p(math.exp(-s)), lambda s: 1.0),
]


def logistic(w: Any, x: Any) -> tuple[Any, ...]:
    """All intermediate results, from W and X to L."""
    v = [w, x]
    for _, step, _, _ in LOGISTIC:
        v.append(step(v))
    return tuple(v)


def test_logistic_regression_with_one_weight() -> None:
    g = graph(lambda W, X: logistic(W, X)[-1], number(3), number(3))
    operations = [node for node in g.nodes if not node.is_leaf]
    assert [node.op for node in operations] == [op for op, *_ in LOGISTIC]
    for node, (_, _, value, upstream) in zip(operations, LOGISTIC, strict=True):
        assert node.value.item() == pytest.approx(value(9.0), rel=1e-12)
        assert node.upstream.item() == pytest.approx(upstream(9.0), rel=1e-12)
    assert operations[0].value.item() == 9
    assert f"{operations[4].value.item():.8f}" == "0.99987661"
    # to all the digits that the lecture gives, which are cut off, not rounded
    slope = abs(g["W"].upstream.item())
    assert math.floor(slope * 1e11) / 1e11 == 0.00037018372
    assert g["W"].upstream.item() == pytest.approx(-3 / (1 + math.exp(9)), rel=1e-14)


FUNCTIONS: dict[str, tuple[Callable[..., tuple[Any, ...]], tuple[float, ...]]] = {
    "logistic": (logistic, (3.0, 3.0)),
    "maximum": (lambda x, y, z: (x, y, z, x + y, gw.maximum(y, z), f(x, y, z)), (1.0, 2.0, 0.0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_modes_give_the_whole_table_of_partial_derivatives(name: str) -> None:
    function, point = FUNCTIONS[name]
    size = len(function(*map(number, point)))
    ahead = np.empty((size, len(point)))
    for j in range(len(point)):
        directions = [number(float(i == j)) for i in range(len(point))]
        _, tangents = jvp(function, [number(p) for p in point], directions)
        ahead[:, j] = [t.item() for t in tangents]
    reverse = np.zeros((size, len(point)))
    looked_at = np.zeros((size, len(point)))
    for i in range(size):
        xs = [number(p).requires_grad_() for p in point]
        back = grad(function(*xs)[i], xs, allow_unused=True, retain_graph=True)
        reverse[i] = [0.0 if b is None else b.item() for b in back]
        g = graph(function(*xs)[i], names={f"input {j}": x for j, x in enumerate(xs)})
        found = {node.label: node.upstream.item() for node in g.nodes if node.op == "input"}
        looked_at[i] = [found.get(f"input {j}", 0.0) for j in range(len(point))]
    np.testing.assert_allclose(ahead, reverse, rtol=1e-14)
    np.testing.assert_array_equal(looked_at, reverse)


# --- every operation -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", [r for r in ROWS if r.order], ids=lambda r: r.name)
def test_downstream_is_upstream_times_local_for_every_operation(row: Row) -> None:
    """What flows is what backward computes, and where a local gradient is shown, it fits."""
    op = OPERATIONS[row.name]
    for sample in row.samples(np.random.default_rng(0)):
        xs = [Tensor(a) if isinstance(a, np.ndarray) else a for a in sample.inputs]
        for x in xs:
            if isinstance(x, Tensor) and x.dtype.kind == "f":
                x.requires_grad_()
        out = op(*xs, **sample.meta)
        if not isinstance(out, Tensor) or not out.requires_grad:
            continue
        seed = Tensor(np.random.default_rng(1).normal(size=out.shape))
        node = graph(out, gradient=seed, largest=10**6).nodes[-1]
        assert node.op == row.name
        for edge in node.inputs:
            if edge.downstream is None:
                continue
            names = [f"{op.inputs[0]}[{i}]" for i in range(len(xs))] if op.variadic else op.inputs
            x = xs[names.index(edge.argument)]
            back = grad(out, x, seed, retain_graph=True)[0].numpy()
            np.testing.assert_array_equal(np.reshape(edge.downstream.numbers, back.shape), back)
            if isinstance(edge.local, Values):
                local = np.reshape(edge.local.numbers, edge.local.shape)
                up = np.reshape(node.upstream.numbers, node.upstream.shape)
                flowed = sum_to(up * local, x.shape) if op.kind == "elementwise" else up * local
                np.testing.assert_allclose(flowed, back, rtol=1e-12, atol=1e-300)


# --- what is known -------------------------------------------------------------------------------------------
def test_what_is_not_kept_is_computed_again_or_said() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y.reshape(2, 1)  # keeps nothing, but follows from what is kept
    total = (z * z).sum()
    g = graph(total)
    assert g["y"].value.tolist() == [2.0, 4.0]
    assert g["z"].value.tolist() == [[2.0], [4.0]]
    shifted = (x + gw.tensor([1.0, 1.0])) + x
    g = graph(shifted.sum())
    inner = next(n for n in g.nodes if n.op == "add" and n.label != "shifted")
    if not isinstance(inner.value, Values):  # an addition need not keep what it added
        assert "call graph with the function" in inner.value.why
    g = graph(lambda x: ((x + 1) + x).sum(), x)
    assert all(isinstance(node.value, Values) for node in g.nodes)
    assert [n.value.tolist() for n in g.nodes if n.op == "add"] == [[2.0, 3.0], [3.0, 5.0]]


def test_a_graph_shows_what_it_was_computed_with() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    x.data.mul_(10)  # an update rule was there
    g = graph(loss)
    assert g["x"].value.tolist() == [1.0, 2.0]
    assert g["x"].upstream.tolist() == [2.0, 4.0]


def test_backward_works_afterwards_and_nothing_is_touched() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    loss = (y * x).sum()
    kept = {k: v.copy() for k, v in loss.grad_fn.inputs[0][0].saved.items()}
    first, second = graph(loss), graph(loss)
    assert first == second
    assert x.grad is None
    assert y.grad is None
    for name, array in loss.grad_fn.inputs[0][0].saved.items():
        np.testing.assert_array_equal(array, kept[name])
    loss.backward()
    assert x.grad.tolist() == [6.0, 12.0] == first["x"].upstream.tolist()
    assert y.grad.tolist() == [1.0, 2.0] == first["y"].upstream.tolist()


def test_a_graph_that_backward_has_freed_says_so() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    g = graph(loss)
    assert "backward has freed this graph" in g.note
    assert [n.op for n in g.nodes] == ["input", "mul", "sum"]
    assert g["x"].value.tolist() == [1.0, 2.0]
    assert g["loss"].value.item() == 5.0  # it follows from x
    assert g["x"].upstream.why == g.note
    assert x.grad.tolist() == [2.0, 4.0]


def test_whoever_watches_goes_on_watching() -> None:
    x = gw.tensor([1.0, 0.0], requires_grad=True)
    with gw.detect_anomaly():
        graph(lambda x: (x * x).sum(), x)
        with pytest.raises(gw.errors.NonFiniteError, match="log"):
            x.log()


# --- constants and names -------------------------------------------------------------------------------------
def test_numbers_and_data_are_nodes() -> None:
    data = gw.tensor([[1.0, 2.0], [3.0, 4.0]])
    g = graph(lambda w: 0.5 * ((data @ w) ** 2 + data @ w).sum(), gw.tensor([1.0, -1.0]))
    constants = [node for node in g.nodes if node.op == "constant"]
    assert [(n.label, n.shape) for n in constants] == [("data", (2, 2)), ("", ()), ("", ())]
    assert constants[0].value.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert sorted(n.value.item() for n in constants[1:]) == [0.5, 2]
    assert all(n.upstream is None for n in constants)
    reads_data = [edge for node in g.nodes for edge in node.inputs if edge.source == constants[0].id]
    assert len(reads_data) == 2  # one node, read twice
    assert all(edge.local is None and edge.downstream is None for edge in reads_data)


def test_names_come_from_the_user_the_module_and_the_variables() -> None:
    net = gw.nn.Sequential(gw.nn.Linear(2, 3), gw.nn.Tanh())
    x = gw.tensor([[1.0, 2.0]])
    hidden = net(x)
    loss = hidden.sum()
    g = graph(loss, names={"the loss": loss})
    assert {n.label for n in g.nodes if n.op == "parameter"} == {"0.weight", "0.bias"}
    assert [n.label for n in g.nodes if n.kind != "leaf"] == ["", "hidden", "the loss"]
    with pytest.raises(KeyError, match=r"no node is named 'nothing'; names: .*hidden"):
        g["nothing"]
    net.name_parts()
    g = graph(lambda: net(x).sum())
    assert [n.where for n in g.nodes if n.kind != "leaf"] == ["0 (Linear)", "1 (Tanh)", ""]


def test_each_operation_knows_its_line() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum() + gw.nn.functional.mse_loss(x, x.detach())  # one line
    g = graph(loss)
    lines = {node.op: node.line for node in g.nodes if node.kind != "leaf"}
    assert {line.file.rsplit("/")[-1] for line in lines.values()} == {"test_graph_values.py"}
    assert {line.text for line in lines.values()} == {
        "loss = (x * x).sum() + gw.nn.functional.mse_loss(x, x.detach())  # one line"
    }
    assert str(lines["add"]).endswith(f":{lines['add'].number}")
    parts = [node.line.part for node in g.nodes if node.kind != "leaf"]
    assert parts[:2] == ["x * x", "(x * x).sum()"]
    assert "gw.nn.functional.mse_loss(x, x.detach())" in parts


# --- tensors -------------------------------------------------------------------------------------------------
def test_large_tensors_are_summarised() -> None:
    x = Tensor(np.linspace(-1, 3, 1001)).requires_grad_()
    loss = (x * x).sum()
    value = graph(loss)["x"].value
    assert value.numbers is None
    assert value.mean == pytest.approx(1)
    assert (value.low, value.high, value.strange) == (-1, 3, 0)
    assert sum(value.bins) == 1001
    assert len(value.bins) == 16
    with pytest.raises(gw.errors.ShapeError, match=r"largest=1001"):
        value.tolist()
    whole = graph(loss, largest=1001)["x"]
    np.testing.assert_allclose(whole.upstream.tolist(), 2 * np.linspace(-1, 3, 1001))


def test_what_is_not_finite_is_counted() -> None:
    x = gw.tensor([0.0, 1.0, np.inf, np.nan], requires_grad=True)
    g = graph(lambda x: x.log().sum(), x)
    value = g[1].value
    assert (value.strange, value.low, value.high) == (3, 0, 0)
    assert graph(lambda x: x.sum(), gw.zeros(0)).nodes[0].value.tolist() == []


def test_broadcasting_adds_up() -> None:
    g = graph(lambda x, b: (x * b).sum(), np.ones((2, 3)), [1.0, 2.0, 3.0])
    to_x, to_b = next(n for n in g.nodes if n.op == "mul").inputs
    assert (to_b.local.shape, to_b.downstream.tolist()) == ((2, 3), [2, 2, 2])
    assert (to_x.local.tolist(), to_x.jacobian) == ([[1, 2, 3], [1, 2, 3]], (2, 3, 2, 3))


def test_general_operations_have_the_shape_of_their_jacobian() -> None:
    g = graph(lambda x, y: (x @ y).sum(), np.ones((2, 3)), np.ones((3, 4)))
    product, total = (n for n in g.nodes if n.kind != "leaf")
    assert [edge.jacobian for edge in product.inputs] == [(2, 4, 2, 3), (2, 4, 3, 4)]
    assert all(edge.local is None for edge in product.inputs)
    assert product.inputs[0].downstream.tolist() == [[4, 4, 4], [4, 4, 4]]
    assert total.inputs[0].local.tolist() == np.ones((2, 4)).tolist()  # of one number the gradient is the Jacobian


def test_an_output_of_many_numbers_needs_an_upstream_gradient() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    g = graph(x * x)
    assert "shape (2,)" in g.note
    assert g["x"].value.tolist() == [1.0, 2.0]
    assert graph(x * x, gradient=gw.tensor([1.0, 10.0]))["x"].upstream.tolist() == [2.0, 40.0]
    with pytest.raises(gw.errors.ShapeError, match=r"gradient \(3,\) for an output of shape \(2,\)"):
        graph(x * x, gradient=gw.ones(3))


def test_an_operation_with_several_results() -> None:
    name = "two for a test"
    try:
        two = general(
            name,
            lambda xp, x: (x * 2, x * 3),
            vjp=[lambda g, x_shape: sum(p * k for p, k in zip(g, (2, 3), strict=True) if p is not None)],
            jvp=[None],
        )
        x = gw.tensor(5.0, requires_grad=True)
        a, b = two(x)
        g = graph(a * b)
        assert [(n.op, n.label) for n in g.nodes] == [
            ("input", "x"),
            (name, ""),
            ("part 0", "a"),
            ("part 1", "b"),
            ("mul", ""),
        ]
        assert [g["a"].value.item(), g["b"].value.item()] == [10, 15]
        assert [g["a"].upstream.item(), g["b"].upstream.item(), g["x"].upstream.item()] == [15, 10, 60]
        assert g.text()
        assert g.html()
    finally:
        OPERATIONS.pop(name, None)


def test_a_leaf_is_a_graph() -> None:
    x = gw.tensor(2.0, requires_grad=True)
    g = graph(x)
    assert [(n.op, n.label, n.value.item(), n.upstream.item()) for n in g.nodes] == [("input", "x", 2.0, 1.0)]
    assert g.svg()
    assert g.html()


# --- what it refuses, and what it is -------------------------------------------------------------------------
def test_what_has_no_graph_says_why() -> None:
    with pytest.raises(gw.errors.GraphError, match="nothing was recorded"):
        graph(gw.ones(2))
    with pytest.raises(gw.errors.GraphError, match="one Tensor at the end of the graph, such as the loss; got tuple"):
        graph(lambda x: (x, x), 1.0)
    with pytest.raises(gw.errors.GraphError, match="inputs go with a function"):
        graph(gw.ones(1, requires_grad=True), 1.0)


def test_inside_a_compiled_step_there_are_no_numbers() -> None:
    w = gw.nn.Linear(2, 1)

    @gw.compile
    def step(x: Tensor) -> Tensor:
        loss = w(x).sum()
        graph(loss)
        return loss

    with pytest.raises(gw.errors.GradwrightError, match="there are no numbers"):
        step(gw.ones(3, 2))


def test_nothing_in_a_graph_is_alive() -> None:
    def look(value: object) -> None:
        if isinstance(value, tuple):
            for part in value:
                look(part)
        elif hasattr(value, "__dataclass_fields__"):
            assert type(value).__dataclass_params__.frozen
            for part in vars(value).values():
                look(part)
        else:
            assert value is None or type(value) in (str, int, float, bool), value

    x = gw.tensor([[1.0, 2.0]], requires_grad=True)
    g = graph(lambda x: (x[0, 1:] * 2 + x.sum(0)).softmax(0).sum(), x)
    look(g)
    assert isinstance(hash(g), int)
    assert isinstance(g[0], GraphNode)


def test_structure_alone_is_quick_and_has_no_numbers() -> None:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    g = graph((x * 2 + 1).sum(), values=False)
    assert [n.op for n in g.nodes] == ["input", "mul", "add", "sum"]
    assert all(n.value is None and n.upstream is None for n in g.nodes)
    assert g.edges == ((0, 1), (1, 2), (2, 3))


def test_functions_with_rules_of_their_own_are_shown_too() -> None:
    class Twice(gw.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = gw.tensor([1.0, 2.0], requires_grad=True)
    loss = gw.checkpoint(lambda a: a.exp(), gw.cat([Twice.apply(x), x])).sum()
    g = graph(loss)
    assert [n.op for n in g.nodes] == ["input", "TwiceBackward", "cat", "checkpoint", "sum"]
    assert g.nodes[0].upstream.tolist() == (2 * np.exp(2 * x.detach().numpy()) + np.exp(x.detach().numpy())).tolist()
    assert "checkpoint" in g.text()
    loss.backward()
