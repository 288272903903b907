"""Every rule and setting in one compiled program, and in one population: compiling is slow, so it is shared."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import optim

from . import test_optimizers as cases
from .conformance import OptimizerConformance, SettingConformance, Zoo, pass_over, train_beside_pytorch

CASES = cases.CASES
FIRSTS = [case for case in CASES if issubclass(case, OptimizerConformance)]


@cache
def hundred_steps() -> tuple[list[list[np.ndarray]], list[list[np.ndarray]], int]:
    """All settings, each with two groups that change at every step: eager ends, compiled ends, traces."""
    eager, compiled = ([Zoo(case(), False, first=3) for case in CASES] for _ in range(2))

    @gw.compile(state=[[(zoo.params, zoo.opt) for zoo in compiled]])
    def step(_: Any) -> None:
        for zoo in compiled:
            zoo.opt.zero_grad()
            zoo.loss().backward()
            zoo.opt.step()

    for i in range(100):
        for zoo in compiled:
            zoo.change(i)
        step(gw.tensor(0.0))
        for zoo in eager:
            zoo.change(i)
            zoo.step(used=lambda k: k > 0, zero=False)
    return [z.values() for z in eager], [z.values() for z in compiled], step.traces


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_hundred_compiled_steps_are_the_eager_ones_and_traced_once(case):
    eager, compiled, traces = hundred_steps()
    i = CASES.index(case)
    for a, b in zip(eager[i], compiled[i], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert traces == 1, "although hyperparameters changed at every step"


MEMBERS = (1.0, 0.6)


class Member:
    """One member: the first setting of every rule, its hyperparameters scaled."""

    def __init__(self, factor: float) -> None:
        self.zoos = [Zoo(case(), False, first=2) for case in FIRSTS]
        for zoo, case in zip(self.zoos, FIRSTS, strict=True):
            for group in zoo.opt.param_groups:
                for key in case.changed:
                    value = group[key]
                    group[key] = tuple(v * factor for v in value) if isinstance(value, tuple) else value * factor
                if case.name == "Rprop":
                    group["etas"] = (group["etas"][0] * factor, 1 + factor * (group["etas"][1] - 1))

    def step(self, _: Any) -> gw.Tensor:
        for zoo in self.zoos:
            zoo.opt.zero_grad()
            zoo.loss().backward()
            zoo.opt.step()
        return gw.zeros(())


@cache
def population() -> tuple[list[Member], list[Member]]:
    """Twenty steps of each member alone, eagerly, and of all together."""
    alone = [Member(f) for f in MEMBERS]
    for member in alone:
        for _ in range(20):
            member.step(None)
    together: list[Member] = []

    def factory(factor: float) -> Any:
        together.append(Member(factor))
        return together[-1].step

    gw.Population(factory, [{"factor": f} for f in MEMBERS], seeds=[0] * len(MEMBERS)).scan(np.zeros(20))
    return alone, together


@pytest.mark.parametrize("case", FIRSTS, ids=lambda case: case.__name__)
def test_members_with_other_hyperparameters_are_as_alone(case):
    alone, together = population()
    i = FIRSTS.index(case)
    for a, b in zip(alone, together, strict=True):
        for x, y in zip(a.zoos[i].values(), b.zoos[i].values(), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-12)
    ends = [np.concatenate([v.ravel() for v in m.zoos[i].values()]) for m in together]
    assert not np.allclose(ends[0], ends[1])


@pytest.mark.parametrize("case", [cases.TestSGDMomentum, cases.TestAdam], ids=["SGD", "Adam"])
def test_a_compiled_network_is_pytorchs(case):
    train_beside_pytorch(case(), compiled=True)


@pytest.mark.parametrize("case", [cases.TestSGDMomentum, cases.TestAdam], ids=["SGD", "Adam"])
def test_compiled_steps_count_only_parameters_with_gradients(case):
    pass_over(case(), compiled=True)


def test_a_flag_or_a_count_that_changes_is_traced_anew():
    case: SettingConformance = cases.TestMuon()
    w, v = (gw.tensor(case.start(), requires_grad=True) for _ in range(2))
    a, b = optim.Muon([w], lr=0.1), optim.Muon([v], lr=0.1)

    @gw.compile
    def step(_):
        a.zero_grad()
        (w**4).sum().backward()
        a.step()

    for steps, nesterov, adjust in [(2, True, None), (3, True, None), (3, False, "match_rms_adamw"), (2, True, None)]:
        for opt in (a, b):
            opt.param_groups[0].update(ns_steps=steps, nesterov=nesterov, adjust_lr_fn=adjust)
        step(0)
        b.zero_grad()
        (v**4).sum().backward()
        b.step()
        np.testing.assert_allclose(w.detach().numpy(), v.detach().numpy(), rtol=1e-12)
    assert step.traces == 3
