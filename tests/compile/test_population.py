"""The key proof: a population trained as one program is its members trained alone."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import CompileError, IndexOutOfRangeError

from .digits import digits, order

BATCH = 128
# Four times the largest difference measured, over both rules, compiled and eager.
LOSS_TOLERANCE = 2e-6  # measured 4.8e-7
WEIGHT_TOLERANCE = 2.4e-6  # measured 6.0e-7


class Member:
    """What the factory builds; kept, so that the test can look at it."""

    def __init__(self, lr, dropout, rule, momentum, decay, smoothing):
        self.model = nn.Sequential(
            nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(32, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 10),
        )  # fmt: skip
        self.criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)
        if rule == "SGD":
            self.opt = optim.SGD(self.model.parameters(), lr=lr, momentum=momentum, weight_decay=decay)
        else:
            self.opt = getattr(optim, rule)(self.model.parameters(), lr=lr, betas=(momentum, 0.99), weight_decay=decay)

    def step(self, x, y):
        self.opt.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.opt.step()
        return loss


def members(rule, momenta, decays):
    rates = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.25, 0.05]
    scale = 1.0 if rule == "SGD" else 0.1
    return [
        {"lr": scale * 0.01 * (i + 1), "dropout": rates[i], "rule": rule, "momentum": momenta[i % len(momenta)],
         "decay": decays[i % len(decays)], "smoothing": 0.1 * (i % 2)}
        for i in range(8)
    ]  # fmt: skip


def population(settings, seeds):
    made = []

    def factory(**arguments):
        made.append(Member(**arguments))
        return made[-1].step

    return gw.Population(factory, settings, seeds), made


def alone(settings, seed, rows, compiled=False):
    """Train one member by itself, as its own program or eagerly on NumPy."""
    x, y = digits()
    generator = gw.Generator(seed)
    with gw.use_generator(generator):
        member = Member(**settings)
        if compiled:
            losses = gw.compile(member.step).scan(x, y, order=rows).numpy()
        else:
            losses = np.array([member.step(gw.tensor(x[r]), gw.tensor(y[r])).item() for r in rows])
    return losses, member, generator


def compare(settings, own_order, epochs=3, compiled=False):
    """Return the largest differences in losses and in weights, buffers and optimizer slots."""
    x, y = digits()
    seeds = [10 + i for i in range(len(settings))]
    rows = np.stack([order(i if own_order else 0, epochs, BATCH) for i in range(len(settings))])
    everyone, made = population(settings, seeds)
    losses = everyone.scan(x, y, order=rows if own_order else rows[0]).numpy()
    assert losses.shape == rows.shape[:2]
    worst_loss = worst_state = 0.0
    for i, (arguments, seed) in enumerate(zip(settings, seeds, strict=True)):
        expected, member, generator = alone(arguments, seed, rows[i], compiled)
        assert expected[-3:].mean() < expected[0], "it learns"
        worst_loss = max(worst_loss, float(np.abs(losses[i] - expected).max()))
        mine, theirs = made[i].model.state_dict(), member.model.state_dict()
        for key in theirs:
            worst_state = max(worst_state, float(np.abs(mine[key].numpy() - theirs[key].numpy()).max()))
        assert everyone.generators[i].get_state() == generator.get_state(), "the same number of random draws"
        assert made[i].opt.state_dict()["state"][0]["step"] == member.opt.state_dict()["state"][0]["step"]
    assert everyone.steps[0].traces == 1
    assert all(step.traces <= 1 for step in everyone.steps)
    return worst_loss, worst_state


@pytest.mark.parametrize(
    ("own_order", "compiled"), [(False, True), (True, False)], ids=["shared order, compiled", "own orders, eager"]
)
def test_eight_members_as_one_program_are_the_eight_alone(own_order, compiled):
    """SGD with momentum; learning rate, dropout (one of them 0), decay (some 0), smoothing and seed of their own."""
    loss, state = compare(members("SGD", [0.9, 0.5], [0.0, 1e-3]), own_order, compiled=compiled)
    print(f"population SGD compiled={compiled}: loss {loss:.2e} state {state:.2e}")
    assert loss < LOSS_TOLERANCE
    assert state < WEIGHT_TOLERANCE


@pytest.mark.parametrize("rule", ["Adam", "AdamW"])
def test_adam_too(rule):
    settings = members(rule, [0.9, 0.8, 0.0], [0.0, 0.05])[:4]
    loss, state = compare(settings, True, epochs=1)
    print(f"population {rule}: loss {loss:.2e} state {state:.2e}")
    assert loss < LOSS_TOLERANCE
    assert state < WEIGHT_TOLERANCE


def test_momentum_zero_beside_momentum():
    loss, state = compare(members("SGD", [0.0, 0.9], [0.0, 1e-3])[:4], False, epochs=1)
    assert loss < LOSS_TOLERANCE
    assert state < WEIGHT_TOLERANCE


def test_members_differ_and_the_proof_would_notice():
    """The faults that the proof must see: another seed, another rate, another learning rate."""
    settings = members("SGD", [0.9], [0.0])[:2]
    rows = order(0, 1, BATCH)
    base, _, _ = alone(settings[1], 11, rows)
    for change, seed in [
        ({}, 12),
        ({"dropout": 0.12}, 11),
        ({"lr": 0.021}, 11),
        ({"smoothing": 0.11}, 11),
        ({"decay": 1e-3}, 11),
    ]:
        other, _, _ = alone({**settings[1], **change}, seed, rows)
        assert np.abs(base - other).max() > 10 * LOSS_TOLERANCE, change


@pytest.mark.long
def test_a_second_epoch_goes_on_without_a_new_trace_and_batches_need_no_order():
    x, y = digits()
    settings = members("SGD", [0.9], [1e-3])[:3]
    rows = order(0, 2, BATCH)
    whole, _ = population(settings, [1, 2, 3])
    parts, made = population(settings, [1, 2, 3])
    expected = whole.scan(x[rows], y[rows]).numpy()
    first = parts.scan(x, y, order=rows[: len(rows) // 2]).numpy()
    made[0].model.eval()
    made[0].model(gw.tensor(x[:5]))
    made[0].model.train()
    second = parts.scan(gw.tensor(x), gw.tensor(y), order=rows[len(rows) // 2 :]).numpy()
    np.testing.assert_allclose(np.concatenate([first, second], 1), expected, rtol=0, atol=LOSS_TOLERANCE)
    assert all(s.traces <= 1 for s in parts.steps)


@pytest.mark.long
def test_a_learning_rate_changed_between_epochs_needs_no_new_trace():
    x, y = digits()
    everyone, made = population(members("SGD", [0.9], [0.0])[:2], [1, 2])
    rows = order(0, 1, BATCH)
    everyone.scan(x, y, order=rows)
    made[1].opt.param_groups[0]["lr"] = 0.0
    before = [m.model[0].weight.detach().numpy() for m in made]
    everyone.scan(x, y, order=rows)
    assert (made[0].model[0].weight.detach().numpy() != before[0]).any()
    np.testing.assert_array_equal(made[1].model[0].weight.detach().numpy(), before[1])
    assert all(s.traces <= 1 for s in everyone.steps)


def linear(width=2, act=nn.ReLU, factor=1.0, steps=1):
    model = nn.Sequential(nn.Linear(2, width), act(), nn.Linear(width, 3))
    opt = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y) * factor
        loss.backward()
        opt.step()
        return loss

    return step


X, Y = np.ones((2, 3, 2), np.float32), np.zeros((2, 3), np.int64)


def test_a_population_of_one():
    assert gw.Population(linear, [{}], [0]).scan(X, Y).shape == (1, 2)


def test_members_of_another_shape_are_refused():
    with pytest.raises(CompileError, match=r"member 1 .*\(3, 2\).*member 0 .*\(2, 2\)"):
        gw.Population(linear, [{"width": 2}, {"width": 3}], [0, 1]).scan(X, Y)


@pytest.mark.parametrize("other", [{"act": nn.Tanh}, {"factor": 3.0}], ids=["layer", "number in the closure"])
def test_members_with_another_program_are_refused(other):
    with pytest.raises(CompileError, match="member 1"):
        gw.Population(linear, [{}, other], [0, 0]).scan(X, Y)


def test_members_and_seeds_must_match():
    with pytest.raises(CompileError, match="2 members and 1 seeds"):
        gw.Population(linear, [{}, {}], [0])
    with pytest.raises(CompileError, match="0 members"):
        gw.Population(linear, [], [])


def test_a_bad_label_is_named_before_anything_runs():
    everyone = gw.Population(linear, [{}, {}], [0, 1])
    labels = Y.copy()
    labels[1, 2] = 9
    with pytest.raises(IndexOutOfRangeError, match="9"):
        everyone.scan(X, labels)


def test_members_keep_their_own_streams():
    a, _ = population(members("SGD", [0.9], [0.0])[:1] * 3, [5, 5, 6])
    x, y = digits()
    losses = a.scan(x, y, order=order(0, 1, BATCH)).numpy()
    np.testing.assert_array_equal(losses[0], losses[1])
    assert np.abs(losses[0] - losses[2]).max() > 1e-3


def test_a_member_that_is_traced_anew_changes_the_program_of_all():
    models = []

    def member():
        models.append(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
        model = models[-1]
        return lambda x: model(x).mean()

    population = gw.Population(member, [{}, {}], seeds=[0, 1])
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype(np.float32)
    population.scan(x)
    for model in models:
        model[1] = nn.Sigmoid()
    got = population.scan(x).numpy()
    want = [[model(gw.tensor(batch)).mean().item() for batch in x] for model in models]
    np.testing.assert_allclose(got, want, rtol=1e-5)
