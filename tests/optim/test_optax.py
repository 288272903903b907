"""Optax as a second oracle."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import gradwright as gw
from gradwright import optim

from .conformance import HESSIAN, START

PAIRS = {
    "sgd": (lambda p: optim.SGD(p, lr=0.01), lambda: optax.sgd(0.01)),
    "momentum": (lambda p: optim.SGD(p, lr=0.01, momentum=0.9), lambda: optax.sgd(0.01, momentum=0.9)),
    "nesterov": (
        lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
        lambda: optax.sgd(0.01, momentum=0.9, nesterov=True),
    ),
    "adam": (
        lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6),
        lambda: optax.adam(0.05, b1=0.8, b2=0.95, eps=1e-6),
    ),
    "adamw": (lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.1), lambda: optax.adamw(0.05, weight_decay=0.1)),
    "adamax": (lambda p: optim.Adamax(p, lr=0.05, eps=0.0), lambda: optax.adamax(0.05, eps=0.0)),
    "adagrad": (
        lambda p: optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.3, eps=0.0),
        lambda: optax.adagrad(0.1, initial_accumulator_value=0.3, eps=0.0),
    ),
    "rmsprop": (
        lambda p: optim.RMSprop(p, lr=0.001, alpha=0.8, eps=1e-2, centered=True),
        lambda: optax.rmsprop(0.001, decay=0.8, eps=1e-2, eps_in_sqrt=False, centered=True),
    ),
    "lion": (lambda p: optim.Lion(p, lr=0.01, weight_decay=0.2), lambda: optax.lion(0.01, weight_decay=0.2)),
    "lion, other averages": (
        lambda p: optim.Lion(p, lr=0.01, betas=(0.7, 0.95)),
        lambda: optax.lion(0.01, b1=0.7, b2=0.95, weight_decay=0.0),
    ),
    "lars": (
        lambda p: optim.LARS(p, lr=0.5, trust_coefficient=0.05),
        lambda: optax.lars(0.5, trust_coefficient=0.05),
    ),
    "lars, decayed": (
        lambda p: optim.LARS(p, 0.5, 0.7, weight_decay=0.1, trust_coefficient=0.05, eps=0.01, nesterov=True),
        lambda: optax.lars(0.5, weight_decay=0.1, trust_coefficient=0.05, eps=0.01, momentum=0.7, nesterov=True),
    ),
    "lamb": (lambda p: optim.LAMB(p, lr=0.01, trust_clip=float("inf")), lambda: optax.lamb(0.01)),
    "lamb, decayed": (
        lambda p: optim.LAMB(p, lr=0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.3),
        lambda: optax.lamb(0.01, b1=0.8, b2=0.9, eps=1e-3, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_100_steps_are_optaxs(ours, theirs):
    w = gw.tensor(START, requires_grad=True)
    opt, h = ours([w]), gw.tensor(HESSIAN)
    with jax.enable_x64(True):
        rule = theirs()
        x = jnp.asarray(START)
        state = rule.init(x)
        update = jax.jit(rule.update)
        for _ in range(100):
            opt.zero_grad()
            (0.5 * (w @ (h @ w))).backward()
            opt.step()
            updates, state = update(jnp.asarray(HESSIAN) @ x, state, x)
            x = optax.apply_updates(x, updates)
        np.testing.assert_allclose(w.detach().numpy(), np.asarray(x), rtol=1e-10, atol=1e-12)


def test_lambs_trust_ratio_is_clipped_at_10_and_1_where_a_norm_is_0():
    large, zero, still = (gw.tensor(np.full(4, v), requires_grad=True) for v in (100.0, 0.0, 3.0))
    opt = optim.LAMB([large, zero, still], lr=0.1)
    (large.sum() + zero.sum() + 0 * still.sum()).backward()
    opt.step()
    unit = 1 / (1 + 1e-6)  # Adam's first step
    np.testing.assert_allclose(large.detach().numpy(), 100 - 0.1 * 10 * unit, rtol=1e-12)
    np.testing.assert_allclose(zero.detach().numpy(), -0.1 * unit, rtol=1e-12)
    np.testing.assert_array_equal(still.detach().numpy(), 3.0)


def test_muon_is_pytorchs_up_to_bfloat16():
    rng = np.random.default_rng(2)
    start, gradients = rng.normal(size=(4, 6)), rng.normal(size=(20, 4, 6))
    w, t = gw.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = optim.Muon([w], lr=0.1, weight_decay=0.2), torch.optim.Muon([t], lr=0.1, weight_decay=0.2)
    for g in gradients:
        w.grad, t.grad = gw.tensor(g), torch.tensor(g)
        ours.step()
        theirs.step()
    moved = np.abs(w.detach().numpy() - start).max()
    np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), atol=0.02 * moved)
