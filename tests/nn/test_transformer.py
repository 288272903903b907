"""The transformer and its layers against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, ShapeError, StateError

from .pairs import pair, same

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning")  # PyTorch's encoder

R = np.random.default_rng(0)
S, T, N, E, HEADS = 5, 4, 3, 6, 2
SRC, TGT = R.normal(size=(S, N, E)), R.normal(size=(T, N, E))
PADDING = np.zeros((N, S), bool)
PADDING[1, 3:] = True
TGT_PADDING = np.zeros((N, T), bool)
TGT_PADDING[2, 2:] = True
SMALL = {"dim_feedforward": 7, "dropout": 0.0}
OPTIONS = [{}, {"norm_first": True, "activation": "gelu", "batch_first": True}, {"bias": False, "layer_norm_eps": 0.1}]


def causal(n):
    return ~np.tri(n, dtype=bool)


def turned(x, options):
    return x.swapaxes(0, 1).copy() if options.get("batch_first") else x


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layers_are_pytorchs(options):
    ours, theirs = pair("TransformerEncoderLayer", E, HEADS, **SMALL, **options)
    src, tgt = turned(SRC, options), turned(TGT, options)
    same(ours, theirs, src)
    same(ours, theirs, src, src_mask=causal(S), src_key_padding_mask=PADDING)
    same(ours, theirs, src, src_mask=causal(S), is_causal=True)
    same(ours, theirs, SRC[:, 0].copy(), src_mask=causal(S))
    ours, theirs = pair("TransformerDecoderLayer", E, HEADS, **SMALL, **options)
    same(ours, theirs, tgt, src)
    same(
        ours, theirs, tgt, src,
        tgt_mask=causal(T), memory_mask=np.eye(T, S) > 0,
        tgt_key_padding_mask=TGT_PADDING, memory_key_padding_mask=PADDING,
    )  # fmt: skip
    same(ours, theirs, tgt, src, tgt_mask=causal(T), tgt_is_causal=True)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_whole_is_pytorchs(options):
    ours, theirs = pair("Transformer", E, HEADS, 2, 2, **SMALL, **options)
    src, tgt = turned(SRC, options), turned(TGT, options)
    same(ours, theirs, src, tgt)
    same(
        ours, theirs, src, tgt,
        tgt_mask=causal(T), src_key_padding_mask=PADDING, tgt_key_padding_mask=TGT_PADDING,
        memory_key_padding_mask=PADDING,
    )  # fmt: skip
    same(ours.eval(), theirs.eval(), src, tgt, src_mask=causal(S), src_is_causal=True)


def test_stacks_with_and_without_a_norm_are_pytorchs():
    def stack(m, kind, norm):
        layer = getattr(m, f"Transformer{kind}Layer")(E, HEADS, **SMALL)
        return getattr(m, f"Transformer{kind}")(layer, 2, m.LayerNorm(E) if norm else None).double()

    for kind, inputs in (("Encoder", (SRC,)), ("Decoder", (TGT, SRC))):
        for norm in (False, True):
            ours, theirs = stack(nn, kind, norm), stack(torch.nn, kind, norm)
            assert list(ours.state_dict()) == list(theirs.state_dict())
            ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
            same(ours, theirs, *inputs)


def test_copies_begin_alike_and_then_go_their_own_ways():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(E, HEADS, **SMALL), 2)
    first, second = encoder.layers
    np.testing.assert_array_equal(first.linear1.weight.detach().numpy(), second.linear1.weight.detach().numpy())
    assert first.linear1.weight is not second.linear1.weight
    transformer = nn.Transformer(E, HEADS, 2, 2, **SMALL)
    first, second = transformer.encoder.layers
    assert (first.linear1.weight != second.linear1.weight).all().item()


def test_activations_of_ones_own():
    layer = nn.TransformerEncoderLayer(E, HEADS, **SMALL, activation=gw.tanh).double()
    oracle = torch.nn.TransformerEncoderLayer(E, HEADS, **SMALL, activation=torch.tanh).double()
    oracle.load_state_dict({k: torch.tensor(v.numpy()) for k, v in layer.state_dict().items()})
    same(layer, oracle, SRC)
    with pytest.raises(StateError, match="activation of its own"):
        layer.config()


def test_the_causal_mask_is_pytorchs():
    ours, theirs = (m.Transformer.generate_square_subsequent_mask(4) for m in (nn, torch.nn))
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert ours.dtype == np.float32
    assert nn.Transformer.generate_square_subsequent_mask(2, dtype=gw.float64).dtype == np.float64


def member(dropout, lr):
    model = nn.TransformerDecoderLayer(E, HEADS, dim_feedforward=7, dropout=dropout)
    opt = optim.SGD(model.parameters(), lr=lr)
    mask = nn.Transformer.generate_square_subsequent_mask(T)

    def step(src, tgt):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(tgt, src, tgt_mask=mask, tgt_is_causal=True), tgt.roll(1, 0))
        loss.backward()
        opt.step()
        return loss

    return step


@pytest.mark.long
def test_eager_compiled_and_population_agree_from_one_trace():
    members = [{"dropout": 0.1, "lr": 0.1}, {"dropout": 0.5, "lr": 0.01}]
    src = gw.tensor(R.normal(size=(3, S, N, E)).astype(np.float32))
    tgt = gw.tensor(R.normal(size=(3, T, N, E)).astype(np.float32))
    together = gw.Population(member, members, seeds=[3, 3]).scan(src, tgt).numpy()
    for arguments, found in zip(members, together, strict=True):
        losses = []
        for transform in (lambda f: f, gw.compile)[: 1 + (arguments is members[0])]:
            with gw.use_generator(gw.Generator(3)):
                step = transform(member(**arguments))
                losses.append([step(src[i], tgt[i]).item() for i in range(3)])
        assert getattr(step, "traces", 1) == 1
        for alone in losses:
            np.testing.assert_allclose(found, alone, rtol=1.3e-6, atol=1e-5)


def test_arguments_are_remembered():
    given = {
        "d_model": E,
        "nhead": HEADS,
        "dim_feedforward": 7,
        "dropout": 0.2,
        "activation": "gelu",
        "layer_norm_eps": 0.1,
        "batch_first": True,
        "norm_first": True,
        "bias": False,
    }
    for kind in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer):
        assert kind(**given).config() == given


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(ConfigError, match="'relu', 'gelu' or a function; got 'sin'"):
        nn.TransformerEncoderLayer(E, HEADS, activation="sin")
    model = nn.Transformer(E, HEADS, 1, 1, **SMALL)
    with pytest.raises(ShapeError, match=r"last axis must be 6.*\(5, 3, 4\)"):
        model(gw.zeros(S, N, 4), gw.zeros(T, N, E))
    with pytest.raises(ShapeError, match="the same batch size, on axis 1"):
        model(gw.zeros(S, N, E), gw.zeros(T, 2, E))


def test_a_planted_fault_is_found(monkeypatch):
    layer = nn.TransformerEncoderLayer
    monkeypatch.setattr(layer, "_added", lambda self, x, i, part: self.norm1(x + part(x)))  # one norm for both
    with pytest.raises(AssertionError):
        test_layers_are_pytorchs({})
