"""Inside ``detect_anomaly`` a compiled step names the operation and the line, as an eager one does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import NonFiniteError

X = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)


def made() -> tuple[Any, Any]:
    gw.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    opt = optim.Adam(model.parameters(), lr=0.1)

    @gw.compile
    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        opt.step()
        return loss

    return model, step


def test_a_watched_step_computes_what_the_compiled_one_does():
    model, step = made()
    losses = [step(gw.tensor(x)).item() for x in X]
    other, watched = made()  # starts the random stream anew, for the same dropout masks
    with gw.detect_anomaly():
        found = [watched(gw.tensor(x)).item() for x in X]
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gathered", [False, True])
def test_a_watched_scan_too(gathered: bool):
    _, step = made()
    rows = X.reshape(24, 3)
    order = np.random.default_rng(1).permutation(24).reshape(6, 4) if gathered else None
    data = rows if gathered else X
    losses = step.scan(gw.tensor(data), order=order)
    _, watched = made()
    with gw.detect_anomaly():
        found = watched.scan(gw.tensor(data), order=order)
    np.testing.assert_allclose(found.numpy(), losses.numpy(), rtol=1e-5)


def test_forward_and_backward_faults_are_located():
    w = gw.tensor([4.0, 0.0], requires_grad=True)

    @gw.compile
    def forward_fault(x: Any) -> Any:
        return (x - 1).log()

    @gw.compile
    def backward_fault(x: Any) -> Any:
        w.grad = None
        out = (w * x).sqrt().sum()
        out.backward()
        return out

    with gw.detect_anomaly():
        with pytest.raises(NonFiniteError, match=r"forward: log gave -inf at \[0\].*test_watched.py:\d+: .*\.log\(\)"):
            forward_fault(gw.tensor([1.0, 2.0]))
        with pytest.raises(NonFiniteError, match=r"backward: the rule of sqrt gave inf at \[1\].*: out = \(w \* x\)"):
            backward_fault(gw.tensor([1.0, 1.0]))
