"""One line of PyTorch, run with PyTorch and with Gradwright, and the results compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import gradwright as gw

__all__ = ["both", "same"]


def both(line: str, **names: Any) -> tuple[Any, Any]:
    """Return what an expression gives here and there; it calls either library ``torch``."""
    return tuple(eval(line, {"torch": library, "np": np, **names}) for library in (gw, torch))  # type: ignore[return-value]


def same(ours: Any, theirs: Any, what: str = "", rtol: float = 1e-6, atol: float = 1e-7) -> None:
    """Assert the same shape, dtype and numbers, in the same containers."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, gw.Tensor), what
        assert ours.shape == tuple(theirs.shape), what
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), what
        assert ours.requires_grad == theirs.requires_grad, what
        a, b = ours.detach(), theirs.detach()
        if ours.dtype.name == "bfloat16":
            a, b = a.float(), b.float()
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol, atol=atol, err_msg=what)
    elif isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs), what
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, what, rtol, atol)
    elif isinstance(theirs, torch.dtype):
        assert str(ours) == str(theirs).removeprefix("torch."), what
    elif isinstance(theirs, float):
        assert type(ours) is float, what
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=what)
    else:
        assert type(ours) is type(theirs), what
        assert ours == theirs, what
