"""RNN, LSTM, GRU and their cells against PyTorch's; lengths against its packed sequences."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError

from .pairs import close, pair, run, same

R = np.random.default_rng(0)
F, H, T, B = 3, 4, 6, 3
X = R.normal(size=(T, B, F))
LENGTHS = [4, 6, 1]
KINDS = ["RNN", "LSTM", "GRU"]
BOTH = {"num_layers": 2, "bidirectional": True}
OPTIONS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("RNN", {**BOTH, "batch_first": True}),
    ("LSTM", {}),
    ("LSTM", {"bias": False, "num_layers": 2}),
    ("LSTM", {**BOTH, "batch_first": True}),
    ("LSTM", {**BOTH, "proj_size": 2}),
    ("GRU", {}),
    ("GRU", {"bias": False, "num_layers": 2}),
    ("GRU", {**BOTH, "batch_first": True}),
]


def states(kind, options, batch=(B,)):
    """Random states to start from."""
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    h = R.normal(size=(rows, *batch, options.get("proj_size", 0) or H))
    return (h, R.normal(size=(rows, *batch, H))) if kind == "LSTM" else h


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=str)
def test_layers_are_pytorchs(kind, options):
    ours, theirs = pair(kind, F, H, **options)
    x = X.swapaxes(0, 1).copy() if options.get("batch_first") else X
    assert repr(ours) == repr(theirs)
    same(ours, theirs, x)
    same(ours, theirs, x, states(kind, options))
    same(ours, theirs, X[:, 0].copy(), states(kind, options, ()))
    same(ours, theirs, X[:1, 0].copy())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kind", "more"), [("RNNCell", {}), ("LSTMCell", {}), ("GRUCell", {})])
def test_cells_are_pytorchs(kind, more, bias):
    ours, theirs = pair(kind, F, H, bias=bias, **more)
    assert repr(ours) == repr(theirs)
    h = R.normal(size=(B, H))
    hx = (h, R.normal(size=(B, H))) if kind == "LSTMCell" else h
    same(ours, theirs, X[0])
    same(ours, theirs, X[0], hx)
    same(ours, theirs, X[0, 0].copy())


def test_the_relu_cell_is_pytorchs():
    ours, theirs = pair("RNNCell", F, H, nonlinearity="relu")
    assert repr(ours) == repr(theirs)
    same(ours, theirs, X[0], R.normal(size=(B, H)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_step_by_step(kind):
    layer, cell = getattr(nn, kind)(F, H).double(), getattr(nn, kind + "Cell")(F, H).double()
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    output, _ = layer(gw.tensor(X))
    state = None
    for t in range(T):
        state = cell(gw.tensor(X[t]), state)
        h = state[0] if kind == "LSTM" else state
        np.testing.assert_allclose(h.detach().numpy(), output[t].detach().numpy(), rtol=1e-13)


# --- lengths ----------------------------------------------------------------------------------------------------------
class Packed(torch.nn.Module):
    """PyTorch's layer on padded sequences, by packing them."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, hx=None, lengths=None):
        first = self.layer.batch_first
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, list(lengths), batch_first=first, enforce_sorted=False)
        output, last = self.layer(packed, hx)
        return torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=first, total_length=T)[0], last


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=str)
def test_lengths_are_pytorchs_packed_sequences(kind, options):
    ours, theirs = pair(kind, F, H, **options)
    x = X.swapaxes(0, 1).copy() if options.get("batch_first") else X
    lengths = tuple(LENGTHS)
    same(ours, Packed(theirs), x, states(kind, options), lengths=lengths)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_padding_holds_does_not_matter(kind):
    layer = getattr(nn, kind)(F, H, **BOTH).double()
    behind = np.arange(T)[:, None] >= np.array(LENGTHS)
    clean, spoilt = (np.where(behind[..., None], fill, X) for fill in (0.0, np.nan))
    found = [run(gw, layer, x, lengths=np.array(LENGTHS)) for x in (spoilt, clean)]
    close(*([*outputs, *gradients] for outputs, gradients in found), 0)
    output = layer(gw.tensor(spoilt), lengths=gw.tensor(LENGTHS))[0].detach().numpy()
    assert (output[behind] == 0).all()
    assert (output[~behind] != 0).all()


def test_a_row_without_anything_keeps_its_initial_state():
    layer = nn.GRU(F, H, bidirectional=True).double()
    h = gw.tensor(R.normal(size=(2, B, H)))
    output, last = layer(gw.tensor(X), h, lengths=[T, 0, 2])
    np.testing.assert_array_equal(last[:, 1].detach().numpy(), h[:, 1].numpy())
    assert not output[:, 1].any().item()


@pytest.mark.parametrize(("kind", "options"), [("LSTM", {**BOTH, "proj_size": 2}), ("GRU", BOTH), ("RNN", {})], ids=str)
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packed_input_gives_packed_output(kind, options, enforce_sorted):
    ours, theirs = pair(kind, F, H, **options)
    lengths = sorted(LENGTHS, reverse=True) if enforce_sorted else LENGTHS
    hx = states(kind, options)
    found = []
    for m, layer, utils in ((gw, ours, nn.packed), (torch, theirs, torch.nn.utils.rnn)):
        x = m.tensor(X, requires_grad=True)
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
        start = tuple(map(m.tensor, hx)) if isinstance(hx, tuple) else m.tensor(hx)
        output, last = layer(packed, start)
        assert type(output) is type(packed)
        loss = (output.data * output.data.sin()).sum() + sum((s * s).sum() for s in last)
        loss.backward()
        parts = [
            output.data,
            *(last if isinstance(last, tuple) else (last,)),
            *(p for p in output[1:] if p is not None),
        ]
        found.append(
            [*(p.detach().numpy() for p in parts), x.grad.numpy(), *(p.grad.numpy() for p in layer.parameters())]
        )
    close(*found, 1e-11)


# --- compiled ---------------------------------------------------------------------------------------------------------
def training_step(model, opt):
    def step(x, y, lengths):
        opt.zero_grad()
        output, _ = model(x, lengths=lengths)
        loss = nn.functional.mse_loss(output, y)
        loss.backward()
        opt.step()
        return loss

    return step


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_compiled_steps_with_changing_lengths_are_pytorchs_from_one_trace(kind):
    ours, theirs = pair(kind, F, H, bidirectional=True)
    step = gw.compile(training_step(ours, optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)))
    eager = copy.deepcopy(ours)
    eager_step = training_step(eager, optim.SGD(eager.parameters(), lr=0.1, momentum=0.9))
    opt = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    y = np.tanh(R.normal(size=(T, B, 2 * H)))
    for i in range(100):
        lengths = np.random.default_rng(i).integers(1, T + 1, B)
        opt.zero_grad()
        expected = torch.nn.functional.mse_loss(Packed(theirs)(torch.tensor(X), lengths=lengths)[0], torch.tensor(y))
        expected.backward()
        opt.step()
        data = gw.tensor(X), gw.tensor(y), gw.tensor(lengths)
        assert step(*data).item() == pytest.approx(expected.item(), rel=1e-10)
        if i < 3:
            assert eager_step(*data).item() == pytest.approx(expected.item(), rel=1e-10)
    assert step.traces == 1
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-10, atol=1e-10)
    with pytest.raises(IndexOutOfRangeError, match=r"from 0 to 6.*7"):
        step(gw.tensor(X), gw.tensor(y), gw.tensor([7, 1, 1]))


def test_single_precision_eager_and_compiled_agree_and_keep_it():
    layer = nn.LSTM(F, H, num_layers=2)
    x = gw.tensor(X.astype(np.float32))

    def both_ways(x):
        x.requires_grad_()
        output, _ = layer(x)
        output.square().sum().backward()
        return output, x.grad

    for eager, compiled in zip(both_ways(x), gw.compile(both_ways, state=[layer])(x), strict=True):
        assert eager.dtype == compiled.dtype == np.float32
        np.testing.assert_allclose(compiled.detach().numpy(), eager.detach().numpy(), rtol=1.3e-6, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_pytorchs(kind):
    """The gradient of the squared gradient, as a penalty on gradients needs it; lengths too."""
    ours, theirs = pair(kind, F, H)

    def penalty(m, layer, x):
        output, last = layer(x, lengths=LENGTHS)
        h = last[0] if kind == "LSTM" else last
        grads = m.autograd.grad(output.sin().sum() + h.sum(), [x, *layer.parameters()], create_graph=True)
        return sum((g * g).sum() for g in grads)

    def second(x):
        x.requires_grad_()
        return gw.autograd.grad(penalty(gw, ours, x), [x, *ours.parameters()])

    t = torch.tensor(X, requires_grad=True)
    oracle = Packed(theirs)
    expected = torch.autograd.grad(penalty(torch, oracle, t), [t, *theirs.parameters()])
    runs = [second] if kind == "RNN" else [second, gw.compile(second, state=[ours])]  # compiling takes seconds
    for function in runs:
        close([f.numpy() for f in function(gw.tensor(X))], [e.numpy() for e in expected], 1e-10)


def test_a_population_has_its_own_dropout_and_learning_rate_each():
    def member(dropout, lr):
        model = nn.LSTM(F, H, num_layers=2, dropout=dropout)
        return training_step(model, optim.SGD(model.parameters(), lr=lr))

    members = [{"dropout": 0.5, "lr": 0.1}, {"dropout": 0.0, "lr": 0.1}, {"dropout": 0.5, "lr": 0.3}]
    rng = np.random.default_rng(1)
    x = gw.tensor(rng.normal(size=(4, T, B, F)).astype(np.float32))
    y = gw.tensor(np.tanh(rng.normal(size=(4, T, B, H))).astype(np.float32))
    lengths = gw.tensor(rng.integers(1, T + 1, (4, B)))
    losses = gw.Population(member, members, seeds=[7, 7, 7]).scan(x, y, lengths).numpy()
    assert losses.shape == (3, 4)
    assert len(np.unique(losses[:, 1])) == 3
    for arguments, found in zip(members, losses, strict=True):
        with gw.use_generator(gw.Generator(7)):
            step = member(**arguments)
            alone = [step(x[i], y[i], lengths[i]).item() for i in range(4)]
        np.testing.assert_allclose(found, alone, rtol=1.3e-6, atol=1e-5)


def test_dropout_is_between_layers_and_in_training_only():
    layer = nn.GRU(F, H, num_layers=2, dropout=1.0).double()
    alone = nn.GRU(F, H).double()
    second = {k: layer.state_dict()[k.replace("_l0", "_l1")] for k in alone.state_dict() if "weight_ih" not in k}
    alone.load_state_dict({**second, "weight_ih_l0": gw.zeros(3 * H, F)})
    np.testing.assert_allclose(  # the second layer saw nothing but zeros
        layer(gw.tensor(X))[0].detach().numpy(), alone(gw.tensor(X))[0].detach().numpy(), rtol=1e-13
    )
    plain = nn.GRU(F, H, num_layers=2).double()
    plain.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(
        layer.eval()(gw.tensor(X))[0].detach().numpy(), plain(gw.tensor(X))[0].detach().numpy()
    )


# --- the rest ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [*KINDS, "RNNCell", "LSTMCell", "GRUCell"])
def test_initial_weights_are_uniform_within_the_bound(kind):
    layer = getattr(nn, kind)(30, 25)
    values = np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()])
    assert np.abs(values).max() <= 0.2
    assert values.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.05)


def test_arguments_are_remembered():
    given = {"num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.25, "bidirectional": True}
    assert nn.LSTM(F, H, **given).config() == {"input_size": F, "hidden_size": H, **given, "proj_size": 0}
    assert nn.RNNCell(F, H, nonlinearity="relu").config()["nonlinearity"] == "relu"
    layer = nn.LSTM(F, H, num_layers=2)
    layer.flatten_parameters()
    assert [len(w) for w in layer.all_weights] == [4, 4]


def test_what_does_not_fit_is_refused_in_words():
    x = gw.zeros(T, B, F)
    with pytest.raises(ShapeError, match=r"LSTM: expected \(L, N, 3\).*got \(6, 3, 4\)"):
        nn.LSTM(F, H)(gw.zeros(T, B, 4))
    with pytest.raises(ShapeError, match=r"GRU: h_0 must have shape \(2, 3, 4\).*got \(1, 3, 4\)"):
        nn.GRU(F, H, bidirectional=True)(x, gw.zeros(1, B, H))
    with pytest.raises(ShapeError, match=r"c_0 must have shape \(1, 3, 4\)"):
        nn.LSTM(F, H, proj_size=2)(x, (gw.zeros(1, B, 2), gw.zeros(1, B, 2)))
    with pytest.raises(ConfigError, match=r"pair \(h_0, c_0\)"):
        nn.LSTM(F, H)(x, gw.zeros(1, B, H))
    with pytest.raises(ShapeError, match="3 whole numbers"):
        nn.RNN(F, H)(x, lengths=[1, 2])
    with pytest.raises(IndexOutOfRangeError, match="from 0 to 6"):
        nn.RNN(F, H)(x, lengths=[1, 2, 7])
    with pytest.raises(ConfigError, match="batch"):
        nn.RNN(F, H)(x[:, 0], lengths=[3])
    for bad in ({"nonlinearity": "sin"}, {"dropout": 2.0}, {"num_layers": 0}):
        with pytest.raises(ConfigError):
            nn.RNN(F, H, **bad)
    with pytest.raises(ConfigError, match="proj_size"):
        nn.LSTM(F, H, proj_size=H)
    with pytest.raises(ShapeError, match=r"GRUCell: expected \(N, 3\)"):
        nn.GRUCell(F, H)(gw.zeros(2, 5))
    with pytest.raises(ShapeError, match=r"LSTMCell: a state must have shape \(2, 4\)"):
        nn.LSTMCell(F, H)(gw.zeros(2, F), (gw.zeros(2, H), gw.zeros(1, H)))


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("lstm_step", lambda true: lambda given, recurrent, c: true(given.roll(4, -1), recurrent.roll(4, -1), c)),
        ("gru_step", lambda true: lambda given, recurrent, h: true(given + recurrent, recurrent * 0, h)),
        ("rnn_step", lambda true: lambda given, recurrent, kind: true(given, recurrent.detach(), kind)),
        ("where", lambda true: lambda runs, a, b: a),
    ],
)
def test_a_planted_fault_is_found(monkeypatch, name, planted):
    kind = {"lstm": "LSTM", "gru_": "GRU", "rnn_": "RNN"}.get(name[:4], "GRU")
    monkeypatch.setattr(nn.recurrent, name, planted(getattr(nn.recurrent, name)))
    with pytest.raises(AssertionError):
        test_lengths_are_pytorchs_packed_sequences(kind, {"bidirectional": True})
