"""Writes through views, against PyTorch: each program runs on both, and everything that is left must be the same."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import GraphError


def _row(m: ModuleType) -> Any:
    x = m.zeros(3, 2)
    x[1].fill_(5)
    x[:, 0] += 1
    return [x]


def _view_and_base(m: ModuleType) -> Any:
    x = m.arange(6.0)
    y, z = x.view(2, 3), x[2:5]
    y[1, 2] = 10
    x[3] = -1
    z *= 2
    return [x, y, z]


def _views_of_views(m: ModuleType) -> Any:
    x = m.arange(12.0).view(3, 4)
    t = x.t()[1:3]
    u = t.unsqueeze(0).squeeze(0)
    u[0] = 7
    x.add_(1)
    return [x, t, u]


def _a_copy_is_no_view(m: ModuleType) -> Any:
    x = m.arange(6.0).view(2, 3)
    y, z = x.t().reshape(-1), x[m.tensor([0, 1])]
    c = x.clone()
    y[0], z[0, 0], c[0, 0] = 9, 9, 9
    return [x, y, z, c]


def _data_and_detach(m: ModuleType) -> Any:
    w = m.ones(2, 2, requires_grad=True)
    d = w.detach()
    w.data[0] = 3
    w.data.view(-1)[3] = 4
    d[1, 0] = 5
    with m.no_grad():
        w *= 2
        w[0, 1] = 0
    return [w, d, w.data]


def _graph_through_a_view(m: ModuleType) -> Any:
    a = m.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = m.tensor([4.0, 5.0], requires_grad=True)
    x = a * 2
    head = x[:2]
    head *= b
    x[2] = b[0] * 3
    y = x.view(3, 1)
    (y.sum() + (head * head).sum()).backward()
    return [x, head, y, a.grad, b.grad]


def _written_to_base_after_the_view(m: ModuleType) -> Any:
    a = m.tensor([1.0, 2.0], requires_grad=True)
    x = a * 3
    y = x[1:]
    x.mul_(a.detach())
    (y * 5).sum().backward()
    return [x, y, a.grad]


def _slots_filled_one_by_one(m: ModuleType) -> Any:
    w = m.tensor([2.0, 3.0], requires_grad=True)
    out = m.zeros(3, 2)
    for i in range(3):
        out[i] = w * i
    out.sum().backward()
    return [out, w.grad]


def _zeroed_inside_the_graph(m: ModuleType) -> Any:
    a = m.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = a * 2
    x[0].zero_()
    y = a * 1
    y.fill_(4)
    (x.sum() + y.sum()).backward()
    return [x, y, a.grad]


def _mask(m: ModuleType) -> Any:
    x = m.tensor([-1.0, 2.0, -3.0])
    x[x < 0] = 0
    x[m.tensor([1, 2])] += 1
    return [x]


PROGRAMS: list[Callable[[ModuleType], Any]] = [
    _row, _view_and_base, _views_of_views, _a_copy_is_no_view, _data_and_detach, _graph_through_a_view,
    _written_to_base_after_the_view, _slots_filled_one_by_one, _zeroed_inside_the_graph, _mask,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__.strip("_"))
def test_writes_are_seen_where_pytorch_shows_them(program: Callable[[ModuleType], Any]):
    for i, (ours, theirs) in enumerate(zip(program(gw), program(torch), strict=True)):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), err_msg=f"result {i}")


def test_a_view_of_a_leaf_that_requires_grad_is_not_written_to():
    w = gw.ones(3, requires_grad=True)
    with pytest.raises(GraphError, match="a view of a leaf that requires grad"):
        w[0] += 1
    with pytest.raises(GraphError, match="a leaf that requires grad"):
        w[0] = 1


def test_an_expanded_tensor_is_not_written_to():
    with pytest.raises(GraphError, match="several times"):
        gw.zeros(3, 1).expand(3, 4).add_(1)


def test_a_detached_tensor_does_not_keep_the_graph_alive():
    loss = (gw.ones(3, requires_grad=True) * 2).sum()
    node, kept = weakref.ref(loss), loss.detach()
    del loss
    gc.collect()
    assert node() is None
    assert kept.item() == 6


def test_forgotten_views_are_forgotten():
    x = gw.zeros(1000)
    for i in range(1000):
        x[i : i + 1]
    assert len(x._views) < 40


def test_writes_through_views_compile():
    model = gw.nn.Linear(3, 2)

    def step(x):
        with gw.no_grad():
            model.weight[0] = 1.0
            model.weight.view(-1)[4].mul_(0)
        out = x * 1
        out[:, 1] = 2 * x[:, 0]
        return out, model.weight.t() * 1

    x = gw.tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
    before = model.weight.detach().clone()
    eager = [t.detach().numpy() for t in step(x)]
    with gw.no_grad():
        model.weight.copy_(before)
    for a, b in zip(gw.compile(step)(x), eager, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b)
    assert model.weight.tolist()[0] == [1.0, 1.0, 1.0]
