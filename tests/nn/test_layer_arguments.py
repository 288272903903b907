"""What the tables of layers do not show: second results, second arguments, initial weights, messages."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError

from .conformance import close, torch_state

RNG = np.random.default_rng(0)
SIZES = {1: (2, 3, 9), 2: (2, 3, 7, 6), 3: (2, 3, 5, 4, 6)}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["MaxPool", "AdaptiveMaxPool"])
def test_max_pools_return_indices(n, name):
    options = {"stride": 2, "padding": 1, "ceil_mode": True} if name == "MaxPool" else {}
    x = RNG.normal(size=SIZES[n])
    y, places = getattr(nn, f"{name}{n}d")(3, return_indices=True, **options)(gw.tensor(x))
    ty, there = getattr(torch.nn, f"{name}{n}d")(3, return_indices=True, **options)(torch.tensor(x))
    close(y, ty, 1e-12)
    np.testing.assert_array_equal(places.numpy(), there.numpy())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_max_unpools_take_their_pools_back(n):
    x = RNG.normal(size=SIZES[n])
    pools = [getattr(library, f"MaxPool{n}d")(2, return_indices=True) for library in (nn, torch.nn)]
    unpools = [getattr(library, f"MaxUnpool{n}d")(2) for library in (nn, torch.nn)]
    ours, theirs = gw.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    assert repr(unpools[0]) == repr(unpools[1])
    assert unpools[0].config() == type(unpools[0])(**unpools[0].config()).config()
    for size in (None, x.shape[2:], list(x.shape)):
        y, t = (u(*p(v), output_size=size) for u, p, v in zip(unpools, pools, (ours, theirs), strict=True))
        close(y, t, 1e-12)
        g = RNG.normal(size=y.shape)
        y.backward(gw.tensor(g))
        t.backward(torch.tensor(g))
        close(ours.grad, theirs.grad, 1e-12)
    compiled = gw.compile(lambda v: unpools[0](*pools[0](v), output_size=x.shape))
    close(compiled(gw.tensor(x)), t, 1e-12)
    for wrong, message in (([1] * n, "less than a stride"), ([7] * (n + 1), f"has {n} numbers")):
        with pytest.raises(ShapeError, match=message):
            unpools[0](*pools[0](ours), output_size=wrong)


def test_an_index_without_a_place_is_named():
    with pytest.raises(IndexOutOfRangeError, match="9"):
        nn.MaxUnpool2d(2)(gw.ones(1, 1, 1, 1), gw.tensor([[[[9]]]]))


# --- convolutions -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 3])
def test_transposed_convolutions_reach_every_output_size(n):
    options = {"stride": 3, "padding": 1, "dilation": 2}
    layer = getattr(nn, f"ConvTranspose{n}d")(3, 2, 2, **options).double()
    theirs = getattr(torch.nn, f"ConvTranspose{n}d")(3, 2, 2, **options).double()
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in layer.state_dict().items()})
    x = RNG.normal(size=SIZES[n])
    least = layer(gw.tensor(x)).shape[2:]
    for more in range(3):
        size = [a + more for a in least]
        for wanted in (size, [2, 2, *size]):
            close(layer(gw.tensor(x), output_size=wanted), theirs(torch.tensor(x), output_size=wanted), 1e-12)
    for wrong in ([least[0] - 1, *least[1:]], [a + 3 for a in least]):
        with pytest.raises(ShapeError, match=r"come sizes from"):
            layer(gw.tensor(x), output_size=wrong)
    with pytest.raises(ShapeError, match=f"output_size has {n} numbers"):
        layer(gw.tensor(x), output_size=[1] * (n + 1))


@pytest.mark.parametrize(
    ("name", "bound"), [("Conv2d", (16 / 2 * 9) ** -0.5), ("ConvTranspose2d", (32 / 2 * 9) ** -0.5)]
)
def test_kernels_are_drawn_as_pytorch_draws_them(name, bound):
    ours, theirs = (getattr(library, name)(16, 32, 3, groups=2) for library in (nn, torch.nn))
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        values, oracle = p.detach().numpy(), q.detach().numpy()
        assert values.shape == oracle.shape
        for drawn in (values, oracle):
            assert 0.8 * bound < np.abs(drawn).max() <= bound
        if values.size > 100:
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
            assert abs(values.mean()) < 0.05 * bound
            assert np.unique(values).size > 0.99 * values.size


def test_bilinear_weights_are_drawn_within_the_bound():
    values = nn.Bilinear(25, 10, 10).weight.detach().numpy()
    assert 0.19 < np.abs(values).max() <= 0.2
    assert values.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.05)


def test_norms_and_slopes_start_as_pytorchs_and_are_reset():
    pairs = [
        (nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)),
        (nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
         torch.nn.InstanceNorm1d(3, affine=True, track_running_stats=True)),
        (nn.LayerNorm((3, 2)), torch.nn.LayerNorm((3, 2))),
        (nn.GroupNorm(1, 3), torch.nn.GroupNorm(1, 3)),
        (nn.RMSNorm(3), torch.nn.RMSNorm(3)),
        (nn.PReLU(3, 0.1), torch.nn.PReLU(3, 0.1)),
    ]  # fmt: skip
    for ours, theirs in pairs:
        first = torch_state(theirs)
        for again in (False, True):
            if again:
                ours.load_state_dict({k: v + 1 for k, v in first.items()})
                ours.reset_parameters()
            for key, value in ours.state_dict().items():
                np.testing.assert_array_equal(value.numpy(), first[key], err_msg=f"{ours} {key}")
                assert value.dtype == first[key].dtype


def test_conv_arguments_are_kept_as_pytorch_keeps_them():
    for args, options in [
        ((3, 4, 3), {}),
        ((3, 4, [2, 3]), {"stride": 2, "padding": (1, 0)}),
        ((3, 4, 3, 1, "same"), {}),
    ]:
        ours, theirs = nn.Conv2d(*args, **options), torch.nn.Conv2d(*args, **options)
        for key in ("in_channels", "out_channels", "stride", "padding", "dilation", "groups", "padding_mode"):
            assert getattr(ours, key) == getattr(theirs, key)
        assert ours.kernel_size == tuple(theirs.kernel_size)


# --- messages ---------------------------------------------------------------------------------------------------------
REFUSED = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), r"3.*4.*multiples of groups 2"),
    (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), r"padding_mode.*'mirror'"),
    (lambda: nn.Conv2d(3, 4, 3, padding="full"), r"'full'"),
    (lambda: nn.Conv2d(3, 4, 3, 2, "same"), r"stride of 1, got 2"),
    (lambda: nn.Conv1d(3, 4, (3, 3)), r"kernel_size must be a whole number"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), r"'zeros', got 'reflect'"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), r"padding is numbers, got 'same'"),
    (lambda: nn.ZeroPad2d((1, 2)), r"4 of them.*\(1, 2\)"),
    (lambda: nn.GroupNorm(3, 4), r"4 channels do not make 3"),
    (lambda: nn.RReLU(0.5, 0.1), r"0\.5 and 0\.1"),
    (lambda: nn.CELU(0), r"alpha must not be 0"),
    (lambda: nn.GELU("erf"), r"'erf'"),
    (lambda: nn.Hardtanh(1, 1), r"min_val must be below"),
    (lambda: nn.Dropout2d(1.5), r"Dropout2d: p is a probability.*1\.5"),
    (lambda: nn.Bilinear(0, 2, 3), r"in1_features"),
    (lambda: nn.SmoothL1Loss(beta=-1), r"beta.*-1"),
    (lambda: nn.HuberLoss(delta=0), r"delta.*0"),
    (lambda: nn.MultiMarginLoss(p=3), r"p is 1 or 2, got 3"),
    (lambda: nn.TripletMarginLoss(margin=0), r"margin must be above 0"),
    (lambda: nn.TripletMarginWithDistanceLoss(margin=-1.0), r"margin must be above 0"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_arguments_that_make_no_sense_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Conv2d(3, 4, 3), (2, 5, 7, 7), r"5 channels"),
        (nn.BatchNorm2d(3), (2, 3, 4), r"BatchNorm2d\(3\): expected \(N, 3, H, W\), got \(2, 3, 4\)"),
        (nn.BatchNorm3d(3), (2, 2, 4, 4, 4), r"expected \(N, 3, D, H, W\), got \(2, 2, 4, 4, 4\)"),
        (nn.InstanceNorm2d(3), (2, 4, 4, 4), r"\(N, 3, H, W\) or \(3, H, W\), got \(2, 4, 4, 4\)"),
        (nn.InstanceNorm1d(3), (2, 3, 1), r"no variance"),
        (nn.GroupNorm(1, 3), (2, 4), r"expected \(N, 3, …\), got \(2, 4\)"),
        (nn.LayerNorm(3), (2, 4), r"\(3,\).*\(2, 4\)"),
        (nn.Softmax2d(), (2, 3), r"got \(2, 3\)"),
        (nn.ReflectionPad1d(4), (1, 3), r"2 places"),
        (nn.MaxPool2d(9), (1, 3, 3), r"does not fit"),
        (nn.Unflatten(1, (2, 2)), (2, 5), r"5"),
    ],
    ids=str,
)
def test_inputs_that_do_not_fit_are_named(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer(gw.zeros(*shape))


# --- random layers ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("module", "function", "shape"),
    [
        (nn.Dropout1d, nn.functional.dropout1d, (3, 4, 5)),
        (nn.Dropout2d, nn.functional.dropout2d, (3, 4, 5, 2)),
        (nn.Dropout3d, nn.functional.dropout3d, (3, 4, 5, 2, 2)),
        (nn.AlphaDropout, nn.functional.alpha_dropout, (3, 4)),
        (nn.FeatureAlphaDropout, nn.functional.feature_alpha_dropout, (3, 4, 5)),
    ],
)
def test_in_training_the_dropouts_are_their_functions(module, function, shape):
    x = gw.randn(*shape)
    gw.manual_seed(3)
    expected = function(x, 0.4, True).numpy()
    gw.manual_seed(3)
    np.testing.assert_array_equal(module(0.4)(x).numpy(), expected)
    assert (expected != x.numpy()).any()
    assert module(0.4).eval()(x) is x


def test_rrelu_draws_its_slopes_in_training():
    x = gw.tensor(-np.ones(50_000))
    slopes = -nn.RReLU(0.2, 0.6)(x).numpy()
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.6
    assert slopes.mean() == pytest.approx(0.4, abs=0.005)
    assert slopes.std() == pytest.approx(0.4 / np.sqrt(12), rel=0.02)
    np.testing.assert_allclose(nn.RReLU(0.2, 0.6).eval()(x).numpy(), -0.4, rtol=1e-12)


def test_inplace_writes_over_the_input():
    for layer in (nn.ReLU(inplace=True), nn.ELU(inplace=True), nn.Dropout(1.0, inplace=True)):
        x = gw.tensor([-1.0, 2.0])
        assert layer(x) is x
        assert x.tolist() != [-1.0, 2.0]
