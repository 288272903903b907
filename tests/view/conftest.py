"""Graphs to look at: small, branched, deep, hostile, and with tensors that are large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.engine.tensor import Tensor
from gradwright.view.graph import Graph

HOSTILE = {
    "script": "</script><script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "template": "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}",
    "entity": "&lt;b&gt; &amp; &#x3c;script&#x3e;",
    "direction": "txt.\u202eexe",
    "control": "a\x00b\x1b[31mred",
    "quotes": "'\"`\\ --> \u2028 \n\r\t",
    "dollar": "$x^2$ \\frac",
    "surrogate": "half \ud83d a smile",
    "long": "x" * 500,
}


def _maximum() -> Graph:
    return gw.graph(lambda x, y, z: (x + y) * gw.maximum(y, z), 1.0, 2.0, 0.0)


def _deep() -> Graph:
    with gw.use_generator(gw.Generator(0)):
        layers: list[Any] = [gw.nn.Linear(8, 16), gw.nn.Tanh()]
        for _ in range(49):
            layers += [gw.nn.Linear(16, 16), gw.nn.Tanh()]
        net = gw.nn.Sequential(*layers, gw.nn.Linear(16, 3))
        net.name_parts()
        x, y = gw.randn(5, 8), gw.tensor([0, 1, 2, 0, 1])
        return gw.graph(lambda: gw.nn.CrossEntropyLoss()(net(x), y))


def _residual() -> Graph:
    def run(x: Tensor) -> Tensor:
        for _ in range(30):
            x = x + (x * 0.5).tanh() * 0.5
        return x.sum()

    return gw.graph(run, [1.0, 2.0])


def _freed() -> Graph:
    x = gw.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    return gw.graph(loss)


def _strange() -> Graph:
    return gw.graph(lambda x: x.log().sqrt().sum(), np.linspace(-1, 1, 100))


GRAPHS: dict[str, Callable[[], Graph]] = {
    "maximum": _maximum,
    "deep": _deep,
    "residual": _residual,
    "freed": _freed,
    "not finite": _strange,
    "square": lambda: gw.graph(lambda x: x * x, 3.0),
    "leaf": lambda: gw.graph(gw.tensor(2.0, requires_grad=True)),
    "empty": lambda: gw.graph(lambda x: (x * 2).sum(), gw.zeros(0, 3)),
    "hostile": lambda: hostile_graph("</text><script>alert(1)</script>"),
    "wide": lambda: gw.graph(lambda x: sum((x * float(k) for k in range(1, 30)), x), 2.0),
    "vectors": lambda: gw.graph(lambda a, b: (a @ b + a[0]).relu().sum(), [1.0, 2.0], [3.0, 4.0]),
}


def hostile_graph(text: str) -> Graph:
    """Every name that may come from outside is this text."""
    w = gw.nn.Linear(2, 2)
    w.name_parts()
    w.weight.name = text
    x = gw.tensor([[1.0, 2.0]], requires_grad=True)
    x.name = text
    hidden = w(x)
    total = hidden.sum()
    return gw.graph(total, names={text + " inner": hidden, text + " total": total})


@pytest.fixture(scope="session", params=GRAPHS, ids=lambda name: name.replace(" ", "-"))
def any_graph(request: pytest.FixtureRequest) -> Graph:
    """One graph after the other."""
    return GRAPHS[request.param]()


@pytest.fixture(scope="session")
def maximum() -> Graph:
    """(x + y) × max(y, z) at 1, 2, 0."""
    return _maximum()


@pytest.fixture(scope="session")
def deep() -> Graph:
    """An MLP of 51 hidden layers."""
    return _deep()
