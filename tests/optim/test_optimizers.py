"""Every rule and setting through the conformance suite, and what only one of them has."""

from __future__ import annotations

import inspect
from typing import ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import optim
from gradwright.errors import ConfigError

from .conformance import START, OptimizerConformance, SettingConformance
from .oracles import oracle


class TestGradientDescent(OptimizerConformance):
    name = "GradientDescent"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.018, "rosenbrock": 2e-3, "logistic": 0.5}


class TestGradientDescentMaximize(SettingConformance):
    name = "GradientDescent"
    options: ClassVar = {"maximize": True}


class TestSGD(OptimizerConformance):
    name = "SGD"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.018, "rosenbrock": 2e-3, "logistic": 0.5}


class TestSGDMomentum(OptimizerConformance):
    name = "SGD"
    options: ClassVar = {"momentum": 0.9}
    rates: ClassVar = {"quadratic": 0.02, "ill": 0.01, "rosenbrock": 2e-4, "logistic": 0.1}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95}


class TestSGDNesterov(SettingConformance):
    name = "SGD"
    options: ClassVar = {"momentum": 0.9, "nesterov": True}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95}


class TestSGDDampening(SettingConformance):
    name = "SGD"
    options: ClassVar = {"momentum": 0.9, "dampening": 0.3}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95, "dampening": 0.4}


class TestSGDEverything(SettingConformance):
    name = "SGD"
    options: ClassVar = {"momentum": 0.8, "weight_decay": 0.1, "nesterov": True, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95, "weight_decay": 0.2}


class TestSGDWeightDecay(SettingConformance):
    name = "SGD"
    options: ClassVar = {"weight_decay": 0.2}
    changed: ClassVar = {"lr": 0.003, "weight_decay": 0.2}


class TestRprop(OptimizerConformance):
    name = "Rprop"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.1, "rosenbrock": 0.01, "logistic": 0.1}
    changed: ClassVar = {"lr": 0.003, "etas": (0.9, 5.0), "step_sizes": (1e-4, 0.1)}


class TestRpropOtherNumbers(SettingConformance):
    name = "Rprop"
    options: ClassVar = {"etas": (0.3, 1.1), "step_sizes": (1e-3, 0.05), "maximize": True}
    changed: ClassVar = {"lr": 0.003, "etas": (0.9, 5.0), "step_sizes": (1e-4, 0.1)}


class TestAdagrad(OptimizerConformance):
    name = "Adagrad"
    rates: ClassVar = {"quadratic": 0.5, "ill": 0.5, "rosenbrock": 0.5, "logistic": 0.5}
    changed: ClassVar = {"lr": 0.03, "eps": 1e-3, "lr_decay": 0.1}


class TestAdagradOtherNumbers(SettingConformance):
    name = "Adagrad"
    options: ClassVar = {"lr_decay": 1e-3, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-4}
    changed: ClassVar = {"lr": 0.03, "lr_decay": 0.3, "weight_decay": 0.3}


class TestAdagradMaximize(SettingConformance):
    name = "Adagrad"
    options: ClassVar = {"maximize": True}
    changed: ClassVar = {"lr": 0.03, "eps": 1e-3, "lr_decay": 0.1}


class TestAdadelta(OptimizerConformance):
    name = "Adadelta"
    options: ClassVar = {"lr": 1.0}
    rates: ClassVar = {"quadratic": 1.0, "ill": 1.0, "rosenbrock": 1.0, "logistic": 1.0}
    changed: ClassVar = {"lr": 3.0, "rho": 0.95, "eps": 1e-3}


class TestAdadeltaOtherNumbers(SettingConformance):
    name = "Adadelta"
    options: ClassVar = {"lr": 0.5, "rho": 0.95, "eps": 1e-4, "weight_decay": 0.1, "maximize": True}
    changed: ClassVar = {"lr": 3.0, "weight_decay": 0.3}


class TestRMSprop(OptimizerConformance):
    name = "RMSprop"
    rates: ClassVar = {"quadratic": 0.01, "ill": 0.01, "rosenbrock": 0.01, "logistic": 0.01}
    changed: ClassVar = {"lr": 0.003, "alpha": 0.97, "eps": 1e-3}


class TestRMSpropMomentum(SettingConformance):
    name = "RMSprop"
    options: ClassVar = {"momentum": 0.9, "alpha": 0.9, "weight_decay": 0.1}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.95, "weight_decay": 0.3}


class TestRMSpropCentered(SettingConformance):
    name = "RMSprop"
    options: ClassVar = {"centered": True, "momentum": 0.5, "eps": 1e-4, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "alpha": 0.97, "eps": 1e-3}


class TestAdam(OptimizerConformance):
    name = "Adam"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.03, "rosenbrock": 0.02, "logistic": 0.05}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestAdamOtherNumbers(SettingConformance):
    name = "Adam"
    options: ClassVar = {"betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestAdamMaximize(SettingConformance):
    name = "Adam"
    options: ClassVar = {"maximize": True}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestAMSGrad(SettingConformance):
    name = "Adam"
    options: ClassVar = {"amsgrad": True, "betas": (0.9, 0.9)}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestAdamW(OptimizerConformance):
    name = "AdamW"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.03, "rosenbrock": 0.02, "logistic": 0.05}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestAdamWOtherNumbers(SettingConformance):
    name = "AdamW"
    options: ClassVar = {"betas": (0.5, 0.9), "weight_decay": 0.3, "amsgrad": True, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestAdamax(OptimizerConformance):
    name = "Adamax"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.1, "rosenbrock": 0.1, "logistic": 0.05}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestAdamaxOtherNumbers(SettingConformance):
    name = "Adamax"
    options: ClassVar = {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "weight_decay": 0.3}


class TestNAdam(OptimizerConformance):
    name = "NAdam"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.03, "rosenbrock": 0.02, "logistic": 0.05}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3, "momentum_decay": 0.1}


class TestNAdamOtherNumbers(SettingConformance):
    name = "NAdam"
    options: ClassVar = {"betas": (0.8, 0.99), "momentum_decay": 0.05, "weight_decay": 0.1, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "momentum_decay": 0.2, "weight_decay": 0.3}


class TestNAdamDecoupled(SettingConformance):
    name = "NAdam"
    options: ClassVar = {"weight_decay": 0.2, "decoupled_weight_decay": True, "eps": 1e-3}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3, "momentum_decay": 0.1}


class TestRAdam(OptimizerConformance):
    name = "RAdam"
    rates: ClassVar = {"quadratic": 0.1, "ill": 0.03, "rosenbrock": 0.003, "logistic": 0.05}
    reached: ClassVar = {"rosenbrock": 0.2}  # its first, unscaled steps allow a small rate only
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestRAdamOtherNumbers(SettingConformance):
    name = "RAdam"
    options: ClassVar = {"betas": (0.8, 0.7), "eps": 1e-3, "weight_decay": 0.1, "maximize": True}  # ρ around 5
    changed: ClassVar = {"lr": 0.003, "weight_decay": 0.3}


class TestRAdamDecoupled(SettingConformance):
    name = "RAdam"
    options: ClassVar = {"weight_decay": 0.2, "decoupled_weight_decay": True, "betas": (0.9, 0.95)}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3}


class TestLARS(OptimizerConformance):
    name = "LARS"
    options: ClassVar = {"trust_coefficient": 0.1}
    rates: ClassVar = {"quadratic": 0.01, "ill": 0.01, "rosenbrock": 0.05, "logistic": 0.01}
    changed: ClassVar = {"lr": 0.1, "momentum": 0.95, "trust_coefficient": 0.05, "eps": 1e-3}


class TestLARSOtherNumbers(SettingConformance):
    name = "LARS"
    options: ClassVar = {"trust_coefficient": 0.05, "momentum": 0.5, "weight_decay": 0.1, "eps": 0.1, "nesterov": True}
    changed: ClassVar = {"lr": 0.1, "weight_decay": 0.3}


class TestLARSMaximize(SettingConformance):
    name = "LARS"
    options: ClassVar = {"trust_coefficient": 0.1, "maximize": True}
    changed: ClassVar = {"lr": 0.1, "momentum": 0.95, "trust_coefficient": 0.05, "eps": 1e-3}


class TestLAMB(OptimizerConformance):
    name = "LAMB"
    rates: ClassVar = {"quadratic": 0.01, "ill": 0.01, "rosenbrock": 0.05, "logistic": 0.01}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995), "eps": 1e-3, "trust_clip": 2.0}


class TestLAMBOtherNumbers(SettingConformance):
    name = "LAMB"
    options: ClassVar = {"betas": (0.8, 0.99), "weight_decay": 0.1, "trust_clip": 0.7, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "weight_decay": 0.3}


class TestLion(OptimizerConformance):
    name = "Lion"
    rates: ClassVar = {"quadratic": 0.003, "ill": 0.005, "rosenbrock": 0.003, "logistic": 0.001}
    changed: ClassVar = {"lr": 0.003, "betas": (0.95, 0.9995)}


class TestLionOtherNumbers(SettingConformance):
    name = "Lion"
    options: ClassVar = {"betas": (0.5, 0.9), "weight_decay": 0.3, "maximize": True}
    changed: ClassVar = {"lr": 0.003, "weight_decay": 0.3}


class TestMuon(OptimizerConformance):
    name = "Muon"
    axes: ClassVar = (2,)
    rates: ClassVar = {"quadratic": 0.01, "ill": 0.01, "rosenbrock": 0.005, "logistic": 0.001}
    changed: ClassVar = {"lr": 0.003, "momentum": 0.97, "weight_decay": 0.3}


class TestMuonOtherNumbers(SettingConformance):
    name = "Muon"
    options: ClassVar = {
        "momentum": 0.8, "nesterov": False, "ns_coefficients": (2.0, -1.5, 0.5), "eps": 1e-3, "ns_steps": 3,
        "adjust_lr_fn": "match_rms_adamw",
    }  # fmt: skip
    axes: ClassVar = (2,)
    changed: ClassVar = {"lr": 0.003, "momentum": 0.97, "weight_decay": 0.3}


CASES = [case for name, case in globals().items() if name.startswith("Test")]


#: what is not moved by a gradient alone, or takes sparse ones, has a file of its own
ELSEWHERE = {"SparseAdam", "LBFGS", "Newton", "Lookahead", "Accumulate", "Together"}


def test_every_optimizer_went_through_the_suite():
    rules = {name for name in optim.__all__ if isinstance(getattr(optim, name), type)}
    assert {case.name for case in CASES} == rules - ELSEWHERE - {"Optimizer"}
    firsts = {case.name for case in CASES if issubclass(case, OptimizerConformance)}
    assert firsts == rules - ELSEWHERE - {"Optimizer"}


@pytest.mark.parametrize("name", sorted({case.name for case in CASES}))
def test_defaults_and_the_order_of_arguments_are_pytorchs(name):
    rule, shape = getattr(optim, name), (2, 3)
    ours = rule([gw.zeros(shape, requires_grad=True)]).param_groups[0]
    theirs = oracle(name)([torch.zeros(shape, requires_grad=True)]).param_groups[0]
    for key, value in ours.items():
        if key != "params":
            assert value == theirs[key], key
    if name in dir(torch.optim):
        left_out = {"foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"} - set(ours)
        order = [key for key in inspect.signature(getattr(torch.optim, name)).parameters if key not in left_out]
        assert list(inspect.signature(rule).parameters) == order


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
