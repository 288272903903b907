"""The conformance suite itself: planted faults must fail it."""

from __future__ import annotations

import inspect
import sys
import textwrap

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
    fails(cases.TestAdam().test_parameters_without_gradient_are_passed_over_and_not_counted)


def test_a_learning_rate_frozen_at_the_start_is_caught(monkeypatch):
    adam_with(
        monkeypatch,
        lambda true, p, g, step, h: true(step={**step, "size": step["size"] * 0.005 / h["lr"]}, h={**h, "lr": 0.005}),
    )
    fails(cases.TestAdam().test_100_steps_in_two_groups_with_changing_hyperparameters_are_pytorchs)
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


def plant(monkeypatch, rule, method, right, wrong):
    """Put a slip of the pen into a rule's source."""
    source = textwrap.dedent(inspect.getsource(getattr(rule, method)))
    assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in {rule.__name__}.{method}"
    space = dict(vars(sys.modules[rule.__module__]))
    exec(source.replace("super().", f"super({rule.__name__}, self).").replace(right, wrong), space)
    monkeypatch.setattr(rule, method, space[method])


SLIPS = [
    ("GradientDescent", "update", 'p - h["lr"] * g', 'p - h["lr"] * g * 1.001'),
    ("Rprop", "slots", 'group["lr"]', "0.01"),
    ("Rprop", "prepare", "count == 1", "count == 0"),
    ("Rprop", "update", "xp.where(product < 0, 0, g)", "g"),
    ("Rprop", "update", "xp.where(product > 0, grow,", "xp.where(product >= 0, grow,"),
    ("Rprop", "update", 'xp.clip(size, *h["step_sizes"])', "size"),
    ("Rprop", "update", "xp.where(xp.isnan(g), 0, xp.sign(g))", "xp.sign(g)"),
    ("Adagrad", "slots", 'group["initial_accumulator_value"]', "0"),
    ("Adagrad", "prepare", " - 1)", ")"),
    ("Adagrad", "update", '(xp.sqrt(total) + h["eps"])', 'xp.sqrt(total + h["eps"])'),
    ("Adadelta", "update", 'xp.sqrt(slots["acc_delta"] + eps)', '(xp.sqrt(slots["acc_delta"]) + eps)'),
    ("Adadelta", "update", "(1 - rho) * (delta * delta)", '(1 - rho) * (h["lr"] * delta) ** 2'),
    ("RMSprop", "update", '(xp.sqrt(variance) + h["eps"])', 'xp.sqrt(variance + h["eps"])'),
    ("RMSprop", "update", 'new["grad_avg"] * new["grad_avg"]', 'slots["grad_avg"] ** 2'),
    ("RMSprop", "update", '+ d\n', '+ h["lr"] * d\n'),
    ("Adam", "update", 'xp.maximum(slots["max_exp_avg_sq"], new["exp_avg_sq"])', 'new["exp_avg_sq"]'),
    ("Adamax", "update", 'xp.abs(g) + h["eps"]', "xp.abs(g)"),
    ("Adamax", "prepare", 'h["betas"][0]', 'h["betas"][1]'),
    ("NAdam", "slots", "np.ones(())", "np.zeros(())"),
    ("NAdam", "prepare", "0.5 * 0.96", "0.5 * 0.95"),
    ("NAdam", "update", 'step["ahead"] / (1 - product * step["ahead"])', 'step["now"] / (1 - product * step["ahead"])'),
    ("RAdam", "prepare", "rho > 5", "rho > 4"),
    ("RAdam", "prepare", "r * xp.sqrt(correction)", "r"),
    ("LARS", "update", '+ h["momentum"] * buffer', '+ h["momentum"] * slots["momentum_buffer"]'),
    ("LARS", "update", ', h["eps"])', ")"),
    ("LAMB", "update", ', most=h["trust_clip"]', ""),
    ("LAMB", "update", "size * m", "m"),
    ("Lion", "update", "beta1 * m + (1 - beta1) * g)", "beta2 * m + (1 - beta2) * g)"),
    ("Muon", "update", "scale = math.sqrt(max(1, rows / columns))", "scale = math.sqrt(max(1, columns / rows))"),
    ("Muon", "update", "g + momentum * (buffer - g)", "g + momentum * buffer"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "method", "right", "wrong"), SLIPS, ids=[f"{s[0]}: {s[3]}" for s in SLIPS])
def test_a_slip_of_the_pen_is_caught(monkeypatch, name, method, right, wrong):
    plant(monkeypatch, getattr(optim, name), method, right, wrong)
    caught = []
    for case in (c for c in cases.CASES if c.name == name):
        for check in (
            case().test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs,
            case().test_100_steps_in_two_groups_with_changing_hyperparameters_are_pytorchs,
            case().test_a_state_saved_here_goes_on_in_pytorch,
            lambda case=case: case().test_gradients_that_are_not_finite_do_what_pytorchs_do(np.nan),
        ):
            with np.errstate(all="ignore"):
                try:
                    check()
                except AssertionError:
                    caught.append(case.__name__)
    assert caught
