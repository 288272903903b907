"""The ready networks: PyTorch twins of the same weights, learning by heart, compiled, saved and loaded."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn.models import GPT, MLP, HighwayNetwork, LeNet, RecurrentTagger, ResNet, WindowClassifier
from gradwright.nn.structure import from_structure, to_structure

from .conformance import close, torch_state

T = torch.nn


# --- the same networks in PyTorch -------------------------------------------------------------------------------------
class Named(T.Module):
    """Parts by name, run one after the other."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        for part in self.children():
            x = part(x)
        return x


class Sum(T.Module):
    def __init__(self, module, shortcut):
        super().__init__()
        self.module, self.shortcut = module, shortcut

    def forward(self, x):
        return self.module(x) + (x if self.shortcut is None else self.shortcut(x))


class Carry(T.Module):
    def __init__(self, size):
        super().__init__()
        self.transform, self.gate = T.Linear(size, size), T.Linear(size, size)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return torch.tanh(self.transform(x)) * t + x * (1 - t)


def torch_mlp():
    norm = [T.Linear(5, 8, bias=False), T.BatchNorm1d(8), T.GELU(), T.Linear(8, 6, bias=False), T.BatchNorm1d(6)]
    return Named(layers=T.Sequential(*norm, T.GELU(), T.Linear(6, 3)))


def torch_lenet():
    features = [T.Conv2d(2, 6, 5, padding=2), T.Tanh(), T.AvgPool2d(2), T.Conv2d(6, 16, 5), T.Tanh(), T.AvgPool2d(2)]
    classifier = [T.Linear(32, 120), T.Tanh(), T.Linear(120, 84), T.Tanh(), T.Linear(84, 3)]
    return Named(features=T.Sequential(*features, T.Flatten()), classifier=T.Sequential(*classifier))


def torch_resnet(norm):
    def conv(i, o, s=1):
        return T.Conv2d(i, o, 3, s, 1, bias=False)

    def block(i, o):
        s = 1 if i == o else 2
        f = T.Sequential(conv(i, o, s), norm(o), T.ReLU(), conv(o, o), norm(o))
        shortcut = None if i == o else T.Sequential(T.Conv2d(i, o, 1, 2, bias=False), norm(o))
        return T.Sequential(Sum(f, shortcut), T.ReLU())

    return Named(
        stem=T.Sequential(conv(1, 4), norm(4), T.ReLU()),
        blocks=T.Sequential(block(4, 4), block(4, 8), block(8, 16)),
        head=T.Sequential(T.AdaptiveAvgPool2d(1), T.Flatten(), T.Linear(16, 3)),
    )


def torch_highway():
    return Named(
        inner=T.Sequential(T.Linear(5, 6), T.Tanh()),
        highway=T.Sequential(*(Carry(6) for _ in range(4))),
        head=T.Linear(6, 3),
    )


def torch_window():
    layers = T.Sequential(T.Flatten(-2), T.Linear(12, 5), T.Tanh(), T.Linear(5, 3))
    return Named(embedding=T.Embedding(7, 4, 0), layers=layers)


class TorchTagger(T.Module):
    def __init__(self, cell):
        super().__init__()
        self.embedding = T.Embedding(7, 4, 0)
        self.recurrent = cell(4, 5, batch_first=True, bidirectional=True)
        self.head = T.Linear(10, 3)

    def forward(self, x):
        return self.head(self.recurrent(self.embedding(x))[0])


class TorchBlock(T.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = T.LayerNorm(8)
        self.attention = T.Module()
        self.attention.qkv, self.attention.out = T.Linear(8, 24), T.Linear(8, 8)
        self.norm2 = T.LayerNorm(8)
        self.inner, self.out = T.Linear(8, 32), T.Linear(32, 8)

    def forward(self, x):
        q, k, v = (
            part.reshape(*x.shape[:2], 2, 4).transpose(1, 2) for part in self.attention.qkv(self.norm1(x)).chunk(3, -1)
        )
        scores = q @ k.transpose(-1, -2) / 2
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), float("-inf"))
        x = x + self.attention.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape))
        return x + self.out(T.functional.gelu(self.inner(self.norm2(x)), approximate="tanh"))


class TorchGPT(T.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = T.Embedding(7, 8), T.Embedding(6, 8)
        self.blocks = T.Sequential(TorchBlock(), TorchBlock())
        self.norm, self.head = T.LayerNorm(8), T.Linear(8, 7, bias=False)
        self.head.weight = self.token.weight

    def forward(self, x):
        x = self.token(x) + self.position(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(x)))


# --- each with an input and what it shall learn by heart --------------------------------------------------------------
rng = np.random.default_rng(0)
ROWS = rng.normal(size=(6, 5))
WORDS = rng.integers(0, 7, size=(6, 6))

CASES: dict[str, tuple[Any, Any, np.ndarray, float, int]] = {
    "mlp": (lambda: MLP(5, [8, 6], 3, activation="gelu", batch_norm=True), torch_mlp, ROWS, 0.05, 40),
    "lenet": (lambda: LeNet(3, (2, 12, 16)), torch_lenet, rng.normal(size=(6, 2, 12, 16)), 0.003, 30),
    "resnet": (
        lambda: ResNet(8, 3, width=4, in_channels=1),
        lambda: torch_resnet(T.BatchNorm2d),
        rng.normal(size=(6, 1, 8, 8)),
        0.02,
        30,
    ),
    "highway": (lambda: HighwayNetwork(5, 6, 4, 3, "tanh"), torch_highway, ROWS, 0.05, 60),
    "window": (lambda: WindowClassifier(7, 4, 3, 5, 3, padding_idx=0), torch_window, WORDS[:, :3], 0.1, 60),
    "tagger": (lambda: RecurrentTagger(7, 4, 5, 3, padding_idx=0), lambda: TorchTagger(T.LSTM), WORDS, 0.1, 80),
    "gpt": (lambda: GPT(7, 6, width=8, depth=2, heads=2), TorchGPT, WORDS, 0.03, 80),
}


def targets(model, x):
    """Classes that no rule gives: they must be learnt by heart. Words of a window differ, so no two rows clash."""
    n = np.prod(model(gw.tensor(x)).shape[:-1])
    return (np.arange(n) * 2 % 3).astype(np.int64)


def example(x, dtype):
    return gw.tensor(x if x.dtype.kind == "i" else x.astype(dtype))


def stepper(model, lr):
    opt = gw.optim.Adam(model.parameters(), lr=lr)

    def step(x, y):
        opt.zero_grad()
        scores = model(x)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), y)
        loss.backward()
        opt.step()
        return loss

    return step


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_the_same_weights_give_what_pytorch_gives(name, training):
    make, twin, x, *_ = CASES[name]
    torch.manual_seed(0)
    ours, theirs = make().double(), twin().double()
    if name == "gpt":
        assert ours.head.weight is ours.token.weight
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(torch_state(theirs))
    ours.train(training)
    theirs.train(training)
    y, ty = ours(gw.tensor(x)), theirs(torch.tensor(x))
    close(y, ty, 1e-12)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(gw.tensor(g))
    ty.backward(torch.tensor(g))
    for (path, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert p.grad is not None, path
        close(p.grad, q.grad, 1e-9)
    for a, b in zip(ours.buffers(), theirs.buffers(), strict=True):
        close(a, b, 1e-12)


def test_variants_give_what_pytorch_gives():
    for ours, theirs, x in [
        (
            ResNet(8, 3, width=4, in_channels=1, norm="group"),
            torch_resnet(lambda c: T.GroupNorm(min(8, c), c)),
            CASES["resnet"][2],
        ),
        (RecurrentTagger(7, 4, 5, 3, cell="gru", padding_idx=0), TorchTagger(T.GRU), WORDS),
        (MLP(5, (), 3), Named(layers=T.Sequential(T.Linear(5, 3))), ROWS),
    ]:
        ours.double().load_state_dict(torch_state(theirs.double()))
        close(ours(gw.tensor(x)), theirs(torch.tensor(x)), 1e-12)
    untied = GPT(7, 6, 8, tie_weights=False)
    assert untied.head.weight is not untied.token.weight
    assert "head.weight" in dict(untied.named_parameters())


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_it_learns_a_batch_by_heart_compiled_as_eagerly_and_survives_a_file(name):
    make, _, x, lr, steps = CASES[name]
    gw.manual_seed(1)
    eager, compiled = make(), make()
    compiled.load_state_dict(eager.state_dict())
    x = example(x, np.float32)
    if name == "window":  # windows that are all different
        x = gw.tensor(np.stack([np.arange(6), np.arange(6) * 3 % 7, np.arange(6) * 5 % 7], 1))
    if name == "tagger":
        x = gw.tensor(np.arange(6)[None] * np.array([[1], [2], [3]]) % 7)
    y = gw.tensor(targets(eager, x.numpy()))
    one, many = stepper(eager, lr), gw.compile(stepper(compiled, lr))
    compiled_first = [many(x, y).item() for _ in range(2)]
    np.testing.assert_allclose(compiled_first, [one(x, y).item() for _ in range(2)], rtol=1.3e-6, atol=1e-5)
    for _ in range(steps):
        loss = many(x, y).item()
    assert many.traces == 1
    if name == "gpt":  # a causal model cannot tell apart texts that begin alike
        assert loss < 0.5 * compiled_first[0]
    else:
        assert loss < 0.1 * compiled_first[0]
    compiled.eval()
    structure = json.loads(json.dumps(to_structure(compiled)))
    again = from_structure(structure, draw=False).eval()
    assert type(again) is type(compiled)
    assert repr(again) == repr(compiled)
    again.load_state_dict(compiled.state_dict())
    np.testing.assert_array_equal(again(x).detach().numpy(), compiled(x).detach().numpy())
    assert len(list(again.parameters())) == len(list(compiled.parameters()))


@pytest.mark.long
def test_a_population_of_small_language_models():
    def member(lr, dropout):
        return stepper(GPT(7, 6, width=8, depth=1, heads=2, dropout=dropout), lr)

    members = [{"lr": 0.01, "dropout": 0.1}, {"lr": 0.03, "dropout": 0.4}]
    x, y = gw.tensor(np.stack([WORDS] * 3)), gw.tensor(np.stack([WORDS.reshape(-1)] * 3))
    losses = gw.Population(member, members, seeds=[0, 1]).scan(x, y).numpy()
    for i, arguments in enumerate(members):
        gw.manual_seed(i)
        step = member(**arguments)
        np.testing.assert_allclose(losses[i], [step(x[0], y[0]).item() for _ in range(3)], rtol=1.3e-6, atol=1e-5)


# --- what each is for -------------------------------------------------------------------------------------------------
def test_published_sizes():
    count = {m: sum(p.numel() for p in m.parameters()) for m in (LeNet(), ResNet(20), ResNet(56))}
    sizes = list(count.values())
    assert sizes[0] == 61_706  # LeNet-5 with a full second convolution
    # He et al., table 6: 0.27 and 0.85 million; they have no projections, of 16·32 + 2·32 + 32·64 + 2·64 numbers
    assert round((sizes[1] - 2_752) / 1e6, 2) == 0.27
    assert round((sizes[2] - 2_752) / 1e6, 2) == 0.85


def test_residual_networks_start_as_he_says():
    gw.manual_seed(0)
    net = ResNet(8, width=16)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 2000:
            fan_out = module.out_channels * np.prod(module.kernel_size)
            assert module.weight.detach().numpy().std() == pytest.approx(np.sqrt(2 / fan_out), rel=0.1)


def test_a_language_model_starts_undecided_and_sees_only_the_past():
    gw.manual_seed(0)
    model = GPT(7, 6, width=8, depth=2, heads=2).eval()
    scores = model(gw.tensor(WORDS))
    loss = F.cross_entropy(scores.reshape(-1, 7), gw.tensor((WORDS.reshape(-1) + 3) % 7)).item()
    assert loss == pytest.approx(np.log(7), rel=0.05)  # the word itself is a little likelier: the weights are tied
    changed = WORDS.copy()
    changed[:, 4:] = (changed[:, 4:] + 1) % 7
    after = model(gw.tensor(changed)).detach().numpy()
    np.testing.assert_allclose(after[:, :4], scores.detach().numpy()[:, :4], rtol=1e-6, atol=1e-7)
    assert np.abs(after[:, 4:] - scores.detach().numpy()[:, 4:]).min(axis=-1).max() > 0


def test_generation():
    gw.manual_seed(0)
    model = GPT(7, 6, width=8, depth=1, heads=2, dropout=0.5)
    with gw.no_grad():
        for p in model.parameters():
            p.mul_(20)  # decided ones
    text = gw.tensor([[1, 2], [3, 4]])
    best = model.generate(text, 8, temperature=0)
    assert model.training
    assert best.shape == (2, 10)
    assert best.dtype == text.dtype
    np.testing.assert_array_equal(best[:, :2].numpy(), text.numpy())
    model.eval()
    expected = text.numpy()
    for _ in range(8):  # word by word, seeing the last six
        scores = model(gw.tensor(expected[:, -6:])).detach().numpy()
        expected = np.concatenate([expected, scores[:, -1].argmax(-1)[:, None]], 1)
    np.testing.assert_array_equal(best.numpy(), expected)
    np.testing.assert_array_equal(model.generate(text, 8, top_k=1).numpy(), expected)
    gw.manual_seed(3)
    first = model.generate(text, 5)
    gw.manual_seed(3)
    np.testing.assert_array_equal(model.generate(text, 5).numpy(), first.numpy())
    assert not model.generate(text, 0).requires_grad
    # how often each token is drawn is what the softmax says
    gw.manual_seed(0)
    many = model.generate(gw.tensor([[1, 2]] * 4000), 1, temperature=3.0)[:, -1].numpy()
    p = np.exp((s := model(gw.tensor([[1, 2]])).detach().numpy()[0, -1] / 3) - s.max())
    p /= p.sum()
    counts = np.bincount(many, minlength=7)
    assert ((counts - 4000 * p) ** 2 / (4000 * p + 1e-9))[p > 1e-3].sum() < 27.9  # χ² of 7, one in 4,000
    kept = model.generate(gw.tensor([[1, 2]] * 500), 1, temperature=50.0, top_k=2)[:, -1].numpy()
    assert set(kept) == set(np.argsort(s)[-2:])


def test_what_stands_behind_the_end_of_a_sentence_does_not_matter():
    net = RecurrentTagger(7, 4, 5, 3, padding_idx=0).eval()
    a, b = WORDS.copy(), WORDS.copy()
    b[:, 4:] = 6
    lengths = gw.tensor(np.full(6, 4))
    x, y = (net(gw.tensor(w), lengths=lengths).detach().numpy()[:, :4] for w in (a, b))
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: LeNet(10, (1, 8, 28)), ConfigError, "at least 12 pixels"),
        (lambda: LeNet(10, (28, 28)), ConfigError, r"got \(28, 28\)"),
        (lambda: ResNet(18), ConfigError, r"6n \+ 2.*got 18"),
        (lambda: ResNet(2), ConfigError, "got 2"),
        (lambda: ResNet(8, norm="none"), ConfigError, "'batch' or 'group'"),
        (lambda: MLP(2, [3], 1, activation="exec"), ConfigError, "nothing is called 'exec'"),
        (lambda: HighwayNetwork(2, 3, 1, 1, activation="glu"), ConfigError, "nothing is called 'glu'"),
        (lambda: RecurrentTagger(7, 4, 5, 3, cell="rnn"), ConfigError, "'lstm' or 'gru'"),
        (lambda: GPT(7, 6, width=8, heads=3), ConfigError, "heads must divide width"),
        (lambda: GPT(7, 6)(gw.zeros(1, 7, dtype=gw.int64)), ShapeError, r"at most 6; got \(1, 7\)"),
        (lambda: GPT(7, 6).generate(gw.zeros(1, 1, dtype=gw.int64), 1, temperature=-1), ConfigError, "below 0"),
        (lambda: WindowClassifier(7, 4, 3, 5, 3)(gw.zeros(2, 4, dtype=gw.int64)), ShapeError, r"3\).*\(2, 4\)"),
    ],
)
def test_what_is_wrong_is_named(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
