"""Compare a function of Tensors with PyTorch's, forward and gradients, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gradwright.engine import tensor

__all__ = ["agree"]


def agree(ours: Callable[..., Any], theirs: Callable[..., Any], *points: np.ndarray) -> None:
    """Assert that outputs (indices too) and the gradients of a weighted sum of the first are the same."""
    xs = [tensor(p, requires_grad=True) for p in points]
    ts = [torch.tensor(p, requires_grad=True) for p in points]
    y, t = ours(*xs), theirs(*ts)
    if isinstance(t, tuple):
        np.testing.assert_array_equal(y[1].numpy(), t[1].numpy())
        y, t = y[0], t[0]
    assert y.shape == tuple(t.shape)
    np.testing.assert_allclose(y.detach().numpy(), t.detach().numpy(), rtol=1e-12, atol=1e-12)
    v = np.cos(np.arange(y.numel(), dtype=np.float64)).reshape(y.shape)
    y.backward(tensor(v))
    t.backward(torch.tensor(v))
    for x, s in zip(xs, ts, strict=True):
        assert x.grad is not None
        assert s.grad is not None
        np.testing.assert_allclose(x.grad.numpy(), s.grad.numpy(), rtol=1e-9, atol=1e-9)
