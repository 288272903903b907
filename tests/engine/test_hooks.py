"""Hooks of tensors, walking the graph, and backward's further arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import autograd
from gradwright.errors import DTypeError, GraphError, ShapeError

libraries = pytest.mark.parametrize("library", [torch, gw], ids=["torch", "gradwright"])


@libraries
def test_hooks_see_the_whole_gradient_and_may_replace_it(library: Any):
    seen: list[Any] = []
    x = library.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.register_hook(lambda g: seen.append(("y", g.tolist())))
    y.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: seen.append(("y again", g.tolist())))
    x.register_hook(lambda g: seen.append(("x", g.tolist())))
    x.register_hook(lambda g: g + 1)
    y.retain_grad()
    (y * y + y).sum().backward()
    assert seen == [("y", [7.0, 13.0]), ("y again", [14.0, 26.0]), ("x", [42.0, 78.0])]
    assert x.grad.tolist() == [43.0, 79.0]
    assert y.grad.tolist() == [14.0, 26.0]
    assert y.retains_grad


@libraries
def test_a_handle_takes_the_hook_away(library: Any):
    x = library.ones(2, requires_grad=True)
    handle = x.register_hook(lambda g: g * 10)
    with x.register_hook(lambda g: g * 3):
        x.sum().backward()
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [31.0, 31.0]


@libraries
def test_hooks_run_for_autograd_grad_too(library: Any):
    x = library.tensor([2.0], requires_grad=True)
    y = x * x
    x.register_hook(lambda g: g * 5)
    y.register_hook(lambda g: g * 2)
    (gx,) = library.autograd.grad(y.sum(), x, create_graph=True)
    (gy,) = library.autograd.grad(y.sum(), y, retain_graph=True)
    assert (gx.tolist(), gy.tolist()) == ([40.0], [2.0])
    assert library.autograd.grad(gx.sum(), x)[0].tolist() == [100.0]  # the hook is part of the second graph too


@libraries
def test_hooks_after_accumulation(library: Any):
    seen: list[Any] = []
    x = library.ones(2, requires_grad=True)

    def clear(t: Any) -> None:
        seen.append(t.grad.tolist())
        t.grad = None

    handle = x.register_post_accumulate_grad_hook(clear)
    (x * 2).sum().backward()
    assert seen == [[2.0, 2.0]]
    assert x.grad is None
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@libraries
def test_a_hook_on_one_of_several_outputs_of_what_is_used_twice(library: Any):
    x = library.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x.clone()
    y.register_hook(lambda g: library.zeros_like(g))
    (y.sum() + (y * y).sum() + x.sum()).backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_wrong_hooks_are_refused():
    x = gw.ones(2, requires_grad=True)
    with pytest.raises(GraphError, match="requires_grad=False"):
        gw.ones(2).register_hook(lambda g: None)
    with pytest.raises(DTypeError, match="function"):
        x.register_hook(3)
    with pytest.raises(GraphError, match="leaf"):
        (x * 2).register_post_accumulate_grad_hook(lambda t: None)

    def shrinks(g: Any) -> Any:
        return g.sum()

    x.register_hook(shrinks)
    with pytest.raises(ShapeError, match=r"shrinks.*\(2,\).*\(\)"):
        x.sum().backward()
    y = gw.ones(2, requires_grad=True)
    y.register_hook(lambda g: 3)
    with pytest.raises(DTypeError, match="int"):
        y.sum().backward()


def test_hooks_in_compiled_steps_and_a_new_one_is_noticed():
    layer = gw.nn.Linear(2, 1)
    x = gw.ones(3, 2)

    @gw.compile
    def step() -> Any:
        layer.zero_grad()
        layer(x).sum().backward()
        return layer.weight.grad

    assert step().tolist() == [[3.0, 3.0]]
    handle = layer.weight.register_hook(lambda g: g * 2)
    assert step().tolist() == [[6.0, 6.0]]
    handle.remove()
    assert step().tolist() == [[3.0, 3.0]]


# --- the graph as seen from Python ------------------------------------------------------------------------------------
def walked(tensor: Any) -> list[int]:
    """Return how many inputs each node has, in the order of a walk as lectures write it."""
    found: list[int] = []

    def visit(node: Any) -> None:
        if node is None:
            return
        found.append(len(node.next_functions))
        for parent, _ in node.next_functions:
            visit(parent)

    visit(tensor.grad_fn)
    return found


@libraries
def test_walking_the_graph(library: Any):
    x = library.tensor([1.0], requires_grad=True)
    y = library.tensor([2.0], requires_grad=True)
    z = (x * y + x).sum()
    assert walked(z) == [1, 2, 2, 0, 0, 0]
    assert isinstance(z.grad_fn.name(), str)
    product = z.grad_fn.next_functions[0][0].next_functions[0][0]
    assert product.next_functions[0][0].name().endswith("AccumulateGrad")
    assert product.next_functions[0][0].variable is x
    assert product.next_functions[1] == (product.next_functions[1][0], 0)
    assert (library.ones(1) * x).grad_fn.next_functions[0] == (None, 0)
    assert x.grad_fn is None


# --- backward and grad ------------------------------------------------------------------------------------------------
@libraries
def test_backward_of_several_tensors(library: Any):
    x = library.tensor([1.0, 2.0], requires_grad=True)
    library.autograd.backward([x.sum(), x * x], [None, library.tensor([1.0, 10.0])])
    assert x.grad.tolist() == [3.0, 41.0]


@libraries
def test_backward_for_some_inputs_only(library: Any):
    x, y = library.tensor([1.0], requires_grad=True), library.tensor([2.0], requires_grad=True)
    inner = x * y
    (inner * y).sum().backward(inputs=[x, inner])
    assert (x.grad.tolist(), inner.grad.tolist(), y.grad) == ([4.0], [2.0], None)


@libraries
def test_grad_of_what_is_unused(library: Any):
    x, unused = library.tensor([1.0], requires_grad=True), library.ones(2, requires_grad=True)
    gx, gu = library.autograd.grad((x * 2).sum(), [x, unused], materialize_grads=True)
    assert (gx.tolist(), gu.tolist()) == ([2.0], [0.0, 0.0])
    assert library.autograd.grad((x * 2).sum(), [x, unused], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError):
        library.autograd.grad((x * 2).sum(), [x, unused])
    with pytest.raises((RuntimeError, ValueError)):
        library.autograd.grad((x * 2).sum(), [unused], allow_unused=False, materialize_grads=True)


def test_faults_of_backward_are_named():
    x = gw.ones(2, requires_grad=True)
    with pytest.raises((ShapeError, DTypeError)):
        autograd.backward([x.sum(), x.sum()], [None])
    with pytest.raises(ShapeError, match="2 tensors, but 1 upstream"):
        autograd.backward([x.sum(), x.sum()], [None])
    with pytest.raises(DTypeError, match="list"):
        x.backward([1.0, 1.0])
    with pytest.raises(DTypeError, match="float"):
        autograd.grad(3.0, x)
    with pytest.raises(DTypeError, match="input 0"):
        autograd.grad(x.sum(), [3.0])
    with pytest.raises(GraphError, match="empty"):
        x.sum().backward(inputs=[])
    with pytest.raises(GraphError, match="is_grads_batched"):
        autograd.grad(x, x, gw.ones(3, 2), is_grads_batched=True)


def test_the_gradient_of_a_leaf_takes_tensors_of_its_shape_only():
    x = gw.ones(2, requires_grad=True)
    with pytest.raises(DTypeError, match="ndarray"):
        x.grad = np.ones(2)
