"""Kinks, ties, zeros and infinities in `nn.functional`, as PyTorch has them; running statistics; masked attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.nn import functional as F

from .conformance import close


def same(name: str, *inputs: Any, moving: tuple[int, ...] = (0,), **options: Any) -> None:
    """Assert that value and gradients are PyTorch's."""
    found = []
    for library, make in ((F, gw.tensor), (T, torch.tensor)):
        xs = [make(x, requires_grad=i in moving) if isinstance(x, np.ndarray) else x for i, x in enumerate(inputs)]
        how = {k: make(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        out = getattr(library, name)(*xs, **how)
        out.sum().backward()
        found.append([out, *(xs[i].grad for i in moving)])
    for ours, theirs in zip(*found, strict=True):
        close(ours, theirs, 1e-12)


a = np.array
STEPS = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
ZEROS = np.zeros(7)


@pytest.mark.parametrize(
    "call",
    [
        ("l1_loss", STEPS, ZEROS),
        ("smooth_l1_loss", STEPS, ZEROS),
        ("smooth_l1_loss", STEPS, ZEROS, {"beta": 0}),
        ("smooth_l1_loss", STEPS, ZEROS, {"beta": 0.5}),
        ("huber_loss", STEPS, ZEROS, {"delta": 0.5}),
        ("hinge_embedding_loss", STEPS, -np.ones(7)),
        ("margin_ranking_loss", STEPS, ZEROS, np.ones(7), {"margin": 0.5}),
        ("margin_ranking_loss", STEPS, ZEROS, np.ones(7)),
        ("multi_margin_loss", a([[1.0, 0.0, 0.5]]), a([0])),
        ("multi_margin_loss", a([[1.0, 0.0, 0.5]]), a([0]), {"p": 2}),
        ("multilabel_margin_loss", a([[1.0, 0.0, 0.5]]), a([[0, -1, 2]])),
        ("cosine_embedding_loss", a([[1.0, 0.0], [3.0, 0.0]]), a([[0.0, 1.0], [2.0, 0.0]]), a([-1, -1])),
        ("cosine_embedding_loss", np.zeros((2, 3)), np.ones((2, 3)), a([1, -1])),
        ("cosine_similarity", np.zeros((2, 3)), np.ones((2, 3))),
        ("cosine_similarity", np.full((2, 3), 1e-9), np.ones((2, 3))),
        ("normalize", np.zeros((2, 3))),
        ("normalize", np.zeros((2, 3)), {"p": 1}),
        ("pairwise_distance", np.ones((2, 3)), np.ones((2, 3)), {"eps": 0.0}),
        ("pairwise_distance", np.ones((2, 3)), np.ones((2, 3)), {"eps": 0.0, "p": 3.0}),
        ("pairwise_distance", a([[1.0, 3.0, 3.0]]), np.ones((1, 3)), {"eps": 0.0, "p": np.inf}),
        ("triplet_margin_loss", a([[0.0, 0.0]]), a([[1.0, 0.0]]), a([[2.0, 0.0]]), {"eps": 0.0}),
        ("triplet_margin_loss", a([[0.0, 0.0]]), a([[1.0, 0.0]]), a([[0.0, 0.0]]), {"eps": 0.0, "swap": True}),
        ("poisson_nll_loss", ZEROS, np.arange(7.0) / 3, {"full": True}),
        ("poisson_nll_loss", ZEROS, np.arange(7.0), {"log_input": False}),
        ("gaussian_nll_loss", STEPS, ZEROS, np.full(7, 0.3), {"eps": 0.5}),
        ("kl_div", STEPS, a([0.0, 0.5, 0.0, 0.25, 0.25, 0.0, 0.0]), {"reduction": "sum"}),
        ("local_response_norm", np.zeros((1, 3, 2)), 2),
        ("layer_norm", np.ones((2, 3)), (3,)),
        ("rms_norm", np.zeros((2, 3)), (3,)),
    ],
    ids=lambda call: call[0],
)
def test_on_the_kink_the_gradient_is_pytorchs(call: tuple[Any, ...]):
    name, *inputs = call
    options = inputs.pop() if isinstance(inputs[-1], dict) else {}
    moving = tuple(i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f")
    if name in ("kl_div", "hinge_embedding_loss", "poisson_nll_loss", "margin_ranking_loss"):
        moving = moving[: 2 if name == "margin_ranking_loss" else 1]
    same(name, *inputs, moving=moving, **options)


def test_the_variance_gets_its_gradient_through_the_clamp():
    same("gaussian_nll_loss", STEPS, ZEROS, np.full(7, 0.3), moving=(0, 2), eps=0.5)


def test_a_target_of_zero_adds_zero_to_the_divergence_even_where_the_input_is_infinite():
    x = gw.tensor([-np.inf, -0.5], requires_grad=True)
    y = gw.tensor([0.0, 1.0], requires_grad=True)
    loss = F.kl_div(x, y, reduction="sum")
    loss.backward()
    assert loss.item() == 0.5
    np.testing.assert_array_equal(x.grad.numpy(), [0, -1])
    assert np.isfinite(y.grad.numpy()).all()


def test_soft_losses_do_not_overflow():
    x = gw.tensor([1e4, -1e4], requires_grad=True)
    for loss in (
        F.soft_margin_loss(x, gw.tensor([1.0, 1.0]), reduction="none"),
        F.multilabel_soft_margin_loss(x.reshape(2, 1), gw.ones(2, 1), reduction="none"),
        F.binary_cross_entropy_with_logits(x, gw.ones(2), pos_weight=gw.ones(2), reduction="none"),
    ):
        np.testing.assert_array_equal(loss.detach().numpy(), [0, 1e4])


# --- attention --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["truth", "float"])
def test_a_query_that_may_look_nowhere_gets_zeros_and_gives_no_gradient(kind: str):
    r = np.random.default_rng(0)
    q, k, v = (r.normal(size=(2, 3, 4)) for _ in range(3))
    mask = np.array([[True, False, True], [False] * 3, [True] * 3])
    given = mask if kind == "truth" else np.where(mask, 0.0, -np.inf)
    same("scaled_dot_product_attention", q, k, v, moving=(0, 1, 2), attn_mask=given)
    x = gw.tensor(q, requires_grad=True)
    out = F.scaled_dot_product_attention(x, gw.tensor(k), gw.tensor(v), gw.tensor(given))
    out.sum().backward()
    assert not out.detach().numpy()[:, 1].any()
    assert not x.grad.numpy()[:, 1].any()


def test_attention_without_keys_is_zero():
    q, kv = np.ones((2, 3, 4)), np.ones((2, 0, 4))
    same("scaled_dot_product_attention", q, kv, kv, moving=(0, 1, 2))


def test_dropped_attention_weights_are_scaled_and_the_same_compiled():
    q, k, v = gw.zeros(50, 4), gw.zeros(60, 4), gw.ones(60, 4)

    def attend(q: gw.Tensor, k: gw.Tensor, v: gw.Tensor) -> gw.Tensor:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.25)

    gw.manual_seed(0)
    eager = attend(q, k, v).numpy()
    assert eager.mean() == pytest.approx(1, abs=0.02)
    assert len(np.unique(eager[:, 0])) > 5
    gw.manual_seed(0)
    np.testing.assert_allclose(gw.compile(attend)(q, k, v).numpy(), eager, rtol=1e-5)


# --- running statistics -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), (2, 3, 2, 2), (2, 3, 2, 1, 2)])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_running_statistics_move_as_pytorchs(name: str, shape: tuple[int, ...]):
    if name == "instance_norm" and len(shape) == 2:
        return
    found = []
    for library, make in ((F, gw.tensor), (T, torch.tensor)):
        r = np.random.default_rng(0)
        mean, var = make(np.full(3, 0.5)), make(np.full(3, 2.0))
        how: dict[str, Any] = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
        for momentum in (0.1, 0.7):
            getattr(library, name)(make(r.normal(size=shape)), mean, var, momentum=momentum, **how)
        found.append((mean, var))
    for ours, theirs in zip(*found, strict=True):
        close(ours, theirs, 1e-12)


@pytest.mark.parametrize(
    "norm",
    [
        lambda x, mean, var: F.batch_norm(x, mean, var, training=True),
        lambda x, mean, var: F.instance_norm(x, mean, var),
    ],
    ids=["batch_norm", "instance_norm"],
)
def test_the_input_is_standardised_with_the_biased_variance_and_the_unbiased_one_is_kept(norm: Callable[..., Any]):
    x = np.array([[[1.0, 2.0, 3.0, 6.0]]])
    mean, var = gw.tensor(np.zeros(1)), gw.tensor(np.zeros(1))
    y = norm(gw.tensor(x), mean, var).numpy()
    np.testing.assert_allclose(y, (x - 3) / np.sqrt(3.5 + 1e-5), rtol=1e-12)
    np.testing.assert_allclose([mean.item(), var.item()], [0.3, 0.1 * 14 / 3], rtol=1e-12)


def test_running_statistics_carry_no_graph():
    x = gw.randn(4, 3, requires_grad=True)
    mean, var = gw.zeros(3), gw.ones(3)
    F.batch_norm(x, mean, var, training=True)
    assert not mean.requires_grad
    assert not var.requires_grad
