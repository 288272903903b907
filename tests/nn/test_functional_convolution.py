"""Convolutions, unfold and fold against PyTorch; their refusals; a small network compiled and as a population."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.engine.ops import convolution as engine
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional import convolution as F
from gradwright.nn.functional.pooling import max_pool2d

from .against_torch import agree

R = np.random.default_rng(0)
SIZES = (9, 7, 8)
each_dimension = pytest.mark.parametrize("n", [1, 2, 3])


@each_dimension
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_convolution_is_torchs(n: int, padding: Any):
    ours, theirs = getattr(F, f"conv{n}d"), getattr(T, f"conv{n}d")
    for stride, dilation, groups in itertools.product((1, 2), (1, 2), (1, 2)):
        if padding == "same" and stride > 1:
            continue
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        x = R.standard_normal((2, 4, *SIZES[:n]))
        w = R.standard_normal((6, 4 // groups, *(2, 3, 2)[:n]))
        b = R.standard_normal(6)
        agree(lambda *a, how=how: ours(*a, **how), lambda *a, how=how: theirs(*a, **how), x, w, b)
        agree(lambda *a, how=how: ours(*a, **how), lambda *a, how=how: theirs(*a, **how), x[0], w)


@each_dimension
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_convolution_is_torchs(n: int, stride: int):
    ours, theirs = getattr(F, f"conv_transpose{n}d"), getattr(T, f"conv_transpose{n}d")
    for padding, extra, dilation, groups in itertools.product((0, 1), (0, 1), (1, 2), (1, 2)):
        if extra >= max(stride, dilation):
            continue
        how = {
            "stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation, "groups": groups
        }  # fmt: skip
        x = R.standard_normal((2, 4, *(4, 3, 2)[:n]))
        w = R.standard_normal((4, 3, *(2, 3, 2)[:n]))
        b = R.standard_normal(3 * groups)
        agree(lambda *a, how=how: ours(*a, **how), lambda *a, how=how: theirs(*a, **how), x, w, b)
        agree(lambda *a, how=how: ours(*a, **how), lambda *a, how=how: theirs(*a, **how), x[0], w)


def test_different_steps_along_the_axes():
    how: dict[str, Any] = {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 3)}
    x, w = R.standard_normal((2, 2, 6, 7)), R.standard_normal((3, 2, 3, 2))
    agree(lambda *a: F.conv2d(*a, **how), lambda *a: T.conv2d(*a, **how), x, w)
    y, v = R.standard_normal((2, 3, 2, 5)), R.standard_normal((3, 2, 3, 2))
    agree(lambda *a: F.conv_transpose2d(*a, **how), lambda *a: T.conv_transpose2d(*a, **how), y, v)


@pytest.mark.parametrize("kernel", [2, (1, 3)])
def test_unfold_and_fold_are_torchs(kernel: Any):
    for dilation, padding, stride in itertools.product((1, 2), (0, 1), (1, 2, (2, 1))):
        how = {"dilation": dilation, "padding": padding, "stride": stride}
        x = R.standard_normal((2, 3, 6, 7))
        agree(lambda x, how=how: F.unfold(x, kernel, **how), lambda x, how=how: T.unfold(x, kernel, **how), x)
        agree(lambda x, how=how: F.unfold(x, kernel, **how), lambda x, how=how: T.unfold(x, kernel, **how), x[0])
        y = R.standard_normal(tuple(T.unfold(torch.tensor(x), kernel, **how).shape))
        agree(
            lambda y, how=how: F.fold(y, (6, 7), kernel, **how), lambda y, how=how: T.fold(y, (6, 7), kernel, **how), y
        )
        agree(
            lambda y, how=how: F.fold(y, (6, 7), kernel, **how),
            lambda y, how=how: T.fold(y, (6, 7), kernel, **how),
            y[0],
        )


# --- every formulation under XLA gives the same numbers ---------------------------------------------------------------
@pytest.mark.parametrize(("small", "many"), [(32, 64), (0, 64), (0, 0)])
@pytest.mark.parametrize("groups", [1, 2])
def test_every_formulation_under_xla_gives_the_same(monkeypatch: Any, small: int, many: int, groups: int):
    monkeypatch.setattr(engine, "SMALL_WINDOW", small)
    monkeypatch.setattr(engine, "MANY_PLACES", many)
    x, w, b = (gw.tensor(R.standard_normal(s)) for s in ((2, 4, 7, 6), (4, 4 // groups, 3, 2), (4,)))
    how: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": groups}

    def gradients(x: gw.Tensor, w: gw.Tensor, b: gw.Tensor) -> Any:
        x, w, b = (t.detach().requires_grad_() for t in (x, w, b))
        y = F.conv2d(x, w, b, **how)
        return (y.detach(), *gw.autograd.grad((y * y).sum(), (x, w, b)))

    for ours, expected in zip(gw.compile(gradients)(x, w, b), gradients(x, w, b), strict=True):
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-10, atol=1e-10)


def test_a_step_of_a_small_network_is_the_same_eagerly_and_compiled():
    def trained(compiled: bool) -> list[float]:
        r = np.random.default_rng(1)
        shapes = ((3, 1, 3, 3), (3,), (4, 3, 3, 3), (4,), (2, 16))
        weights = [gw.Parameter(gw.tensor(r.standard_normal(s).astype(np.float32) * 0.3)) for s in shapes]
        rule = gw.optim.SGD(weights, lr=0.1)
        x = gw.tensor(r.standard_normal((5, 1, 8, 8)).astype(np.float32))
        y = gw.tensor(r.integers(0, 2, 5))

        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            rule.zero_grad()
            h = max_pool2d(F.conv2d(x, weights[0], weights[1], padding=1).relu(), 2)
            h = max_pool2d(F.conv2d(h, weights[2], weights[3], padding="same").relu(), 2)
            loss = gw.nn.functional.cross_entropy(h.reshape(5, -1) @ weights[4].T, y)
            loss.backward()
            rule.step()
            return loss

        run = gw.compile(step) if compiled else step
        return [run(x, y).item() for _ in range(5)]

    eager = trained(False)
    assert eager[-1] < eager[0]
    np.testing.assert_allclose(trained(True), eager, rtol=1e-5)


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
@pytest.mark.parametrize("channels", [2, 8])  # windows that are laid out, and windows that are not
def test_members_may_share_the_input_or_the_weight(axes: tuple[Any, Any], channels: int):
    def gradients(x: Any, w: Any) -> Any:
        x, w = gw.Tensor(x).requires_grad_(), gw.Tensor(w).requires_grad_()
        y = F.conv2d(x, w, padding=1)
        found = gw.autograd.grad((y * y).sum(), (x, w))
        return [t._array for t in (y.sum((0, 2, 3)), *found)]

    x = R.standard_normal((3, 2, channels, 5, 4)[axes[0] is None :]).astype(np.float32)
    w = R.standard_normal((3, 3, channels, 3, 3)[axes[1] is None :]).astype(np.float32)
    together = jax.jit(jax.vmap(gradients, axes))(x, w)
    for k in range(3):
        alone = gradients(x if axes[0] is None else x[k], w if axes[1] is None else w[k])
        for ours, expected in zip(together, alone, strict=True):
            np.testing.assert_allclose(ours[k], expected, rtol=2e-4, atol=2e-4)


def test_the_gradient_of_data_is_not_computed():
    w = gw.tensor(R.standard_normal((2, 1, 3, 3)), requires_grad=True)
    y = F.conv2d(gw.tensor(R.standard_normal((1, 1, 5, 5))), w)
    assert y.grad_fn is not None
    assert y.grad_fn.inputs[0] is None
    assert "weight" not in y.grad_fn.saved, "only the input's gradient would need the weight"


# --- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x, w: F.conv2d(x, w[:, :2]), ShapeError, ["(4, 2, 3, 3)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.conv2d(x[0, 0], w), ShapeError, ["(5, 5)"]),
        (lambda x, w: F.conv2d(x, w[0]), ShapeError, ["(3, 3, 3)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.conv2d(x, w, dilation=3), ShapeError, ["(4, 3, 3, 3)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.conv2d(x, w, gw.ones(3)), ShapeError, ["(3,)", "4 channels"]),
        (lambda x, w: F.conv2d(x, w, groups=3), ShapeError, ["9 channels", "(1, 3, 5, 5)"]),
        (lambda x, w: F.conv2d(x, w, stride=0), ConfigError, ["stride", "0"]),
        (lambda x, w: F.conv2d(x, w, stride=(1, 1, 1)), ConfigError, ["stride", "(1, 1, 1)"]),
        (lambda x, w: F.conv2d(x, w, padding=-1), ConfigError, ["padding", "-1"]),
        (lambda x, w: F.conv2d(x, w, padding="full"), ConfigError, ["padding", "full"]),
        (lambda x, w: F.conv2d(x, w, padding="same", stride=2), ConfigError, ["same", "stride"]),
        (lambda x, w: F.conv_transpose2d(x, w), ShapeError, ["(4, 3, 3, 3)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.conv_transpose2d(x, w[:3], output_padding=1), ConfigError, ["output_padding"]),
        (lambda x, w: F.conv_transpose2d(x, w[:3], padding=4), ShapeError, ["(3, 3, 3, 3)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.unfold(x, 6), ShapeError, ["(6, 6)", "(1, 3, 5, 5)"]),
        (lambda x, w: F.fold(x[0], (3, 3), 2), ShapeError, ["(3, 3)", "(3, 5, 5)"]),
    ],
)
def test_what_does_not_fit_is_refused_in_words(call: Any, error: Any, said: list[str]):
    with pytest.raises(error) as caught:
        call(gw.ones(1, 3, 5, 5), gw.ones(4, 3, 3, 3))
    for part in said:
        assert part in str(caught.value)
