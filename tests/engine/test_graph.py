"""The graph: what backward does at branches, twice, in no_grad, in place, and how much it keeps."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradwright.engine import enable_grad, is_grad_enabled, no_grad, ones, tensor, zeros
from gradwright.engine.autograd import grad, gradcheck, jvp
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import GraphError, ShapeError


def leaf(*values: float) -> Tensor:
    return tensor(list(values), requires_grad=True)


# --- backward ----------------------------------------------------------------------------------------------
def test_gradients_add_up_at_branches():
    x = leaf(2.0)
    y = x * 3
    (y * y + y + x).sum().backward()
    assert x.grad.tolist() == [2 * 6 * 3 + 3 + 1]


def test_a_diamond_of_many_levels_visits_each_node_once():
    x = leaf(1.0)
    y = x
    for _ in range(60):  # 2**60 paths
        y = y + y
    y.sum().backward()
    assert x.grad.tolist() == [2.0**60]


def test_gradients_add_up_over_backwards():
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_a_second_backward_says_what_to_do():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(GraphError, match=r"a second time.*freed.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [2.0]


def test_retain_graph_allows_a_second_backward():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_backward_from_more_than_one_number_needs_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(GraphError, match=r"starts from one number.*\(2,\).*backward\(gradient\)"):
        (x * x).backward()
    (x * x).backward(tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_the_gradient_passed_must_have_the_outputs_shape():
    x = leaf(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(ones(3))


def test_backward_from_a_constant_says_so():
    with pytest.raises(GraphError, match="requires_grad=True"):
        tensor(1.0).backward()


def test_backward_from_a_leaf():
    x = tensor(2.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize(
    "then", [lambda y: y * 2, lambda y: -y, lambda y: y.exp() * 0 + y, lambda y: y / 4], ids=range(4)
)
@pytest.mark.parametrize(
    "pick",
    [lambda x: x[1], lambda x: x[0, 1], lambda x: x.sum(), lambda x: x.amax(), lambda x: x[0] @ x[1]],
    ids=range(5),
)
def test_zero_dimensional_gradients_flow_through_everything(pick: Callable[..., Any], then: Callable[..., Any]):
    x = tensor([[1.0, 2.0], [3.0, 4.5]], dtype=np.float64, requires_grad=True)
    assert gradcheck(lambda x: then(pick(x)), x, atol=1e-5)
    x = tensor([[1.0, 2.0], [3.0, 4.5]], requires_grad=True)
    then(pick(x)).sum().backward()
    assert x.grad.dtype == np.float32


def test_retain_grad_on_inner_tensors():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    z = y * y
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [12.0]
    assert z.grad is None
    z.sum().backward()
    assert y.grad.tolist() == [24.0]  # adds up, as PyTorch's does
    with pytest.raises(GraphError, match="requires_grad=False"):
        tensor(1.0).retain_grad()


def test_inner_tensors_keep_no_gradient_unless_asked():
    x = leaf(2.0)
    y = x * 3
    y.sum().backward()
    assert y.grad is None
    assert not y.is_leaf
    assert x.is_leaf


# --- grad --------------------------------------------------------------------------------------------------
def test_grad_of_several_outputs_for_several_inputs():
    x, y, unused = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0)
    outputs = [(x * y).sum(), (x * x).sum()]
    gx, gy, gu = grad(outputs, [x, y, unused], retain_graph=True, allow_unused=True)
    assert gx.tolist() == [5.0, 8.0]
    assert gy.tolist() == [1.0, 2.0]
    assert gu is None
    assert x.grad is None
    with pytest.raises(GraphError, match=r"no output depends on input 1 of shape \(1,\).*allow_unused"):
        grad(outputs, [x, unused])


def test_grad_takes_upstream_gradients():
    x = leaf(1.0, 2.0)
    (g,) = grad([x * x, x * 3], x, [tensor([1.0, 0.0]), tensor([0.0, 1.0])])
    assert g.tolist() == [2.0, 3.0]


def test_grad_for_an_inner_tensor_and_for_the_output_itself():
    x = leaf(2.0)
    y = x * 3
    z = (y * y).sum()
    gx, gy, gz = grad(z, [x, y, z])
    assert (gx.tolist(), gy.tolist(), gz.item()) == ([36.0], [12.0], 1.0)


def test_grad_for_a_constant_says_so():
    with pytest.raises(GraphError, match=r"input 0 .* requires_grad=False"):
        grad(leaf(1.0).sum(), tensor([1.0]))


def test_create_graph_gives_second_and_third_derivatives():
    x = tensor([0.5, 2.0], dtype=np.float64, requires_grad=True)
    (first,) = grad((x**4).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x, create_graph=True)
    (third,) = grad(second.sum(), x)
    np.testing.assert_allclose(second.detach().numpy(), 12 * x.detach().numpy() ** 2, rtol=1e-12)
    np.testing.assert_allclose(third.numpy(), 24 * x.detach().numpy(), rtol=1e-12)
    assert not third.requires_grad


def test_backward_through_a_gradient_penalty():
    x = tensor([0.5, -1.5], dtype=np.float64, requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    (first * first).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 36 * x.detach().numpy() ** 3, rtol=1e-12)


def test_leaves_do_not_share_one_gradient_object():
    for create_graph in (False, True):
        a, b = leaf(1.0), leaf(2.0)
        (a + b).sum().backward(create_graph=create_graph)
        a.grad.data.zero_()
        a.grad.zero_()
        assert b.grad.tolist() == [1.0]


def test_the_upstream_gradient_is_not_given_away():
    x, v = leaf(1.0), tensor([5.0])
    (x + 0).backward(v, create_graph=True)
    x.grad.zero_()
    assert v.tolist() == [5.0]


# --- forward mode ------------------------------------------------------------------------------------------
def test_jvp_and_backward_are_transposes():
    r = np.random.default_rng(0)
    x, t, v = (Tensor(r.normal(size=(3,))) for _ in range(3))
    m = Tensor(r.normal(size=(3, 3)))

    def f(x: Tensor) -> Tensor:
        return (m @ x).tanh() * x

    _, ahead = jvp(f, [x], [t])
    x.requires_grad_()
    (back,) = grad(f(x), x, v)
    np.testing.assert_allclose((ahead.detach() * v).sum().item(), (back * t).sum().item(), rtol=1e-12)


def test_jvp_of_several_outputs_and_of_a_constant():
    x = tensor([1.0, 2.0], dtype=np.float64)
    one = ones(2, dtype=np.float64)
    (y, constant), (ty, tc) = jvp(lambda x: (x * x, one * 3), [x], [one])
    assert y.tolist() == [1.0, 4.0]
    assert ty.tolist() == [2.0, 4.0]
    assert constant.tolist() == [3.0, 3.0]
    assert tc.tolist() == [0.0, 0.0]


def test_hessian_vector_product_by_forward_over_reverse():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    m = Tensor(a)
    x, v = tensor([0.3, -0.2], dtype=np.float64), tensor([1.0, 2.0], dtype=np.float64)

    def slope(x: Tensor) -> Tensor:
        (g,) = grad((x @ (m @ x)) * 0.5, x, create_graph=True)
        return g

    _, product = jvp(slope, [x], [v])
    np.testing.assert_allclose(product.detach().numpy(), a @ v.numpy(), rtol=1e-12)


# --- not recording -----------------------------------------------------------------------------------------
def test_no_grad_as_context_decorator_and_after_an_exception():
    x = leaf(1.0)
    with no_grad():
        assert not (x * 2).requires_grad
        with enable_grad():
            assert (x * 2).requires_grad
        assert not is_grad_enabled()
    assert is_grad_enabled()

    @no_grad()
    def double(x: Tensor) -> Tensor:
        if x.shape == (2,):
            raise ValueError("two")
        return x * 2

    assert not double(x).requires_grad
    assert is_grad_enabled()
    with pytest.raises(ValueError, match="two"):
        double(leaf(1.0, 2.0))
    assert is_grad_enabled()
    with pytest.raises(ValueError, match="inside"), no_grad():
        raise ValueError("inside")
    assert is_grad_enabled()


def test_detach_cuts():
    x = leaf(2.0)
    y = (x * 3).detach()
    assert not y.requires_grad
    (x * y).sum().backward()
    assert x.grad.tolist() == [6.0]


def test_whole_numbers_take_no_gradient():
    with pytest.raises(GraphError, match="int64"):
        tensor([1, 2], requires_grad=True)
    x = leaf(1.0, 2.0)
    assert not (x > 1).requires_grad
    assert not x.argmax().requires_grad


# --- in place ----------------------------------------------------------------------------------------------
def test_writing_to_data_reaches_the_owner():
    p = Parameter(tensor([1.0, 2.0]))
    p.data.mul_(10)
    assert p.tolist() == [10.0, 20.0]
    p.grad = tensor([1.0, 1.0])
    p.data -= 0.5 * p.grad
    assert p.tolist() == [9.5, 19.5]
    p.detach().fill_(3.0)
    assert p.tolist() == [3.0, 3.0]
    p.data.copy_(tensor([7.0]))
    assert p.tolist() == [7.0, 7.0]
    assert p.requires_grad
    assert p.is_leaf


IN_PLACE: dict[str, Callable[[Tensor], Any]] = {
    "iadd": lambda x: x.__iadd__(1),
    "imul": lambda x: x.__imul__(2),
    "isub": lambda x: x.__isub__(1),
    "itruediv": lambda x: x.__itruediv__(2),
    "add_": lambda x: x.add_(1),
    "mul_": lambda x: x.mul_(3),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_leaf_that_requires_grad_is_not_changed_in_place(name: str):
    x = leaf(1.0)
    with pytest.raises(GraphError, match="no_grad"):
        IN_PLACE[name](x)
    assert x.tolist() == [1.0]
    with no_grad():
        IN_PLACE[name](x)
    assert x.tolist() != [1.0]
    assert x.requires_grad


def test_backward_refuses_by_name_what_was_written_over_in_place():
    x = leaf(2.0)
    y = (x * x).sum()
    with no_grad():
        x.mul_(100)
    with pytest.raises(GraphError, match=r"mul needs its input . \(1,\).*written over in place.*x\.mul_\(100\)"):
        y.backward()
    z = leaf(0.0).exp()
    z += 1
    with pytest.raises(GraphError, match=r"exp needs its output.*z \+= 1"):
        z.sum().backward()


def test_what_the_graph_does_not_need_may_be_written_over():
    x = leaf(2.0)
    y = x * 3
    y += 1  # the slope of x·3 is 3, whatever y holds
    y.sum().backward()
    assert x.grad.tolist() == [3.0]
    c = (x * x).clone()
    c += 1
    c.sum().backward()
    assert x.grad.tolist() == [7.0]


def test_writing_to_data_leaves_an_older_graph_right():
    x = leaf(2.0)
    y = (x * x).sum()
    x.data.mul_(100)
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_what_is_added_to_a_plain_tensor_in_place_is_not_forgotten_in_silence():
    x, total = leaf(2.0), zeros(1)
    try:
        total += x * x
    except GraphError:
        return  # a refusal would do
    total.sum().backward()
    assert x.grad.tolist() == [4.0]


def test_in_place_keeps_shape_and_dtype():
    x = tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\(2, 2\).*\(2,\)"):
        x += ones(2, 2)
    x += tensor([1.0, 1.0], dtype=np.float64)
    assert x.dtype == np.float32


# --- memory and depth --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("function", "kept"),
    [
        (lambda x, y: x + y, set()),
        (lambda x, y: x - y, set()),
        (lambda x, y: -x, set()),
        (lambda x, y: x * y, {"x", "y"}),
        (lambda x, y: x * 2, {"y"}),
        (lambda x, y: x.exp(), {"ans"}),
        (lambda x, y: x.tanh(), {"ans"}),
        (lambda x, y: x.relu(), {"ans"}),
        (lambda x, y: x.sum(), set()),
        (lambda x, y: x.reshape(1, 2), set()),
        (lambda x, y: x[0], set()),
        (lambda x, y: x.softmax(0), {"ans"}),
        (lambda x, y: x.detach() * y, {"x"}),
        (lambda x, y: x @ y, {"x", "y"}),
        (lambda x, y: x.log(), {"x"}),
        (lambda x, y: x.sqrt(), {"ans"}),
    ],
)
def test_the_graph_keeps_what_the_rules_declare_and_backward_frees_it(function: Callable[..., Any], kept: set[str]):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = function(x, y)
    assert set(out.grad_fn.saved) == kept
    out.sum().backward()
    assert out.grad_fn.saved is None


def test_arrays_are_free_as_soon_as_nothing_needs_them():
    x = ones(1000, requires_grad=True)
    y = x * 2
    reference = weakref.ref(y)
    total = (y + 1).sum()  # neither rule keeps y
    del y
    gc.collect()
    assert reference() is None
    total.backward()
    assert x.grad.tolist() == [2.0] * 1000


def chain(x: Tensor, length: int) -> Tensor:
    for _ in range(length):
        x = x + 1
    return x


def test_a_chain_of_100_000_operations_goes_back_and_away():
    x = tensor(1.0, requires_grad=True)
    y = chain(x, 100_000)
    y.backward()
    assert x.grad.item() == 1.0
    del y  # 100,000 nodes hang on one another; C's stack must not unwind them
    gc.collect()


def test_forward_mode_does_not_recurse():
    _, t = jvp(lambda x: chain(x, 20_000), [tensor(1.0)], [tensor(2.0)])
    assert t.item() == 2.0
