"""Operations that users define are as good as built-in ones, and cannot take a built-in one's place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import extend
from gradwright.engine.op import OPERATIONS
from gradwright.errors import ConfigError


@pytest.fixture(autouse=True)
def _defined_operations_go_again() -> Iterator[None]:
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def point(*shape: int) -> Any:
    return gw.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True)


def test_an_elementwise_operation_broadcasts_differentiates_compiles_and_maps():
    op = extend.elementwise(
        "sin_scaled",
        lambda xp, x, y, *, power=1: xp.sin(x) * y**power,
        lambda x, y, power: x.cos() * y**power,
        lambda x, y, power: gw.sin(x) * power * y ** (power - 1),
    )
    x, y = point(2, 3), point(3)
    assert gw.autograd.gradcheck(lambda x, y: op(x, y, power=2), [x, y])
    assert gw.autograd.gradgradcheck(lambda x, y: op(x, y, power=2), [x, y])
    assert gw.allclose(gw.compile(lambda x, y: op(x, y))(x, y), op(x, y), rtol=1e-12)
    assert gw.vmap(gw.func.grad(lambda x: op(x, y).sum()))(x).shape == (2, 3)
    assert op.__name__ == "sin_scaled"


def test_any_number_of_inputs_and_several_outputs():
    total = extend.general(
        "weighted_total",
        lambda xp, *xs, weight: sum(x * weight**i for i, x in enumerate(xs)),
        vjp=[lambda g, i, weight: g * weight**i],
        jvp=[lambda ts, weight: sum(t * weight**i for i, t in enumerate(ts) if t is not None)],
    )
    assert gw.autograd.gradcheck(lambda a, b, c: total(a, b, c, weight=0.5), [point(2), point(2), point(2)])
    both = extend.general(
        "sin_and_cos",
        lambda xp, x: (xp.sin(x), xp.cos(x)),
        vjp=[lambda g, x: (0 if g[0] is None else g[0] * x.cos()) - (0 if g[1] is None else g[1] * x.sin())],
        jvp=[lambda t, ans: (t * ans[1], -t * ans[0])],
    )
    assert gw.autograd.gradcheck(both, point(3))
    assert gw.autograd.gradgradcheck(both, point(3))
    assert gw.autograd.gradcheck(lambda x: both(x)[1], point(3))


def test_plain_numbers_become_tensors():
    half = extend.elementwise("halved", lambda xp, x: x / 2, 0.5)
    assert half(np.ones(2)).tolist() == [0.5, 0.5]


def test_the_librarys_own_names_are_refused_and_ones_own_may_be_defined_again():
    with pytest.raises(ConfigError, match="'sum' is part of the library"):
        extend.nondifferentiable("sum", lambda xp, x: x)
    assert OPERATIONS["sum"](gw.ones(3)).item() == 3
    for slope in (1, 2):
        op = extend.elementwise("mine", lambda xp, x: x, slope)
    x = point(1)
    op(x).backward()
    assert x.grad.tolist() == [2.0]


def test_a_rule_that_asks_for_what_is_not_there_is_refused_when_it_is_written():
    with pytest.raises(TypeError, match="rule of odd: nothing is called beta; there are"):
        extend.elementwise("odd", lambda xp, x: x, lambda beta: beta)
