"""scan: against the same loop written out on PyTorch, in both modes, to second order, eagerly and compiled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import func
from gradwright.errors import GraphError, ShapeError

R = np.random.default_rng(0)
T, B, H = 6, 3, 4
W, BIAS = R.normal(size=(H, H)) / 2, R.normal(size=H)
X, START = R.normal(size=(T, B, H)), R.normal(size=(B, H))
DIRECTIONS = [R.normal(size=a.shape) for a in (W, BIAS, X, START)]


def body(w, also_w, bias):
    """A step that uses what was made outside, one of them from another, and gives a nest."""

    def step(carry, x):
        new = (carry["h"] @ w + x + bias + carry["h"] @ also_w).tanh()
        return {"h": new}, (new * new, new.sum())

    return step


def loss(last, ys, sums):
    return (last["h"] * last["h"].sin()).sum() + (ys * ys * sums.reshape(-1, 1, 1)).sum()


def ours(w, bias, x, start, reverse=False):
    turned = w.T
    last, (ys, sums) = func.scan(body(turned, turned * 0.1, bias), {"h": start}, x, reverse=reverse)
    return loss(last, ys, sums)


def theirs(w, bias, x, start, reverse=False):
    step, carry = body(w.T, w.T * 0.1, bias), {"h": start}
    found = [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        carry, found[t] = step(carry, x[t])
    return loss(carry, torch.stack([y for y, _ in found]), torch.stack([s for _, s in found]))


def everything(m, f, function):
    """Return value, gradient, and second derivatives by three ways of nesting the modes, of four arguments."""
    directions = tuple(m.tensor(d) for d in DIRECTIONS)

    def run(*points):
        def gradient(*p):
            return f.grad(function, argnums=(0, 1, 2, 3))(*p)

        def along(*p):
            return f.jvp(function, p, directions)[1]

        def slope(*p):
            return sum((g * d).sum() for g, d in zip(gradient(*p), directions, strict=True))

        return (
            function(*points),
            *gradient(*points),
            along(*points),
            *f.jvp(gradient, points, directions)[1],
            *f.grad(along, argnums=(0, 1, 2, 3))(*points),
            *f.grad(slope, argnums=(0, 1, 2, 3))(*points),
        )

    return run


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # its own doing, at the first jvp
@pytest.mark.parametrize("reverse", [False, True])
def test_all_derivatives_are_those_of_the_loop_written_out(reverse):
    points = (W, BIAS, X, START)
    expected = everything(torch, torch.func, lambda *p: theirs(*p, reverse))(*map(torch.tensor, points))
    run = everything(gw, func, lambda *p: ours(*p, reverse))
    for found in (run(*map(gw.tensor, points)), gw.compile(run)(*map(gw.tensor, points))):
        assert len(found) == len(expected) == 18
        for a, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-11, atol=1e-11)


def test_parameters_that_the_body_uses_get_their_gradients_through_each_other_too():
    grads = []
    for compiled in (False, True):
        w = gw.Parameter(gw.tensor(W))

        def step(x, w=w):
            ours(w, w[0], x, w[1:].sum(0) + x[0]).backward()
            return w.grad

        grads.append((gw.compile(step, state=[w]) if compiled else step)(gw.tensor(X)).numpy())
    t = torch.tensor(W, requires_grad=True)
    theirs(t, t[0], torch.tensor(X), t[1:].sum(0) + torch.tensor(X)[0]).backward()
    for found in grads:
        np.testing.assert_allclose(found, t.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_the_program_does_not_grow_with_the_length():
    def count(jaxpr):
        inner = [v.jaxpr for e in jaxpr.eqns for v in e.params.values() if hasattr(v, "jaxpr")]
        return len(jaxpr.eqns) + sum(map(count, inner))

    sizes = []
    for length in (2, 50):
        step = gw.compile(func.grad(ours, argnums=(0, 1, 2, 3)))
        step(*map(gw.tensor, (W, BIAS, np.resize(X, (length, B, H)), START)))
        (program,) = step._programs.values()
        sizes.append(count(program.jaxpr.jaxpr))
    assert sizes[0] == sizes[1]


def test_random_draws_differ_from_step_to_step_and_are_the_same_compiled():
    def run(x):
        x.requires_grad_()
        _, ys = func.scan(lambda c, x: (c + 1, gw.nn.functional.dropout(x, 0.5)), gw.tensor(0.0), x)
        ys.sum().backward()
        return ys, x.grad, gw.rand(2)

    results = []
    for function in (run, gw.compile(run)):
        with gw.use_generator(gw.Generator(3)) as generator:
            results.append([r.detach().numpy() for r in function(gw.ones(5, 40))])
            assert generator.get_state()[2] == 6
    for eager, compiled in zip(*results, strict=True):
        np.testing.assert_array_equal(eager, compiled)
    kept, gradient, _ = results[0]
    assert len(np.unique(kept, axis=0)) == 5
    np.testing.assert_array_equal(kept, gradient)  # backward repeats the draws


def test_under_vmap():
    x = gw.tensor(R.normal(size=(2, T, B, H)))
    mapped = gw.vmap(func.grad(ours, argnums=2), in_dims=(None, None, 0, None))
    found = gw.compile(mapped)(gw.tensor(W), gw.tensor(BIAS), x, gw.tensor(START))
    for i in range(2):
        alone = func.grad(ours, argnums=2)(gw.tensor(W), gw.tensor(BIAS), x[i], gw.tensor(START))
        np.testing.assert_allclose(found[i].numpy(), alone.numpy(), rtol=1e-12, atol=1e-12)


def test_another_axis():
    x = gw.tensor(X)

    def run(x):
        return func.scan(lambda c, x: (c + x, c * x), gw.zeros(T, H, dtype=gw.float64), x, dim=1)[1]

    expected = (np.cumsum(X, 1) - X) * X
    np.testing.assert_allclose(run(x).numpy(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gw.compile(run)(x).numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_what_makes_no_sense_is_refused_in_words(compiled):
    def tell(function, init, xs):
        return gw.compile(lambda: func.scan(function, init, xs))() if compiled else func.scan(function, init, xs)

    c, x = gw.zeros(2), gw.zeros(3, 2)
    with pytest.raises(ShapeError, match=r"scan: the carry must keep .*\(2,\).*went as .*\(1,\)"):
        tell(lambda c, x: (c[:1], x), c, x)
    with pytest.raises(ShapeError, match="carry"):
        tell(lambda c, x: (c.double(), x), c, x)
    with pytest.raises(ShapeError, match=r"one length along dim 0.*\(3, 2\), \(4, 2\)"):
        tell(lambda c, x: (c, x), c, (x, gw.zeros(4, 2)))
    with pytest.raises(ShapeError, match="at least 1"):
        tell(lambda c, x: (c, x), c, gw.zeros(0, 2))
    with pytest.raises(GraphError, match=r"\(carry, y\)"):
        tell(lambda c, x: c, c, x)
