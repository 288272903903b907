"""Multi-head attention against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, DTypeError, ShapeError

from .pairs import close, pair, run, same

R = np.random.default_rng(0)
L, S, N, E, HEADS = 4, 5, 3, 6, 2
Q, K, V = R.normal(size=(L, N, E)), R.normal(size=(S, N, E)), R.normal(size=(S, N, E))
FORBIDDEN = np.zeros((L, S), bool)
FORBIDDEN[0, 1] = FORBIDDEN[2, 3] = True
PADDING = np.zeros((N, S), bool)
PADDING[1, 3:] = True
MASKS = {
    "none": {},
    "forbidden": {"attn_mask": FORBIDDEN},
    "each head": {"attn_mask": R.normal(size=(N * HEADS, L, S))},
    "padding": {"key_padding_mask": PADDING},
    "both": {"attn_mask": FORBIDDEN, "key_padding_mask": PADDING},
    "added": {"attn_mask": R.normal(size=(L, S)), "key_padding_mask": R.normal(size=(N, S))},
}
OPTIONS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "bias": False},
    {"kdim": 4, "vdim": 3},
    {"kdim": 4, "bias": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)
def test_attention_is_pytorchs(options, masks):
    ours, theirs = pair("MultiheadAttention", E, HEADS, **options)
    k, v = K[..., : options.get("kdim", E)].copy(), V[..., : options.get("vdim", E)].copy()
    for more in ({}, {"need_weights": False}, {"average_attn_weights": False}):
        same(ours, theirs, Q, k, v, **masks, **more)


@pytest.mark.parametrize("batch_first", [False, True])
def test_self_attention_and_one_memory_are_pytorchs(batch_first):
    ours, theirs = pair("MultiheadAttention", E, HEADS, batch_first=batch_first)
    q, k = (Q, K) if not batch_first else (Q.swapaxes(0, 1).copy(), K.swapaxes(0, 1).copy())
    causal = ~np.tri(L, dtype=bool)
    for args, masks in (
        ((q,), {}),
        ((q,), {"attn_mask": causal}),
        ((q,), {"attn_mask": causal, "is_causal": True, "need_weights": False}),
        ((q,), {"attn_mask": causal, "is_causal": True, "key_padding_mask": PADDING[:, -L:]}),
        ((q, k), {"key_padding_mask": PADDING}),
        ((Q[:, 0].copy(),), {}),
        ((Q[:, 0].copy(), K[:, 0].copy()), {"key_padding_mask": PADDING[1], "attn_mask": FORBIDDEN}),
    ):
        found, expected = run(gw, Calling(ours), *args, **masks), run(torch, Calling(theirs), *args, **masks)
        close(found[0], expected[0], 1e-12)
        close(found[1], expected[1], 1e-10)


class Calling:
    """Attention where the query is the key, or the key is the value."""

    def __init__(self, layer):
        self.layer, self.parameters = layer, layer.parameters

    def __call__(self, x, memory=None, **masks):
        memory = x if memory is None else memory
        return self.layer(x, memory, memory, **masks)


def test_a_query_that_may_look_nowhere_sees_nothing():
    layer = nn.MultiheadAttention(E, HEADS).double()
    nobody = gw.tensor(np.ones((N, S), bool))
    x, memory = gw.tensor(Q, requires_grad=True), gw.tensor(K)
    output, weights = layer(x, memory, memory, key_padding_mask=nobody)
    assert not weights.any().item()
    output.sum().backward()
    assert not x.grad.any().item()
    short, _ = layer(x, memory, memory, key_padding_mask=nobody, need_weights=False)
    np.testing.assert_array_equal(short.detach().numpy(), output.detach().numpy())


def test_compiled_attention_and_its_second_derivative_agree_with_eager():
    layer = nn.MultiheadAttention(E, HEADS)
    mask, padding = gw.tensor(FORBIDDEN), gw.tensor(PADDING)

    def both_ways(q, k, mask, padding):
        q.requires_grad_()
        output, weights = layer(q, k, k, attn_mask=mask, key_padding_mask=padding)
        (g,) = gw.autograd.grad(output.sin().sum() + weights.square().sum(), q, create_graph=True)
        g.square().sum().backward()
        return output, weights, q.grad, layer.in_proj_weight.grad

    data = (gw.tensor(Q.astype(np.float32)), gw.tensor(K.astype(np.float32)), mask, padding)
    eager = both_ways(*data)
    layer.zero_grad()
    step = gw.compile(both_ways, state=[layer])
    for a, e in zip(step(*data), eager, strict=True):
        assert a.dtype == e.dtype == np.float32
        np.testing.assert_allclose(a.detach().numpy(), e.detach().numpy(), rtol=1.3e-6, atol=1e-5)
    assert step.traces == 1


def test_dropout_differs_per_member_of_a_population():
    def member(dropout):
        layer = nn.MultiheadAttention(E, HEADS, dropout=dropout)
        opt = optim.SGD(layer.parameters(), lr=0.1)

        def step(x):
            opt.zero_grad()
            loss = layer(x, x, x)[0].square().mean()
            loss.backward()
            opt.step()
            return loss

        return step

    x = gw.tensor(R.normal(size=(3, L, N, E)).astype(np.float32))
    members = [{"dropout": 0.0}, {"dropout": 0.6}]
    losses = gw.Population(member, members, seeds=[1, 1]).scan(x).numpy()
    assert abs(losses[0] - losses[1]).max() > 1e-3
    for arguments, found in zip(members, losses, strict=True):
        with gw.use_generator(gw.Generator(1)):
            step = member(**arguments)
            alone = [step(x[i]).item() for i in range(3)]
        np.testing.assert_allclose(found, alone, rtol=1.3e-6, atol=1e-5)


def test_evaluation_drops_nothing_and_training_drops_weights():
    layer = nn.MultiheadAttention(E, HEADS, dropout=0.5).double()
    x = gw.tensor(Q)
    _, dropped = layer(x, x, x, average_attn_weights=False)
    _, kept = layer.eval()(x, x, x, average_attn_weights=False)
    dropped, kept = dropped.detach().numpy(), kept.detach().numpy()
    assert 0.2 < (dropped == 0).mean() < 0.8
    np.testing.assert_allclose(dropped[dropped != 0], 2 * kept[dropped != 0], rtol=1e-12)


def test_initial_weights_and_remembered_arguments():
    layer = nn.MultiheadAttention(40, 4, add_bias_kv=True)
    weight = layer.in_proj_weight.detach().numpy()
    bound = np.sqrt(6 / (40 + 120))
    assert np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.03)
    assert not layer.in_proj_bias.any().item()
    assert not layer.out_proj.bias.any().item()
    assert layer.bias_k.detach().numpy().std() == pytest.approx(np.sqrt(2 / 80), rel=0.5)
    assert nn.MultiheadAttention(E, HEADS, kdim=4, bias=False).config() == {
        "embed_dim": E,
        "num_heads": HEADS,
        "dropout": 0.0,
        "bias": False,
        "add_bias_kv": False,
        "add_zero_attn": False,
        "kdim": 4,
        "vdim": E,
        "batch_first": False,
    }


def test_what_does_not_fit_is_refused_in_words():
    layer = nn.MultiheadAttention(E, HEADS)
    q, k = gw.zeros(L, N, E), gw.zeros(S, N, E)
    with pytest.raises(ConfigError, match="4 heads must divide the 6"):
        nn.MultiheadAttention(E, 4)
    with pytest.raises(ShapeError, match=r"last axis must be 6.*got 5"):
        layer(gw.zeros(L, N, 5), k, k)
    with pytest.raises(ShapeError, match=r"one batch size.*\(5, 2, 6\)"):
        layer(q, gw.zeros(S, 2, E), gw.zeros(S, 2, E))
    with pytest.raises(ShapeError, match="without the batch"):
        layer(q, k[:, 0], k[:, 0])
    with pytest.raises(ShapeError, match=r"attn_mask must be \(4, 5\) or \(6, 4, 5\); got \(5, 4\)"):
        layer(q, k, k, attn_mask=gw.zeros(S, L))
    with pytest.raises(ShapeError, match=r"key_padding_mask must be \(3, 5\)"):
        layer(q, k, k, key_padding_mask=gw.zeros(S, N))
    with pytest.raises(DTypeError, match="truth values or floats"):
        layer(q, k, k, key_padding_mask=gw.zeros(N, S, dtype=gw.int64))
    with pytest.raises(ConfigError, match="is_causal"):
        layer(q, k, k, is_causal=True)


def test_a_planted_fault_is_found(monkeypatch):
    from gradwright.nn.functional import multihead

    true = multihead.attention_weights
    monkeypatch.setattr(multihead, "attention_weights", lambda *a: true(*a[:3], None, *a[4:]))
    with pytest.raises(AssertionError):
        test_attention_is_pytorchs({}, MASKS["padding"])
