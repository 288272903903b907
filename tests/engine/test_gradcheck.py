"""The checker is checked: planted wrong rules must be found, and named by mode and coordinate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gradwright.engine.autograd import GradcheckError, gradcheck, gradgradcheck
from gradwright.engine.creation import tensor
from gradwright.engine.differences import ANALYTIC
from gradwright.engine.op import OPERATIONS, elementwise, general, linear
from gradwright.engine.ops.elementwise import cos, mul, sin, zeros_like
from gradwright.engine.ops.elementwise import exp as right_exp
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError


@pytest.fixture(autouse=True)
def _planted_operations_go_again() -> Iterator[None]:
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def point(*values: float) -> Tensor:
    return tensor(values, dtype=np.float64, requires_grad=True)


X, Y = (0.3, -0.7, 1.1), (1.5, 0.4, -0.9)


def test_a_right_rule_passes():
    assert gradcheck(lambda x, y: (x * y).tanh() @ y, [point(*X), point(*Y)])
    assert gradgradcheck(lambda x, y: (x * y).tanh() @ y, [point(*X), point(*Y)])


def test_a_wrong_factor():
    bad = elementwise("planted", lambda xp, x: x * x, lambda x: 3 * x)
    with pytest.raises(
        GradcheckError,
        match=r"reverse mode, input 0: d output\[2\] / d input\[2\] is 3\.3, central differences give 2\.2",
    ):
        gradcheck(bad, point(*X))


def test_a_wrong_sign_in_one_coordinate_only():
    bad = elementwise("planted", lambda xp, x: xp.sin(x), lambda x: cos(x) * Tensor(np.array([1.0, -1, 1]))._array)
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0: d output\[1\] / d input\[1\].*\(1 of 9 entries"):
        gradcheck(bad, point(*X))


def test_a_wrong_rule_for_the_second_input_only():
    bad = elementwise("planted", lambda xp, x, y: x * y, lambda y: y, lambda y: y)
    with pytest.raises(GradcheckError, match="reverse mode, input 1"):
        gradcheck(bad, [point(*X), point(*Y)])


def test_swapped_arguments():
    bad = elementwise("planted", lambda xp, x, y: x - y, -1, 1)
    with pytest.raises(
        GradcheckError,
        match=r"reverse mode, input 0: d output\[(\d)\] / d input\[\1\] is -1, central differences give 1",
    ):
        gradcheck(bad, [point(*X), point(*Y)])


def test_a_missing_sum_over_broadcast_axes():
    bad = general(
        "planted",
        lambda xp, x, y: x * y,
        vjp=[
            lambda g, y: mul(g, y),
            lambda g, x, y_shape: mul(g, x)[0],
        ],  # takes the first row for the sum of the rows
        jvp=[lambda t, y: t * y, lambda t, x: x * t],
    )
    rows = tensor([X, Y], dtype=np.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match=r"reverse mode, input 1: d output\[\d, \d\] / d input\[\d\] is 0"):
        gradcheck(bad, [rows, point(*Y)])


def test_a_stale_saved_value():
    stale: list[Any] = []

    def forward(xp: Any, x: Any) -> Any:
        stale[:] = stale or [xp.exp(x)]
        return xp.exp(x)

    bad = elementwise("planted", forward, lambda x: stale[0])
    bad(tensor([0.0, 0.0, 0.0], dtype=np.float64))  # the first call's output is what every later rule will see
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0: d output\[2\] / d input\[2\] is 1"):
        gradcheck(bad, point(*X))


def test_a_wrong_forward_rule_only():
    bad = general("planted", lambda xp, x: xp.sin(x), vjp=[lambda g, x: g * cos(x)], jvp=[lambda t, x: t * sin(x)])
    with pytest.raises(GradcheckError, match=r"forward mode, input 0: d output\[1\] / d input\[1\] is -0\.644"):
        gradcheck(bad, point(*X))


def test_a_wrong_transpose():
    bad = linear("planted", lambda xp, x: xp.cumsum(x), lambda g: g)
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0: d output\[2\] / d input\[1\] is 0"):
        gradcheck(bad, point(*X))


def test_a_wrong_second_derivative():
    # The first derivative is right, but its rule is made of numbers that the graph does not follow.
    bad = elementwise(
        "planted",
        lambda xp, x: xp.exp(x),
        lambda x: np.exp(x.detach().numpy() if isinstance(x, Tensor) else x),
    )
    assert gradcheck(bad, point(*X))
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0: d output\[2\] / d input\[2\] is 0"):
        gradgradcheck(bad, point(*X))


def test_a_wrong_rule_inside_the_rule():
    wrong = elementwise("planted_slope", lambda xp, x: xp.cos(x), lambda x: sin(x))  # the sign is missing
    bad = elementwise("planted", lambda xp, x: xp.sin(x), lambda x: wrong(x))
    assert gradcheck(bad, point(*X))
    with pytest.raises(GradcheckError, match="reverse mode, input 0"):
        gradgradcheck(bad, point(*X))


def test_a_rule_that_gives_nan():
    bad = elementwise("planted", lambda xp, x: xp.exp(x), lambda x: zeros_like(x) + float("nan"))
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0.* is nan"):
        gradcheck(bad, point(*X))


def test_a_gradient_that_is_never_sent():
    bad = general("planted", lambda xp, x: xp.exp(x), vjp=[lambda g: None], jvp=[lambda t, ans: t * ans])
    with pytest.raises(GradcheckError, match=r"reverse mode, input 0: d output\[2\] / d input\[2\] is 0"):
        gradcheck(bad, point(*X))


def test_a_kink_between_the_two_evaluations_is_noticed():
    with pytest.raises(
        GradcheckError,
        match=r"d output\[0\] / d input\[0\] is 0, central differences give 0\.5.*kink: .* 0 on the left and 1",
    ):
        gradcheck(lambda x: x.relu(), point(0.0, 1.0))
    with pytest.raises(GradcheckError) as wrong:
        gradcheck(elementwise("planted", lambda xp, x: x * x, lambda x: 3 * x), point(*X))
    assert "kink" not in str(wrong.value)


def test_the_complex_step_sees_what_central_differences_cannot(monkeypatch: pytest.MonkeyPatch):
    almost = elementwise("planted", lambda xp, x: xp.tan(x), lambda ans: (1 + ans * ans) * (1 + 1e-9))
    assert gradcheck(almost, point(*X))
    monkeypatch.setattr("gradwright.engine.differences.ANALYTIC", ANALYTIC | {"planted"})
    with pytest.raises(GradcheckError, match="the complex step gives"):
        gradcheck(almost, point(*X))


def test_nests_are_labelled_by_their_path():
    bad = elementwise("planted", lambda xp, x: x * x, lambda x: 3 * x)
    nest = {"layers": [{"weight": point(*X)}, {"weight": tensor([X, Y], dtype=np.float64, requires_grad=True)}]}

    def f(p: Any, scale: Tensor) -> Any:
        return p["layers"][0]["weight"] * scale, {"bad": bad(p["layers"][1]["weight"])}

    with pytest.raises(
        GradcheckError, match=r"input 0\['layers'\]\[1\]\['weight'\]: d output 1 \[1, 0\] / d input\[1, 0\] is 4\.5"
    ):
        gradcheck(f, [nest, point(2.0)])
    assert not gradcheck(f, [nest, point(2.0)], raise_exception=False)


def test_only_float64_is_checked():
    with pytest.raises(DTypeError, match="input 1 is float32"):
        gradcheck(lambda x, y: x * y, [point(*X), tensor(Y, requires_grad=True)])


def test_inputs_without_gradient_are_left_out():
    assert gradcheck(lambda x, y: right_exp(x) * y, [point(*X), tensor(Y, dtype=np.float64)])


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,)])
def test_any_shape_is_checked(shape: tuple[int, ...]):
    x = Tensor(np.full(shape, 0.3)).requires_grad_()
    assert gradcheck(lambda x: x.tanh(), x)
    assert gradgradcheck(lambda x: x.tanh(), x)
