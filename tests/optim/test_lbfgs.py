"""L-BFGS beside PyTorch's, with and without line search."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import optim
from gradwright.errors import CompileError, ConfigError, StateError

from .conformance import FEATURES, FLAGS, HESSIAN, START, best_logistic_loss

SETTINGS = {
    "plain": {"lr": 0.5},
    "short memory": {"lr": 0.3, "history_size": 2, "max_iter": 7},
    "line search": {"line_search_fn": "strong_wolfe"},
    "line search, few calls": {"line_search_fn": "strong_wolfe", "max_eval": 6, "max_iter": 9, "history_size": 3},
    "line search, far": {"line_search_fn": "strong_wolfe", "lr": 10.0, "max_iter": 5},
}


def rosenbrock(w):
    return ((1 - w[:-1]) ** 2 + 100 * (w[1:] - w[:-1] ** 2) ** 2).sum()


PROBLEMS = {
    "quadratic": (START, lambda w, of: 0.5 * (w @ (of(HESSIAN) @ w))),
    "rosenbrock": (np.array([-1.2, 1.0, 0.5]), lambda w, of: rosenbrock(w)),
    "logistic": (
        np.zeros(3),
        lambda w, of: (1 + (of(FEATURES) @ w).exp()).log().mean() - (of(FLAGS) * (of(FEATURES) @ w)).mean(),
    ),
}


def closure(opt, loss, calls):
    def run():
        opt.zero_grad()
        value = loss()
        value.backward()
        calls.append(float(value.detach()))
        return value

    return run


def both(problem, options):
    start, loss = PROBLEMS[problem]
    w, t = gw.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = optim.LBFGS([w], **options), torch.optim.LBFGS([t], **options)
    calls: tuple[list, list] = ([], [])
    return (
        (w, ours, closure(ours, lambda: loss(w, gw.tensor), calls[0])),
        (t, theirs, closure(theirs, lambda: loss(t, torch.tensor), calls[1])),
        calls,
    )


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_evaluation_is_pytorchs(problem, options):
    (w, ours, a), (t, theirs, b), calls = both(problem, options)
    for _ in range(2 if problem == "rosenbrock" else 6):  # whose valley multiplies rounding
        first, expected = ours.step(a), theirs.step(b)
        assert first.item() == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-8, atol=1e-8)
    assert len(calls[0]) == len(calls[1])
    np.testing.assert_allclose(calls[0], calls[1], rtol=1e-7, atol=1e-12)
    memory = theirs.state_dict()["state"][0]
    assert ours.state_dict()["state"][0]["func_evals"] == memory["func_evals"] > 5
    assert ours.state_dict()["state"][0]["n_iter"] == memory["n_iter"]


def test_a_hundred_iterations_are_pytorchs():
    (w, ours, a), (t, theirs, b), _ = both("quadratic", {"lr": 1e-3, "max_iter": 1, "history_size": 5})
    for _ in range(100):
        ours.step(a)
        theirs.step(b)
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-10, atol=1e-10)


def test_the_minima_are_reached():
    for problem, least in (("quadratic", 0), ("rosenbrock", 0)):
        (w, ours, a), _, _ = both(problem, {"line_search_fn": "strong_wolfe", "max_iter": 100, "history_size": 10})
        ours.step(a)
        assert PROBLEMS[problem][1](w, gw.tensor).item() == pytest.approx(least, abs=1e-8)
    w = gw.zeros(3, requires_grad=True, dtype=gw.float64)
    ours = optim.LBFGS([w], line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def loss():
        return PROBLEMS["logistic"][1](w, gw.tensor) + 0.01 * (w * w).sum()

    ours.step(closure(ours, loss, []))
    assert loss().item() == pytest.approx(best_logistic_loss(), rel=1e-9)


@pytest.mark.parametrize("options", [SETTINGS["short memory"], SETTINGS["line search"]], ids=["plain", "search"])
def test_states_go_on_here_and_in_pytorch(options):
    (w, ours, a), (t, theirs, b), _ = both("rosenbrock", options)
    for _ in range(2):
        ours.step(a)
        theirs.step(b)
    (w2, ours2, a2), (t2, theirs2, b2), _ = both("rosenbrock", {"lr": 0.9})
    with gw.no_grad(), torch.no_grad():
        w2.copy_(w)
        t2.copy_(t)

    def given_to_torch(value):
        if isinstance(value, list):
            return [given_to_torch(v) for v in value]
        return torch.tensor(value.numpy()) if isinstance(value, gw.Tensor) else value

    saved = ours.state_dict()
    crossed = {
        "state": {0: {k: given_to_torch(v) for k, v in saved["state"][0].items()}},
        "param_groups": saved["param_groups"],
    }
    ours2.load_state_dict(theirs.state_dict())
    theirs2.load_state_dict(crossed)
    again = gw.tensor(w.detach().numpy().copy(), requires_grad=True)
    same = optim.LBFGS([again])
    same.load_state_dict(saved)
    for _ in range(2):
        ours.step(a)
        ours2.step(a2)
        theirs2.step(b2)
        same.step(closure(same, lambda: rosenbrock(again), []))
    np.testing.assert_array_equal(again.detach().numpy(), w.detach().numpy())
    np.testing.assert_allclose(w2.detach().numpy(), w.detach().numpy(), rtol=1e-8)
    np.testing.assert_allclose(t2.detach().numpy(), w.detach().numpy(), rtol=1e-8)


def test_a_state_of_other_parameters_changes_nothing():
    (_, ours, a), _, _ = both("quadratic", {})
    ours.step(a)
    before = ours.state_dict()
    other = optim.LBFGS([gw.tensor(np.ones(4), requires_grad=True)], lr=0.5)
    with pytest.raises(StateError, match="has shape"):
        other.load_state_dict(before)
    assert other.state_dict()["state"] == {}
    assert other.param_groups[0]["lr"] == 0.5


def test_parameters_of_several_shapes_and_without_gradient():
    start = [np.array([[0.5, -1.0]]), np.array(2.0), np.ones(3)]
    ours_params = [gw.tensor(v, requires_grad=True) for v in start]
    theirs_params = [torch.tensor(v, requires_grad=True) for v in start]
    for opt, (a, b, _) in (
        (optim.LBFGS(ours_params, max_iter=8), ours_params),
        (torch.optim.LBFGS(theirs_params, max_iter=8), theirs_params),
    ):
        opt.step(closure(opt, lambda a=a, b=b: ((a - 3) ** 4).sum() + (b * a[0, 0] - 1) ** 2, []))
    for p, q in zip(ours_params, theirs_params, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10)


def test_a_compiled_closure_serves_it_and_a_compiled_step_says_so():
    (w, ours, a), _, _ = both("rosenbrock", {"line_search_fn": "strong_wolfe", "max_iter": 8})
    (v, again, _), _, _ = both("rosenbrock", {"line_search_fn": "strong_wolfe", "max_iter": 8})

    @gw.compile
    def compiled():
        v.grad = None
        loss = rosenbrock(v)
        loss.backward()
        return loss

    ours.step(a)
    again.step(compiled)
    assert compiled.traces <= 2  # without a gradient before, and with one
    np.testing.assert_allclose(v.detach().numpy(), w.detach().numpy(), rtol=1e-9)
    with pytest.raises(CompileError, match="Compile the closure instead"):
        gw.compile(lambda: ours.step(a))()


def test_a_loss_that_is_not_finite_does_as_pytorchs_does():
    def overflowing(w):  # finite at the start only
        return (w**200).sum()

    w, t = gw.tensor([1.5], dtype=gw.float64, requires_grad=True), torch.tensor([1.5], requires_grad=True)
    for opt, x in ((optim.LBFGS([w], lr=1e4), w), (torch.optim.LBFGS([t], lr=1e4), t)):
        for _ in range(2):
            opt.step(closure(opt, lambda x=x: overflowing(x), []))
    np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy())


def test_what_makes_no_sense_is_refused():
    w, v = gw.zeros(2, requires_grad=True), gw.zeros(2, requires_grad=True)
    with pytest.raises(ConfigError, match="one group only"):
        optim.LBFGS([{"params": w}, {"params": v}])
    with pytest.raises(ConfigError, match="line_search_fn"):
        optim.LBFGS([w], line_search_fn="armijo")
    with pytest.raises(ConfigError, match="history_size"):
        optim.LBFGS([w], history_size=0)
    with pytest.raises(ConfigError, match="lr must be at least 0"):
        optim.LBFGS([w], lr=-1.0)
    with pytest.raises(ConfigError, match="needs a closure"):
        optim.LBFGS([w]).step()
