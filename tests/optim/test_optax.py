"""Optax as a second oracle."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

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
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_100_steps_are_optaxs(ours, theirs):
    w = gw.tensor(START, requires_grad=True)
    opt, h = ours([w]), gw.tensor(HESSIAN)
    with jax.enable_x64(True):
        rule = theirs()
        x = jnp.asarray(START)
        state = rule.init(x)
        for _ in range(100):
            opt.zero_grad()
            (0.5 * (w @ (h @ w))).backward()
            opt.step()
            updates, state = rule.update(jnp.asarray(HESSIAN) @ x, state, x)
            x = optax.apply_updates(x, updates)
        np.testing.assert_allclose(w.detach().numpy(), np.asarray(x), rtol=1e-10, atol=1e-12)
