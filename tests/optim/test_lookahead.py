"""Lookahead beside Optax's, round rules of several kinds, eager, compiled and in a population."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import gradwright as gw
from gradwright import optim
from gradwright.errors import ConfigError, StateError

from .conformance import HESSIAN, START

INNER = {
    "sgd": (lambda p: optim.SGD(p, lr=0.01, momentum=0.9), lambda: optax.sgd(0.01, momentum=0.9)),
    "adam": (lambda p: optim.Adam(p, lr=0.05), lambda: optax.adam(0.05)),
}


def train(w, opt, steps):
    h = gw.tensor(HESSIAN)
    for _ in range(steps):
        opt.zero_grad()
        (0.5 * (w @ (h @ w))).backward()
        opt.step()


@pytest.mark.parametrize(("k", "alpha"), [(5, 0.5), (1, 0.3), (7, 1.0), (3, 0.0)])
@pytest.mark.parametrize("inner", INNER)
def test_100_steps_are_optaxs(inner, k, alpha):
    ours, theirs = INNER[inner]
    w = gw.tensor(START, requires_grad=True)
    opt = optim.Lookahead(ours([w]), k=k, alpha=alpha)
    with jax.enable_x64(True):
        rule = optax.lookahead(theirs(), sync_period=k, slow_step_size=alpha)
        params = optax.LookaheadParams.init_synced(jnp.asarray(START))
        state = rule.init(params)
        update = jax.jit(rule.update)
        for _ in range(100):
            train(w, opt, 1)
            updates, state = update(jnp.asarray(HESSIAN) @ params.fast, state, params)
            params = optax.apply_updates(params, updates)
            np.testing.assert_allclose(w.detach().numpy(), np.asarray(params.fast), rtol=1e-10, atol=1e-12)
            slow = opt.state_dict()["Lookahead"]["slow"][0].numpy()
            np.testing.assert_allclose(slow, np.asarray(params.slow), rtol=1e-10, atol=1e-12)


def test_compiled_is_eager_when_numbers_change_and_traced_once():
    ws = [gw.tensor(START, requires_grad=True) for _ in range(2)]
    opts = [optim.Lookahead(optim.Adam([w], lr=0.05)) for w in ws]
    w, opt = ws[0], opts[0]
    step = gw.compile(lambda _: train(w, opt, 1), state=[ws[0], opts[0]])
    for i in range(40):
        for each in opts:
            each.k, each.alpha = 5 if i < 20 else 3, 0.5 / (1 + i)
            each.param_groups[0]["lr"] = 0.05 / (1 + i)
        step(None)
        train(ws[1], opts[1], 1)
        np.testing.assert_allclose(ws[0].detach().numpy(), ws[1].detach().numpy(), rtol=1e-11)
    assert step.traces == 1


def test_a_population_with_other_numbers_is_each_alone():
    members = [{"k": 2, "alpha": 0.5}, {"k": 3, "alpha": 0.9}]

    def member(**options):
        w = gw.tensor(START, requires_grad=True)
        opt = optim.Lookahead(optim.SGD([w], lr=0.01, momentum=0.5), **options)
        made.append((w, opt))
        return lambda _: train(w, opt, 1) or gw.zeros(())

    made: list = []
    gw.Population(member, members, seeds=[0, 0]).scan(np.zeros(11))
    together = [w.detach().numpy() for w, _ in made]
    for options, end in zip(members, together, strict=True):
        alone = member(**options)
        for _ in range(11):
            alone(None)
        np.testing.assert_allclose(end, made[-1][0].detach().numpy(), rtol=1e-12)


def test_a_saved_state_goes_on_bit_for_bit():
    w = gw.tensor(START, requires_grad=True)
    opt = optim.Lookahead(optim.Adam([w], lr=0.05), k=4)
    train(w, opt, 6)
    saved, at = opt.state_dict(), w.detach().numpy().copy()
    train(w, opt, 7)
    v = gw.tensor(at, requires_grad=True)
    other = optim.Lookahead(optim.Adam([v]), k=2, alpha=0.1)
    before = other.state_dict()
    for bad in (optim.Adam([v]).state_dict(), {**saved, "Lookahead": {**saved["Lookahead"], "slow": [np.zeros(2)]}}):
        with pytest.raises(StateError, match="load_state_dict"):
            other.load_state_dict(bad)
        assert other.param_groups[0]["lr"] == before["param_groups"][0]["lr"]
    other.load_state_dict(saved)
    assert (other.k, other.alpha, other.param_groups[0]["lr"]) == (4, 0.5, 0.05)
    train(v, other, 7)
    np.testing.assert_array_equal(v.detach().numpy(), w.detach().numpy())


def test_weights_loaded_before_the_first_step_are_where_it_starts():
    w = gw.tensor(START, requires_grad=True)
    opt = optim.Lookahead(optim.SGD([w], lr=0.01), k=1, alpha=0.5)
    with gw.no_grad():
        w.copy_(gw.tensor(START + 1))
    train(w, opt, 1)
    np.testing.assert_allclose(w.detach().numpy(), START + 1 - 0.005 * HESSIAN @ (START + 1), rtol=1e-12)


def test_groups_closures_and_wrappers_of_wrappers():
    w, v = gw.tensor(START, requires_grad=True), gw.tensor(START, requires_grad=True)
    opt = optim.Lookahead(optim.SGD([w], lr=0.1), k=2)
    opt.add_param_group({"params": v, "lr": 0.01})
    assert [g["lr"] for g in opt.param_groups] == [0.1, 0.01]

    def closure():
        opt.zero_grad()
        loss = (w * w).sum() + (v * v).sum()
        loss.backward()
        return loss

    assert opt.step(closure).item() == pytest.approx(2 * (START**2).sum())
    opt.step(closure)
    np.testing.assert_allclose(w.detach().numpy(), START * (0.5 + 0.5 * 0.8**2))
    np.testing.assert_allclose(v.detach().numpy(), START * (0.5 + 0.5 * 0.98**2))
    outer = optim.Lookahead(optim.LBFGS([gw.ones(2, requires_grad=True)]))
    assert "LBFGS" in repr(outer)
    assert "k=5" in repr(outer)


def test_what_makes_no_sense_is_refused():
    inner = optim.SGD([gw.zeros(2, requires_grad=True)])
    for k in (0, 2.5):
        with pytest.raises(ConfigError, match="k must be"):
            optim.Lookahead(inner, k=k)
    for alpha in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="alpha must be"):
            optim.Lookahead(inner, alpha=alpha)
    with pytest.raises(ConfigError, match="expected an optimizer"):
        optim.Lookahead([gw.zeros(2)])


def test_parameters_that_are_added_later_begin_where_they_are():
    v, w = gw.tensor(START, requires_grad=True), gw.tensor([1.0, 3.0], requires_grad=True)
    inner = optim.SGD([v], lr=0.01)
    opt = optim.Lookahead(inner, k=2)
    train(v, opt, 1)
    inner.add_param_group({"params": [w], "lr": 0.0})
    train(v, opt, 3)
    np.testing.assert_array_equal(w.detach().numpy(), [1.0, 3.0])


def test_weights_that_are_loaded_before_the_first_step_are_where_it_begins():
    w = gw.tensor(START, requires_grad=True)
    opt = optim.Lookahead(optim.SGD([w], lr=0.0), k=1, alpha=0.5)
    with gw.no_grad():
        w.copy_(w + 1)
    train(w, opt, 1)
    np.testing.assert_allclose(w.detach().numpy(), START + 1, rtol=1e-15)


def test_it_goes_round_several_together_and_their_state_is_saved():
    def make():
        v, w = gw.tensor(START, requires_grad=True), gw.tensor([2.0], requires_grad=True)
        return v, w, optim.Lookahead(optim.Together(optim.Adam([v], lr=0.1), optim.SGD([w], lr=0.1)), k=3)

    def step(v, w, opt):
        opt.zero_grad()
        ((v * v).sum() + (w * w).sum()).backward()
        opt.step()

    v, w, opt = make()
    for _ in range(4):
        step(v, w, opt)
    a, b, other = make()
    other.load_state_dict(opt.state_dict())
    with gw.no_grad():
        a.copy_(v)
        b.copy_(w)
    for _ in range(3):
        step(v, w, opt)
        step(a, b, other)
    np.testing.assert_array_equal(a.detach().numpy(), v.detach().numpy())
    np.testing.assert_array_equal(b.detach().numpy(), w.detach().numpy())


def test_rules_that_look_for_their_steps_cannot_accumulate():
    with pytest.raises(ConfigError, match="LBFGS looks for its steps by itself"):
        optim.Accumulate(optim.LBFGS([gw.zeros(2, requires_grad=True)]), every=2)
