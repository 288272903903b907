"""Accumulated micro-batches beside one large batch."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, StateError

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
CHUNKS = [slice(0, 4), slice(4, 8), slice(8, 10), slice(10, 14), slice(14, 18), slice(18, 20)]  # short last ones
RULES = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1),
    "Lookahead": lambda p: optim.Lookahead(optim.NAdam(p, lr=0.05), k=2),
}


def network(rule):
    with gw.use_generator(gw.Generator(0)):
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    return model, RULES[rule](model.parameters())


def ends(model):
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def large_batches(rule, epochs):
    """What it must be: one step for the first ten rows and one for the last ten."""
    model, opt = network(rule)
    for _ in range(epochs):
        for rows in (slice(0, 10), slice(10, 20)):
            opt.zero_grad()
            nn.functional.mse_loss(model(gw.tensor(X[rows])), gw.tensor(Y[rows])).backward()
            opt.step()
    return ends(model)


@pytest.mark.parametrize("rule", RULES)
def test_micro_batches_are_one_large_batch_though_the_last_is_short(rule):
    model, inner = network(rule)
    opt = optim.Accumulate(inner, every=3)
    for _ in range(10):
        for rows in CHUNKS:
            before = ends(model)
            nn.functional.mse_loss(model(gw.tensor(X[rows])), gw.tensor(Y[rows])).backward()
            opt.step(samples=rows.stop - rows.start)
            assert all(p.grad is None for p in model.parameters())
            assert (ends(model) != before).any() == (rows.stop in (10, 20))
    np.testing.assert_allclose(ends(model), large_batches(rule, 10), rtol=1e-10)
    counts = {entry["step"] for entry in opt.state_dict()["state"].values()}
    assert counts == {20}


@pytest.mark.parametrize("rule", RULES)
def test_compiled_with_masks_is_one_program(rule):
    """Micro-batches of four rows, of which a mask leaves out those beyond the end."""
    model, inner = network(rule)
    opt = optim.Accumulate(inner, every=3)

    @gw.compile
    def step(x, y, mask):
        losses = ((model(x) - y) ** 2)[:, 0] * mask
        (losses.sum() / mask.sum()).backward()
        opt.step(samples=mask.sum())
        return losses.sum()

    rows = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0], [10, 11, 12, 13], [14, 15, 16, 17], [18, 19, 0, 0]])
    masks = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]] * 2, float)
    step(X[rows[0]], Y[rows[0]], masks[0])
    for _ in range(2):  # the rest of the first epoch, and as one scan the next ones
        step.scan(X[rows[1:]], Y[rows[1:]], masks[1:])
        step(X[rows[0]], Y[rows[0]], masks[0])
    step.scan(X[rows[1:]], Y[rows[1:]], masks[1:])
    after_three = ends(model)
    opt.every = 1
    before = ends(model)
    step(X[rows[0]], Y[rows[0]], masks[0])
    assert (ends(model) != before).any()
    assert step.traces == 1, "how many micro-batches is a number, not a part of the program"
    np.testing.assert_allclose(after_three, large_batches(rule, 3), rtol=1e-10)


def test_an_epoch_may_end_early_and_eager_and_compiled_go_on_from_each_other():
    model, inner = network("SGD")
    opt = optim.Accumulate(inner, every=100)
    compiled = gw.compile(lambda x, y, last: one(x, y, last), state=[model, opt])

    def one(x, y, last):
        nn.functional.mse_loss(model(x), y).backward()
        opt.step(samples=len(x), last=last)

    for run in (one, compiled, one):
        for rows in CHUNKS:
            last = gw.tensor(rows.stop in (10, 20))
            (compiled if run is one and rows.stop % 4 == 0 else run)(gw.tensor(X[rows]), gw.tensor(Y[rows]), last)
    np.testing.assert_allclose(ends(model), large_batches("SGD", 3), rtol=1e-10)


def test_an_empty_micro_batch_counts_nothing():
    model, inner = network("Adam")
    opt = optim.Accumulate(inner, every=2)
    for rows in (slice(0, 10), slice(0, 0)):
        mean = ((model(gw.tensor(X[rows])) - gw.tensor(Y[rows])) ** 2).sum() / len(X[rows]) if len(X[rows]) else (
            model(gw.tensor(X[:1])).sum() * float("nan")
        )  # fmt: skip
        mean.backward()
        opt.step(samples=len(X[rows]))
    other, plain = network("Adam")
    nn.functional.mse_loss(other(gw.tensor(X[:10])), gw.tensor(Y[:10])).backward()
    plain.step()
    np.testing.assert_allclose(ends(model), ends(other), rtol=1e-12)


def test_parameters_that_had_no_gradient_are_passed_over():
    w, v, u = (gw.ones(2, requires_grad=True) for _ in range(3))
    opt = optim.Accumulate(optim.SGD([w, v, u], lr=1.0, weight_decay=0.5), every=2)
    (w.sum() + v.sum()).backward()
    opt.step(samples=3)
    w.sum().backward()
    opt.step(samples=1)
    np.testing.assert_allclose(w.detach().numpy(), 1 - 1.5)
    np.testing.assert_allclose(v.detach().numpy(), 1 - 0.75 - 0.5)
    np.testing.assert_allclose(u.detach().numpy(), 1)
    v.sum().backward()
    opt.step(samples=1)
    w.grad = gw.zeros(2)
    opt.step(samples=1)
    np.testing.assert_allclose(w.detach().numpy(), -0.5 + 0.25, err_msg="zeros are a gradient: the decay works")


def test_row_sparse_gradients_are_added_up():
    ends = []
    for sparse in (False, True):
        with gw.use_generator(gw.Generator(0)):
            table = nn.Embedding(5, 2, sparse=sparse)
        opt = optim.Accumulate(optim.SGD(table.parameters(), lr=0.1), every=2)
        for rows in ([0, 1, 1], [1, 3]):
            (table(gw.tensor(rows)) ** 2).mean().backward()
            opt.step(samples=len(rows))
        ends.append(table.weight.detach().numpy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-6)


def test_a_state_saved_between_micro_batches_goes_on_bit_for_bit():
    def train(model, opt, chunks):
        for rows in chunks:
            nn.functional.mse_loss(model(gw.tensor(X[rows])), gw.tensor(Y[rows])).backward()
            opt.step(samples=rows.stop - rows.start)

    model, inner = network("Lookahead")
    opt = optim.Accumulate(inner, every=3)
    train(model, opt, CHUNKS[:5])
    saved, weights = opt.state_dict(), model.state_dict()
    train(model, opt, CHUNKS[5:] + CHUNKS)
    other, inner = network("Lookahead")
    again = optim.Accumulate(inner, every=7)
    with pytest.raises(StateError, match="not saved by Accumulate"):
        again.load_state_dict(inner.state_dict())
    other.load_state_dict(weights)
    again.load_state_dict(saved)
    train(other, again, CHUNKS[5:] + CHUNKS)
    np.testing.assert_array_equal(ends(other), ends(model))


def test_what_makes_no_sense_is_refused():
    inner = optim.SGD([gw.zeros(2, requires_grad=True)])
    with pytest.raises(ConfigError, match="every must be"):
        optim.Accumulate(inner, every=0)
    with pytest.raises(ConfigError, match=r"step\(samples=n\)"):
        optim.Accumulate(inner, every=2).step()
    with pytest.raises(ConfigError, match=r"step\(samples=n\)"):
        optim.Accumulate(inner, every=2).step(lambda: None)
