"""Steps that cannot become one program: what is said, and that nothing has changed."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import CompileError, ShapeError


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


def model_and_optimizer():
    model = nn.Linear(2, 1)
    return model, optim.SGD(model.parameters(), lr=0.1)


def branch(loss, x):
    if loss > 0:
        loss = loss * 2
    return loss


def loop(loss, x):
    while (loss < 1e9).numpy().all():
        loss = loss * 10
    return loss


def item(loss, x):
    print(loss.item())
    return loss


def as_float(loss, x):
    return loss * float(x.sum())


def as_int(loss, x):
    return loss * int(x.sum())


def to_numpy(loss, x):
    return loss * x.detach().numpy().max()


def to_list(loss, x):
    return loss * x.tolist()[0][0]


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (branch, "if loss > 0"),
        (loop, "while"),
        (item, "print(loss.item())"),
        (as_float, "* float("),
        (as_int, "* int("),
        (to_numpy, ".numpy()"),
        (to_list, ".tolist()"),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_needing_a_value_names_the_line_and_the_remedy(bad, text):
    model, opt = model_and_optimizer()
    before = model.weight.detach().numpy()

    @gw.compile
    def step(x):
        opt.zero_grad()
        loss = model(x).sum()
        loss.backward()
        opt.step()
        return bad(loss, x)

    with pytest.raises(CompileError) as caught:
        step(gw.ones(3, 2))
    message = str(caught.value)
    assert f"test_errors.py:{line_of(bad, text)}: " in message
    assert text in message
    assert "gradwright.where" in message
    np.testing.assert_array_equal(model.weight.detach().numpy(), before)
    assert isinstance(model.weight._array, np.ndarray), "no tracer stays behind"
    assert model.weight.grad is None


class Slots:
    __slots__ = ("model", "tensor")


def test_a_parameter_that_is_not_visible():
    hidden = Slots()
    hidden.model = nn.Linear(2, 1)
    with pytest.raises(CompileError, match=r"parameter of shape \(1, 2\).*state=\[model, optimizer\]"):
        gw.compile(lambda x: hidden.model(x))(gw.ones(3, 2))


@pytest.mark.parametrize("parameters", [nn.Parameter, lambda t: t], ids=["parameter", "tensor"])
def test_a_write_to_a_tensor_that_is_not_visible(parameters):
    hidden = Slots()
    hidden.tensor = parameters(gw.zeros(3))

    @gw.compile
    def step(x):
        with gw.no_grad():
            hidden.tensor.data = x * 2
        return x

    with pytest.raises(CompileError, match=r"writes to a tensor of shape \(3,\).*state="):
        step(gw.ones(3))
    np.testing.assert_array_equal(hidden.tensor.detach().numpy(), np.zeros(3))


def test_a_tensor_made_in_the_step_may_be_written_to():
    @gw.compile
    def step(x):
        total = gw.zeros(3)
        for _ in range(4):
            total += x
        return total

    np.testing.assert_array_equal(step(gw.ones(3)).numpy(), [4, 4, 4])


def test_a_hyperparameter_changed_inside():
    model, opt = model_and_optimizer()

    @gw.compile
    def step(x):
        opt.param_groups[0]["lr"] = 0.5
        return model(x)

    with pytest.raises(CompileError, match=r"param_groups\[0\].lr"):
        step(gw.ones(3, 2))
    assert opt.param_groups[0]["lr"] == 0.1


def test_an_argument_that_is_neither_array_nor_constant():
    with pytest.raises(CompileError, match="type list"):
        gw.compile(lambda xs: xs[0])([gw.ones(2)])


def test_scan_names_the_shapes():
    step = gw.compile(lambda x, y: (x.sum(), y.sum()))
    with pytest.raises(ShapeError, match="same number of steps"):
        step.scan(np.ones((2, 3)), np.ones((3, 3)))
    with pytest.raises(ShapeError, match=r"\(steps, batch\), got \(4,\)"):
        step.scan(np.ones((8, 3)), np.ones((8, 3)), order=[0, 1, 2, 3])


def test_an_error_of_ones_own_comes_through_as_it_is():
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        gw.compile(lambda x: x + gw.ones(4))(gw.ones(3))
    with pytest.raises(ZeroDivisionError):
        gw.compile(lambda x: x * (1 / 0))(gw.ones(3))


@pytest.mark.parametrize("row", [8, -9, 1000])
def test_a_row_out_of_range_in_the_order_is_named(row):
    step = gw.compile(lambda x: x.sum())
    with pytest.raises(gw.errors.IndexOutOfRangeError, match=str(row)):
        step.scan(np.ones((8, 3), np.float32), order=[[0, row]])
