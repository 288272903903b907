"""Newton's method beside float64 formulas with PyTorch's Hessians."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, GraphError, LinAlgError, StateError

from .conformance import FEATURES, FLAGS, HESSIAN, START, X, Y, best_logistic_loss


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def wavy(w):
    """Not convex: where it starts, the Hessian has a negative eigenvalue."""
    return (w**4).sum() / 4 - (w * w).sum() + w[0] * w[1] + w[2]


PROBLEMS = {"rosenbrock": ([-1.2, 1.0], rosenbrock), "wavy": ([0.1, -0.3, 0.2], wavy)}


def derivatives(loss, x):
    """Value, gradient and Hessian by PyTorch."""
    t = torch.tensor(x, requires_grad=True)
    value = loss(t)
    (slope,) = torch.autograd.grad(value, t)
    return value.item(), slope.numpy(), torch.autograd.functional.hessian(loss, t).numpy()


def reference(loss, x, steps, lr, damping, adaptive, sign=1.0):
    """Levenberg and Marquardt's loop, by the textbook; every place it was at."""
    places = []
    for _ in range(steps):
        f, g, h = derivatives(loss, x)
        new = x + lr * np.linalg.solve(sign * h + damping * np.eye(len(x)), -sign * g)
        if not adaptive:
            x = new
        elif sign * derivatives(loss, new)[0] <= sign * f:
            x, damping = new, damping / 10
        else:
            damping *= 10
        places.append(x)
    return places


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(
    "options",
    [{"damping": 0.5}, {"damping": 10.0, "adaptive": False, "lr": 0.3}, {"lr": 0.2, "damping": 3.0, "maximize": True}],
    ids=["adaptive", "constant", "upwards"],
)
def test_steps_are_the_formulas(problem, options, compiled):
    start, loss = PROBLEMS[problem]
    sign = -1.0 if options.get("maximize") else 1.0
    w = gw.tensor(start, dtype=gw.float64, requires_grad=True)
    opt = optim.Newton([w], **options)

    def one(_=None):
        return opt.step(lambda: sign * loss(w))

    step = gw.compile(one) if compiled else one
    places = reference(
        lambda t: sign * loss(t), np.array(start), 30 if compiled else 100, options.get("lr", 1.0),
        options["damping"], options.get("adaptive", True), sign,
    )  # fmt: skip
    for place in places:
        step(None)
        np.testing.assert_allclose(w.detach().numpy(), place, rtol=1e-10, atol=1e-10)
    if compiled:
        assert step.traces == 1


def test_products_and_the_exact_hessian_agree_and_few_iterations_are_the_papers():
    ends = []
    for more in ({}, {"max_exact": 0, "cg_tol": 1e-13}):
        w = gw.tensor(START, requires_grad=True)
        opt = optim.Newton([w], damping=0.1, adaptive=False, **more)
        for _ in range(3):
            opt.step(lambda w=w: (w @ (gw.tensor(HESSIAN) @ w)) / 2 + (w**4).sum())
        ends.append(w.detach().numpy())
    np.testing.assert_allclose(*ends, rtol=1e-9)
    w = gw.tensor(START, requires_grad=True)
    optim.Newton([w], damping=0.1, adaptive=False, max_exact=0, cg_iter=3, cg_tol=0.0).step(
        lambda: (w @ (gw.tensor(HESSIAN) @ w)) / 2
    )
    # Hestenes and Stiefel
    a, b, d = HESSIAN + 0.1 * np.eye(6), -HESSIAN @ START, np.zeros(6)
    r = b.copy()
    p = r
    for _ in range(3):
        alpha = r @ r / (p @ a @ p)
        d, new = d + alpha * p, r - alpha * a @ p
        p, r = new + new @ new / (r @ r) * p, new
    np.testing.assert_allclose(w.detach().numpy(), START + d, rtol=1e-11)


def test_products_end_at_a_direction_curved_the_wrong_way():
    for curvature, expected in (([-2.0, -3.0], None), ([5.0, -1e-9], "first direction kept")):
        w = gw.tensor([1.0, 1.0], dtype=gw.float64, requires_grad=True)
        opt = optim.Newton([w], damping=0.0, adaptive=False, max_exact=0)
        h = np.array(curvature)
        opt.step(lambda w=w, h=h: (gw.tensor(h) * w * w).sum() / 2)
        g = h * 1.0
        if expected is None:
            np.testing.assert_allclose(w.detach().numpy(), 1 - g)  # the gradient itself
        else:
            np.testing.assert_allclose(w.detach().numpy(), 1 - (g @ g) / (g @ (h * g)) * g)


def network(max_exact):
    with gw.use_generator(gw.Generator(0)):
        model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    x, y = gw.tensor(X), gw.tensor(Y)
    opt = optim.Newton(model.parameters(), damping=0.3, max_exact=max_exact, cg_iter=30, cg_tol=1e-12)
    return model, opt, lambda: nn.functional.mse_loss(model(x), y)


@pytest.mark.parametrize("max_exact", [200, 0], ids=["exact", "products"])
def test_a_network_eager_and_compiled(max_exact):
    model, opt, loss = network(max_exact)
    other, same, other_loss = network(max_exact)
    step = gw.compile(lambda _: same.step(other_loss), state=[other, same])
    losses = [opt.step(loss).item() for _ in range(8)]
    np.testing.assert_allclose(step.scan(np.zeros(8)).numpy(), losses, rtol=1e-9)
    assert losses[-1] < 0.75 * losses[0]
    assert all(b <= a for a, b in itertools.pairwise(losses)), "a step that rises is not taken"
    assert model.state_dict().keys() == other.state_dict().keys()


def test_a_population_has_its_own_damping():
    def member(damping):
        w = gw.tensor(PROBLEMS["wavy"][0], dtype=gw.float64, requires_grad=True)
        opt = optim.Newton([w], damping=damping)
        ends.append(w)
        return lambda _: opt.step(lambda: wavy(w))

    ends: list[gw.Tensor] = []
    gw.Population(member, [{"damping": d} for d in (0.1, 3.0)], seeds=[0, 0]).scan(np.zeros(6))
    for w, damping in zip(ends, (0.1, 3.0), strict=True):
        expected = reference(wavy, np.array(PROBLEMS["wavy"][0]), 6, 1.0, damping, True)[-1]
        np.testing.assert_allclose(w.detach().numpy(), expected, rtol=1e-9)


def test_it_converges_where_gradients_crawl():
    w = gw.tensor(START, requires_grad=True)
    opt = optim.Newton([w])
    for _ in range(6):
        opt.step(lambda: 0.5 * (w @ (gw.tensor(HESSIAN) @ w)))
    assert 0.5 * w.detach().numpy() @ HESSIAN @ w.detach().numpy() < 1e-12
    w = gw.tensor([-1.2, 1.0], dtype=gw.float64, requires_grad=True)
    opt = optim.Newton([w])
    for _ in range(60):
        opt.step(lambda: rosenbrock(w))
    assert rosenbrock(w).item() < 1e-20
    w = gw.zeros(3, dtype=gw.float64, requires_grad=True)
    opt = optim.Newton([w])
    for _ in range(8):
        scores = None
        opt.step(
            lambda w=w: (
                nn.functional.binary_cross_entropy_with_logits(gw.tensor(FEATURES) @ w, gw.tensor(FLAGS))
                + 0.01 * (w * w).sum()
            )
        )
    scores = FEATURES @ w.detach().numpy()
    end = np.logaddexp(0, scores).mean() - (FLAGS * scores).mean() + 0.01 * (w.detach().numpy() ** 2).sum()
    assert end == pytest.approx(best_logistic_loss(), rel=1e-12)


def test_a_saved_state_goes_on_bit_for_bit():
    def train(w, opt, steps):
        for _ in range(steps):
            opt.step(lambda: rosenbrock(w))

    w = gw.tensor([-1.2, 1.0], dtype=gw.float64, requires_grad=True)
    opt = optim.Newton([w])
    train(w, opt, 4)
    saved, at = opt.state_dict(), w.detach().numpy().copy()
    train(w, opt, 4)
    v = gw.tensor(at, requires_grad=True)
    other = optim.Newton([v], lr=0.5)
    other.load_state_dict(saved)
    train(v, other, 4)
    np.testing.assert_array_equal(v.detach().numpy(), w.detach().numpy())
    assert other.state_dict()["state"][0]["step"] == 8
    with pytest.raises(StateError, match="not saved by Newton"):
        other.load_state_dict(optim.SGD([v]).state_dict())


def test_a_step_that_is_not_finite_is_refused():
    w = gw.tensor([1.5], dtype=gw.float64, requires_grad=True)
    opt = optim.Newton([w])
    for _ in range(3):
        opt.step(lambda: (w * float("nan")).sum())
    np.testing.assert_array_equal(w.detach().numpy(), [1.5])
    opt.step(lambda: (w * w).sum() * 1.0)
    assert abs(w.item()) < 1.5


def test_a_loss_of_which_some_parameters_are_no_part_and_one_that_is_linear():
    w, unused = gw.tensor([1.0, 2.0], dtype=gw.float64, requires_grad=True), gw.zeros(2, requires_grad=True)
    frozen = gw.tensor([3.0])
    optim.Newton([w, unused, frozen], damping=1.0, adaptive=False).step(lambda: w.sum() + (frozen**2).sum())
    np.testing.assert_allclose(w.detach().numpy(), [0.0, 1.0])  # nothing but the damping curves it
    np.testing.assert_array_equal(unused.detach().numpy(), 0)
    assert unused.dtype == np.float32


def test_what_makes_no_sense_is_refused():
    w, v = gw.ones(2, requires_grad=True), gw.zeros(2, requires_grad=True)
    with pytest.raises(LinAlgError, match="singular"):
        optim.Newton([w], damping=0.0, adaptive=False).step(lambda: (w.sum()) ** 2)
    with pytest.raises(ConfigError, match="one group only"):
        optim.Newton([{"params": w}, {"params": v}])
    with pytest.raises(ConfigError, match="damping must be at least 0"):
        optim.Newton([w], damping=-1.0)
    with pytest.raises(ConfigError, match="cg_iter"):
        optim.Newton([w], cg_iter=0)
    with pytest.raises(ConfigError, match="needs a closure"):
        optim.Newton([w]).step()

    def backward_inside():
        loss = (w * w).sum()
        loss.backward()
        return loss

    with pytest.raises(GraphError, match="without calling backward"):
        optim.Newton([w]).step(backward_inside)
