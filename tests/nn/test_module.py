"""Modules: parts, names, hooks, modes, saving, and what goes wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, ShapeError, StateError
from gradwright.nn.structure import to_structure


def network(library=nn):
    class Net(library.Module):
        def __init__(self):
            super().__init__()
            self.front = library.Sequential(library.Linear(4, 6), library.BatchNorm1d(6))
            self.scale = library.Parameter((gw if library is nn else torch).ones(1))
            self.back = library.Linear(6, 2)

        def forward(self, x):
            return self.back(self.front(x)) * self.scale

    return Net()


# --- names and order --------------------------------------------------------------------------------------------------
def test_names_and_order_are_pytorchs():
    ours, theirs = network(), network(torch.nn)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [p.shape for p in ours.parameters()] == [tuple(p.shape) for p in theirs.parameters()]
    assert list(ours.children()) == [ours.front, ours.back]
    assert len(list(ours.modules())) == 5


def test_shared_parts_come_once_but_are_saved_under_every_name_as_in_pytorch():
    def tied(library):
        net = library.Sequential(library.Linear(3, 3), library.Tanh(), library.Linear(3, 3))
        net[2].weight = net[0].weight
        return library.Sequential(net, net[0], net)

    ours, theirs = tied(nn), tied(torch.nn)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    assert ours[0][2].weight is ours[0][0].weight
    ours(gw.ones(2, 3)).sum().backward()
    theirs.zero_grad()
    theirs(torch.ones(2, 3)).sum().backward()
    np.testing.assert_allclose(ours[1].weight.grad.numpy(), theirs[1].weight.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_apply_goes_from_the_innermost_outwards():
    ours, theirs, seen, expected = network(), network(torch.nn), [], []
    assert ours.apply(lambda m: seen.append(type(m).__name__)) is ours
    theirs.apply(lambda m: expected.append(type(m).__name__))
    assert seen == expected


# --- attributes -------------------------------------------------------------------------------------------------------
def test_assigning_before_super_init_says_so():
    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)
            super().__init__()

    class EarlyParameter(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(gw.ones(1))
            super().__init__()

    with pytest.raises(TypeError, match=r"Early: call super\(\).__init__\(\) before assigning 'layer'"):
        Early()
    with pytest.raises(TypeError, match="'weight'"):
        EarlyParameter()


def test_attributes_that_are_not_there():
    net = network()
    with pytest.raises(AttributeError, match="Net has no attribute 'head'"):
        _ = net.head
    assert not hasattr(net, "head")
    with pytest.raises(TypeError, match="scale is a parameter"):
        net.scale = gw.ones(1)
    with pytest.raises(TypeError, match="no forward"):
        nn.Module()(1)


def test_parts_can_be_replaced_deleted_and_set_to_none():
    net = network()
    net.back = nn.Linear(6, 5)
    assert net(gw.ones(2, 4)).shape == (2, 5)
    del net.scale
    assert "scale" not in dict(net.named_parameters())
    net.back = None
    assert net.back is None
    assert [n for n, _ in net.named_children()] == ["front"]
    net.back = gw.ones(1)  # no longer a part
    assert "back" not in dict(net.named_modules())
    net.front = nn.Parameter(gw.ones(1))
    assert [n for n, _ in net.named_parameters()] == ["front"]


def test_buffers_are_saved_not_trained_and_may_be_assigned():
    net = nn.Linear(2, 2)
    net.register_buffer("mask", gw.ones(2, 2))
    net.register_buffer("nothing", None)
    assert list(net.state_dict()) == ["weight", "bias", "mask"]
    assert [n for n, _ in net.named_buffers()] == ["mask"]
    assert len(list(net.parameters())) == 2
    net.mask = gw.zeros(2, 2)
    assert net.state_dict()["mask"].numpy().sum() == 0


@pytest.mark.parametrize("name", ["", "a.b", "forward", "training", "_modules", "__dict__", "parameters", 3])
def test_names_that_would_break_the_module_are_refused(name):
    net = nn.Sequential(nn.ReLU())
    for register, value in [
        (net.add_module, nn.ReLU()),
        (net.register_parameter, nn.Parameter(gw.ones(1))),
        (net.register_buffer, gw.ones(1)),
    ]:
        with pytest.raises(ConfigError, match="cannot name a part"):
            register(name, value)
    assert net.training is True
    assert len(net) == 1


# --- hooks ------------------------------------------------------------------------------------------------------------
def test_hooks_see_inputs_and_outputs_in_order_and_can_be_removed():
    net, seen = nn.Linear(2, 1), []
    before = net.register_forward_pre_hook(lambda m, args: seen.append(("before", m is net, args[0].shape)))
    after = net.register_forward_hook(lambda m, args, out: seen.append(("after", m is net, args[0].shape, out.shape)))
    net(gw.ones(3, 2))
    assert seen == [("before", True, (3, 2)), ("after", True, (3, 2), (3, 1))]
    before.remove()
    net(gw.ones(3, 2))
    after.remove()
    after.remove()
    net(gw.ones(3, 2))
    assert [s[0] for s in seen] == ["before", "after", "after"]


def test_hooks_replace():
    net = nn.Identity()
    net.register_forward_pre_hook(lambda m, args: args[0] + 1)
    net.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    net.register_forward_hook(lambda m, args, out: out + args[0])
    net.register_forward_hook(lambda m, args, out: None)
    assert net(gw.tensor(2.0)).item() == (2 + 1) * 2 * 2


def test_a_hook_that_removes_itself_and_gradients_through_hooks():
    net, calls = nn.Linear(2, 1), []

    def once(module, args):
        calls.append(1)
        handle.remove()

    handle = net.register_forward_pre_hook(once)
    net.register_forward_hook(lambda m, args, out: out * 3)
    net(gw.ones(1, 2)).sum().backward()
    net(gw.ones(1, 2))
    assert calls == [1]
    np.testing.assert_array_equal(net.weight.grad.numpy(), [[3, 3]])


def test_a_hook_registered_after_compiling_is_not_forgotten():
    net = nn.Linear(2, 1)
    step = gw.compile(lambda x: net(x))
    plain = step(gw.ones(1, 2)).item()
    handle = net.register_forward_hook(lambda m, args, out: out * 2)
    assert step(gw.ones(1, 2)).item() == pytest.approx(2 * plain)
    handle.remove()
    assert step(gw.ones(1, 2)).item() == pytest.approx(plain)


# --- modes and types --------------------------------------------------------------------------------------------------
def test_a_part_may_keep_itself_in_evaluation_mode():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(2)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

    net = nn.Sequential(nn.Linear(2, 2), Frozen())
    net.train()
    assert net.training
    assert net[0].training
    assert net[1].training
    assert not net[1].norm.training


def test_double_and_float():
    net = network()
    net(gw.ones(2, 4)).sum().backward()
    parameters = list(net.parameters())
    assert net.double() is net
    assert all(p.dtype == np.float64 for p in net.parameters())
    assert net.front[1].running_mean.dtype == np.float64
    assert net.front[1].num_batches_tracked.dtype == np.int64
    assert all(a is b for a, b in zip(parameters, net.parameters(), strict=True)), "an optimizer holds them"
    assert net(gw.tensor(np.ones((2, 4)))).dtype == np.float64
    assert net.float()(gw.ones(2, 4)).dtype == np.float32


def test_converting_after_compiling_is_not_forgotten():
    net = nn.Linear(2, 1)
    step = gw.compile(lambda x: net(x))
    assert step(gw.ones(1, 2)).dtype == np.float32
    net.double()
    assert step(gw.ones(1, 2)).dtype == np.float64


def test_freezing_and_zero_grad():
    net = network()
    net.front.requires_grad_(False)
    net(gw.ones(2, 4)).sum().backward()
    assert all(p.grad is None for p in net.front.parameters())
    assert net.back.weight.grad is not None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# --- saving -----------------------------------------------------------------------------------------------------------
def test_a_saved_state_is_a_copy():
    net = network()
    saved = net.state_dict()
    before = saved["back.bias"].numpy()
    with gw.no_grad():
        net.back.bias += 1
    np.testing.assert_array_equal(saved["back.bias"].numpy(), before)
    saved["back.bias"].fill_(7)
    assert (net.back.bias.detach().numpy() != 7).all()
    assert not saved["back.bias"].requires_grad


def broken_states():
    good = network().state_dict()
    yield "missing", {k: v for k, v in good.items() if k != "back.bias"}, StateError, "missing: back.bias"
    yield "unexpected", {**good, "head.weight": gw.ones(1)}, StateError, "unexpected: head.weight"
    renamed = {("x" if k == "scale" else k): v for k, v in good.items()}
    yield "both", renamed, StateError, "missing: scale; unexpected: x"
    wide = {**good, "back.weight": gw.ones(2, 7)}
    yield "shape", wide, ShapeError, r"back.weight has shape \(2, 7\).*\(2, 6\)"
    yield "transposed", {**good, "back.weight": gw.ones(6, 2)}, ShapeError, "back.weight"


@pytest.mark.parametrize(
    ("state", "error", "message"), [b[1:] for b in broken_states()], ids=[b[0] for b in broken_states()]
)
def test_a_state_that_does_not_fit_changes_nothing(state, error, message):
    net = network()
    before = {k: v.numpy() for k, v in net.state_dict().items()}
    with pytest.raises(error, match=message):
        net.load_state_dict({k: gw.tensor(v) * 0 + 3 for k, v in state.items()})
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_loading_leniently_says_what_was_left_out():
    net = network()
    missing, unexpected = net.load_state_dict({"scale": np.array([4.0]), "extra": np.ones(1)}, strict=False)
    assert "back.weight" in missing
    assert unexpected == ["extra"]
    assert net.scale.item() == 4
    assert net.scale.dtype == np.float32, "a module keeps its own dtype"


def test_a_network_of_ones_own_cannot_be_written_as_a_known_layer():
    with pytest.raises(StateError, match="Net"):
        to_structure(network())


def test_the_constructors_arguments_are_read_from_the_attributes():
    assert nn.Linear(4, 3, bias=False).config() == {"in_features": 4, "out_features": 3, "bias": False}
    assert nn.ReLU().config() == {}

    class Forgetful(nn.Module):
        def __init__(self, width):
            super().__init__()

    with pytest.raises(StateError, match="width"):
        Forgetful(3).config()
