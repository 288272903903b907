"""Initial values: ranges, variances and gains."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, DataError, NonFiniteError, ShapeError
from gradwright.nn import init

OUT, IN = 300, 200


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("uniform_", {"a": -2.0, "b": 3.0}),
        ("normal_", {"mean": 1.0, "std": 0.3}),
        ("xavier_uniform_", {}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {"gain": 5 / 3}),
        ("kaiming_uniform_", {"a": math.sqrt(5)}),
        ("kaiming_uniform_", {"nonlinearity": "relu", "mode": "fan_out"}),
        ("kaiming_normal_", {}),
        ("kaiming_normal_", {"nonlinearity": "relu"}),
        ("kaiming_normal_", {"nonlinearity": "tanh", "mode": "fan_out"}),
    ],
)
def test_range_mean_and_variance_are_pytorchs(function, options):
    gw.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    w, t = gw.zeros(OUT, IN), torch.zeros(OUT, IN)
    assert getattr(init, function)(w, **options).shape == (OUT, IN)
    getattr(torch.nn.init, function)(t, **options, generator=generator)
    ours, theirs = w.numpy(), t.numpy()
    assert ours.dtype == np.float32
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * float(theirs.std()) / math.sqrt(OUT * IN / 2))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    if "uniform" in function:
        assert ours.max() == pytest.approx(theirs.max(), rel=1e-3)
        assert ours.min() == pytest.approx(theirs.min(), rel=1e-3)
    else:
        assert abs(((ours - ours.mean()) / ours.std()) ** 4).mean() == pytest.approx(3, abs=0.15)


TORCHS_GAINS = [
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
    "tanh", "relu", "leaky_relu", "selu",
]  # fmt: skip


@pytest.mark.parametrize("name", TORCHS_GAINS)
@pytest.mark.parametrize("param", [None, 0.2])
def test_gains_are_pytorchs(name, param):
    assert init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-15)


def test_names_arguments_and_defaults_are_pytorchs():
    names = [n for n in dir(torch.nn.init) if n.endswith("_") and not n.startswith("_")]
    assert len(names) == 14
    for name in names:
        theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
        ours = inspect.signature(getattr(init, name)).parameters
        assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()], name


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", lambda z: max(z, 0)),
        ("elu", lambda z: z if z > 0 else math.expm1(z)),
        ("gelu", lambda z: z * special.ndtr(z)),
        ("mish", lambda z: z * math.tanh(np.logaddexp(0, z))),
        ("silu", lambda z: z * special.expit(z)),
    ],
)
def test_gains_that_pytorch_has_not_keep_the_second_moment(name, function):
    moment = sum(
        integrate.quad(lambda z: function(z) ** 2 * stats.norm.pdf(z), *sides, epsabs=1e-13)[0]
        for sides in ((-12, 0), (0, 12))
    )
    assert init.calculate_gain(name) == pytest.approx(moment**-0.5, rel=1e-9)


# --- distributions ----------------------------------------------------------------------------------------------------
R3 = math.sqrt(3)
DISTRIBUTIONS = [
    ("uniform_", {"a": -2.0, "b": 3.0}, stats.uniform(-2, 5)),
    ("normal_", {"mean": 1.0, "std": 0.3}, stats.norm(1, 0.3)),
    ("xavier_uniform_", {"gain": 2.0}, stats.uniform(-2 * math.sqrt(6 / 500), 4 * math.sqrt(6 / 500))),
    ("xavier_normal_", {}, stats.norm(0, math.sqrt(2 / 500))),
    ("kaiming_normal_", {"nonlinearity": "relu"}, stats.norm(0, math.sqrt(2 / 200))),
    ("kaiming_normal_", {"nonlinearity": "selu", "mode": "fan_out"}, stats.norm(0, 0.75 / math.sqrt(300))),
    ("kaiming_normal_", {"a": 1.0, "mode": "fan_avg"}, stats.norm(0, 1 / math.sqrt(250))),
    ("kaiming_uniform_", {"a": 0.2}, stats.uniform(*(R3 * math.sqrt(2 / 1.04 / 200) * np.array([-1, 2])))),
    ("trunc_normal_", {}, stats.truncnorm(-2, 2)),
    ("trunc_normal_", {"mean": 0.5, "std": 0.1, "a": 0.2, "b": 0.55}, stats.truncnorm(-3, 0.5, 0.5, 0.1)),
    ("trunc_normal_", {"a": 6.0, "b": 7.0}, stats.truncnorm(6, 7)),
    ("trunc_normal_", {"std": 2.0, "a": -80.0, "b": -60.0}, stats.truncnorm(-40, -30, 0, 2)),
    ("trunc_normal_", {"a": -math.inf, "b": 0.0}, stats.truncnorm(-np.inf, 0)),
]


@pytest.mark.parametrize(("function", "options", "exact"), DISTRIBUTIONS)
def test_the_distribution_is_exactly_this(function, options, exact):
    w = getattr(init, function)(gw.zeros(OUT, IN, dtype=np.float64), **options).numpy()
    statistic, p = stats.kstest(w.ravel(), exact.cdf)
    assert p > 0.01, (statistic, p)
    assert stats.kstest(1.05 * w.ravel(), exact.cdf).pvalue < 1e-3, "the test would see a scale wrong by a twentieth"
    assert len(np.unique(w)) > 0.99 * w.size  # nothing was moved to a bound


def test_truncated_values_keep_within_their_bounds_in_float32_too():
    w = init.trunc_normal_(gw.zeros(50_000), std=5.0, a=-0.5, b=0.25).numpy()
    assert w.dtype == np.float32
    assert w.min() >= -0.5
    assert w.max() <= 0.25


def test_a_generator_of_ones_own_leaves_the_stream_alone():
    state = gw.current_generator().get_state()
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                 "kaiming_normal_", "orthogonal_"):  # fmt: skip
        a, b = (getattr(init, name)(gw.zeros(4, 3), generator=gw.Generator(5)).numpy() for _ in range(2))
        np.testing.assert_array_equal(a, b)
        assert a.any()
    init.sparse_(gw.zeros(4, 3), 0.5, generator=gw.Generator(5))
    assert gw.current_generator().get_state() == state


# --- matrices ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("shape", [(30, 30), (20, 50), (50, 20), (8, 4, 3, 3), (1, 7)])
def test_orthogonal(shape, dtype, tolerance):
    w = init.orthogonal_(gw.zeros(*shape, dtype=dtype), gain=1.5).numpy().reshape(shape[0], -1)
    assert w.dtype == dtype
    w = w / dtype(1.5)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, np.eye(len(product)), atol=tolerance, rtol=0)


def test_every_orthogonal_matrix_is_equally_likely():
    """Haar measure: an entry's square is Beta(1/2, (n - 1)/2), its sign is a coin's, the trace's square has mean 1."""
    drawn = np.stack([init.orthogonal_(gw.zeros(4, 4, dtype=np.float64)).numpy() for _ in range(2000)])
    for i, j in ((0, 0), (1, 2), (3, 3)):
        assert stats.kstest(drawn[:, i, j] ** 2, stats.beta(0.5, 1.5).cdf).pvalue > 0.01
        assert stats.binomtest(int((drawn[:, i, j] > 0).sum()), 2000).pvalue > 0.01
    assert (np.trace(drawn, axis1=1, axis2=2) ** 2).mean() == pytest.approx(1, abs=0.15)


def test_sparse():
    w = init.sparse_(gw.zeros(101, 300), 0.33, std=2.0).numpy()
    zeros = w == 0
    np.testing.assert_array_equal(zeros.sum(0), np.full(300, math.ceil(0.33 * 101)))
    assert stats.kstest(w[~zeros], stats.norm(0, 2).cdf).pvalue > 0.01
    rows = zeros.sum(1)  # places are drawn evenly, each column anew
    assert rows.std() == pytest.approx(math.sqrt(300 * 0.337 * 0.663), rel=0.25)
    for sparsity in (0.0, 1.0):
        assert (init.sparse_(gw.zeros(5, 4), sparsity).numpy() == 0).mean() == sparsity


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2)])
def test_eye_is_pytorchs(shape):
    np.testing.assert_array_equal(init.eye_(gw.randn(*shape)).numpy(), torch.nn.init.eye_(torch.randn(*shape)).numpy())


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((3, 6, 4), 1), ((6, 2, 3, 5), 3), ((6, 4, 3, 3), 2), ((4, 2, 1, 2, 3), 2)]
)
def test_dirac_is_pytorchs(shape, groups):
    ours, theirs = init.dirac_(gw.randn(*shape), groups), torch.nn.init.dirac_(torch.randn(*shape), groups)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("shape", [(5, 3), (64, 32, 3), (8, 4, 3, 5), (6, 2, 3, 1, 2)])
def test_fans_are_pytorchs(shape):
    assert init.fans(gw.zeros(*shape)) == torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(*shape))


# --- from data --------------------------------------------------------------------------------------------------------
def deep(depth=8, width=40, activation=nn.ReLU):
    parts = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*parts).double()


def pre_activations(net, x):
    found = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            found.append(x.detach().numpy())
    return found


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_lsuv_gives_every_layer_variance_1_and_orthogonal_weights(activation):
    net, x = deep(activation=activation), gw.tensor(np.random.default_rng(0).normal(3, 5, (200, 40)))
    assert init.lsuv_(net, x) is net
    for y in pre_activations(net, x):
        assert y.var() == pytest.approx(1, rel=1e-9)
    for layer in net:
        if isinstance(layer, nn.Linear):
            w = layer.weight.detach().numpy()
            square = w @ w.T
            np.testing.assert_allclose(square, square[0, 0] * np.eye(40), atol=1e-12 * square[0, 0])
            assert not layer.bias.detach().numpy().any()


def test_lsuv_stops_within_its_tolerance_and_leaves_modes_buffers_and_hooks_alone():
    net = nn.Sequential(
        nn.Linear(5, 30), nn.BatchNorm1d(30), nn.ReLU(), nn.Dropout(0.5), nn.Linear(30, 3)
    )  # fmt: skip
    net[2].eval()
    x = gw.randn(100, 5)
    init.lsuv_(net, x, tol=1e9)
    w = net[0].weight.detach().numpy()
    np.testing.assert_allclose(w.T @ w, np.eye(5), atol=1e-6)  # nothing was rescaled
    before = {k: v.numpy() for k, v in net.state_dict().items() if "running" in k}
    init.lsuv_(net, x)
    for key, value in before.items():
        np.testing.assert_array_equal(net.state_dict()[key].numpy(), value)
    assert [m.training for m in net] == [True, True, False, True, True]
    assert all(m._hooks is None or not any(vars(m._hooks).values()) for m in net.modules())
    assert net.eval()(x).detach().numpy().var() == pytest.approx(1, rel=1e-5)


def test_lsuv_scales_a_shared_layer_once():
    layer = nn.Linear(10, 10).double()
    net, x = nn.Sequential(layer, nn.ReLU(), layer), gw.tensor(np.random.default_rng(1).normal(size=(50, 10)))
    init.lsuv_(net, x)
    assert layer(x).detach().numpy().var() == pytest.approx(1, rel=1e-9)


def test_lsuv_says_when_there_is_no_variance():
    with pytest.raises(ConfigError, match=r"lsuv_: 0 gives the same output"):
        init.lsuv_(nn.Sequential(nn.Linear(3, 4)), gw.zeros(5, 3))
    with pytest.raises(NonFiniteError, match=r"lsuv_: 0 are not|outputs of 0 are not finite"):
        init.lsuv_(nn.Sequential(nn.Linear(3, 4)), gw.full((5, 3), float("nan")))


# --- the output's bias ------------------------------------------------------------------------------------------------
RNG = np.random.default_rng(5)
BIASES = [
    (RNG.normal(3, 2, (50, 2)), 2, "mse_loss"),
    (RNG.normal(3, 2, 50), 1, "mse_loss"),
    ((RNG.random((50, 3)) < [0.1, 0.5, 0.9]).astype(float), 3, "binary_cross_entropy_with_logits"),
    (RNG.integers(0, 2, 50), 1, "binary_cross_entropy_with_logits"),
    (RNG.integers(0, 2, 50).astype(bool), 1, "binary_cross_entropy_with_logits"),
    (np.append(RNG.integers(0, 4, 50), [-100, -100]), 4, "cross_entropy"),
]


@pytest.mark.parametrize(("targets", "outputs", "loss"), BIASES)
def test_output_bias_is_where_pytorchs_loss_has_no_slope(targets, outputs, loss):
    layer = init.output_bias_(nn.Linear(7, outputs).double(), targets)
    bias = torch.tensor(layer.bias.detach().numpy(), requires_grad=True)
    out = bias.expand(len(targets), outputs)
    y = torch.tensor(targets)
    y = y if loss == "cross_entropy" else y.double().reshape(out.shape)
    value = getattr(torch.nn.functional, loss)(out, y)
    value.backward()
    np.testing.assert_allclose(bias.grad.numpy(), 0, atol=1e-12)
    assert value < getattr(torch.nn.functional, loss)(torch.zeros_like(out), y), "better than starting at 0"


def test_output_bias_kinds_may_be_said():
    y = np.array([0.0, 1.0, 1.0])
    layer = nn.Linear(2, 1).double()
    assert init.output_bias_(layer, y, "regression").bias.item() == pytest.approx(2 / 3)
    assert init.output_bias_(layer, y).bias.item() == pytest.approx(math.log(2))
    assert init.output_bias_(layer, gw.tensor([2, 5, 8]), "regression").bias.item() == 5
    two = init.output_bias_(nn.Linear(2, 2).double(), [0, 1, 1], "multiclass")
    np.testing.assert_allclose(two.bias.detach().numpy(), np.log([1 / 3, 2 / 3]), rtol=1e-14)


def test_a_class_that_never_occurs_gives_no_infinity_in_silence():
    with pytest.raises(DataError, match=r"1, 3 never occurs.*smoothing=1"):
        init.output_bias_(nn.Linear(2, 4), np.array([0, 2, 2, 0]))
    with pytest.raises(DataError, match=r"0 never occurs among binary targets"):
        init.output_bias_(nn.Linear(2, 1), np.ones(5))
    layer = init.output_bias_(nn.Linear(2, 4).double(), np.array([0, 2, 2, 0]), smoothing=1)
    np.testing.assert_allclose(layer.bias.detach().numpy(), np.log([3 / 8, 1 / 8, 3 / 8, 1 / 8]), rtol=1e-14)
    layer = init.output_bias_(nn.Linear(2, 1).double(), np.ones(5), smoothing=0.5)
    assert layer.bias.item() == pytest.approx(math.log(5.5 / 0.5))


@pytest.mark.parametrize(
    ("layer", "targets", "options", "error", "message"),
    [
        (nn.Linear(2, 3, bias=False), [0, 1, 2], {}, ConfigError, "no bias"),
        (nn.Linear(2, 1), [2, 5], {}, ConfigError, "kind='regression'"),
        (nn.Linear(2, 3), [0, 1, 3], {}, DataError, "label 3 "),
        (nn.Linear(2, 3), [0, -1, 2], {}, DataError, "label -1 "),
        (nn.Linear(2, 3), [-100, -100], {}, DataError, "every target is ignored"),
        (nn.Linear(2, 1), [0.5, math.nan], {}, DataError, "target 1 is not finite"),
        (nn.Linear(2, 1), [], {}, DataError, "no targets"),
        (nn.Linear(2, 3), [[0.5, 1.5]], {}, ShapeError, r"\(1, 2\) for a layer of 3"),
        (nn.Linear(2, 1), [0.5, 1.5], {"kind": "binary"}, DataError, "from 0 to 1, got 1.5"),
        (nn.Linear(2, 1), [0.5, 1.5], {"kind": "poisson"}, ConfigError, "'poisson'"),
        (nn.Linear(2, 1), [0.5, 1.5], {"smoothing": -1}, ConfigError, "smoothing"),
    ],
)
def test_what_output_bias_refuses(layer, targets, options, error, message):
    before = layer.state_dict()
    with pytest.raises(error, match=message):
        init.output_bias_(layer, np.array(targets), **options)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key].numpy())


# --- whole networks ---------------------------------------------------------------------------------------------------
STDS = {
    "he": math.sqrt(2 / 200), "he_uniform": math.sqrt(2 / 200), "lecun": math.sqrt(1 / 200), "normal": 0.01,
    "orthogonal": math.sqrt(2 / 300), "sparse": math.sqrt(0.1), "trunc_normal": 0.02 * stats.truncnorm(-2, 2).std(),
    "xavier": math.sqrt(2 * 2 / 500), "xavier_normal": math.sqrt(2 * 2 / 500), "zeros": 0.0,
    "default": 1 / math.sqrt(3 * 200),
}  # fmt: skip


@pytest.mark.parametrize("name", STDS)
def test_schemes_by_name(name):
    net = nn.Sequential(nn.Linear(IN, OUT), nn.BatchNorm1d(OUT), nn.ReLU(), nn.Linear(OUT, 2))
    net[1].weight.data.fill_(3.0)
    assert init.initialize_(net, name) is net
    assert net[0].weight.detach().numpy().std() == pytest.approx(STDS[name], rel=0.02)
    assert bool(net[0].bias.detach().numpy().any()) == (name == "default")
    # normalising layers are left as they are, except by what resets every layer
    np.testing.assert_array_equal(net[1].weight.detach().numpy(), 1 if name == "default" else 3)
    assert init.SCHEMES[name].line


def test_every_scheme_has_a_test_and_lsuv_needs_data():
    assert set(init.SCHEMES) == {*STDS, "lsuv"}
    net = deep(3)
    with pytest.raises(ConfigError, match="x=…"):
        init.initialize_(net, "lsuv")
    x = gw.randn(100, 40, dtype=np.float64)
    init.initialize_(net, "lsuv", x=x)
    assert pre_activations(net, x)[-1].var() == pytest.approx(1, rel=1e-9)
    with pytest.raises(ConfigError, match=r"'glorot'.*known: default, he"):
        init.initialize_(net, "glorot")
    with pytest.raises(ConfigError, match="'swish'"):
        init.initialize_(net, "zeros", activation="swish")


@pytest.mark.parametrize(("activation", "gain"), [(nn.Tanh, 5 / 3), (nn.Sigmoid, 1.0), (nn.ReLU, math.sqrt(2))])
def test_the_gain_is_that_of_the_networks_activation(activation, gain):
    net = init.initialize_(deep(1, 300, activation), "xavier_normal")
    assert net[0].weight.detach().numpy().std() == pytest.approx(gain / math.sqrt(300), rel=0.02)
    init.initialize_(net, "xavier_normal", activation="leaky_relu", negative_slope=1.0)
    assert net[0].weight.detach().numpy().std() == pytest.approx(1 / math.sqrt(300), rel=0.02)
    bare = nn.Sequential(nn.Linear(300, 300))
    assert init.initialize_(bare, "he")[0].weight.detach().numpy().std() == pytest.approx(math.sqrt(2 / 300), rel=0.02)


def test_gates_of_a_recurrent_layer_are_matrices_of_their_own_and_embeddings_stay():
    class LikeAnLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden_size = 6
            self.weight_ih_l0 = nn.Parameter(gw.zeros(24, 4))
            self.weight_hh_l0 = nn.Parameter(gw.zeros(24, 6))
            self.bias_ih_l0 = nn.Parameter(gw.ones(24))

    class Embedding(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(gw.full((9, 4), 7.0))

    net = init.initialize_(nn.Sequential(Embedding(), LikeAnLSTM()), "orthogonal", activation="linear")
    np.testing.assert_array_equal(net[0].weight.detach().numpy(), 7)
    gates = net[1].weight_hh_l0.detach().numpy().reshape(4, 6, 6)
    for gate in gates:
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-6)
    assert not np.allclose(gates[0], gates[1])
    assert not net[1].bias_ih_l0.detach().numpy().any()


def test_a_network_is_the_same_for_the_same_generator():
    a, b = (init.initialize_(deep(2, 10), "he", generator=gw.Generator(3)) for _ in range(2))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_constants_and_parameters_keep_their_place():
    w = gw.nn.Parameter(gw.randn(3, 2))
    for function, value in [(init.zeros_, 0), (init.ones_, 1)]:
        function(w)
        np.testing.assert_array_equal(w.detach().numpy(), np.full((3, 2), value))
    init.constant_(w, 0.25)
    np.testing.assert_array_equal(w.detach().numpy(), np.full((3, 2), 0.25))
    assert w.requires_grad
    assert w.is_leaf


def test_convolution_shapes_count_the_field():
    gw.manual_seed(0)
    w = gw.zeros(64, 32, 3, 3)
    init.kaiming_normal_(w, nonlinearity="relu")
    assert w.numpy().std() == pytest.approx(math.sqrt(2 / (32 * 9)), rel=0.03)


def test_the_same_seed_gives_the_same_weights_in_both_widths():
    values = []
    for dtype in (np.float32, np.float64):
        gw.manual_seed(4)
        values.append(init.uniform_(gw.zeros(5, dtype=dtype)).numpy())
    assert values[1].dtype == np.float64
    np.testing.assert_array_equal(values[0], values[1])


def test_errors():
    with pytest.raises(ConfigError, match="'swish'"):
        init.calculate_gain("swish")
    with pytest.raises(ConfigError, match="slope"):
        init.calculate_gain("leaky_relu", True)
    with pytest.raises(ConfigError, match="'fan'"):
        init.kaiming_uniform_(gw.zeros(2, 2), mode="fan")
    for function in (init.xavier_uniform_, init.orthogonal_, init.eye_, init.dirac_):
        with pytest.raises(ShapeError, match=r"\(3,\)"):
            function(gw.zeros(3))
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        init.sparse_(gw.zeros(3), 0.1)
    with pytest.raises(ConfigError, match="sparsity"):
        init.sparse_(gw.zeros(3, 3), 1.1)
    with pytest.raises(ShapeError, match="2 groups do not divide the 3"):
        init.dirac_(gw.zeros(3, 3, 3), 2)
    for bad in ({"std": 0.0}, {"a": 1.0, "b": 1.0}, {"b": math.nan}):
        with pytest.raises(ConfigError, match="a < b"):
            init.trunc_normal_(gw.zeros(3), **bad)


def test_the_default_scheme_leaves_what_a_whole_draws_otherwise_than_its_parts():
    gw.manual_seed(0)
    for model, weigh in (
        (nn.Highway(4), lambda m: float(m.gate.bias.detach().mean().item())),
        (nn.models.ResNet(8, width=8), lambda m: float(m.stem[0].weight.detach().std().item())),
    ):
        before = weigh(model)
        init.initialize_(model, "default")
        assert weigh(model) == pytest.approx(before, rel=0.25)
