"""Penalties and priors against scikit-learn's optima and SciPy's densities; bounds, noise and stochastic depth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import linear_model

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import regularization as reg


def network(seed=0):
    with gw.use_generator(gw.Generator(seed)):
        return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)).double()


def weights(model, names=("0.weight", "3.weight")):
    state = model.state_dict()
    return np.concatenate([state[name].numpy().ravel() for name in names])


# --- values and gradients ---------------------------------------------------------------------------------------------


def distribution(name, *numbers):
    return getattr(torch.distributions, name)(*(torch.tensor(n, dtype=torch.float64) for n in numbers))


PENALTIES = [
    (reg.L1(0.3), lambda w: 0.3 * w.abs().sum()),
    (reg.L2(0.3), lambda w: 0.15 * (w**2).sum()),
    (reg.ElasticNet(0.3, 0.2), lambda w: (0.3 * w.abs() + 0.1 * w**2).sum()),
    (reg.GaussianPrior(0.7, 40), lambda w: -distribution("Normal", 0.0, 0.7).log_prob(w).sum() / 40),
    (reg.LaplacePrior(0.7, 40), lambda w: -distribution("Laplace", 0.0, 0.7).log_prob(w).sum() / 40),
    (reg.StudentTPrior(0.7, 40, df=3), lambda w: -distribution("StudentT", 3.0, 0.0, 0.7).log_prob(w).sum() / 40),
]


@pytest.mark.parametrize(("penalty", "oracle"), PENALTIES, ids=lambda v: type(v).__name__)
def test_values_and_gradients_are_pytorchs(penalty, oracle):
    model = network()
    value = penalty(model)
    assert value.shape == ()
    assert value.dtype == np.float64
    value.backward()
    w = torch.tensor(weights(model), requires_grad=True)
    # constants are dropped: 0 at w = 0
    expected = oracle(w) - oracle(torch.zeros_like(w))
    expected.backward()
    np.testing.assert_allclose(value.item(), expected.item(), rtol=1e-12)
    grads = np.concatenate([model[i].weight.grad.numpy().ravel() for i in (0, 3)])
    np.testing.assert_allclose(grads, w.grad.numpy(), rtol=1e-10)
    for p in (model[0].bias, model[1].weight, model[1].bias, model[3].bias):
        assert p.grad is None, "biases and normalising layers are left alone"
    assert penalty(model.float()).dtype == np.float32


@pytest.mark.parametrize(
    ("prior", "density"),
    [
        (reg.GaussianPrior(0.7, 40), stats.norm(0, 0.7)),
        (reg.LaplacePrior(0.2, 40), stats.laplace(0, 0.2)),
        (reg.StudentTPrior(0.7, 40, df=2.5), stats.t(2.5, 0, 0.7)),
        (reg.StudentTPrior(0.7, 40), stats.t(4, 0, 0.7)),
    ],
)
def test_log_densities_are_scipys(prior, density):
    model = network()
    w = weights(model)
    np.testing.assert_allclose(prior.log_prob(model).item(), density.logpdf(w).sum(), rtol=1e-12)
    dropped = density.logpdf(0) * w.size - density.logpdf(w).sum()
    np.testing.assert_allclose(prior(model).item(), dropped / 40, rtol=1e-11)


def test_named_priors_are_the_penalties_they_are_called_after():
    model = network()
    for prior, penalty in (
        (reg.GaussianPrior(0.5, 20), reg.L2(1 / (20 * 0.25))),
        (reg.LaplacePrior(0.5, 20), reg.L1(1 / (20 * 0.5))),
        (reg.StudentTPrior(0.5, 20, df=1e9), reg.L2(1 / (20 * 0.25))),
    ):
        np.testing.assert_allclose(prior(model).item(), penalty(model).item(), rtol=1e-6)


def test_l2_is_weight_decay_under_plain_sgd():
    a, b = nn.Linear(3, 2, bias=False).double(), nn.Linear(3, 2, bias=False).double()
    b.load_state_dict(a.state_dict())
    x = gw.randn(6, 3, dtype=np.float64)
    penalty = reg.L2(0.3)
    decayed, plain = optim.SGD(a.parameters(), lr=0.1, weight_decay=0.3), optim.SGD(b.parameters(), lr=0.1)
    for _ in range(10):
        for model, opt, extra in ((a, decayed, None), (b, plain, penalty)):
            opt.zero_grad()
            loss = (model(x) ** 2).mean()
            (loss if extra is None else loss + extra(model)).backward()
            opt.step()
    np.testing.assert_allclose(a.weight.detach().numpy(), b.weight.detach().numpy(), rtol=1e-13)


# --- which parameters -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (None, ["0.weight", "3.weight"]),
        ("0.weight", ["0.weight"]),
        ("3.*", ["3.weight", "3.bias"]),
        (["0.weight", "3.bias"], ["0.weight", "3.bias"]),
        ("*", ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]),
    ],
)
def test_patterns_choose_parameters(patterns, names):
    model = network()
    expected = 0.5 * (weights(model, names) ** 2).sum()
    np.testing.assert_allclose(reg.L2(1.0, patterns)(model).item(), expected, rtol=1e-12)


def test_frozen_and_shared_parameters_and_slopes():
    class PReLU(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(gw.full((1,), 0.25))

    class LayerNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(gw.ones(2, 2))

    class Own(LayerNorm):
        pass

    shared = nn.Linear(2, 2)
    nn.init.constant_(shared.weight, 1.0)
    model = nn.Sequential(shared, PReLU(), LayerNorm(), Own(), shared)
    assert reg.L1(1.0)(model).item() == 4
    model.append(nn.Linear(2, 2).requires_grad_(False))
    assert reg.L1(1.0)(model).item() == 4
    shared.requires_grad_(False)
    with pytest.raises(ConfigError, match=r"L1: Sequential has no such weight that is trained"):
        reg.L1(1.0)(model)


def test_what_is_refused():
    with pytest.raises(ConfigError, match=r"L2: no parameter of Sequential matches 'encoder\.\*'; there are 0\.weight"):
        reg.L2(1.0, ["0.weight", "encoder.*"])(network())
    with pytest.raises(ConfigError, match="expected a Module, got Parameter"):
        reg.L2(1.0)(network()[0].weight)
    for make in (
        lambda: reg.L2(-1.0), lambda: reg.L1(math.nan), lambda: reg.ElasticNet(1.0, -1.0), lambda: reg.L1("1"),
        lambda: reg.GaussianPrior(0.0, 5), lambda: reg.LaplacePrior(1.0, 0), lambda: reg.GaussianPrior(1.0, 0.5),
        lambda: reg.StudentTPrior(1.0, 5, df=0), lambda: reg.MaxNorm(0.0), lambda: reg.WeightNoise(network(), -1.0),
        lambda: reg.GradientNoise(-1.0), lambda: reg.max_norm_(network(), -1.0), lambda: reg.depth_rates(0),
        lambda: nn.StochasticDepth(1.5), lambda: nn.StochasticDepth(0.5, mode="column"),
        lambda: reg.max_norm_(network(), 1.0, "*.bias"), lambda: reg.stochastic_depth(gw.ones(3), 0.5, "column"),
        lambda: reg.stochastic_depth(gw.ones(3), -0.5),
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            make()
    with pytest.raises(ShapeError):
        reg.stochastic_depth(gw.tensor(1.0), 0.5)


# --- the same optima as scikit-learn ----------------------------------------------------------------------------------
N = 60
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 6)) * [1, 2, 0.5, 1, 1, 1.5] + 1
Y = X @ [1.5, -1.0, 0.0, 0.0, 0.3, 0.0] + 4 + 0.5 * RNG.normal(size=N)
LABELS = (Y.mean() < Y).astype(np.float64)


def train(criterion, target, penalty, lr, *, proximal=False, steps=4000, momentum=0.9):
    """Full-batch descent with momentum (none where a proximal step follows) to convergence, as one program."""
    model = nn.Linear(6, 1).double()
    opt = optim.SGD(model.parameters(), lr=lr, momentum=0.0 if proximal else momentum)

    def step(x, y):
        opt.zero_grad()
        loss = criterion(model(x)[:, 0], y)
        if not proximal:
            loss = loss + penalty(model)
        loss.backward()
        opt.step()
        if proximal:
            penalty.proximal_step_(model, opt.param_groups[0]["lr"])
        return loss

    compiled = gw.compile(step)
    compiled.scan(X, target, order=np.tile(np.arange(N), (steps, 1)))
    assert compiled.traces == 1
    return model.weight.detach().numpy()[0], model.bias.item()


ALPHA = 0.4
OPTIMA = [
    (linear_model.Ridge(alpha=5.0, tol=1e-14), Y, "mse_loss", reg.L2(2 * 5.0 / N), False),
    (linear_model.Lasso(alpha=ALPHA, tol=1e-14), Y, "mse_loss", reg.L1(2 * ALPHA), True),
    (
        linear_model.ElasticNet(alpha=ALPHA, l1_ratio=0.6, tol=1e-14),
        Y, "mse_loss", reg.ElasticNet(2 * ALPHA * 0.6, 2 * ALPHA * 0.4), True,
    ),
    (
        linear_model.LogisticRegression(C=0.7, tol=1e-13, solver="newton-cholesky"),
        LABELS, "binary_cross_entropy_with_logits", reg.L2(1 / (0.7 * N)), False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("oracle", "target", "loss", "penalty", "proximal"), OPTIMA, ids=lambda v: type(v).__name__)
def test_the_optimum_is_scikit_learns(oracle, target, loss, penalty, proximal):
    oracle.fit(X, target)
    lr = 0.03 if loss == "mse_loss" else 0.3  # the logistic loss is flatter
    w, b = train(getattr(nn.functional, loss), target, penalty, lr, proximal=proximal)
    np.testing.assert_allclose(w, np.ravel(oracle.coef_), rtol=0, atol=1e-12)
    np.testing.assert_allclose(b, np.ravel(oracle.intercept_)[0], rtol=0, atol=1e-12)
    if proximal:
        assert (np.ravel(oracle.coef_) == 0).sum() >= 2
        np.testing.assert_array_equal(w == 0, np.ravel(oracle.coef_) == 0)


def test_a_prior_is_scaled_by_the_number_of_samples():
    """Squared error with noise variance σ²: the MAP weights are (XᵀX + σ²/s²)⁻¹XᵀY, for 20 samples and for 60."""
    for n in (20, 60):
        x, y = X[:n] - X[:n].mean(0), Y[:n] - Y[:n].mean()
        expected = np.linalg.solve(x.T @ x + 0.25 / 0.3**2 * np.eye(6), x.T @ y)
        model, prior = nn.Linear(6, 1, bias=False).double(), reg.GaussianPrior(0.3, n)
        model.weight.data.copy_(gw.tensor(expected[None]))
        nll = ((model(gw.tensor(x))[:, 0] - gw.tensor(y)) ** 2).mean() / (2 * 0.25)
        (nll + prior(model)).backward()
        np.testing.assert_allclose(model.weight.grad.numpy(), 0, atol=1e-12)


# --- max-norm ---------------------------------------------------------------------------------------------------------
class Conv(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(gw.randn(*shape))


class ConvTranspose2d(Conv):
    groups = 2


@pytest.mark.parametrize("make", [lambda: nn.Linear(5, 7), lambda: Conv(4, 3, 2, 2)])
def test_max_norm_is_pytorchs_renorm(make):
    model = make()
    before = model.weight.detach().numpy().copy()
    lengths = np.sqrt((before.reshape(len(before), -1) ** 2).sum(1))
    c = float(np.median(lengths)) + 1e-3
    assert reg.max_norm_(model, c) is model
    after = model.weight.detach().numpy()
    theirs = torch.renorm(torch.tensor(before), 2, 0, c).numpy()  # which divides by the length + 1e-7
    np.testing.assert_allclose(after, theirs, rtol=1e-6)
    within = lengths <= c
    assert within.any()
    assert not within.all()
    np.testing.assert_array_equal(after[within], before[within])
    now = np.sqrt((after.reshape(len(after), -1) ** 2).sum(1))
    np.testing.assert_allclose(now[~within], c, rtol=1e-6)
    bias = getattr(model, "bias", None)
    assert bias is None or bias.requires_grad


def test_max_norm_of_a_transposed_convolution_bounds_its_outputs():
    model = ConvTranspose2d(6, 4, 3, 3).double()  # two groups: inputs 0 to 2 lead to outputs 0 to 3, 3 to 5 to the rest
    before = model.weight.detach().numpy().copy()
    c = 3.0
    after = reg.max_norm_(model, c).weight.detach().numpy()
    for group in (slice(0, 3), slice(3, 6)):
        for out in range(4):
            length = np.sqrt((before[group, out] ** 2).sum())
            np.testing.assert_allclose(after[group, out], before[group, out] * min(1, c / length), rtol=1e-12)


def test_max_norm_of_a_layer_by_name_and_of_weights_that_are_zero():
    model = network()
    before = weights(model, ["3.weight"])
    nn.init.zeros_(model[0].weight)
    model[0].weight.data[1] = 5.0
    reg.MaxNorm(0.5, "0.*")(model)
    w = model[0].weight.detach().numpy()
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), [0, 0.5, 0, 0, 0], rtol=1e-12)
    np.testing.assert_array_equal(weights(model, ["3.weight"]), before)


# --- noise ------------------------------------------------------------------------------------------------------------
def test_weight_noise_has_its_deviation_and_its_gradient_comes_to_the_clean_weights():
    layer = nn.Linear(300, 200)
    clean, bias = layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()
    net = reg.WeightNoise(layer, 0.3)
    y = net(gw.eye(300))
    noise = (y.detach().numpy() - bias).T - clean
    assert stats.kstest(noise.ravel() / 0.3, stats.norm.cdf).pvalue > 0.01
    np.testing.assert_array_equal(layer.weight.detach().numpy(), clean)
    upstream = gw.randn(300, 200)
    y.backward(upstream)
    np.testing.assert_allclose(layer.weight.grad.numpy(), upstream.numpy().T, rtol=1e-6)
    again = net(gw.eye(300)).detach().numpy()
    assert (again != y.detach().numpy()).any()


def test_the_gradient_is_taken_at_the_noisy_weights():
    """Of w²/2 it is the noisy weight itself."""
    model = nn.Linear(4, 3, bias=False).double()

    class Square(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self):
            return (self.inner.weight * self.inner.weight).sum() / 2, self.inner.weight

    with gw.use_generator(gw.Generator(2)):
        value, noisy = reg.WeightNoise(Square(), 0.5)()
    value.backward()
    np.testing.assert_allclose(model.weight.grad.numpy(), noisy.detach().numpy(), rtol=1e-14)
    with gw.use_generator(gw.Generator(2)):
        drawn = gw.randn(3, 4, dtype=np.float64).numpy()
    np.testing.assert_allclose(noisy.detach().numpy(), model.weight.detach().numpy() + 0.5 * drawn, rtol=1e-14)


def test_weight_noise_is_off_at_evaluation_and_the_weights_are_back_after_an_error():
    model, x = network(), gw.randn(7, 4, dtype=np.float64)
    parameters = dict(model.named_parameters())
    with pytest.raises(ShapeError), reg.weight_noise(model, 0.1):
        model(gw.ones(7, 9, dtype=np.float64))
    assert dict(model.named_parameters()) == parameters
    net = reg.WeightNoise(model, 0.5).eval()
    state = gw.current_generator().get_state()
    np.testing.assert_array_equal(net(x).detach().numpy(), model(x).detach().numpy())
    with reg.weight_noise(model, 0.5):
        np.testing.assert_array_equal(model(x).detach().numpy(), net(x).detach().numpy())
    assert gw.current_generator().get_state() == state
    assert [name for name, _ in net.named_parameters()] == [f"module.{name}" for name in parameters]


def test_a_shared_weight_gets_one_draw():
    layer = nn.Linear(3, 3, bias=False)
    nn.init.eye_(layer.weight)
    seen = []
    layer.register_forward_hook(lambda module, args, output: seen.append(module.weight.detach().numpy()))
    reg.WeightNoise(nn.Sequential(layer, nn.Tanh(), layer), 0.1)(gw.ones(1, 3))
    np.testing.assert_array_equal(seen[0], seen[1])


@pytest.mark.parametrize("gamma", [0.0, 0.55])
def test_gradient_noise_falls_as_the_paper_says(gamma):
    w = gw.zeros(40_000, requires_grad=True)
    idle = gw.zeros(3, requires_grad=True)
    noise = reg.GradientNoise(0.3, gamma)
    for t in range(4):
        w.grad = gw.full((40_000,), 2.0)
        noise([w, idle])
        z = (w.grad.numpy() - 2) / math.sqrt(0.3 / (1 + t) ** gamma)
        assert stats.kstest(z, stats.norm.cdf).pvalue > 0.01
        assert noise.steps.item() == t + 1
    assert idle.grad is None
    before = w.grad.numpy().copy()
    noise.eval()([w])
    np.testing.assert_array_equal(w.grad.numpy(), before)
    assert noise.steps.item() == 4
    assert list(noise.state_dict()) == ["steps"]


# --- stochastic depth -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.2, 0.7])
def test_stochastic_depth_leaves_out_rows_and_scales_the_others(p):
    x = gw.tensor(np.random.default_rng(0).uniform(1, 2, (5000, 2, 3)), requires_grad=True)
    y = nn.StochasticDepth(p)(x)
    ratio = (y / x).detach().numpy()
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-12)
    assert set(np.round(ratio.ravel(), 9)) == {0.0, round(1 / (1 - p), 9)}
    dropped = int((ratio[:, 0, 0] == 0).sum())
    assert stats.binomtest(dropped, 5000, p).pvalue > 0.01
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), ratio, rtol=1e-12)


def test_stochastic_depth_of_a_batch_is_one_draw():
    layer, x = nn.StochasticDepth(0.4, mode="batch"), gw.ones(50, 3)
    seen = [layer(x).numpy() for _ in range(400)]
    for y in seen:
        np.testing.assert_array_equal(y, np.full((50, 3), y[0, 0]))
    assert stats.binomtest(sum(y[0, 0] == 0 for y in seen), 400, 0.4).pvalue > 0.01


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth_at_the_ends_at_evaluation_and_its_one_draw(mode):
    x = gw.randn(6, 3)
    np.testing.assert_array_equal(nn.StochasticDepth(0.0, mode)(x).numpy(), x.numpy())
    assert not nn.StochasticDepth(1.0, mode)(x).numpy().any()
    assert nn.StochasticDepth(0.5, mode).eval()(x) is x
    for p in (0.0, 0.5, 1.0):
        draws = gw.current_generator().get_state()[2]
        nn.StochasticDepth(p, mode)(x)
        assert gw.current_generator().get_state()[2] == draws + 1


def test_rates_rise_linearly_with_depth():
    """Huang et al.: with 54 blocks and p_L = 0.5 about 40 are active, (3L - 1)/4."""
    rates = reg.depth_rates(54, 0.5)
    assert rates[-1] == 0.5
    np.testing.assert_allclose(1 - np.array(rates), 1 - np.arange(1, 55) / 54 * (1 - 0.5), rtol=1e-15)
    assert sum(1 - r for r in rates) == pytest.approx((3 * 54 - 1) / 4)


# --- all together: compiled, and as a population ----------------------------------------------------------------------
class Member:
    """A residual network with everything that stands here, each number its own."""

    def __init__(self, l2, l1, scale, df, p, std, eta, c):
        self.stem, self.branch, self.head = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        self.model = nn.Sequential(self.stem, self.branch, self.head)
        self.noisy = reg.WeightNoise(self.branch, std)
        self.drop = nn.StochasticDepth(p)
        self.penalties = [reg.L2(l2), reg.ElasticNet(l1, l2), reg.StudentTPrior(scale, 32, df, "2.weight")]
        self.noise = reg.GradientNoise(eta)
        self.bound = reg.MaxNorm(c)
        self.opt = optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)

    def step(self, x, y):
        self.opt.zero_grad()
        h = self.stem(x).tanh()
        h = h + self.drop(self.noisy(h).tanh())
        loss = nn.functional.cross_entropy(self.head(h), y)
        for penalty in self.penalties:
            loss = loss + penalty(self.model)
        loss.backward()
        self.noise(self.model.parameters())
        self.opt.step()
        self.bound(self.model)
        return loss


SETTINGS = [
    {"l2": 1e-2, "l1": 1e-3, "scale": 0.5, "df": 3.0, "p": 0.5, "std": 0.1, "eta": 0.01, "c": 0.8},
    {"l2": 0.0, "l1": 0.0, "scale": 2.0, "df": 1.0, "p": 0.0, "std": 0.0, "eta": 0.0, "c": 5.0},
    {"l2": 0.1, "l1": 0.01, "scale": 0.1, "df": 5.0, "p": 0.2, "std": 0.3, "eta": 0.1, "c": 0.5},
]
BATCHES = (
    np.random.default_rng(0).normal(size=(15, 8, 4)).astype(np.float32),
    np.random.default_rng(1).integers(0, 2, (15, 8)),
)


def eagerly(settings, seed):
    generator = gw.Generator(seed)
    with gw.use_generator(generator):
        member = Member(**settings)
        losses = [member.step(gw.tensor(x), gw.tensor(y)).item() for x, y in zip(*BATCHES, strict=True)]
    return np.array(losses), member, generator


def agree(member, expected, losses, expected_losses):
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5, atol=1e-5)
    for (name, p), (_, q) in zip(
        member.model.state_dict().items(), expected.model.state_dict().items(), strict=True
    ):  # fmt: skip
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
    assert member.noise.steps.item() == 15


def test_one_program_serves_every_number_and_gives_what_eager_steps_give():
    expected_losses, expected, stream = eagerly(SETTINGS[0], 7)
    generator = gw.Generator(7)
    with gw.use_generator(generator):
        member = Member(**SETTINGS[0])
        step = gw.compile(member.step)
        losses = step.scan(*BATCHES).numpy()
        agree(member, expected, losses, expected_losses)
        assert generator.get_state() == stream.get_state()
        member.penalties[0].strength, member.penalties[2].scale, member.drop.p = 0.3, 0.4, 0.9
        member.noisy.std, member.noise.eta, member.bound.max_norm = 0.2, 0.3, 0.25
        changed = step.scan(*BATCHES).numpy()
    assert step.traces == 1
    assert np.abs(changed - losses).max() > 0.1
    assert max(np.linalg.norm(m.weight.detach().numpy(), axis=1).max() for m in member.model) <= 0.25 + 1e-6


@pytest.mark.long
def test_a_population_is_its_members_alone():
    made = []

    def factory(**arguments):
        made.append(Member(**arguments))
        return made[-1].step

    seeds = [7, 8, 9]
    population = gw.Population(factory, SETTINGS, seeds)
    losses = population.scan(*BATCHES).numpy()
    for i, (settings, seed) in enumerate(zip(SETTINGS, seeds, strict=True)):
        expected_losses, expected, stream = eagerly(settings, seed)
        agree(made[i], expected, losses[i], expected_losses)
        assert population.generators[i].get_state() == stream.get_state()
    assert all(step.traces <= 1 for step in population.steps)
