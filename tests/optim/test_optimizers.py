"""Every rule and setting through the conformance suite, and what only one of them has."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import optim
from gradwright.errors import ConfigError

from .conformance import START, OptimizerConformance


class TestSGD(OptimizerConformance):
    name = "SGD"
    ill_lr = 0.018
    rosenbrock_lr = 2e-3


class TestSGDMomentum(OptimizerConformance):
    name = "SGD"
    options: ClassVar = {"momentum": 0.9}
    quadratic_lr = 0.02
    ill_lr = 0.01
    rosenbrock_lr = 2e-4
    logistic_lr = 0.1
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95}


class TestSGDNesterov(TestSGDMomentum):
    options: ClassVar = {"momentum": 0.9, "nesterov": True}


class TestSGDDampening(TestSGDMomentum):
    options: ClassVar = {"momentum": 0.9, "dampening": 0.3}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95, "dampening": 0.4}


class TestSGDEverything(TestSGDMomentum):
    options: ClassVar = {"momentum": 0.8, "weight_decay": 0.1, "nesterov": True, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95, "weight_decay": 0.2}


class TestSGDWeightDecay(TestSGD):
    options: ClassVar = {"weight_decay": 0.2}
    changed: ClassVar = {"lr": 0.003, "weight_decay": 0.2}


class TestAdam(OptimizerConformance):
    name = "Adam"
    quadratic_lr = 0.1
    ill_lr = 0.03
    rosenbrock_lr = 0.02
    logistic_lr = 0.05
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestAdamOtherNumbers(TestAdam):
    options: ClassVar = {"betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestAdamMaximize(TestAdam):
    options: ClassVar = {"maximize": True}


class TestAdamW(TestAdam):
    name = "AdamW"
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestAdamWOtherNumbers(TestAdamW):
    options: ClassVar = {"betas": (0.5, 0.9), "weight_decay": 0.3, "maximize": True}
    quadratic_lr = 0.02
    ill_lr = 0.001


def test_every_optimizer_went_through_the_suite():
    tested = {cls.name for cls in (TestSGD, TestAdam, TestAdamW)}
    assert tested == set(optim.__all__) - {"Optimizer", "SparseAdam"}  # which has test_sparse_adam.py


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_defaults_are_pytorchs(name):
    ours = getattr(optim, name)([gw.zeros(1, requires_grad=True)]).param_groups[0]
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).param_groups[0]
    for key, value in ours.items():
        if key != "params":
            assert value == theirs[key], key


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(options):
    with pytest.raises(ConfigError, match="nesterov"):
        optim.SGD([gw.zeros(1, requires_grad=True)], nesterov=True, **options)


@pytest.mark.parametrize("dampening", [0.0, 0.3])
def test_momentum_may_be_switched_on_off_and_on_again_as_in_pytorch(dampening):
    w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    ours = optim.SGD([w], lr=0.01, dampening=dampening)
    theirs = torch.optim.SGD([t], lr=0.01, dampening=dampening)
    for i, momentum in enumerate([0.9, 0.9, 0, 0, 0.5, 0.5, 0.5]):
        for opt, x in ((ours, w), (theirs, t)):
            opt.param_groups[0]["momentum"] = momentum
            opt.zero_grad()
            (x**4).sum().backward()
            opt.step()
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12, err_msg=str(i))


def test_momentum_switched_on_after_plain_steps_gets_its_buffer():
    w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    ours, theirs = optim.SGD([w], lr=0.01), torch.optim.SGD([t], lr=0.01)
    for momentum in [0, 0, 0.9, 0.9, 0.9]:
        for opt, x in ((ours, w), (theirs, t)):
            opt.param_groups[0]["momentum"] = momentum
            opt.zero_grad()
            (x**4).sum().backward()
            opt.step()
    np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)


def test_a_group_added_later():
    a, b = gw.tensor(START, requires_grad=True), gw.tensor(START, requires_grad=True)
    c, d = torch.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    ours, theirs = optim.Adam([a], lr=0.1), torch.optim.Adam([c], lr=0.1)
    for i in range(4):
        if i == 2:
            ours.add_param_group({"params": b, "lr": 0.01})
            theirs.add_param_group({"params": d, "lr": 0.01})
        for opt, x, y in ((ours, a, b), (theirs, c, d)):
            opt.zero_grad()
            ((x - 1) ** 2 * (y + 1) ** 2).sum().backward()
            opt.step()
    np.testing.assert_allclose(a.detach().numpy(), c.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(b.detach().numpy(), d.detach().numpy(), rtol=1e-12)
    assert [s["step"] for s in ours.state_dict()["state"].values()] == [4, 2]


def test_the_base_class_says_what_is_missing():
    class Nothing(optim.Optimizer):
        pass

    with pytest.raises(TypeError, match="Nothing defines no slots"):
        Nothing([gw.zeros(1, requires_grad=True)], {"lr": 0.1})
