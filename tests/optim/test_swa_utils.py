"""Averages of weights beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim import swa_utils as theirs

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, ShapeError, StateError
from gradwright.optim import swa_utils

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(24, 4)), RNG.normal(size=(24, 2))

RULES = {
    "mean": (lambda m, **o: swa_utils.AveragedModel(m, **o), lambda m, **o: theirs.AveragedModel(m, **o)),
    "mean, one by one": (
        lambda m, **o: swa_utils.AveragedModel(m, avg_fn=swa_utils.get_swa_avg_fn(), **o),
        lambda m, **o: theirs.AveragedModel(m, avg_fn=theirs.get_swa_avg_fn(), **o),
    ),
    "mean, all": (
        lambda m, **o: swa_utils.AveragedModel(m, multi_avg_fn=swa_utils.get_swa_multi_avg_fn(), **o),
        lambda m, **o: theirs.AveragedModel(m, **o),  # its own function for all fails on counts
    ),
    "exponential": (
        lambda m, **o: swa_utils.AveragedModel(m, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.8), **o),
        lambda m, **o: theirs.AveragedModel(m, multi_avg_fn=theirs.get_ema_multi_avg_fn(0.8), **o),
    ),
    "exponential, one by one": (
        lambda m, **o: swa_utils.AveragedModel(m, avg_fn=swa_utils.get_ema_avg_fn(0.8), **o),
        lambda m, **o: theirs.AveragedModel(m, avg_fn=theirs.get_ema_avg_fn(0.8), **o),
    ),
    "a function of one's own": (
        lambda m, **o: swa_utils.AveragedModel(m, avg_fn=lambda a, c, n: (a * n + 3 * c) / (n + 3), **o),
        lambda m, **o: theirs.AveragedModel(m, avg_fn=lambda a, c, n: (a * n + 3 * c) / (n + 3), **o),
    ),
}


def network(library):
    return library.Sequential(
        library.Linear(4, 3, bias=False), library.BatchNorm1d(3), library.Tanh(), library.Linear(3, 2)
    ).double()


def pair():
    torch.manual_seed(0)
    ours, other = network(nn), network(torch.nn)
    ours.load_state_dict({k: v.numpy() for k, v in other.state_dict().items()})
    return ours, other


def same(ours, other, rtol=1e-12, counts=True):
    mine, expected = ours.state_dict(), other.state_dict()
    assert sorted(mine) == sorted(expected)
    for key, value in expected.items():
        if key.endswith("num_batches_tracked") and not counts:
            continue
        np.testing.assert_allclose(mine[key].numpy(), value.numpy(), rtol=rtol, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("use_buffers", [False, True], ids=["latest buffers", "averaged buffers"])
@pytest.mark.parametrize("rule", RULES)
def test_averages_over_training_are_pytorchs(rule, use_buffers):
    ours, other = pair()
    a, b = (make(m, use_buffers=use_buffers) for make, m in zip(RULES[rule], (ours, other), strict=True))
    opts = optim.SGD(ours.parameters(), lr=0.1), torch.optim.SGD(other.parameters(), lr=0.1)
    for i in range(30):
        rows = np.arange(i, i + 8) % 24
        for model, opt, make in ((ours, opts[0], gw.tensor), (other, opts[1], torch.tensor)):
            opt.zero_grad()
            ((model(make(X[rows])) - make(Y[rows])) ** 2).mean().backward()
            opt.step()
        if i % 2 == 0:
            a.update_parameters(ours)
            b.update_parameters(other)
            same(a, b, 1e-10, counts=not use_buffers)
            assert int(a.module[1].num_batches_tracked) == i + 1
    assert int(a.n_averaged) == 15
    a.eval()
    b.eval()
    assert not a.training
    np.testing.assert_allclose(a(gw.tensor(X)).detach().numpy(), b(torch.tensor(X)).detach().numpy(), rtol=1e-9)
    assert [n for n, _ in a.named_parameters()] == [n for n, _ in b.named_parameters()]
    assert [tuple(x.shape) for x in a.buffers()] == [tuple(x.shape) for x in b.buffers()]


def training(average, decay=None):
    """A model, its average and the step that trains one and updates the other."""
    ours, _ = pair()
    kinds = {
        "mean": lambda: swa_utils.AveragedModel(ours),
        "exponential": lambda: swa_utils.AveragedModel(ours, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(decay)),
    }
    averaged, opt = kinds[average](), optim.Adam(ours.parameters(), lr=0.05)

    def step(x, y):
        opt.zero_grad()
        ((ours(x) - y) ** 2).mean().backward()
        opt.step()
        averaged.update_parameters(ours)
        return (averaged(x) ** 2).mean()

    return averaged, step


BATCHES = np.stack([X[:12], X[12:]] * 6), np.stack([Y[:12], Y[12:]] * 6)


@pytest.mark.parametrize("average", ["mean", "exponential"])
def test_a_compiled_step_averages_from_its_first_call_on(average):
    eager, compiled = training(average, 0.7), training(average, 0.7)
    run = gw.compile(compiled[1])
    values = [eager[1](gw.tensor(x), gw.tensor(y)).item() for x, y in zip(*BATCHES, strict=True)]
    first = run(BATCHES[0][0], BATCHES[1][0]).item()
    rest = run.scan(BATCHES[0][1:], BATCHES[1][1:]).numpy()
    np.testing.assert_allclose([first, *rest], values, rtol=1e-10)
    assert run.traces == 1
    for key, value in eager[0].state_dict().items():
        np.testing.assert_allclose(compiled[0].state_dict()[key].numpy(), value.numpy(), rtol=1e-10, atol=1e-13)


def test_members_of_a_population_have_their_own_decay():
    made = []

    def member(decay):
        made.append(training("exponential", decay))
        return made[-1][1]

    gw.Population(member, [{"decay": d} for d in (0.5, 0.9)], seeds=[0, 0]).scan(*BATCHES)
    for (averaged, _), decay in zip(list(made), (0.5, 0.9), strict=True):
        alone, step = training("exponential", decay)
        for x, y in zip(*BATCHES, strict=True):
            step(gw.tensor(x), gw.tensor(y))
        for key, value in alone.state_dict().items():
            np.testing.assert_allclose(averaged.state_dict()[key].numpy(), value.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("whole", [False, True], ids=["network", "average"])
def test_update_bn_is_pytorchs(whole):
    ours, other = pair()
    a, b = (swa_utils.AveragedModel(ours), theirs.AveragedModel(other)) if whole else (ours, other)
    a.eval()
    b.eval()
    batches = [slice(0, 8), slice(8, 16), slice(16, 21)]
    swa_utils.update_bn(((gw.tensor(X[r]), gw.tensor(Y[r])) for r in batches), a)
    theirs.update_bn([torch.tensor(X[r]) for r in batches], b)
    same(a, b)
    assert not a.training
    inner = a.module if whole else a
    assert inner[1].momentum == 0.1
    plain = nn.Sequential(nn.Linear(4, 2)).double()
    before = plain.state_dict()
    swa_utils.update_bn([gw.tensor(X)], plain)
    assert before.keys() == plain.state_dict().keys()


def test_states_go_both_ways_and_what_does_not_fit_changes_nothing():
    ours, other = pair()
    a, b = swa_utils.AveragedModel(ours), theirs.AveragedModel(other)
    for _ in range(3):
        b.update_parameters(other)
    a.load_state_dict({k: v.numpy() for k, v in b.state_dict().items()})
    same(a, b)
    assert int(a.n_averaged) == 3
    b.load_state_dict({k: torch.tensor(v.numpy()) for k, v in a.state_dict().items()})
    with pytest.raises(StateError, match="n_averaged"):
        a.load_state_dict(ours.state_dict())
    with pytest.raises(ShapeError):
        a.load_state_dict({**a.state_dict(), "n_averaged": np.array(9), "module.0.weight": np.zeros((2, 2))})
    assert int(a.n_averaged) == 3


def test_the_model_goes_its_own_way():
    ours, _ = pair()
    averaged = swa_utils.AveragedModel(ours)
    before = {k: v.numpy().copy() for k, v in averaged.state_dict().items()}
    for p in ours.parameters():
        p.data = p.detach() + 1
    for key, value in averaged.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    assert "Linear" in repr(averaged)


def test_what_makes_no_sense_is_refused():
    ours, _ = pair()
    with pytest.raises(ConfigError, match="not both"):
        swa_utils.AveragedModel(ours, avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn())
    for decay in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            swa_utils.get_ema_multi_avg_fn(decay)
    with pytest.raises(StateError, match="tensors to average"):
        swa_utils.AveragedModel(ours).update_parameters(nn.Linear(2, 2))
