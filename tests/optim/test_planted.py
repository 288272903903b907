"""The conformance suite itself: planted faults must fail it."""

from __future__ import annotations

import numpy as np
import pytest

from gradwright import optim

from . import test_optimizers as cases


def fails(test, *args):
    with pytest.raises((AssertionError, KeyError)):
        test(*args)


def adam_with(monkeypatch, update):
    true = optim.Adam.update

    def planted(self, xp, p, g, slots, step, h):
        return update(lambda p=p, g=g, slots=slots, step=step, h=h: true(self, xp, p, g, slots, step, h), p, g, step, h)

    monkeypatch.setattr(optim.Adam, "update", planted)


def test_epsilon_inside_the_root_is_caught(monkeypatch):
    def wrong(self, xp, p, g, slots, step, h):
        beta1, beta2 = h["betas"]
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * g * g
        new = p - step["size"] * m / xp.sqrt(v / step["root"] ** 2 + h["eps"] ** 2)
        return new, {"exp_avg": m, "exp_avg_sq": v}

    monkeypatch.setattr(optim.Adam, "update", wrong)
    fails(cases.TestAdamOtherNumbers().test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs)


def test_a_missing_bias_correction_is_caught(monkeypatch):
    adam_with(
        monkeypatch,
        lambda true, p, g, step, h: true(step={"size": step["size"] * 0 + h["lr"], "scale": step["scale"]}),
    )
    fails(cases.TestAdam().test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs)


def test_coupled_decay_in_adamw_is_caught(monkeypatch):
    monkeypatch.setattr(optim.AdamW, "decoupled", False)
    fails(cases.TestAdamW().test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs)
    fails(cases.TestAdamW().test_a_zero_gradient_moves_only_by_decay)


def test_a_damped_first_step_is_caught(monkeypatch):
    monkeypatch.setattr(optim.SGD, "prepare", lambda self, xp, count, h: {"first": count == 0})
    fails(cases.TestSGDDampening().test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs)


def test_steps_counted_without_a_gradient_are_caught(monkeypatch):
    def prepare(self, xp, count, h):
        beta1, beta2 = h["betas"]
        top = np.max(count) * np.ones_like(count)
        return {"size": h["lr"] / (1 - beta1**top), "root": xp.sqrt(1 - beta2**top)}

    monkeypatch.setattr(optim.Adam, "prepare", prepare)
    fails(cases.TestAdam().test_parameters_without_gradient_are_passed_over_and_not_counted, False)


def test_a_learning_rate_frozen_at_the_start_is_caught(monkeypatch):
    adam_with(
        monkeypatch,
        lambda true, p, g, step, h: true(step={**step, "size": step["size"] * 0.005 / h["lr"]}, h={**h, "lr": 0.005}),
    )
    fails(cases.TestAdam().test_hyperparameters_may_change_between_steps_without_a_new_trace, False)
    fails(cases.TestAdam().test_groups_keep_their_own_learning_rate)


def test_a_slot_that_is_not_restored_is_caught(monkeypatch):
    true = optim.Optimizer.load_state_dict

    def forgetful(self, state):
        true(self, state)
        for slots in self.state.values():
            for slot in slots.values():
                slot._set(slot._array * 0)

    monkeypatch.setattr(optim.Optimizer, "load_state_dict", forgetful)
    fails(cases.TestSGDMomentum().test_a_saved_state_goes_on_bit_for_bit)
    fails(cases.TestAdam().test_a_state_saved_by_pytorch_goes_on_here)


def test_a_promotion_is_caught(monkeypatch):
    true = optim.SGD.update

    def wide(self, xp, p, g, slots, step, h):
        new, slots = true(self, xp, p, g, slots, step, h)
        return new.astype(np.float64), slots

    monkeypatch.setattr(optim.SGD, "update", wide)
    fails(cases.TestSGD().test_float32_parameters_stay_float32)
