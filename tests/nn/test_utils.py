"""nn.utils against torch.nn.utils: the same state, the same weights, the same training."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, NonFiniteError, ShapeError, StateError
from gradwright.nn.structure import to_structure

from .conformance import close, torch_state

U, T = nn.utils, torch.nn.utils

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")


# --- vectors ----------------------------------------------------------------------------------------------------------
def test_parameters_become_a_vector_and_come_back():
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    ours.load_state_dict(torch_state(theirs))
    vector = U.parameters_to_vector(ours.parameters())
    close(vector, T.parameters_to_vector(theirs.parameters()), 0)
    (vector * gw.arange(8)).sum().backward()
    (T.parameters_to_vector(theirs.parameters()) * torch.arange(8)).sum().backward()
    close(ours.weight.grad, theirs.weight.grad, 0)
    weight = ours.weight
    U.vector_to_parameters(gw.arange(8).to(gw.float64), ours.parameters())
    T.vector_to_parameters(torch.arange(8).float(), theirs.parameters())
    assert ours.weight is weight
    for key, value in torch_state(theirs).items():
        close(ours.state_dict()[key], value, 0)
        assert ours.state_dict()[key].dtype == np.float32
    for n in (7, 9):
        with pytest.raises(ShapeError, match=rf"\({n},\) for parameters of 8 elements"):
            U.vector_to_parameters(gw.zeros(n), ours.parameters())
    close(ours.bias, np.array([6, 7]), 0)
    with pytest.raises(ConfigError, match="no parameters"):
        U.parameters_to_vector([])


def test_vectors_in_a_compiled_step():
    net = nn.Linear(3, 2)

    @gw.compile
    def halve():
        U.vector_to_parameters(U.parameters_to_vector(net.parameters()).detach() / 2, net.parameters())

    before = U.parameters_to_vector(net.parameters()).detach().numpy()
    halve()
    halve()
    close(U.parameters_to_vector(net.parameters()), before / 4, 1e-7)
    assert halve.traces == 1


@pytest.mark.parametrize("order", [1, 2, 3.5, float("inf"), 0.5])
def test_total_norm_is_pytorchs(order):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in [(3, 2), (4,), ()]]
    expected = T.get_total_norm([torch.tensor(a) for a in arrays], order)
    # PyTorch takes the norm of the tensors' norms, which for orders below 1 rounds elsewhere
    close(U.get_total_norm([gw.tensor(a) for a in arrays], order), expected, 1e-12)
    close(U.get_total_norm(gw.tensor(arrays[0]), order), T.get_total_norm(torch.tensor(arrays[0]), order), 1e-12)


def test_total_norm_at_the_edges():
    assert U.get_total_norm([]).item() == T.get_total_norm([]).item() == 0
    bad = gw.tensor([1.0, float("nan")])
    assert np.isnan(U.get_total_norm([bad]).item())
    with pytest.raises(NonFiniteError, match="order 2"):
        U.get_total_norm([bad], 2, error_if_nonfinite=True)
    with pytest.raises(ConfigError, match="above 0"):
        U.get_total_norm([bad], -1)


# --- parametrizations -------------------------------------------------------------------------------------------------
def mlp(library):
    return library.Sequential(library.Linear(4, 3), library.Tanh(), library.Linear(3, 3))


PARAMETRIZED = {
    "weight norm": lambda u, net: u.parametrizations.weight_norm(net[0]),
    "weight norm along axis 1": lambda u, net: u.parametrizations.weight_norm(net[0], dim=1),
    "one weight norm": lambda u, net: u.parametrizations.weight_norm(net[0], dim=None),
    "weight norm of a bias": lambda u, net: u.parametrizations.weight_norm(net[0], "bias"),
    "spectral norm": lambda u, net: u.parametrizations.spectral_norm(net[0]),
    "spectral norm, thrice": lambda u, net: u.parametrizations.spectral_norm(net[0], n_power_iterations=3, dim=1),
    "spectral norm of a bias": lambda u, net: u.parametrizations.spectral_norm(net[0], "bias"),
    "orthogonal, wide": lambda u, net: u.parametrizations.orthogonal(net[0]),
    "orthogonal, square": lambda u, net: u.parametrizations.orthogonal(net[2]),
    "cayley": lambda u, net: u.parametrizations.orthogonal(net[2], orthogonal_map="cayley"),
    "cayley, wide": lambda u, net: u.parametrizations.orthogonal(net[0], orthogonal_map="cayley"),
    "exponential, wide": lambda u, net: u.parametrizations.orthogonal(net[0], orthogonal_map="matrix_exp"),
    "householder": lambda u, net: u.parametrizations.orthogonal(net[2], orthogonal_map="householder"),
    "householder alone": lambda u, net: u.parametrizations.orthogonal(net[0], use_trivialization=False),
    "old weight norm": lambda u, net: u.weight_norm(net[0]),
    "old weight norm of one": lambda u, net: u.weight_norm(net[0], dim=None),
    "old spectral norm": lambda u, net: u.spectral_norm(net[0]),
    "two on one weight": lambda u, net: (
        u.parametrizations.weight_norm(net[0], dim=1),
        u.parametrizations.spectral_norm(net[0]),
    ),
    "weight and bias": lambda u, net: (
        u.parametrizations.weight_norm(net[0]),
        u.parametrizations.spectral_norm(net[0], "bias"),
    ),
}


def pair(change):
    """The same network in both libraries, in float64 and with the same state."""
    torch.manual_seed(0)
    ours, theirs = mlp(nn).double(), mlp(torch.nn).double()
    ours.load_state_dict(torch_state(theirs))
    change(U, ours)
    change(T, theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    for key, value in torch_state(theirs).items():
        assert ours.state_dict()[key].shape == value.shape
        assert ours.state_dict()[key].dtype == value.dtype
    return ours, theirs


@pytest.mark.parametrize("change", PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_parametrized_networks_train_as_pytorchs(change):
    ours, theirs = pair(change)
    ours.load_state_dict(torch_state(theirs))
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).normal(size=(5, 4))
    opt = gw.optim.SGD(ours.parameters(), lr=0.1)
    torch_opt = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for step in range(10):
        loss, expected = ours(gw.tensor(x)).square().mean(), theirs(torch.tensor(x)).square().mean()
        close(loss, expected, 1e-10 if step else 1e-12)
        opt.zero_grad()
        loss.backward()
        torch_opt.zero_grad()
        expected.backward()
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None)
            if q.grad is not None:
                close(p.grad, q.grad, 1e-10)
        opt.step()
        torch_opt.step()
    ours.eval()
    theirs.eval()
    close(ours(gw.tensor(x)), theirs(torch.tensor(x)), 1e-10)
    for key, value in torch_state(theirs).items():
        close(ours.state_dict()[key], value, 1e-10)


def test_what_was_there_is_kept_where_it_can_be():
    torch.manual_seed(0)
    start = torch_state(torch.nn.Linear(4, 3).double())

    def made(change):
        layer, theirs = nn.Linear(4, 3).double(), torch.nn.Linear(4, 3).double()
        layer.load_state_dict(start)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in start.items()})
        change(U, layer)
        change(T, theirs)
        return layer.weight.detach().numpy(), theirs.weight.detach().numpy()

    before = start["weight"]
    for dim in (0, 1, None):
        close(made(lambda u, m, d=dim: u.parametrizations.weight_norm(m, dim=d))[0], before, 1e-14)
    ratio = made(lambda u, m: u.parametrizations.spectral_norm(m))[0] / before
    assert ratio.std() < 1e-12
    # fifteen steps of the power method have come near the largest singular value
    assert ratio.mean() == pytest.approx(1 / np.linalg.norm(before, 2), rel=1e-2)
    for options in ({}, {"use_trivialization": False}, {"orthogonal_map": "cayley"}):
        rows, expected = made(lambda u, m, o=options: u.parametrizations.orthogonal(m, **o))
        close(rows @ rows.T, np.eye(3), 1e-12)
        close(rows, expected, 1e-12)
    # of a square matrix the last column needs no reflection: LAPACK says so by a factor of 0
    ours, theirs = nn.Linear(3, 3).double(), torch.nn.Linear(3, 3).double()
    ours.load_state_dict(torch_state(theirs))
    for u, m in ((U, ours), (T, theirs)):
        u.parametrizations.orthogonal(m, orthogonal_map="householder", use_trivialization=False)
    close(ours.weight, theirs.weight, 1e-12)
    close(ours.parametrizations.weight.original, theirs.parametrizations.weight.original, 1e-12)


def test_compiled_steps_and_populations_of_parametrized_layers():
    def member(lr):
        net = mlp(nn)
        U.parametrizations.weight_norm(net[0])
        U.parametrizations.spectral_norm(net[2])
        opt = gw.optim.SGD(net.parameters(), lr=lr)

        def step(x):
            opt.zero_grad()
            loss = (net(x) - 1).square().mean()
            loss.backward()
            opt.step()
            return loss

        step.net = net
        return step

    x = gw.randn(4, 5, 4)
    losses = gw.Population(member, [{"lr": 0.1}, {"lr": 0.2}], seeds=[0, 1]).scan(x).numpy()
    for i, (lr, seed) in enumerate([(0.1, 0), (0.2, 1)]):
        gw.manual_seed(seed)
        eager = member(lr)
        compiled = gw.compile(member_again := copy_of(eager, member, lr, seed))
        expected = [eager(row).item() for row in x]
        np.testing.assert_allclose(losses[i], expected, rtol=1.3e-6, atol=1e-5)
        if i == 0:
            np.testing.assert_allclose([compiled(row).item() for row in x], expected, rtol=1.3e-6, atol=1e-5)
            assert compiled.traces == 1
            for a, b in zip(eager.net.buffers(), member_again.net.buffers(), strict=True):
                close(a, b, 1e-5)


def copy_of(step, member, lr, seed):
    gw.manual_seed(seed)
    return member(lr)


def test_removing_leaves_an_ordinary_weight():
    for change, remove, where in [
        (lambda u, m: u.parametrizations.weight_norm(m), U.parametrize.remove_parametrizations, "weight"),
        (lambda u, m: u.parametrizations.spectral_norm(m), U.parametrize.remove_parametrizations, "weight"),
        (lambda u, m: u.parametrizations.orthogonal(m), U.parametrize.remove_parametrizations, "weight"),
        (lambda u, m: u.weight_norm(m), U.remove_weight_norm, "weight"),
        (lambda u, m: u.spectral_norm(m), U.remove_spectral_norm, "weight"),
        (lambda u, m: u.parametrizations.weight_norm(m, "bias"), U.parametrize.remove_parametrizations, "bias"),
    ]:
        layer = nn.Linear(4, 3)
        names = sorted(layer.state_dict())
        change(U, layer)
        assert sorted(layer.state_dict()) != names
        layer.eval()
        value = getattr(layer, where).detach().numpy()
        remove(layer, where)
        assert type(layer) is nn.Linear
        assert sorted(layer.state_dict()) == names
        close(getattr(layer, where), value, 0)
        assert isinstance(getattr(layer, where), nn.Parameter)
        assert to_structure(layer)["layer"] == "Linear"


def test_parametrizations_of_ones_own():
    class Doubled(nn.Module):
        def forward(self, x):
            return 2 * x

        def right_inverse(self, y):
            return y / 2

    layer = nn.Linear(2, 2)
    weight, before = layer.weight, layer.weight.detach().numpy()
    U.parametrize.register_parametrization(layer, "weight", Doubled())
    assert U.parametrize.is_parametrized(layer)
    assert U.parametrize.is_parametrized(layer, "weight")
    assert not U.parametrize.is_parametrized(layer, "bias")
    assert U.parametrize.type_before_parametrizations(layer) is nn.Linear
    assert layer.parametrizations.weight.original is weight, "an optimizer holds it"
    close(layer.weight, before, 0)
    close(weight, before / 2, 0)
    layer.weight = gw.ones(2, 2)
    close(weight, np.full((2, 2), 0.5), 0)
    other = copy.deepcopy(layer)
    other.weight = gw.zeros(2, 2)
    close(layer.weight, np.ones((2, 2)), 0)
    close(other.weight, np.zeros((2, 2)), 0)
    U.parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight is weight
    close(layer.weight, np.full((2, 2), 0.5), 0)

    class Cut(nn.Module):
        def forward(self, x):
            return x[:1]

    with pytest.raises(ShapeError, match=r"was \(2, 2\) float32 and would become \(1, 2\)"):
        U.parametrize.register_parametrization(nn.Linear(2, 2), "weight", Cut())
    cut = U.parametrize.register_parametrization(nn.Linear(2, 2, bias=False), "weight", Cut(), unsafe=True)
    assert cut(gw.ones(3, 2)).shape == (3, 1)
    norm = U.parametrize.register_parametrization(nn.BatchNorm1d(2), "running_mean", Doubled())
    assert "parametrizations.running_mean.original" in dict(norm.named_buffers())


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: U.parametrizations.weight_norm(nn.Linear(2, 2), "nope"), ConfigError, "called 'nope'"),
        (lambda: U.parametrizations.spectral_norm(nn.ReLU()), ConfigError, "ReLU has no parameter"),
        (lambda: U.parametrizations.spectral_norm(nn.Linear(2, 2), dim=2), ShapeError, "dim 2"),
        (lambda: U.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ConfigError, "at least 1"),
        (lambda: U.parametrizations.orthogonal(nn.Linear(2, 2), "bias"), ShapeError, r"shape \(2,\)"),
        (lambda: U.parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="x"), ConfigError, "one of matrix_exp"),
        (lambda: U.parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"), ConfigError, "not parametrized"),
        (
            lambda: U.parametrize.remove_parametrizations(
                U.parametrizations.weight_norm(nn.Linear(2, 2)), "weight", leave_parametrized=False
            ),
            ConfigError,
            "computed from 2 tensors",
        ),
        (lambda: U.weight_norm(U.weight_norm(nn.Linear(2, 2))), ConfigError, "fixed already"),
        (lambda: U.remove_weight_norm(nn.Linear(2, 2)), ConfigError, "no such norm"),
        (lambda: U.remove_weight_norm(U.spectral_norm(nn.Linear(2, 2))), ConfigError, "no such norm"),
        (lambda: U.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ConfigError, "at least 1"),
        (lambda: to_structure(U.weight_norm(nn.Linear(2, 2))), StateError, "Linear"),
        (lambda: to_structure(U.parametrizations.weight_norm(nn.Linear(2, 2))), StateError, "ParametrizedLinear"),
    ],
)
def test_what_is_wrong_is_named(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
