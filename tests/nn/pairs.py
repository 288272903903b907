"""A layer of each library with the same weights, run on the same inputs; for layers that take and give several things.

``pair`` makes the two, ``run`` gives outputs and gradients as arrays, ``same`` compares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import gradwright as gw
from gradwright import nn

__all__ = ["pair", "run", "same"]


def pair(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Both layers in float64, weights taken from PyTorch's after drawing them anew."""
    ours, theirs = getattr(nn, name)(*args, **kwargs), getattr(torch.nn, name)(*args, **kwargs)
    assert [(k, v.shape, v.dtype) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape), v.numpy().dtype) for k, v in theirs.state_dict().items()
    ]
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    # first this way, then that way
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), ours.state_dict()[key].numpy())
    rng = np.random.default_rng(5)
    ours, theirs = ours.double(), theirs.double()
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) / 2))
    ours.load_state_dict({k: v.detach().numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def _tensors(m: Any, value: Any, found: list[Any]) -> Any:
    """Make tensors of a nest's arrays and note those that have gradients."""
    if isinstance(value, tuple):
        return tuple(_tensors(m, v, found) for v in value)
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind != "f":
        return m.tensor(value)
    found.append(m.tensor(value, requires_grad=True))
    return found[-1]


def flat(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return [x for v in value for x in flat(v)]
    return [] if value is None else [value]


def run(m: Any, layer: Any, *args: Any, **kwargs: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Call the layer and return its outputs, and the gradients of inputs and parameters of a sum over all outputs.

    Arrays become tensors; a callable ``layer`` may be a function around one if it has its ``parameters``.
    """
    inputs: list[Any] = []
    given = _tensors(m, args, inputs)
    named = {k: _tensors(m, v, inputs) for k, v in kwargs.items()}
    for p in layer.parameters():
        p.grad = None
    outputs = flat(layer(*given, **named))
    sum((o * (o + 1).sin()).sum() for o in outputs if o.dtype in (gw.float64, torch.float64)).backward()
    ends = [*inputs, *layer.parameters()]
    assert all(x.grad is not None for x in ends)
    return [o.detach().numpy() for o in outputs], [x.grad.numpy() for x in ends]


def same(ours: Any, theirs: Any, *args: Any, **kwargs: Any) -> None:
    """Compare outputs to 1e-12 and gradients to 1e-10."""
    (out, grads), (expected, expected_grads) = run(gw, ours, *args, **kwargs), run(torch, theirs, *args, **kwargs)
    close(out, expected, 1e-12)
    close(grads, expected_grads, 1e-10)


def close(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    assert len(found) == len(expected)
    for a, e in zip(found, expected, strict=True):
        assert a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)
