"""Modules: parts, names, hooks, modes, saving, and what goes wrong."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import CompileError, ConfigError, ShapeError, StateError
from gradwright.nn.structure import from_structure, to_structure

from .conformance import close, torch_state


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


OPTIONS = [{"prefix": "net"}, {"recurse": False}, {"remove_duplicate": False}, {"prefix": "a.b", "recurse": False}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_walking_with_options_is_pytorchs(options):
    def tied(library):
        net = network(library)
        net.register_buffer("seen", (gw if library is nn else torch).zeros(2))
        net.again = net.back
        net.other = library.Linear(6, 2)
        net.other.weight = net.back.weight
        net.one = net.two = library.Identity()
        return net

    ours, theirs = tied(nn), tied(torch.nn)
    for walk in ("named_parameters", "named_buffers"):
        assert [n for n, _ in getattr(ours, walk)(**options)] == [n for n, _ in getattr(theirs, walk)(**options)]
    few = {k: v for k, v in options.items() if k != "recurse"}
    assert [n for n, _ in ours.named_modules(**few)] == [n for n, _ in theirs.named_modules(**few)]
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert len(list(ours.parameters(recurse=False))) == len(list(theirs.parameters(recurse=False)))
    assert len(list(ours.buffers(recurse=False))) == len(list(theirs.buffers(recurse=False)))


def test_parts_by_path():
    net = network()
    assert net.get_submodule("front.1") is net.front[1]
    assert net.get_submodule("") is net
    assert net.get_parameter("back.bias") is net.back.bias
    assert net.get_parameter("scale") is net.scale
    assert net.get_buffer("front.1.running_mean") is net.front[1].running_mean
    for get, path, message in [
        (net.get_submodule, "front.7", "Sequential has no part '7'; its parts: 0, 1"),
        (net.get_submodule, "scale", "Net has no part 'scale'"),
        (net.get_parameter, "front.1.running_mean", "has no parameter 'running_mean'; it has: weight, bias"),
        (net.get_parameter, "nowhere.weight", "no part 'nowhere'"),
        (net.get_buffer, "back.weight", "has no buffer 'weight'; it has: none"),
    ]:
        with pytest.raises(AttributeError, match=message):
            get(path)
    assert {"front", "scale", "forward"} <= set(dir(net))


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
    del net.back
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


def test_buffers_that_are_not_saved():
    def script(library, tensors):
        net = library.Linear(2, 2)
        net.register_buffer("kept", tensors.ones(1))
        net.register_buffer("passing", tensors.ones(1), persistent=False)
        net.register_buffer("changed", tensors.ones(1), persistent=False)
        net.register_buffer("changed", tensors.zeros(1))
        return library.Sequential(net)

    ours, theirs = script(nn, gw), script(torch.nn, torch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    ours.load_state_dict(torch_state(theirs))
    assert ours.double()[0].passing.dtype == np.float64
    with pytest.raises(ConfigError, match="Tensor or None, got a ndarray"):
        ours.register_buffer("wrong", np.ones(3))
    with pytest.raises(ConfigError, match="Parameter or None, got a Tensor"):
        ours.register_parameter("wrong", gw.ones(3))
    with pytest.raises(TypeError, match="not a Module"):
        ours.add_module("wrong", gw.ones(3))


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


def test_hooks_with_keywords_in_front_and_always_are_pytorchs():
    def script(library, tensors):
        class Scaled(library.Module):
            def forward(self, x, by=1.0):
                if by == 0:
                    raise ZeroDivisionError
                return x * by

        net, seen = Scaled(), []

        def double(module, args, kwargs):
            seen.append(("double", len(args), sorted(kwargs)))
            return args, {k: 2 * v for k, v in kwargs.items()}

        net.register_forward_pre_hook(lambda m, args: seen.append("second"))
        net.register_forward_pre_hook(lambda m, args: seen.append("first"), prepend=True)
        net.register_forward_pre_hook(double, with_kwargs=True)
        net.register_forward_hook(lambda m, a, out: seen.append("after"))
        net.register_forward_hook(lambda m, a, k, out: out + k["by"], with_kwargs=True, prepend=True)
        net.register_forward_hook(lambda m, a, out: seen.append(("always", out is None)), always_call=True)
        result = net(tensors.ones(1), by=3.0)
        with pytest.raises(ZeroDivisionError):
            net(tensors.ones(1), by=0.0)
        return float(result), seen

    assert script(nn, gw) == script(torch.nn, torch)


def test_a_hook_that_returns_the_wrong_thing_with_keywords():
    net = nn.Identity()
    net.register_forward_pre_hook(lambda m, args, kwargs: args[0], with_kwargs=True)
    with pytest.raises(ConfigError, match=r"\(args, kwargs\), got a Tensor"):
        net(gw.ones(1))


def gradients_seen(library, tensors, asking=True, replace=False, compiled=False):
    """Run a module of two inputs and two outputs with backward hooks and return all that they saw."""

    class Two(library.Module):
        def __init__(self):
            super().__init__()
            self.weight = library.Parameter(tensors.ones(2))

        def forward(self, x, flag, y):
            return x * y * self.weight, flag, x + 2 * y

    net, seen = Two(), []

    def numbers(gs):
        return [None if g is None else g.tolist() if hasattr(g, "tolist") else g for g in gs]

    def before(module, grad_output):
        seen.append(("before", numbers(grad_output)))
        return tuple(None if g is None else g * 10 for g in grad_output) if replace else None

    def after(module, grad_input, grad_output):
        seen.append(("after", numbers(grad_input), numbers(grad_output)))
        return tuple(None if g is None else g + 1 for g in grad_input) if replace else None

    net.register_full_backward_pre_hook(before)
    net.register_full_backward_hook(after)
    net.register_full_backward_hook(lambda m, gi, go: seen.append(("last", numbers(gi))))
    net.register_full_backward_hook(lambda m, gi, go: seen.append(("first", numbers(gi))), prepend=True)
    x = tensors.tensor([1.0, 2.0], requires_grad=asking)
    y = tensors.tensor([3.0, 4.0])
    a, flag, b = net(x, "flag", y)
    assert flag == "flag"
    (a.sum() + (b * 3).sum()).backward()
    return seen, net.weight.grad.tolist(), None if x.grad is None else x.grad.tolist()


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize(("asking", "replace"), [(True, False), (True, True), (False, False)])
def test_backward_hooks_see_and_replace_what_pytorchs_do(asking, replace):
    assert gradients_seen(nn, gw, asking, replace) == gradients_seen(torch.nn, torch, asking, replace)


def test_backward_hooks_in_a_compiled_step():
    def trained(compiled):
        gw.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
        net[1].register_full_backward_hook(lambda m, gi, go: (gi[0].clamp(-0.01, 0.01),))
        net[2].register_full_backward_pre_hook(lambda m, go: (go[0] * 5,))
        opt = gw.optim.SGD(net.parameters(), lr=0.1)

        def step(x):
            opt.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        run = gw.compile(step) if compiled else step
        gw.manual_seed(1)
        for _ in range(3):
            run(gw.randn(5, 3))
        assert not compiled or run.traces == 1
        return [p.detach().numpy() for p in net.parameters()]

    for eager, compiled in zip(trained(False), trained(True), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1.3e-6, atol=1e-5)


def test_backward_hooks_that_cannot_be():
    class Odd(nn.Module):
        def forward(self, x):
            return {"y": x}

    net = Odd()
    handle = net.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.raises(ConfigError, match="Tensor or a tuple of Tensors, but forward returned a dict"):
        net(gw.ones(1))
    handle.remove()
    assert net(gw.ones(1))["y"].item() == 1
    few = nn.Linear(1, 1)
    few.register_full_backward_hook(lambda m, gi, go: (*gi, None))
    x = gw.ones(1, 1, requires_grad=True)
    with pytest.raises(ConfigError, match="returned 2 gradients for 1 inputs"):
        nn.Sequential(few)(x).sum().backward()
    unasked = nn.Linear(1, 1)
    unasked.register_full_backward_hook(lambda m, gi, go: (gw.ones(1, 1),))
    with pytest.raises(ConfigError, match="none asks"):
        unasked(gw.ones(1, 1)).sum().backward()
    with gw.no_grad():
        assert unasked(gw.ones(1, 1)).shape == (1, 1)


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


def test_to_takes_what_pytorchs_takes():
    net = network()
    assert net.to("cpu") is net.cpu() is net
    assert net.to(gw.float64).scale.dtype == np.float64
    assert net.to("cpu", gw.float32).scale.dtype == np.float32
    assert net.to(gw.ones(1, dtype=gw.float64)).scale.dtype == np.float64
    assert net.half().scale.dtype == np.float16
    assert net.bfloat16().scale.dtype.name == "bfloat16"
    assert net.to(dtype=gw.float32).front[1].num_batches_tracked.dtype == np.int64
    with pytest.raises(ConfigError, match="floating numbers, not of int64"):
        net.to(gw.int64)
    with pytest.raises(RuntimeError, match="cuda"):
        net.to("cuda")
    net(gw.ones(2, 4)).sum().backward()
    net.zero_grad(set_to_none=False)
    close(net.scale.grad, np.zeros(1), 0)


def test_converting_after_compiling_is_not_forgotten():
    net = nn.Linear(2, 1)
    step = gw.compile(lambda x: net(x))
    assert step(gw.ones(1, 2)).dtype == np.float32
    net.double()
    assert step(gw.ones(1, 2, dtype=np.float64)).dtype == np.float64


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
    assert repr(net.load_state_dict(network().state_dict())) == "<All keys matched successfully>"
    result = net.load_state_dict({"scale": np.array([4.0])}, strict=False)
    assert result.missing_keys == result[0]
    assert "back.weight" in result.missing_keys
    assert result.unexpected_keys == []
    assert repr(result).startswith("IncompatibleKeys(missing_keys=[")
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
    assert nn.Identity().config() == {}
    assert nn.ReLU(inplace=True).config() == {"inplace": True}

    class Forgetful(nn.Module):
        def __init__(self, width):
            super().__init__()

    with pytest.raises(StateError, match="width"):
        Forgetful(3).config()


def test_state_with_a_prefix_and_the_tensors_themselves():
    net = network()
    assert list(net.state_dict(prefix="net.")) == ["net." + k for k in network(torch.nn).state_dict()]
    assert net.state_dict(keep_vars=True)["scale"] is net.scale


# --- copies and sharing -----------------------------------------------------------------------------------------------
def test_a_deep_copy_is_a_network_of_its_own():
    net = network()
    net.back.weight.requires_grad_(False)
    net.register_forward_hook(lambda m, args, out: out * 2)
    net.again = net.back
    net.eval()
    other = copy.deepcopy(net)
    x = gw.randn(3, 4)
    close(other(x), net(x), 0)
    assert other.again is other.back
    assert other.back is not net.back
    assert not other.training
    assert [p.requires_grad for p in other.parameters()] == [p.requires_grad for p in net.parameters()]
    before = net(x).detach().numpy()
    with gw.no_grad():
        for p in other.parameters():
            p.fill_(0.5)
    other.register_forward_hook(lambda m, args, out: out * 0)
    close(net(x), before, 0)
    assert other(x).detach().numpy().any() == False  # noqa: E712
    step = gw.compile(lambda x: other(x))
    close(step(x), np.zeros((3, 2)), 0)


def tied(library, cls=None):
    class Tied(library.Module):
        """An input and an output layer with one weight."""

        def __init__(self):
            super().__init__()
            self.first = library.Linear(3, 3)
            self.last = library.Linear(3, 3)
            self.last.weight = self.first.weight

        def forward(self, x):
            return self.last(self.first(x).tanh())

    return Tied()


def test_gradients_of_a_shared_weight_add_up_and_it_is_trained_once():
    theirs, ours, compiled = tied(torch.nn).double(), tied(nn).double(), tied(nn).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(list(ours.parameters())) == len(list(theirs.parameters())) == 3
    ours.load_state_dict(torch_state(theirs))
    compiled.load_state_dict(ours.state_dict())
    x = np.random.default_rng(0).normal(size=(5, 3))
    torch_opt = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)

    def stepper(net):
        opt = gw.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

        def step(x):
            opt.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        return step

    eager, traced = stepper(ours), gw.compile(stepper(compiled))
    for _ in range(10):
        torch_opt.zero_grad()
        expected = theirs(torch.tensor(x)).square().mean()
        expected.backward()
        torch_opt.step()
        close(eager(gw.tensor(x)), expected, 1e-12)
        close(traced(gw.tensor(x)), expected, 1e-12)
    assert traced.traces == 1
    for net in (ours, compiled):
        assert net.last.weight is net.first.weight
        for key, value in torch_state(theirs).items():
            close(net.state_dict()[key], value, 1e-12)


def test_members_of_a_population_share_each_its_own_weight():
    def member(lr):
        net = tied(nn)
        opt = gw.optim.SGD(net.parameters(), lr=lr)

        def step(x):
            opt.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        step.net = net
        return step

    population = gw.Population(member, [{"lr": 0.1}, {"lr": 0.2}], seeds=[0, 1])
    x = gw.randn(4, 5, 3)
    losses = population.scan(x).numpy()
    for i, (lr, seed) in enumerate([(0.1, 0), (0.2, 1)]):
        gw.manual_seed(seed)
        step = member(lr)
        np.testing.assert_allclose(losses[i], [step(row).item() for row in x], rtol=1.3e-6, atol=1e-5)


def test_what_is_shared_is_saved_as_shared_and_comes_back_so():
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3))
    net[2].weight = net[0].weight
    net[4] = net[3]
    structure = to_structure(net)
    assert structure["shared"]["2.weight"] == "0.weight"
    again = from_structure(structure)
    assert again[2].weight is again[0].weight
    assert again[4].running_mean is again[3].running_mean
    assert len(list(again.parameters())) == len(list(net.parameters())) == 5
    again.load_state_dict(net.state_dict())
    x = gw.randn(4, 3)
    close(again(x), net(x), 0)
    for wrong in (
        {"0.weight": "0.bias"},
        {"2.weight": "nowhere"},
        {"nowhere": "0.weight"},
        {"2.bias": "3.running_mean"},
        {"2.weight": ["0.weight"]},
        ["2.weight"],
    ):
        with pytest.raises(StateError, match="shared"):
            from_structure({**structure, "shared": wrong})


# --- what compiled steps make of attributes ---
class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.alpha, self.calls, self.last = 1.0, 0, None

    def forward(self, x):
        return self.inner(x) * self.alpha


def test_a_plain_attribute_that_changes_is_seen_by_a_compiled_step():
    net, x = Scaled(), gw.ones(1, 2)
    step = gw.compile(lambda x: net(x).sum())
    for alpha in (0.0, 2.0, -1.0):
        net.alpha = alpha
        assert step(x).item() == pytest.approx(net(x).sum().item(), rel=1e-6)
    net.alpha = -1.0
    step(x)
    assert step.traces == 3, "setting it to what it is needs no new trace"


@pytest.mark.parametrize("write", ["count", "keep"])
def test_an_attribute_that_forward_writes_is_refused_in_a_compiled_step(write):
    class Writes(Scaled):
        def forward(self, x):
            y = super().forward(x)
            if write == "count":
                self.calls += 1
            else:
                self.last = y
            return y

    net, x = Writes(), gw.ones(1, 2)
    net(x)
    assert net.calls == 1 or net.last is not None, "eagerly it is what Python does"
    with pytest.raises(CompileError, match=rf"sets self.{'calls' if write == 'count' else 'last'} .*register_buffer"):
        gw.compile(lambda x: net(x).sum())(x)


def test_only_what_fits_its_place_is_assigned():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net.head = nn.Linear(2, 1)
    with pytest.raises(TypeError, match="head is a module; assign a Module or None, not function"):
        net.head = lambda x: x
    with pytest.raises(TypeError, match="running_mean is a buffer; assign a Tensor or None, not float"):
        net[1].running_mean = 0.5
    net.head = None
    assert net.head is None


def test_zeroed_gradients_are_zeros_whatever_they_were():
    layer = nn.Linear(2, 1)
    for zero in (layer.zero_grad, gw.optim.SGD(layer.parameters()).zero_grad):
        layer.weight.grad = gw.tensor([[float("nan"), float("inf")]])
        zero(set_to_none=False)
        np.testing.assert_array_equal(layer.weight.grad.numpy(), [[0, 0]])


@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 2), lambda: nn.Conv1d(3, 2, 1)])
def test_data_of_another_dtype_is_named_in_forward(make):
    with pytest.raises(gw.errors.DTypeError, match=r"the input is float64, the weight float32; convert the data"):
        make()(gw.ones(2, 3, 3, dtype=gw.float64))
    assert make().double()(gw.ones(2, 3, 3, dtype=gw.float64)).dtype == np.float64


@pytest.mark.parametrize("layer", [nn.ReLU, nn.SiLU, nn.Hardtanh, nn.ELU, nn.LeakyReLU])
def test_in_place_is_in_place(layer):
    x = gw.tensor([[-1.0, 2.0]])
    y = getattr(torch.nn, layer.__name__)(inplace=True)(theirs := torch.tensor([[-1.0, 2.0]]))
    out = layer(inplace=True)(x)
    assert out is x
    assert y is theirs
    np.testing.assert_allclose(x.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("power", [float("inf"), float("-inf")])
def test_a_pool_by_the_infinite_norm_is_the_largest_or_the_smallest(power):
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4))
    windows = np.abs(x).reshape(1, 2, 2, 2, 2, 2)
    want = windows.max(axis=(3, 5)) if power > 0 else windows.min(axis=(3, 5))
    got = nn.LPPool2d(power, 2)(gw.tensor(x, requires_grad=True))
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-15)
    got.sum().backward()


def test_a_summary_by_shape_of_a_network_that_looks_rows_up():
    text = str(nn.summary_info(nn.models.GPT(11, 8, 8, 1, 2), (2, 5)))
    assert "Embedding" in text
