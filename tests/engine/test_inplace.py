"""In-place methods and operators: values, dtypes, gradients and refusals are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.engine.functions.inplace import IN_PLACE, SHAPE_IN_PLACE
from gradwright.errors import DTypeError, GraphError, ShapeError

from .against_torch import same

A = np.array([[0.5, -1.5, 2.0], [1.0, 0.25, -0.75]])
B = np.array([[2.0, 0.5, -1.0], [1.5, 3.0, 0.5]])

#: Statements on `x` (floats), `y` (floats of the same shape), `i` (integers); what is in place leaves `x`.
STATEMENTS = """
x += y
x -= y
x *= y
x /= y
x += 2
x -= y[0]
x *= x
x **= 2
x //= 2
x %= 2
x.add_(y)
x.add_(y, alpha=0.5)
x.sub_(y, alpha=2)
x.sub_(1)
x.mul_(y)
x.mul_(3)
x.div_(y)
x.div_(2, rounding_mode='floor')
x.pow_(2)
x.neg_()
x.abs_()
x.exp_()
x.square_()
x.sin_()
x.cos_()
x.sqrt_()
x.sigmoid_()
x.tanh_()
x.relu_()
x.reciprocal_()
x.sign_()
x.clamp_(-0.5, 1)
x.clamp_(min=0)
x.clamp_min_(0.1)
x.round_()
x.floor_()
x.ceil_()
x.trunc_()
x.zero_()
x.fill_(2.5)
x.fill_(torch.tensor(3.5))
x.copy_(y)
x.copy_(y[0])
x.lerp_(y, 0.3)
x.addcmul_(y, y, value=0.1)
x.addcdiv_(y, y + 5, value=0.1)
x.masked_fill_(y > 1, -9.0)
x.index_fill_(1, torch.tensor([0, 2]), 7.0)
x.index_add_(0, torch.tensor([1]), y[:1])
x.index_copy_(0, torch.tensor([1]), y[:1])
x.scatter_(1, torch.tensor([[0, 1], [2, 0]]), 4.0)
x.scatter_add_(1, torch.tensor([[0, 1], [2, 0]]), y[:, :2])
x.cumsum_(1)
x.tril_()
x.triu_(1)
x.fill_diagonal_(5)
x.t_()
x.transpose_(0, 1)
x.unsqueeze_(0)
x.unsqueeze_(1).squeeze_(1)
x.squeeze_()
x.gt_(0)
x.eq_(x)
x.apply_(lambda v: v * 2)
x.data.mul_(2)
x.data.copy_(y)
x.data.zero_()
x.detach().fill_(1)
x.data -= 0.1 * y
x.data = y
x.uniform_(2, 2)
x.normal_(1, 0)
x.bernoulli_(1)
i += 2
i *= i
i //= 2
i %= 2
i &= 1
i |= 4
i ^= 3
i <<= 1
i >>= 1
i.add_(1)
i.fill_(2.7)
i.zero_()
i.copy_(x[0])
i.random_(3, 4)
i.clamp_(0, 1)
i.float().div_(2)
i.neg_()
i.abs_()
""".strip().splitlines()


def run(library: Any, statement: str, requires_grad: bool = False) -> dict[str, Any]:
    names = {
        "torch": library,
        "x": library.tensor(A, requires_grad=requires_grad),
        "y": library.tensor(B, requires_grad=requires_grad),
        "i": library.tensor([5, -3, 2]),
    }
    if requires_grad:
        names["leaf"], names["x"] = names["x"], names["x"] * 1
    exec(statement, names)
    return names


@pytest.mark.parametrize("statement", STATEMENTS)
def test_values_are_pytorchs(statement: str):
    theirs = run(torch, statement)
    ours = run(gw, statement)
    for name in "xyi":
        same(ours[name], theirs[name], statement, 1e-12, 1e-12)


GRADIENTS = [s for s in STATEMENTS if s.startswith("x") and ".data" not in s and "detach" not in s and "apply" not in s]
GRADIENTS.remove("x //= 2")  # PyTorch has no derivative for it


@pytest.mark.parametrize("statement", GRADIENTS)
def test_gradients_are_pytorchs(statement: str):
    theirs = run(torch, statement, True)
    ours = run(gw, statement, True)
    assert ours["x"].requires_grad == theirs["x"].requires_grad
    if not ours["x"].requires_grad:
        return
    refused = []
    for names in (theirs, ours):
        try:
            (names["x"] * 3).sum().backward()
            refused.append(False)
        except RuntimeError:
            refused.append(True)
    assert refused[0] == refused[1], "one of the two refuses backward"
    if refused[0]:
        return
    for name in ("leaf", "y"):
        if theirs[name].grad is None:
            # a gradient that is not there, or one of zeros
            assert ours[name].grad is None or not ours[name].grad.numpy().any()
        else:
            same(ours[name].grad, theirs[name].grad, f"{statement}: {name}", 1e-9, 1e-9)


def test_every_listed_name_is_pytorchs_and_is_there():
    for name in [*IN_PLACE, *SHAPE_IN_PLACE]:
        assert hasattr(torch.Tensor, f"{name}_"), name
        assert hasattr(gw.Tensor, name), name
        method = getattr(gw.Tensor, f"{name}_")
        assert method.__name__ == f"{name}_"
        assert name in method.__doc__


LEAF: list[Callable[[Any], Any]] = [
    lambda x: x.zero_(),
    lambda x: x.fill_(1),
    lambda x: x.copy_(x.detach()),
    lambda x: x.exp_(),
    lambda x: x.normal_(),
    lambda x: x.t_(),
    lambda x: x.unsqueeze_(0),
    lambda x: x.relu_(),
    lambda x: x.__iadd__(1),
]


@pytest.mark.parametrize("number", range(len(LEAF)))
def test_a_leaf_that_requires_grad_is_refused_outside_no_grad(number: int):
    change = LEAF[number]
    for library, error in ((torch, RuntimeError), (gw, GraphError)):
        x = library.ones(2, 2, requires_grad=True)
        with pytest.raises(error, match="leaf"):
            change(x)
        with library.no_grad():
            change(x)
        assert x.requires_grad
        assert x.is_leaf


KINDS: list[tuple[str, str]] = [
    ("torch.zeros(2, dtype=torch.int64)", "x.add_(1.5)"),
    ("torch.zeros(2, dtype=torch.int64)", "x /= 2"),
    ("torch.zeros(2, dtype=torch.bool)", "x += 1"),
    ("torch.ones(2, dtype=torch.int64)", "x.exp_()"),
    ("torch.ones(2, dtype=torch.int64)", "x *= torch.ones(2)"),
]


@pytest.mark.parametrize(("start", "statement"), KINDS)
def test_floats_do_not_go_into_whole_numbers(start: str, statement: str):
    for library, error in ((torch, RuntimeError), (gw, DTypeError)):
        x = eval(start, {"torch": library})
        with pytest.raises(error):
            exec(statement, {"torch": library, "x": x})


def test_the_shape_stays():
    x = gw.ones(2)
    with pytest.raises(ShapeError, match=r"\(3, 2\).*\(2,\)"):
        x += gw.ones(3, 2)
    with pytest.raises(ShapeError):
        x.copy_(gw.ones(3))


def test_updates_as_lectures_write_them():
    for library in (torch, gw):
        w = library.tensor([1.0, 2.0], requires_grad=True)
        (w * w).sum().backward()
        with library.no_grad():
            w -= 0.1 * w.grad
            w.grad.zero_()
        assert w.grad.tolist() == [0.0, 0.0]
        assert w.requires_grad
        (w * w).sum().backward()
        w.data -= 0.5 * w.grad
        w.grad = None
        w.data.add_(library.ones(2), alpha=2)
        np.testing.assert_allclose(w.tolist(), [2.0, 2.0], atol=1e-6)


def test_an_overwritten_value_passes_no_gradient():
    for library in (torch, gw):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.zero_()
        (y + x).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0]


def test_shape_in_place_leaves_those_it_was_an_alias_of():
    x = gw.ones(2, 3)
    y = x.detach()
    y.t_()
    assert (x.shape, y.shape) == ((2, 3), (3, 2))


def test_masked_fill_in_a_compiled_step():
    x = gw.zeros(3)

    @gw.compile
    def step() -> Any:
        x.add_(1)
        x.masked_fill_(x > 1, -1)
        return x * 1

    assert [step().tolist() for _ in range(2)] == [[1, 1, 1], [-1, -1, -1]]
