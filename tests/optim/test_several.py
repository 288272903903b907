"""Several update rules as one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler import ExponentialLR


def network():
    gw.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()


def batches(steps=12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(steps, 8, 3))
    return x, (x.sum(2) > 0).astype(np.int64)


def make():
    model = network()
    matrices, others = [p for p in model.parameters() if p.ndim == 2], [p for p in model.parameters() if p.ndim == 1]
    opt = optim.Together(optim.SGD(matrices, lr=0.1, momentum=0.9), optim.Adam(others, lr=0.01))

    def step(x, y):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss

    return model, opt, step


def test_it_does_what_two_of_pytorchs_do():
    model, _, step = make()
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in model.state_dict().items()})
    rules = [
        torch.optim.SGD([p for p in theirs.parameters() if p.ndim == 2], lr=0.1, momentum=0.9),
        torch.optim.Adam([p for p in theirs.parameters() if p.ndim == 1], lr=0.01),
    ]
    x, y = batches()
    for a, b in zip(x, y, strict=True):
        loss = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(a)), torch.from_numpy(b))
        for rule in rules:
            rule.zero_grad()
        loss.backward()
        for rule in rules:
            rule.step()
        assert step(gw.tensor(a), gw.tensor(b)).item() == pytest.approx(loss.item(), rel=1e-12)
    for mine, other in zip(model.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_compiled_it_is_the_same_with_one_trace_and_a_schedule_over_all_groups():
    x, y = batches()
    runs = []
    for compiled in (False, True):
        model, opt, plain = make()
        schedule = ExponentialLR(opt, 0.9)

        def step(x, y, plain=plain, schedule=schedule):
            loss = plain(x, y)
            schedule.step()
            return loss

        if compiled:
            program = gw.compile(step, state=[model, opt, schedule])
            runs.append(program.scan(x, y).numpy())
            assert program.traces == 1
        else:
            runs.append([step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)])
        assert [g["lr"] for g in opt.param_groups] == pytest.approx([0.1 * 0.9**12, 0.01 * 0.9**12], rel=1e-12)
    np.testing.assert_allclose(*runs, rtol=1e-11)


def test_it_goes_on_from_a_saved_state():
    x, y = batches()
    _, opt, step = make()
    for a, b in zip(x[:5], y[:5], strict=True):
        step(gw.tensor(a), gw.tensor(b))
    saved, weights = opt.state_dict(), {k: v.numpy() for k, v in network().state_dict().items()}
    model, other, again = make()
    assert weights.keys() == model.state_dict().keys()
    other.load_state_dict(saved)
    for mine, theirs in zip(opt.state.values(), other.state.values(), strict=True):
        assert mine.keys() == theirs.keys()
        for key in mine:
            np.testing.assert_array_equal(mine[key].numpy(), theirs[key].numpy())
    again(gw.tensor(x[5]), gw.tensor(y[5]))
    with pytest.raises(StateError, match="2 optimizers"):
        other.load_state_dict({"optimizers": []})


def test_what_does_not_fit_is_refused():
    w = gw.zeros(2, requires_grad=True)
    with pytest.raises(ConfigError, match="in optimizer 0 and in 1"):
        optim.Together(optim.SGD([w]), optim.Adam([w]))
    with pytest.raises(ConfigError, match="at least one"):
        optim.Together()
    with pytest.raises(ConfigError, match="LBFGS; expected optimizers that step without a closure"):
        optim.Together(optim.LBFGS([w]))
    with pytest.raises(ConfigError, match=r"one of its .optimizers"):
        optim.Together(optim.SGD([w])).add_param_group({"params": [gw.zeros(1, requires_grad=True)]})


def test_a_state_of_which_one_part_does_not_fit_changes_nothing():
    _, opt, _ = make()
    saved = opt.state_dict()
    saved["optimizers"][0]["param_groups"][0]["lr"] = 7.0
    saved["optimizers"][1]["param_groups"] = []
    with pytest.raises(StateError):
        opt.load_state_dict(saved)
    assert opt.param_groups[0]["lr"] == 0.1
