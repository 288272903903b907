"""Activations and gradients layer by layer: the numbers that the theory of Xavier's and He's values foresees."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, MissingDependencyError
from gradwright.nn import init

DEPTH, WIDTH, ROWS = 12, 256, 128


def network(activation, depth=DEPTH, width=WIDTH):
    return nn.Sequential(*[part for _ in range(depth) for part in (nn.Linear(width, width), activation())])


def data(width=WIDTH):
    return gw.tensor(np.random.default_rng(0).normal(size=(ROWS, width)).astype(np.float32))


def snapshot(model):
    return [
        (name, t.detach().numpy().copy(), None if t.grad is None else t.grad.numpy().copy())
        for name, t in (*model.named_parameters(), *model.named_buffers())
    ]


def same(a, b):
    for (name, x, gx), (_, y, gy) in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=name)
        assert (gx is None) == (gy is None)
        if gx is not None:
            np.testing.assert_array_equal(gx, gy)


def test_the_numbers_are_those_that_pytorch_computes():
    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3)
    ).double()
    ours = nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    rng = np.random.default_rng(1)
    x, y = 3 * rng.normal(size=(20, 6)), rng.integers(0, 3, 20)
    info = init.variance_info(ours, gw.tensor(x), criterion=nn.CrossEntropyLoss(), target=gw.tensor(y))
    h, outputs = torch.tensor(x), []
    for layer in theirs:
        h = layer(h)
        h.retain_grad()
        outputs.append(h)
    torch.nn.functional.cross_entropy(h, torch.tensor(y)).backward()
    assert info.layers == ("0", "1", "2", "3", "4")
    assert info.kinds == ("Linear", "Tanh", "Linear", "ReLU", "Linear")
    for i, out in enumerate(outputs):
        a, g = out.detach().numpy(), out.grad.numpy()
        np.testing.assert_allclose(info.activation_mean[i], a.mean(), atol=1e-14)
        np.testing.assert_allclose(info.activation_variance[i], a.var(), rtol=1e-12)
        np.testing.assert_allclose(info.gradient_mean[i], g.mean(), atol=1e-14)
        np.testing.assert_allclose(info.gradient_variance[i], g.var(), rtol=1e-10)
        assert info.zeros[i] == (a == 0).mean()
    assert info.saturated[1] == (np.abs(outputs[1].detach().numpy()) > 0.98).mean() > 0
    assert np.isnan(info.saturated[[0, 2, 3, 4]]).all()
    assert info.zeros[3] > 0


# --- the theory -------------------------------------------------------------------------------------------------------
def wide_tanh_layers(factor):
    """E[tanh(z)²] and E[tanh'(z)²], z ~ N(0, q), q = n·Var[w] times what came in: Poole et al. 2016, equation 3."""
    points, weights = np.polynomial.hermite_e.hermegauss(101)
    weights = weights / weights.sum()
    came_in, out, slopes = 1.0, [], []
    for _ in range(DEPTH):
        t = np.tanh(np.sqrt(factor * came_in) * points)
        came_in = (weights * t**2).sum()
        out.append(came_in)
        slopes.append((weights * (1 - t**2) ** 2).sum())
    return np.array(out), np.array(slopes)


def test_tanh_xavier_keeps_the_variance_where_small_weights_lose_it():
    """Tanh is nearly the identity for small inputs, so N(0, 0.01²) multiplies the variance by n·0.01² a layer."""
    infos = init.compare_variance(network(nn.Tanh), data(), ["normal", "xavier"])
    small, xavier = (infos[name].only("Tanh") for name in ("normal", "xavier"))
    factor = WIDTH * 0.01**2
    ratios = small.activation_variance[1:] / small.activation_variance[:-1]
    np.testing.assert_allclose(ratios, factor, rtol=0.1)
    assert small.activation_variance[-1] < 2 * factor**DEPTH
    np.testing.assert_allclose(small.gradient_variance[:-1] / small.gradient_variance[1:], factor, rtol=0.1)
    # with the gain 5/3 it settles: less than a factor of 2 over twelve layers, and what wide layers give exactly
    assert 0.5 < xavier.activation_variance[-1] / xavier.activation_variance[0] < 1
    forward, slopes = wide_tanh_layers((5 / 3) ** 2)
    np.testing.assert_allclose(xavier.activation_variance, forward, rtol=0.1)
    ratios = xavier.gradient_variance[:-1] / xavier.gradient_variance[1:]
    np.testing.assert_allclose(ratios, (5 / 3) ** 2 * slopes[1:], rtol=0.1)


def test_relu_he_keeps_what_xavier_halves():
    """He et al. 2015, equation 9: a layer multiplies the variance by n·Var[w]/2: 1 with 2/n, 1/2 with 1/n."""
    infos = init.compare_variance(network(nn.ReLU), data(), ["he", "lecun"])
    he, lecun = (infos[name].only("Linear") for name in ("he", "lecun"))
    # one layer's ratio is a random number; over eleven its mean is sharp: standard deviation about sqrt(11·5/n)
    steps = DEPTH - 1
    for field in ("activation_variance", "gradient_variance"):
        first, last = (0, -1) if field == "activation_variance" else (-1, 0)
        ratio = [getattr(i, field)[last] / getattr(i, field)[first] for i in (he, lecun)]
        assert 0.4 < ratio[0] < 2.5, (field, ratio)
        assert 0.4 < ratio[1] * 2.0**steps < 2.5, (field, ratio)
    relu = infos["he"].only("ReLU")
    np.testing.assert_allclose(relu.zeros, 0.5, atol=0.1)
    # and what ReLU takes: the mean of a half normal, E[x²] = Var[y]/2 (the step from equation 7 to 8)
    second = relu.activation_variance + relu.activation_mean**2
    np.testing.assert_allclose(second, he.activation_variance / 2, rtol=0.25)


def test_forward_and_backward_follow_fan_in_and_fan_out():
    """On a layer that widens, one mode keeps the outputs' variance and the other the gradients'."""
    layer = nn.Sequential(nn.Linear(64, 4096, bias=False), nn.Linear(4096, 64, bias=False))
    x = data(64)
    found = {}
    for mode in ("fan_in", "fan_out"):
        for linear in layer:
            init.kaiming_normal_(linear.weight, mode=mode, nonlinearity="linear")
        found[mode] = init.variance_info(layer, x)
    assert found["fan_in"].activation_variance[0] == pytest.approx(1, rel=0.1)
    assert found["fan_out"].activation_variance[0] == pytest.approx(1 / 64, rel=0.1)
    assert found["fan_out"].gradient_variance[0] == pytest.approx(1, rel=0.1)
    assert found["fan_in"].gradient_variance[0] == pytest.approx(1 / 64, rel=0.1)


# --- nothing is left behind -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("function", [init.variance_info, init.compare_variance])
def test_everything_is_left_as_it_was(function):
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    model[2].eval()
    x, y = gw.randn(16, 5), gw.randn(16, 2)
    nn.functional.mse_loss(model(x), y).backward()
    model[0].bias.grad = None
    gradients = [p.grad for p in model.parameters()]
    before, stream = snapshot(model), gw.current_generator().get_state()
    with gw.no_grad():
        function(model, x, criterion=nn.MSELoss(), target=y)
        function(model, x)
    same(snapshot(model), before)
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    assert gw.current_generator().get_state() == stream
    assert x.grad is None
    assert not x.requires_grad
    assert [m.training for m in model] == [True, True, False, True, True]
    assert all(m._hooks is None or not any(vars(m._hooks).values()) for m in model.modules())


def test_everything_is_put_back_when_the_network_fails():
    class Broken(nn.Module):
        def forward(self, input):
            raise RuntimeError("broken")

    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), Broken())
    before, stream = snapshot(model), gw.current_generator().get_state()
    for function in (init.variance_info, init.compare_variance):
        with pytest.raises(RuntimeError, match="broken"):
            function(model, gw.randn(4, 3, generator=gw.Generator(1)))
    same(snapshot(model), before)
    assert gw.current_generator().get_state() == stream
    assert all(m._hooks is None or not any(vars(m._hooks).values()) for m in model.modules())


def test_a_compiled_step_goes_on_without_a_new_trace_after_a_look():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    opt = gw.optim.SGD(model.parameters(), lr=0.1)

    @gw.compile
    def step(x, y):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        opt.step()
        return loss

    x, y = gw.randn(8, 3), gw.randn(8, 1)
    first = step(x, y).item()
    info = init.variance_info(model, x, criterion=nn.MSELoss(), target=y)
    assert step(x, y).item() < first
    assert info.gradient_variance.all()


# --- edges ------------------------------------------------------------------------------------------------------------
def test_layers_that_run_twice_frozen_layers_and_layers_without_gradient():
    shared = nn.Linear(4, 4)
    info = init.variance_info(nn.Sequential(shared, nn.Tanh(), shared), gw.randn(9, 4))
    assert info.layers == ("0", "1", "0 (2)")
    frozen = nn.Sequential(nn.Linear(4, 4), nn.Tanh()).requires_grad_(False)
    assert init.variance_info(frozen, gw.randn(9, 4)).gradient_variance.all()

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, input):
            self.a(input)
            return self.b(input)

    info = init.variance_info(Unused(), gw.randn(9, 4))
    assert np.isnan(info.gradient_variance).tolist() == [True, False]


def test_what_is_refused():
    model = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(ConfigError, match="belong together"):
        init.variance_info(model, gw.randn(2, 4), criterion=nn.MSELoss())
    with pytest.raises(ConfigError, match="no layer is a 'Tanh'; there are Linear"):
        init.variance_info(model, gw.randn(2, 4)).only("Tanh")


def test_the_picture_has_a_line_for_each_scheme_with_its_numbers():
    infos = init.compare_variance(network(nn.Tanh, 4, 20), data(20), ["normal", "xavier", "zeros"])
    figure = init.plot_variance(infos, "Tanh")
    left, right = figure.axes
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["normal", "xavier", "zeros"]
    assert left.get_yscale() == right.get_yscale() == "log"
    for line, info in zip(left.lines[:2], infos.values(), strict=False):
        np.testing.assert_array_equal(line.get_ydata(), info.only("Tanh").activation_variance)
    for line, info in zip(right.lines[:2], infos.values(), strict=False):
        np.testing.assert_array_equal(line.get_ydata(), info.only("Tanh").gradient_variance)
    assert np.isnan(left.lines[2].get_ydata()).all()
    assert init.plot_variance(infos["xavier"]).axes[0].get_legend() is None


def test_without_matplotlib_the_numbers_are_still_there(monkeypatch):
    info = init.variance_info(nn.Sequential(nn.Linear(4, 4)), gw.randn(2, 4))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        init.plot_variance(info)
