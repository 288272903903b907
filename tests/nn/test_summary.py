"""The summary: figures against PyTorch's counters, and that looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError
from gradwright.nn import functional as F

from .conformance import torch_state


def flops_of(model, *inputs):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    return counter.get_total_flops()


def mlp(library):
    return library.Sequential(library.Linear(20, 16), library.ReLU(), library.Linear(16, 3, bias=False))


def test_the_multilayer_perceptron_is_counted_as_pytorch_counts():
    info, theirs = nn.summary_info(mlp(nn), (7, 20)), mlp(torch.nn)
    assert info.flops == flops_of(theirs, torch.zeros(7, 20)) == 2 * 7 * (20 * 16 + 16 * 3)
    assert info.parameters == info.trainable == sum(p.numel() for p in theirs.parameters())
    assert info.parameter_bytes == 4 * info.parameters
    assert [layer.path for layer in info.layers] == [n for n, _ in theirs.named_modules()]
    assert [layer.flops for layer in info.layers] == [info.flops, 2 * 7 * 20 * 16, 0, 2 * 7 * 16 * 3]
    assert [layer.output_shape for layer in info.layers] == [(7, 3), (7, 16), (7, 16), (7, 3)]
    # kept: relu's output, which the next layer reads too; the input is the user's
    assert info.kept_bytes == 7 * 16 * 4
    assert info.other_numbers == 7 * 16


class Convolutions:
    """Made of functions, so that the operations are counted, not the layers."""

    @staticmethod
    def of(library, F, tensors):
        class LeNet(library.Module):
            def __init__(self):
                super().__init__()
                rng = np.random.default_rng(0)
                for name, shape in [("a", (6, 1, 5, 5)), ("b", (16, 3, 3, 3)), ("c", (16, 4, 2, 2)), ("d", (64, 10))]:
                    values = rng.normal(size=shape).astype(np.float32)
                    setattr(self, name, library.Parameter(tensors.tensor(values)))

            def forward(self, x):
                x = F.max_pool2d(F.conv2d(x, self.a, padding=2).tanh(), 2)
                x = F.conv2d(x, self.b, stride=2, groups=2)
                x = F.conv_transpose2d(x, self.c, stride=2)
                return x.flatten(2)[:, :, :16].reshape(x.shape[0], 64) @ self.d

        return LeNet()


def test_convolutions_are_counted_as_pytorch_counts():
    ours, theirs = Convolutions.of(nn, F, gw), Convolutions.of(torch.nn, torch.nn.functional, torch)
    x = torch.zeros(2, 1, 12, 12)
    assert nn.summary_info(ours, (2, 1, 12, 12)).flops == flops_of(theirs, x) > 0
    assert theirs(x).shape == (2, 10)


def attention(library, F, tensors, einsum):
    class Attention(library.Module):
        def __init__(self):
            super().__init__()
            self.qkv = library.Linear(8, 24)
            self.out = library.Linear(8, 8)

        def forward(self, x):
            n, t, _ = x.shape
            q, k, v = (p.reshape(n, t, 2, 4).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
            if einsum:
                weights = tensors.einsum("nhqd,nhkd->nhqk", q, k).softmax(-1)
                y = tensors.einsum("nhqk,nhkd->nhqd", weights, v)
            else:
                y = F.scaled_dot_product_attention(q, k, v)
            return self.out(y.transpose(1, 2).reshape(n, t, 8))

    return Attention()


@pytest.mark.parametrize("einsum", [False, True])
def test_attention_is_counted_as_pytorch_counts(einsum):
    ours = attention(nn, F, gw, einsum)
    theirs = attention(torch.nn, torch.nn.functional, torch, einsum)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        expected = flops_of(theirs, torch.zeros(3, 5, 8))
    assert nn.summary_info(ours, (3, 5, 8)).flops == expected
    assert expected == 2 * 3 * 5 * 8 * 24 + 2 * 3 * 5 * 8 * 8 + 2 * 2 * 3 * 2 * 5 * 5 * 4


def test_recurrent_networks_are_counted_step_by_step():
    info = nn.summary_info(nn.LSTM(3, 4), (6, 2, 3))  # 6 steps of 2 rows
    assert info.flops == 2 * 6 * 2 * (3 * 16 + 4 * 16)
    assert info.layers[0].output_shape == [(6, 2, 4), [(1, 2, 4), (1, 2, 4)]]


def test_a_shared_part_runs_twice_and_is_counted_once():
    part = nn.Linear(4, 4)
    net = nn.Sequential(part, nn.Tanh(), part)
    info = nn.summary_info(net, (5, 4))
    assert info.parameters == 20
    assert info.flops == 2 * 2 * 5 * 4 * 4
    assert [(layer.path, layer.calls, layer.flops) for layer in info.layers[1:]] == [
        ("0", 2, info.flops),
        ("1", 1, 0),
    ]
    assert "0 (Linear) ×2" in str(info)


def test_frozen_parts_and_buffers_are_told():
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 2))
    net[0].requires_grad_(False)
    info = nn.summary_info(net, (5, 4))
    assert info.parameters - info.trainable == 30
    assert [layer.trainable for layer in info.layers] == [26, 0, 12, 14]
    assert info.buffer_bytes == 6 * 4 * 2 + 8
    assert "30 frozen" in str(info)
    assert " 30 frozen  " in str(info).splitlines()[3]


def test_what_backward_keeps_is_what_the_graph_holds():
    """The exponential keeps its output, the product both its inputs, one of which is the exponential's output."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(gw.ones(10))

        def forward(self, x):
            y = (x * self.weight).exp()  # keeps x (the input) and weight, then y
            return (y * y.sin()).sum()  # keeps y (sin's input too) and sin(y)

    assert nn.summary_info(Net(), gw.ones(100, 10)).kept_bytes == 2 * 100 * 10 * 4
    frozen = Net()
    frozen.requires_grad_(False)
    assert nn.summary_info(frozen, gw.ones(100, 10)).kept_bytes == 0


def test_looking_changes_nothing():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    net[1].eval()
    before = {k: v.numpy() for k, v in net.state_dict().items()}
    modes, state = [m.training for m in net.modules()], gw.current_generator().get_state()
    step = gw.compile(lambda x: net(x))
    step(gw.ones(3, 4))
    drawn = gw.current_generator().get_state()
    nn.summary_info(net, (1, 4))
    assert gw.current_generator().get_state() == drawn != state
    assert [m.training for m in net.modules()] == modes
    assert all(p.grad is None for p in net.parameters())
    assert net(gw.ones(3, 4)).shape == (3, 4)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    step(gw.ones(3, 4))
    assert step.traces == 1
    with pytest.raises(ValueError):
        nn.summary_info(net, (1, 5))
    assert [m.training for m in net.modules()] == modes


def test_inputs_of_every_kind(capsys):
    class Two(nn.Module):
        def forward(self, a, b):
            return {"sum": a + b, "pair": (a, None)}

    info = nn.summary_info(Two(), ((2, 3), np.ones((2, 3), np.float32)))
    assert info.layers[0].output_shape == {"sum": (2, 3), "pair": [(2, 3), "NoneType"]}
    assert info.parameters == info.flops == 0
    net = mlp(nn).double()
    net.summary((2, 20))  # zeros in the network's own dtype
    table = capsys.readouterr().out
    assert table.splitlines()[2].split() == ["Sequential", "(2,", "3)", "384", "256", "B", f"{2 * 2 * 368:,}"]
    for wrong in (7, "x", (), None, ("a",)):
        with pytest.raises(ConfigError, match="expected the input's shape"):
            nn.summary_info(net, wrong)


def test_weights_travel_between_the_counted_networks():
    ours, theirs = attention(nn, F, gw, False), attention(torch.nn, torch.nn.functional, torch, False)
    ours.load_state_dict(torch_state(theirs))
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
    np.testing.assert_allclose(
        ours(gw.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6
    )
