"""Layers whose arguments are PyTorch's, a row each, through the conformance suite; a table is one compiled program."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn

from .conformance import TableConformance, close, row

LINES, IMAGES, VOLUMES = [(2, 4, 9), (4, 9)], [(2, 4, 7, 6), (4, 7, 6)], [(2, 4, 5, 4, 6), (4, 5, 4, 6)]
ANY = [(5, 4), (2, 3, 4)]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
class TestConvolutions(TableConformance):
    every = 4  # XLA takes a second for each
    rows: ClassVar = [
        row("Conv1d", 4, 6, 3, shapes=LINES),
        row("Conv1d", 4, 6, 3, 2, 1, 2, 2, False, shapes=LINES),
        row("Conv1d", 4, 2, 4, padding="same", padding_mode="circular", shapes=LINES),
        row("Conv2d", 4, 3, 3, shapes=IMAGES),
        row("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, shapes=IMAGES),
        row("Conv2d", 4, 4, 3, groups=4, padding="valid", shapes=IMAGES),
        row("Conv2d", 4, 3, (4, 3), padding="same", dilation=(1, 2), shapes=IMAGES),
        row("Conv2d", 4, 3, 3, padding=(2, 1), padding_mode="reflect", shapes=IMAGES),
        row("Conv2d", 4, 3, (3, 2), padding="same", padding_mode="reflect", shapes=IMAGES),
        row("Conv2d", 4, 3, 3, padding="valid", padding_mode="replicate", shapes=IMAGES),
        row("Conv2d", 4, 3, 3, stride=2, padding=1, padding_mode="replicate", bias=False, shapes=IMAGES),
        row("Conv3d", 4, 2, 2, shapes=VOLUMES),
        row("Conv3d", 4, 2, (1, 2, 3), padding=(0, 1, 2), padding_mode="circular", groups=2, shapes=VOLUMES),
        row("ConvTranspose1d", 4, 3, 3, shapes=LINES),
        row("ConvTranspose1d", 4, 6, 3, 3, 1, 2, 2, False, 2, shapes=LINES),
        row("ConvTranspose2d", 4, 3, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0), shapes=IMAGES),
        row("ConvTranspose2d", 4, 4, 2, groups=4, dilation=2, shapes=IMAGES),
        row("ConvTranspose3d", 4, 2, 2, stride=2, groups=2, shapes=VOLUMES),
    ]


class TestPools(TableConformance):
    every = 2
    rows: ClassVar = [
        row("MaxPool1d", 3, 2, padding=1, dilation=2, shapes=LINES),
        row("MaxPool2d", 2, shapes=IMAGES),
        row("MaxPool2d", (3, 2), (2, 1), (1, 0), ceil_mode=True, shapes=IMAGES),
        row("MaxPool3d", (2, 3, 2), 2, ceil_mode=True, shapes=VOLUMES),
        row("AvgPool1d", 3, shapes=LINES),
        row("AvgPool1d", 4, 3, 1, True, False, shapes=LINES),
        row("AvgPool2d", (3, 2), (2, 1), (1, 0), shapes=IMAGES),
        row("AvgPool2d", 3, 2, 1, ceil_mode=True, count_include_pad=False, shapes=IMAGES),
        row("AvgPool2d", 3, divisor_override=5, shapes=IMAGES),
        row("AvgPool3d", (2, 3, 2), ceil_mode=True, shapes=VOLUMES),
        row("LPPool1d", 2, 3, shapes=LINES),
        row("LPPool2d", 2, (3, 2), stride=2, ceil_mode=True, shapes=IMAGES),
        row("LPPool3d", 4, 2, shapes=VOLUMES),
        row("AdaptiveAvgPool1d", 4, shapes=LINES),
        row("AdaptiveAvgPool2d", 1, shapes=IMAGES),
        row("AdaptiveAvgPool2d", (3, None), shapes=IMAGES),
        row("AdaptiveAvgPool3d", (2, 2, 4), shapes=VOLUMES),
        row("AdaptiveMaxPool1d", 4, shapes=LINES),
        row("AdaptiveMaxPool2d", (None, 4), shapes=IMAGES),
        row("AdaptiveMaxPool3d", 2, shapes=VOLUMES),
    ]


class TestPadding(TableConformance):
    every = 3
    rows: ClassVar = [
        row("ZeroPad1d", 2, shapes=LINES),
        row("ZeroPad2d", (1, -1, 2, 0), shapes=IMAGES),
        row("ZeroPad3d", (1, 0, 0, 2, 1, 1), shapes=VOLUMES),
        row("ConstantPad1d", (1, 3), 0.5, shapes=LINES),
        row("ConstantPad2d", 2, -1.5, shapes=IMAGES),
        row("ConstantPad3d", (1, 0, -1, 2, 1, 1), 2.0, shapes=VOLUMES),
        row("ReflectionPad1d", (3, 2), shapes=LINES),
        row("ReflectionPad2d", (1, 2, 3, 0), shapes=IMAGES),
        row("ReflectionPad3d", 1, shapes=VOLUMES),
        row("ReplicationPad1d", 4, shapes=LINES),
        row("ReplicationPad2d", (1, 2, 3, 0), shapes=IMAGES),
        row("ReplicationPad3d", (1, 2, 0, 1, 2, 2), shapes=VOLUMES),
        row("CircularPad1d", (3, 2), shapes=LINES),
        row("CircularPad2d", (1, 2, 3, 0), shapes=IMAGES),
        row("CircularPad3d", 2, shapes=VOLUMES),
    ]


class TestActivations(TableConformance):
    rows: ClassVar = [
        row("CELU", shapes=ANY), row("CELU", 0.25, shapes=ANY), row("ELU", shapes=ANY),
        row("ELU", 1.7, True, shapes=ANY),
        row("GELU", shapes=ANY), row("GELU", "tanh", shapes=ANY), row("GLU", shapes=ANY),
        row("GLU", 1, shapes=[(2, 4)]),
        row("Hardshrink", shapes=ANY), row("Hardshrink", 0.9, shapes=ANY),
        row("Hardswish", True, shapes=ANY), row("Hardtanh", shapes=ANY), row("Hardtanh", -0.3, 0.7, shapes=ANY),
        row("LeakyReLU", shapes=ANY), row("LeakyReLU", 0.3, inplace=True, shapes=ANY), row("LogSigmoid", shapes=ANY),
        row("LogSoftmax", 1, shapes=ANY), row("Mish", shapes=ANY), row("PReLU", shapes=ANY),
        row("PReLU", 3, 0.5, shapes=[(5, 3), (2, 3, 4)]), row("ReLU", inplace=True, shapes=ANY),
        row("ReLU6", shapes=ANY),
        row("RReLU", shapes=ANY, random=True), row("RReLU", 0.2, 0.9, shapes=ANY, random=True), row("SELU", shapes=ANY),
        row("SiLU", shapes=ANY), row("Softmax2d", shapes=IMAGES), row("Softmin", 0, shapes=ANY),
        row("Softplus", shapes=ANY), row("Softplus", 2.0, 1.0, shapes=ANY), row("Softshrink", shapes=ANY),
        row("Softshrink", 0.2, shapes=ANY), row("Softsign", shapes=ANY), row("Tanhshrink", shapes=ANY),
        row("Threshold", 0.1, 2.0, shapes=ANY),
    ]  # fmt: skip


class TestHardsigmoid(TableConformance):
    rows: ClassVar = [row("Hardsigmoid", shapes=ANY)]

    def oracle(self):
        class Hardsigmoid(torch.nn.Hardsigmoid):  # whose own gradient has the 1/6 of float32
            def forward(self, x):
                return torch.nn.functional.relu6(x + 3) / 6

        return Hardsigmoid()


class TestNormalisations(TableConformance):
    rows: ClassVar = [
        row("BatchNorm1d", 4, bias=False, shapes=[(5, 4), (2, 4, 3)]),
        row("BatchNorm2d", 4, shapes=[(2, 4, 3, 2), (1, 4, 2, 2)]),
        row("BatchNorm2d", 4, 1e-3, None, shapes=[(2, 4, 3, 2)]),
        row("BatchNorm2d", 4, affine=False, track_running_stats=False, shapes=[(2, 4, 3, 2)]),
        row("BatchNorm3d", 4, momentum=0.4, shapes=[(2, 4, 2, 1, 3)]),
        row("InstanceNorm1d", 4, shapes=LINES),
        row("InstanceNorm1d", 4, 1e-3, 0.3, True, True, shapes=LINES),
        row("InstanceNorm2d", 4, affine=True, bias=False, shapes=IMAGES),
        row("InstanceNorm2d", 4, track_running_stats=True, shapes=IMAGES),
        row("InstanceNorm3d", 4, affine=True, track_running_stats=True, shapes=VOLUMES),
        row("LayerNorm", 4, shapes=ANY),
        row("LayerNorm", (3, 4), 1e-2, shapes=[(2, 3, 4), (3, 4)]),
        row("LayerNorm", [4], bias=False, shapes=ANY),
        row("LayerNorm", 4, elementwise_affine=False, shapes=ANY),
        row("GroupNorm", 2, 4, shapes=[(5, 4), *IMAGES[:1]]),
        row("GroupNorm", 4, 4, 1e-2, bias=False, shapes=LINES[:1]),
        row("GroupNorm", 1, 4, affine=False, shapes=VOLUMES[:1]),
        row("RMSNorm", 4, shapes=ANY),
        row("RMSNorm", (3, 4), 1e-2, shapes=[(2, 3, 4)]),
        row("RMSNorm", 4, elementwise_affine=False, shapes=ANY),
        row("LocalResponseNorm", 3, shapes=[(2, 4, 9)]),
        row("LocalResponseNorm", 2, 0.5, 0.6, 2.0, shapes=[(2, 4, 7, 6)]),
    ]


class TestDropouts(TableConformance):
    rows: ClassVar = [
        row("Dropout", 0.3, True, shapes=ANY, random=True),
        row("Dropout1d", 0.3, shapes=LINES, random=True),
        row("Dropout2d", 0.3, shapes=IMAGES[:1], random=True),
        row("Dropout3d", 0.3, shapes=VOLUMES, random=True),
        row("AlphaDropout", 0.3, shapes=ANY, random=True),
        row("FeatureAlphaDropout", 0.3, shapes=IMAGES, random=True),
    ]


class TestArranging(TableConformance):
    rows: ClassVar = [
        row("Unflatten", 1, (2, 2), shapes=[(3, 4), (2, 4, 3)]),
        row("Unflatten", -1, (3, -1), shapes=[(2, 9), (4, 9)]),
        row("Unfold", 3, shapes=IMAGES),
        row("Unfold", (3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1), shapes=IMAGES),
        row("Fold", (5, 4), (2, 3), shapes=[(2, 12, 8), (12, 8)]),
        row("Fold", (5, 4), 2, 1, 1, 2, shapes=[(2, 8, 9)]),
        row("PixelShuffle", 2, shapes=[(2, 8, 3, 2), (4, 2, 2)]),
        row("PixelUnshuffle", 2, shapes=[(2, 1, 4, 6), (3, 2, 2)]),
        row("ChannelShuffle", 2, shapes=IMAGES[:1]),
        row("Upsample", 12, shapes=LINES[:1]),
        row("Upsample", scale_factor=1.7, mode="linear", shapes=LINES[:1]),
        row("Upsample", scale_factor=2, mode="nearest", shapes=IMAGES[:1]),
        row("Upsample", (9, 11), mode="bilinear", align_corners=True, shapes=IMAGES[:1]),
        row("Upsample", scale_factor=(2.0, 1.5), mode="bicubic", recompute_scale_factor=True, shapes=IMAGES[:1]),
        row("Upsample", (3, 6, 9), mode="trilinear", shapes=VOLUMES[:1]),
        row("UpsamplingNearest2d", scale_factor=2, shapes=IMAGES[:1]),
        row("UpsamplingBilinear2d", (9, 11), shapes=IMAGES[:1]),
    ]


class TestOfTwoInputs(TableConformance):
    rows: ClassVar = [
        row("Bilinear", 2, 3, 4, shapes=[(5, 5), (2, 3, 5), (5,)], split=2),
        row("Bilinear", 3, 2, 1, bias=False, shapes=[(5, 5)], split=3),
        row("CosineSimilarity", eps=2.0, shapes=[(5, 8), (2, 3, 8)], split=4),
        row("CosineSimilarity", -1, 2.5, shapes=[(5, 8)], split=4),
        row("PairwiseDistance", shapes=[(5, 8), (8,)], split=4),
        row("PairwiseDistance", 3.0, 1e-2, True, shapes=[(5, 8)], split=4),
    ]


TABLES = [
    TestConvolutions, TestPools, TestPadding, TestActivations, TestHardsigmoid, TestNormalisations, TestDropouts,
    TestArranging, TestOfTwoInputs,
]  # fmt: skip


#: Numbers that stand in a program's text: what they are decides which operations it has, or it runs only once.
FIXED = {"norm_type", "init", "scale_factor"}


def test_every_real_number_among_the_arguments_is_a_hyperparameter():
    for table in TABLES:
        for one in table.rows:
            layer = one.make(nn)
            real = {name for name, value in layer.config().items() if type(value) is float}
            assert real - FIXED <= {*layer.hyperparameters, *({"p"} if one.name == "PairwiseDistance" else ())}, one


# --- one program for a table ------------------------------------------------------------------------------------------
class Everything:
    """All rows of some tables, with an input and an upstream gradient each, run forward and backward one by one."""

    def __init__(self, tables, training, dtype, every=None):
        self.layers, self.inputs, self.names = [], [], []
        for table in tables:
            for one in table.rows[:: every or table.every]:
                case = table()
                case.take(one)
                self.layers.append(case.pair(training)[0].to(dtype))
                self.inputs += map(gw.tensor, case.data(self.layers[-1], one.shapes[0], dtype))
                self.names.append(str(one))

    def change(self):
        """Give every hyperparameter another value; return the rows of which at least one then gives other outputs."""
        seen = set()
        for i, layer in enumerate(self.layers):
            for name in layer.hyperparameters:
                if getattr(layer, name) is not None:
                    setattr(layer, name, getattr(layer, name) * 1.25 + 0.01)
                    if name != "momentum":  # which only moves buffers
                        seen.add(i)
        return seen

    def step(self, *inputs):
        results = []
        for layer, x, g in zip(self.layers, inputs[::2], inputs[1::2], strict=True):
            x.requires_grad_()
            y = layer(x.clone())  # which it may write over
            y.backward(g)
            results.append((y, x.grad))
        return results

    def run(self, how):
        """Return for each row the output, the input's gradient, the parameters' gradients, the buffers."""
        gw.manual_seed(3)
        for layer in self.layers:
            layer.zero_grad()
        results = how(*[x.detach() for x in self.inputs])
        return [
            [gw.tensor(v.detach().numpy()) for v in (*r, *(p.grad for p in layer.parameters()), *layer.buffers())]
            for r, layer in zip(results, self.layers, strict=True)
        ]


def same(ours, theirs, names, tolerance):
    for name, a, b in zip(names, ours, theirs, strict=True):
        assert len(a) == len(b)
        for u, v in zip(a, b, strict=True):
            assert u.dtype == v.dtype, name
            try:
                close(u, v, tolerance)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.__name__)
def test_a_table_compiled_is_the_table_run_eagerly_with_other_numbers_too(table):
    eager, compiled = Everything([table], True, np.float32), Everything([table], True, np.float32)
    step = gw.compile(compiled.step)
    first = compiled.run(step)
    same(first, eager.run(eager.step), eager.names, 1e-5)
    changed = eager.change() | compiled.change()
    second = compiled.run(step)
    same(second, eager.run(eager.step), eager.names, 1e-5)
    assert step.traces == 1
    moved = {i for i, (a, b) in enumerate(zip(first, second, strict=True)) if (a[0] != b[0]).any()}
    assert changed <= moved


def test_what_differs_in_evaluation_compiled_is_the_same_run_eagerly():
    tables = [TestNormalisations, TestDropouts]
    eager, compiled = (Everything(tables, False, np.float64, every=3) for _ in range(2))
    same(compiled.run(gw.compile(compiled.step)), eager.run(eager.step), eager.names, 1e-12)


def test_each_member_of_a_population_has_its_own_numbers():
    def factory(slope, p, eps, momentum, alpha):
        net = nn.Sequential(
            nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4, eps, momentum), nn.LeakyReLU(slope), nn.Dropout1d(p),
            nn.AvgPool1d(6), nn.Flatten(), nn.Linear(4, 2), nn.ELU(alpha),
        )  # fmt: skip
        optimizer, criterion = gw.optim.SGD(net.parameters(), lr=0.1), nn.SmoothL1Loss(beta=slope)

        def step(x, y):
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    members = [
        {"slope": 0.0, "p": 0.0, "eps": 1e-5, "momentum": 0.1, "alpha": 0.5},
        {"slope": 0.3, "p": 0.4, "eps": 1e-1, "momentum": 0.9, "alpha": 2.0},
    ]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 6, 2, 8)).astype(np.float32), rng.normal(size=(4, 6, 2)).astype(np.float32)
    losses = gw.Population(factory, members, seeds=[5, 6]).scan(gw.tensor(x), gw.tensor(y)).numpy()
    for arguments, seed, own in zip(members, (5, 6), losses, strict=True):
        with gw.use_generator(gw.Generator(seed)):
            step = factory(**arguments)
            alone = [step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)]
        np.testing.assert_allclose(own, alone, rtol=1e-5)
