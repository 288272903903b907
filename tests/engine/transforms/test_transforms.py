"""Transforms against torch.func: each program is written once and runs on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import ConfigError, DTypeError, GraphError, ShapeError

R = np.random.default_rng(0)
X, W, V = R.normal(size=(5, 3)), R.normal(size=(3, 2)), R.normal(size=(5, 3))
TARGET = R.normal(size=(5, 2))


class Both:
    """The names that a program uses, from either library."""

    def __init__(self, module: Any, func: Any) -> None:
        self.m, self.f = module, func
        self.x, self.w, self.v, self.y = (self.tensor(a) for a in (X, W, V, TARGET))

    def tensor(self, array: Any, **k: Any) -> Any:
        return self.m.tensor(array, dtype=self.m.float64, **k)


def loss(w: Any, x: Any, y: Any) -> Any:
    return (((x @ w).tanh() - y) ** 2).sum()


def _grad(b: Both) -> Any:
    return b.f.grad(loss)(b.w, b.x, b.y)


def _grad_of_two(b: Both) -> Any:
    return b.f.grad(loss, argnums=(0, 1))(b.w, b.x, b.y)


def _grad_of_a_dictionary(b: Both) -> Any:
    g = b.f.grad(lambda p, x: (x @ p["w"] + p["b"]).tanh().sum())({"w": b.w, "b": b.w[0]}, b.x)
    return [g["w"], g["b"]]


def _third_derivative(b: Both) -> Any:
    return b.f.grad(b.f.grad(b.f.grad(lambda x: x.exp() * x**2)))(b.tensor(0.7))


def _jacobians(b: Both) -> Any:
    def f(x: Any) -> Any:
        return (x @ b.w).sigmoid()

    return [b.f.jacrev(f)(b.x[0]), b.f.jacfwd(f)(b.x[0]), b.f.jacrev(f)(b.x[:2]), b.f.jacfwd(f)(b.x[:2])]


def _hessian(b: Both) -> Any:
    return b.f.hessian(loss)(b.w, b.x, b.y)


def _vjp_jvp(b: Both) -> Any:
    out, back = b.f.vjp(lambda x: (x * x).sin(), b.x)
    value, moved = b.f.jvp(lambda x, w: (x @ w).exp(), (b.x, b.w), (b.v, b.w * 2))
    return [out, *back(b.v), value, moved]


def _reverse_over_forward(b: Both) -> Any:
    return b.f.grad(lambda x: b.f.jvp(lambda z: (z**3).sum(), (x,), (b.v,))[1])(b.x)


def _per_example_gradients(b: Both) -> Any:
    return b.f.vmap(b.f.grad(loss), in_dims=(None, 0, 0))(b.w, b.x, b.y)


def _vmap_dims(b: Both) -> Any:
    return b.f.vmap(lambda a, c: a * c.sum(), in_dims=(1, 0), out_dims=1)(b.x, b.w)


def _vmap_of_vmap(b: Both) -> Any:
    return b.f.vmap(b.f.vmap(lambda a, c: (a * c).sum(), in_dims=(None, 1)), in_dims=(0, None))(b.x, b.w)


def _hessian_by_vmap(b: Both) -> Any:
    return b.f.vmap(b.f.hessian(lambda x: (x.tanh() ** 2).sum()))(b.x)


def _grad_through_vmap(b: Both) -> Any:
    return b.f.grad(lambda w: (b.f.vmap(lambda x: (x @ w).tanh().sum() ** 2)(b.x)).sum())(b.w)


def _jvp_through_vmap(b: Both) -> Any:
    return b.f.jvp(lambda x: b.f.vmap(lambda r: (r @ b.w).exp().sum())(x), (b.x,), (b.v,))


def _second_order_through_vmap(b: Both) -> Any:
    def f(w: Any) -> Any:
        return (b.f.vmap(lambda x: (x @ w).exp().sum())(b.x) ** 2).sum()

    return b.f.jacrev(b.f.grad(f))(b.w)


def _aux(b: Both) -> Any:
    return b.f.grad(lambda x: ((x**2).sum(), x * 3), has_aux=True)(b.x)


PROGRAMS: list[Callable[[Both], Any]] = [
    _grad, _grad_of_two, _grad_of_a_dictionary, _third_derivative, _jacobians, _hessian, _vjp_jvp,
    _reverse_over_forward, _per_example_gradients, _vmap_dims, _vmap_of_vmap, _hessian_by_vmap, _grad_through_vmap,
    _jvp_through_vmap, _second_order_through_vmap, _aux,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__.strip("_"))
@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_transforms_are_torchs(program: Callable[[Both], Any]):
    ours, theirs = program(Both(gw, gw.func)), program(Both(torch, torch.func))
    as_list = [(ours,), (theirs,)] if isinstance(theirs, torch.Tensor) else [ours, theirs]
    for i, (a, b) in enumerate(zip(*as_list, strict=True)):
        assert a.shape == tuple(b.shape), i
        assert not a.requires_grad, i
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-11, atol=1e-12, err_msg=str(i))


def test_hvp_is_the_hessian_times_the_vector():
    w, direction = gw.tensor(W), gw.tensor(W * 2 - 1)

    def f(w: Any) -> Any:
        return loss(w, gw.tensor(X), gw.tensor(TARGET))

    slope, product = gw.hvp(f, w, direction)
    full = gw.hessian(f)(w).reshape(6, 6)
    np.testing.assert_allclose(slope.numpy(), gw.func.grad(f)(w).numpy(), rtol=1e-13)
    np.testing.assert_allclose(product.numpy().ravel(), (full @ direction.reshape(6)).numpy(), rtol=1e-10)


def test_transforms_of_tensors_in_a_graph_stay_in_it():
    x = gw.tensor(2.0, requires_grad=True)
    slope = gw.func.grad(lambda z: z**3)(x)
    slope.backward()
    assert x.grad.item() == 12
    with gw.no_grad():
        assert not gw.func.grad(lambda z: z**3)(x).requires_grad


def test_parameters_that_a_function_uses_get_their_gradients():
    w = gw.tensor(W, requires_grad=True)
    ws = torch.tensor(W, requires_grad=True)
    x = gw.tensor(X)
    gw.vmap(lambda r: ((r @ (w * 2)) ** 3).sum())(x).sum().backward()
    ((torch.tensor(X) @ (ws * 2)) ** 3).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), ws.grad.numpy(), rtol=1e-12)
    w.grad = ws.grad = None
    # a penalty on the gradient: the derivative of a derivative, by a parameter that is not an argument
    (gw.func.grad(lambda z: ((z @ w).tanh()).sum())(x) ** 2).sum().backward()
    xs = torch.tensor(X, requires_grad=True)
    (g,) = torch.autograd.grad((xs @ ws).tanh().sum(), xs, create_graph=True)
    (g**2).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), ws.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("transform", [lambda f: f, lambda f: lambda x: gw.checkpoint(f, x), gw.vmap])
def test_what_a_function_uses_may_be_made_from_something_else_that_it_uses(transform):
    leaf = gw.tensor(3.0, requires_grad=True)
    calls = []
    leaf.register_hook(lambda g: calls.append("leaf"))
    inner = leaf * 1
    made = inner * 2
    made.register_hook(lambda g: calls.append("made"))
    x = gw.tensor([2.0, 1.0], requires_grad=True)
    transform(lambda x: x * made * inner * leaf)(x).sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), 6 * 3.0**2 * 3.0)
    np.testing.assert_allclose(x.grad.numpy(), [54.0, 54.0])
    assert calls == ["made", "leaf"]  # once each


def test_transforms_compile():
    def both(x: Any) -> Any:
        per_row = gw.vmap(gw.func.grad(lambda r: (r @ gw.tensor(W)).tanh().sum()))(x)
        return per_row, gw.func.grad(lambda z: gw.checkpoint(lambda a: (a * a).sin(), z).sum())(x)

    for a, b in zip(gw.compile(both)(gw.tensor(X)), both(gw.tensor(X)), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


# --- random numbers under vmap ---------------------------------------------------------------------------------------
def test_random_draws_under_vmap():
    x = gw.zeros(4, 3)

    def noisy(row: Any) -> Any:
        return gw.nn.functional.dropout(row + 1, 0.5)

    with pytest.raises(GraphError, match="randomness='same'"):
        gw.vmap(noisy)(x)
    same = gw.vmap(noisy, randomness="same")(gw.zeros(40, 30)).numpy()
    assert (same == same[0]).all()
    gw.manual_seed(1)
    different = gw.vmap(noisy, randomness="different")(gw.zeros(40, 300)).numpy()
    assert len(np.unique(different, axis=0)) == 40
    assert abs((different > 0).mean() - 0.5) < 0.02
    again = gw.vmap(noisy, randomness="different")(gw.zeros(40, 300)).numpy()
    assert (again != different).any()


# --- checkpoint -------------------------------------------------------------------------------------------------------
def test_checkpoint_calls_twice_and_gives_the_same_gradients():
    calls = []
    w = gw.tensor(W, requires_grad=True)
    x = gw.tensor(X, requires_grad=True)

    def block(x: Any) -> Any:
        calls.append(1)
        return gw.nn.functional.dropout((x @ w).tanh(), 0.5)

    found = []
    for run in (block, lambda x: gw.checkpoint(block, x)):
        gw.manual_seed(3)
        x.grad = w.grad = None
        out = run(x * 1)
        after = gw.rand(1).item()
        (out**2).sum().backward()
        found.append([out.detach().numpy(), x.grad.numpy(), w.grad.numpy(), after, gw.rand(1).item()])
    assert len(calls) == 1 + 2
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoint_can_be_differentiated_twice_and_forward():
    def f(x: Any) -> Any:
        return gw.checkpoint(lambda a, s: {"out": (a * s).exp() * a}, x, 2.0)["out"].sum()

    def g(x: Any) -> Any:
        return ((x * 2.0).exp() * x).sum()

    x = gw.tensor(X)
    np.testing.assert_allclose(gw.hessian(f)(x).numpy(), gw.hessian(g)(x).numpy(), rtol=1e-12)
    np.testing.assert_allclose(gw.jacfwd(f)(x).numpy(), gw.jacfwd(g)(x).numpy(), rtol=1e-12)
    np.testing.assert_allclose(gw.jacrev(gw.jacrev(f))(x).numpy(), gw.hessian(g)(x).numpy(), rtol=1e-12)


def test_checkpoint_keeps_nothing_of_the_inside():
    import tracemalloc

    w = [gw.tensor(R.normal(size=(40, 40)) / 6, requires_grad=True) for _ in range(64)]
    x = gw.tensor(R.normal(size=(1000, 40)))

    def peak(cut: int) -> int:
        def block(h: Any, k: int) -> Any:
            for m in w[k : k + cut]:
                h = (h @ m).tanh()
            return h

        tracemalloc.start()
        h = x
        for k in range(0, 64, cut):
            h = gw.checkpoint(block, h, k) if cut < 64 else block(h, k)
        h.sum().backward()
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        for m in w:
            m.grad = None
        return top

    # 64 activations against 8 + 8 and what passes through
    assert peak(8) < 0.4 * peak(64)


# --- what is refused --------------------------------------------------------------------------------------------------
def test_what_makes_no_sense_is_refused_in_words():
    x = gw.ones(3)
    with pytest.raises(GraphError, match=r"one number.*shape \(3,\)"):
        gw.func.grad(lambda x: x * 2)(x)
    with pytest.raises(GraphError, match=r"one number.*float"):
        gw.func.grad(lambda x: 2.0)(x)
    with pytest.raises(DTypeError, match="int64"):
        gw.func.grad(lambda x: x.sum())(gw.tensor([1, 2]))
    with pytest.raises(DTypeError, match="argument 0 holds no Tensor, but float"):
        gw.func.grad(lambda x: x)(1.0)
    with pytest.raises(ShapeError, match=r"argnums 2.*1 arguments"):
        gw.func.grad(lambda x: x.sum(), argnums=2)(x)
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        gw.vjp(lambda x: x, x)[1](gw.ones(2))
    with pytest.raises(ShapeError, match=r"tangent 0 has shape \(2,\).*\(3,\)"):
        gw.jvp(lambda x: x, [x], [gw.ones(2)])
    with pytest.raises(ShapeError, match="one length"):
        gw.vmap(lambda a, b: a + b)(gw.ones(3), gw.ones(2))
    with pytest.raises(ShapeError, match="2 entries for 1"):
        gw.vmap(lambda a: a, in_dims=(0, 0))(x)
    with pytest.raises(ConfigError, match="randomness"):
        gw.vmap(lambda a: a, randomness="often")
    with pytest.raises(ConfigError, match="mode"):
        gw.jacobian(lambda a: a, mode="sideways")
    with pytest.raises(GraphError, match="must return Tensors, got float"):
        gw.vmap(lambda a: (a, 2.0))(x)
