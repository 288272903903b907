"""Every layer through the conformance suite."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ShapeError
from gradwright.nn.structure import LAYERS

from .conformance import LayerConformance, TableConformance, close
from .test_layer_tables import TABLES


class TestLinear(LayerConformance):
    shapes: ClassVar = [(5, 4), (4,), (1, 4), (2, 3, 4)]

    def layer(self):
        return nn.Linear(4, 3)

    def oracle(self):
        return torch.nn.Linear(4, 3)

    def test_a_wrong_width_names_both(self):
        with pytest.raises(ShapeError, match=r"5.*4|4.*5"):
            nn.Linear(4, 3)(gw.zeros(2, 5))

    def test_initial_weights_are_uniform_within_the_bound(self):
        gw.manual_seed(0)
        layer = nn.Linear(100, 200)
        for p in layer.parameters():
            values = p.detach().numpy()
            assert np.abs(values).max() <= 0.1
            assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.15)
        assert np.unique(layer.weight.detach().numpy()).size > 15_000


class TestLinearWithoutBias(LayerConformance):
    def layer(self):
        return nn.Linear(4, 3, bias=False)

    def oracle(self):
        return torch.nn.Linear(4, 3, bias=False)


class TestIdentity(LayerConformance):
    def layer(self):
        return nn.Identity()

    def oracle(self):
        return torch.nn.Identity()


class TestFlatten(LayerConformance):
    shapes: ClassVar = [(5, 4), (2, 3, 4), (2, 3, 4, 2)]

    def layer(self):
        return nn.Flatten()

    def oracle(self):
        return torch.nn.Flatten()


class TestFlattenSomeAxes(LayerConformance):
    shapes: ClassVar = [(2, 3, 4), (2, 3, 4, 2)]

    def layer(self):
        return nn.Flatten(0, 1)

    def oracle(self):
        return torch.nn.Flatten(0, 1)


class TestReLU(LayerConformance):
    def layer(self):
        return nn.ReLU()

    def oracle(self):
        return torch.nn.ReLU()


class TestSigmoid(LayerConformance):
    def layer(self):
        return nn.Sigmoid()

    def oracle(self):
        return torch.nn.Sigmoid()


class TestTanh(LayerConformance):
    def layer(self):
        return nn.Tanh()

    def oracle(self):
        return torch.nn.Tanh()


class TestSoftmax(LayerConformance):
    def layer(self):
        return nn.Softmax(dim=-1)

    def oracle(self):
        return torch.nn.Softmax(dim=-1)


class TestSoftmaxOverTheFirstAxis(LayerConformance):
    def layer(self):
        return nn.Softmax(dim=0)

    def oracle(self):
        return torch.nn.Softmax(dim=0)


class TestLogSoftmax(LayerConformance):
    def layer(self):
        return nn.LogSoftmax(dim=1)

    def oracle(self):
        return torch.nn.LogSoftmax(dim=1)


class TestDropout(LayerConformance):
    random_in_training = True

    def layer(self):
        return nn.Dropout(0.3)

    def oracle(self):
        return torch.nn.Dropout(0.3)


class TestStochasticDepth(LayerConformance):
    """PyTorch has it in another package; in evaluation it is the identity. Training: `test_regularization.py`."""

    random_in_training = True
    same_repr = False

    def layer(self):
        return nn.StochasticDepth(0.3, mode="batch")

    def oracle(self):
        return torch.nn.Identity()


class TestBatchNorm1d(LayerConformance):
    shapes: ClassVar = [(5, 4), (2, 4), (3, 4, 6), (1, 4, 2)]

    def layer(self):
        return nn.BatchNorm1d(4)

    def oracle(self):
        return torch.nn.BatchNorm1d(4)


class TestBatchNorm1dOtherNumbers(TestBatchNorm1d):
    def layer(self):
        return nn.BatchNorm1d(4, eps=1e-3, momentum=0.4)

    def oracle(self):
        return torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.4)


class TestBatchNorm1dCumulative(TestBatchNorm1d):
    def layer(self):
        return nn.BatchNorm1d(4, momentum=None)

    def oracle(self):
        return torch.nn.BatchNorm1d(4, momentum=None)


class TestBatchNorm1dPlain(TestBatchNorm1d):
    def layer(self):
        return nn.BatchNorm1d(4, affine=False)

    def oracle(self):
        return torch.nn.BatchNorm1d(4, affine=False)


class TestBatchNorm1dWithoutRunningStatistics(TestBatchNorm1d):
    def layer(self):
        return nn.BatchNorm1d(4, track_running_stats=False)

    def oracle(self):
        return torch.nn.BatchNorm1d(4, track_running_stats=False)


class TestSequential(LayerConformance):
    shapes: ClassVar = [(5, 4), (2, 4)]

    def layer(self):
        inner = nn.Sequential({"norm": nn.BatchNorm1d(6), "act": nn.Tanh()})
        return nn.Sequential(nn.Linear(4, 6), inner, nn.Linear(6, 3), nn.LogSoftmax(dim=-1))

    def oracle(self):
        parts = torch.nn.Sequential()
        parts.add_module("norm", torch.nn.BatchNorm1d(6))
        parts.add_module("act", torch.nn.Tanh())
        return torch.nn.Sequential(torch.nn.Linear(4, 6), parts, torch.nn.Linear(6, 3), torch.nn.LogSoftmax(dim=-1))


#: Layers with tests of their own: they take whole numbers, several tensors or other layers, or give no one tensor.
OWN_TESTS = {
    "Embedding", "EmbeddingBag", "GRU", "GRUCell", "Highway", "LSTM", "LSTMCell", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d", "ModuleDict", "ModuleList", "MultiheadAttention", "Permute",
    "RNN", "RNNCell", "Residual", "StochasticDepth", "Transformer", "TransformerDecoder",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
}  # fmt: skip


def test_every_layer_that_a_file_can_name_went_through_the_suite():
    suites = [cls for cls in LayerConformance.__subclasses__() if "layer" in vars(cls) and cls is not TableConformance]
    alone = {type(cls().layer()).__name__ for cls in suites}
    in_tables = {row.name for table in TABLES for row in table.rows}
    assert set(LAYERS) - set(nn.models.__all__) <= alone | in_tables | OWN_TESTS


# --- batch norm over time ---------------------------------------------------------------------------------------------
OPTIONS = [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rest", [(), (7,)], ids=["2-D", "3-D"])
def test_batch_norm_follows_pytorch_through_training_and_evaluation(options, rest):
    sizes = [(6, True), (3, True), (6, False), (2, True), (5, True), (6, False), (6, True)]
    follow(lambda layer: layer, options, rest, sizes)


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_compiled_batch_norm_follows_pytorch_too(options):
    sizes = [(6, True), (6, True), (6, False), (6, True), (6, False)]
    follow(lambda layer: gw.compile(lambda x: layer(x)), options, (), sizes)


def follow(how, options, rest, sizes):
    ours, theirs = nn.BatchNorm1d(4, **options).double(), torch.nn.BatchNorm1d(4, **options).double()
    forward = how(ours)
    rng = np.random.default_rng(0)
    for n, training in sizes:
        ours.train(training)
        theirs.train(training)
        x = rng.normal(3, 2, size=(n, 4, *rest))
        close(forward(gw.tensor(x)), theirs(torch.tensor(x)), 1e-12)
        for mine, other in zip(ours.buffers(), theirs.buffers(), strict=True):
            close(mine, other, 1e-12)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_batch_norm_refuses_one_value_per_channel_in_training_only(compiled):
    layer = nn.BatchNorm1d(4)
    forward = gw.compile(lambda x: layer(x)) if compiled else layer
    with pytest.raises(ShapeError, match="at least 2"):
        forward(gw.zeros(1, 4))
    assert layer.eval()
    assert forward(gw.zeros(1, 4)).shape == (1, 4)


def test_batch_norm_names_the_wrong_width():
    with pytest.raises(ShapeError, match=r"\(N, 4\).*got \(2, 5\)"):
        nn.BatchNorm1d(4)(gw.zeros(2, 5))


# --- Sequential -------------------------------------------------------------------------------------------------------
def test_sequential_is_a_list_of_modules():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    assert len(net) == 3
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert net[0] is next(iter(net))
    assert net[-1].out_features == 3
    front = net[:2]
    assert isinstance(front, nn.Sequential)
    assert len(front) == 2
    assert front[0] is net[0]
    assert net.append(nn.Softmax(-1)) is net
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    with pytest.raises(IndexError):
        net[7]
    with pytest.raises(TypeError, match="part 1 is a function"):
        nn.Sequential(nn.ReLU(), lambda x: x)
