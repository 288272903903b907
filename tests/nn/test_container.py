"""Containers: the same script on PyTorch and here gives the same parts, names, order and text."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

from .conformance import LayerConformance, close, torch_state


def layers(library):
    return [library.Linear(2, 3), library.ReLU(), library.Linear(3, 2), library.Tanh()]


def seen(net):
    return repr(net), list(net.state_dict()), [name for name, _ in net.named_modules()]


SCRIPTS = {
    "append, extend, insert": lambda n, c: edit(
        c().append(n.ReLU()).extend([n.Tanh(), n.Linear(1, 2)]), lambda x: x.insert(1, n.Sigmoid())
    ),
    "insert in the middle": lambda n, c: edit(c().extend(layers(n)), lambda x: x.insert(2, n.Sigmoid())),
    "insert at the end": lambda n, c: edit(c().extend(layers(n)), lambda x: x.insert(4, n.Sigmoid())),
    "set": lambda n, c: edit(c().extend(layers(n)), lambda x: x.__setitem__(-1, n.Linear(2, 5))),
    "delete": lambda n, c: edit(c().extend(layers(n)), lambda x: x.__delitem__(1)),
    "delete from the end": lambda n, c: edit(c().extend(layers(n)), lambda x: x.__delitem__(-2)),
    "delete a slice": lambda n, c: edit(c().extend(layers(n)), lambda x: x.__delitem__(slice(0, 3, 2))),
    "pop": lambda n, c: edit(c().extend(layers(n)), lambda x: x.pop(0)),
    "pop the last": lambda n, c: edit(c().extend(layers(n)), lambda x: x.pop(-1)),
    "slice": lambda n, c: c().extend(layers(n))[1:3],
    "slice backwards": lambda n, c: c().extend(layers(n))[:-1],
    "add": lambda n, c: c().extend(layers(n)) + c().extend(layers(n)[:1]),
    "add to": lambda n, c: edit(c().extend(layers(n)), lambda x: x.__iadd__(c().append(n.ReLU()))),
}


def edit(net, change):
    change(net)
    return net


@pytest.mark.parametrize("container", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_rows_of_modules_change_as_pytorchs(container, script):
    ours, theirs = (script(library, getattr(library, container)) for library in (nn, torch.nn))
    assert type(ours).__name__ == container
    assert seen(ours) == seen(theirs)
    assert [type(m).__name__ for m in ours] == [type(m).__name__ for m in theirs]
    assert len(ours) == len(theirs)


def test_a_part_that_is_deleted_takes_its_parameters_with_it_and_the_rest_runs():
    net = nn.Sequential(*layers(nn))
    expected = net[2](gw.ones(1, 3))
    del net[0:2]
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    close(net[:1](gw.ones(1, 3)), expected, 0)
    assert isinstance(net.pop(), nn.Tanh)
    assert len(net) == 1
    assert net[0] in net
    assert nn.ReLU() not in net


def test_inserting_counts_from_the_end_too():
    for container in (nn.Sequential, nn.ModuleList):  # PyTorch's ModuleList fails here
        net = container().extend(layers(nn)).insert(-1, nn.Sigmoid())
        assert [type(m).__name__ for m in net] == ["Linear", "ReLU", "Linear", "Sigmoid", "Tanh"]


def test_a_changed_row_is_compiled_anew():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    step = gw.compile(lambda x: net(x))
    x = gw.tensor([[1.0, -1.0]])
    close(step(x), net(x), 1e-6)
    net[1] = nn.Tanh()
    close(step(x), net(x), 1e-6)
    net.append(nn.Sigmoid())
    close(step(x), net(x), 1e-6)
    del net[1]
    close(step(x), net(x), 1e-6)


def test_repeating_shares_the_parts():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh()) * 2
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh()) * 2
    assert list(net.state_dict()) == list(theirs.state_dict())
    assert len(list(net.parameters())) == len(list(theirs.parameters())) == 2
    x = gw.ones(1, 2)
    close((net)(x), net[1](net[0](net[1](net[0](x)))), 0)
    with pytest.raises(ConfigError, match="1, 2, 3"):
        net * 0


def test_module_dict_is_pytorchs():
    def script(library):
        d = library.ModuleDict({"a": library.Linear(1, 2), "b": library.ReLU()})
        d["c"] = library.Linear(2, 1)
        d.update([("b", library.Tanh()), ("d", library.Linear(1, 1, bias=False))])
        popped = d.pop("a")
        del d["d"]
        return d, popped

    (ours, popped), (theirs, _) = script(nn), script(torch.nn)
    assert popped.out_features == 2
    assert seen(ours) == seen(theirs)
    assert list(ours) == list(ours.keys()) == list(theirs) == ["b", "c"]
    assert [type(v).__name__ for v in ours.values()] == ["Tanh", "Linear"]
    assert [k for k, _ in ours.items()] == ["b", "c"]
    assert len(ours) == 2
    assert "c" in ours
    assert "a" not in ours
    assert list(nn.ModuleDict(ours)) == ["b", "c"]
    ours.clear()
    assert len(ours) == 0
    for missing in (ours.pop, ours.__delitem__, ours.__getitem__):
        with pytest.raises(KeyError):
            missing("b")


def test_parameter_lists_and_dicts_hold_what_pytorchs_hold():
    def script(library, tensors):
        rows = library.ParameterList([tensors.ones(2)])
        rows.append(library.Parameter(tensors.zeros(3)))
        rows += [tensors.ones(1)]
        rows[0] = tensors.zeros(4)
        named = library.ParameterDict({"x": tensors.ones(2)})
        named["y"] = library.Parameter(tensors.ones(1, 2), requires_grad=False)
        named.update({"x": library.Parameter(tensors.ones(5))})
        both = library.Module()
        both.rows, both.named = rows, named
        return both

    ours, theirs = script(nn, gw), script(torch.nn, torch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [(n, tuple(p.shape), p.requires_grad) for n, p in ours.named_parameters()] == [
        (n, tuple(p.shape), p.requires_grad) for n, p in theirs.named_parameters()
    ]
    ours.load_state_dict(torch_state(theirs))
    assert len(ours.rows) == 3
    assert ours.rows[-1].shape == (1,)
    assert [p.shape for p in ours.rows[:2]] == [(4,), (3,)]
    assert ours.rows.pop(0).shape == (4,)
    assert list(ours.state_dict())[:2] == ["rows.0", "rows.1"]
    assert ours.named.pop("x").shape == (5,)
    assert "x" not in ours.named
    assert [p.shape for p in ours.named.values()] == [(1, 2)]
    assert list(ours.named.keys()) == [k for k, _ in ours.named.items()] == ["y"]
    assert repr(ours.rows) == (
        "ParameterList(\n  (0): Parameter of shape (3,), float32\n  (1): Parameter of shape (1,), float32\n)"
    )
    del ours.named["y"]
    assert repr(ours.named) == "ParameterDict()"


def test_parameters_of_lists_are_trained_in_a_compiled_step():
    rows = nn.ParameterList([gw.ones(2), gw.ones(2)])
    opt = gw.optim.SGD(rows.parameters(), lr=0.5)

    @gw.compile
    def step(x):
        opt.zero_grad()
        (rows[0] * x + rows[1]).sum().backward()
        opt.step()

    step(gw.tensor([1.0, 3.0]))
    close(rows[0], np.array([0.5, -0.5]), 1e-6)
    close(rows[1], np.array([0.5, 0.5]), 1e-6)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: nn.Sequential(3), TypeError, "part 0 is a int"),
        (lambda: nn.ModuleList([None]), TypeError, "NoneType, not a Module"),
        (lambda: nn.ModuleDict({"a": gw.ones(1)}), TypeError, "part a is a Tensor"),
        (lambda: nn.ModuleDict({"keys": nn.ReLU()}), ConfigError, "cannot name a part"),
        (lambda: nn.ModuleList([nn.ReLU()])[1], IndexOutOfRangeError, "index 1 of 1"),
        (lambda: nn.Sequential(nn.ReLU()).pop(-2), IndexOutOfRangeError, "index -2 of 1"),
        (lambda: nn.Sequential().__setitem__(0, nn.ReLU()), IndexOutOfRangeError, "index 0 of 0"),
        (lambda: nn.Sequential(nn.ReLU()).__setitem__(0, None), TypeError, "NoneType"),
        (lambda: nn.Sequential() + 3, TypeError, "unsupported"),
        (lambda: nn.ModuleList()(1), TypeError, "computes nothing itself"),
        (lambda: nn.ModuleDict()(1), TypeError, "computes nothing itself"),
        (lambda: nn.ParameterList([3.0]), DTypeError, "got a float"),
        (lambda: nn.ParameterList()[0], IndexOutOfRangeError, "index 0 of 0 parameters"),
        (lambda: nn.Residual(nn.Linear(2, 3))(gw.ones(1, 2)), ShapeError, r"\(1, 3\).*\(1, 2\).*shortcut="),
        (lambda: nn.Highway(2, "nope"), ConfigError, "nothing is called 'nope'"),
    ],
)
def test_what_is_wrong_is_named(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


# --- around a layer ---------------------------------------------------------------------------------------------------
class TorchResidual(torch.nn.Module):
    def __init__(self, module, shortcut=None):
        super().__init__()
        self.module, self.shortcut = module, shortcut

    def forward(self, x):
        return self.module(x) + (x if self.shortcut is None else self.shortcut(x))


class TorchHighway(torch.nn.Module):
    """Srivastava et al. (2015), equation 3."""

    def __init__(self, size, activation):
        super().__init__()
        self.activation = activation
        self.transform, self.gate = torch.nn.Linear(size, size), torch.nn.Linear(size, size)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return self.activation(self.transform(x)) * t + x * (1 - t)


class TestResidual(LayerConformance):
    same_repr = False

    def layer(self):
        return nn.Residual(nn.Sequential(nn.Linear(4, 4), nn.Tanh()))

    def oracle(self):
        return TorchResidual(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()))


class TestResidualWithShortcut(LayerConformance):
    same_repr = False

    def layer(self):
        return nn.Residual(nn.Linear(4, 3), shortcut=nn.Linear(4, 3, bias=False))

    def oracle(self):
        return TorchResidual(torch.nn.Linear(4, 3), torch.nn.Linear(4, 3, bias=False))


class TestHighway(LayerConformance):
    same_repr = False

    def layer(self):
        return nn.Highway(4, "tanh", bias=-1.0)

    def oracle(self):
        return TorchHighway(4, torch.tanh)


class TorchPermute(torch.nn.Module):
    def forward(self, x):
        return torch.permute(x, (0, 2, 1))


class TestPermute(LayerConformance):
    """PyTorch has the function, torchvision the layer."""

    shapes: ClassVar = [(2, 3, 4), (1, 5, 2)]
    same_repr = False

    def layer(self):
        return nn.Permute((0, 2, 1))

    def oracle(self):
        return TorchPermute()


def test_a_new_highway_lets_most_of_its_input_pass():
    layer = nn.Highway(8)
    close(layer.gate.bias, np.full(8, -2.0), 0)
    x = gw.randn(100, 8)
    t = layer.gate(x).sigmoid().mean().item()
    assert 0.05 < t < 0.25  # σ(-2) = 0.12
