"""When a step is traced, and when it is not."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim


class Training:
    """A small network with everything that has state, a step on it, and how often Python ran the step."""

    def __init__(self, seed=0, dropout=0.2, **options):
        gw.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(dropout), nn.Linear(6, 3))
        self.criterion = nn.CrossEntropyLoss()
        self.opt = optim.SGD(self.model.parameters(), **{"lr": 0.1, "momentum": 0.9, **options})
        self.runs = 0

    def step(self, x, y):
        self.runs += 1
        self.opt.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.opt.step()
        return loss


def batch(n=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, 3, n)


def test_one_trace_for_each_shape():
    t = Training()
    step = gw.compile(t.step)
    for i in range(4):
        step(*batch(seed=i))
    assert (step.traces, t.runs) == (1, 1)
    step(*batch(5))
    assert (step.traces, t.runs) == (2, 2)
    step(*batch(8))
    step(*batch(5))
    assert (step.traces, t.runs) == (2, 2)


def test_another_dtype_is_another_shape():
    t = Training()
    step = gw.compile(t.step)
    x, y = batch()
    step(x, y)
    step(x, y.astype(np.int32))
    assert step.traces == 2


def test_training_and_evaluation_are_two_programs_that_are_kept():
    t = Training()
    runs = []

    def forward(x):
        runs.append(t.model.training)
        return t.model(x)

    step = gw.compile(forward)
    x = gw.tensor(batch()[0])
    for training in (True, False, True, False):
        t.model.train(training)
        step(x)
    assert step.traces == 2
    assert runs == [True, False]
    t.model[3].eval()
    np.testing.assert_allclose(step(x).detach().numpy(), t.model(x).detach().numpy(), rtol=1e-4, atol=1e-5)
    assert step.traces == 2


def test_numbers_never_need_a_new_trace():
    t = Training(weight_decay=0.01)
    step = gw.compile(t.step)
    group = t.opt.param_groups[0]
    for lr, momentum, decay, rate, bn in [
        (0.1, 0.9, 0.01, 0.2, 0.1),
        (0.01, 0.5, 0.1, 0.7, 0.3),
        (0.0, 0.8, 0.2, 0.1, 0.2),
    ]:
        group.update(lr=lr, momentum=momentum, weight_decay=decay)
        t.model[3].p, t.model[1].momentum = rate, bn
        before = t.model[0].weight.detach().numpy()
        step(*batch())
        moved = np.abs(t.model[0].weight.detach().numpy() - before).max()
        assert (moved > 0) == (lr > 0)
    assert step.traces == t.runs == 1


def test_switching_a_number_off_is_one_new_trace_and_switching_back_none():
    t = Training(weight_decay=0.01)
    step = gw.compile(t.step)
    for decay in (0.01, 0, 0.01, 0, 0.3):
        t.opt.param_groups[0]["weight_decay"] = decay
        step(*batch())
    assert step.traces == 2


def test_float_arguments_are_read_anew_without_a_trace_and_integers_choose_the_program():
    runs = []

    @gw.compile
    def step(x, scale, power):
        runs.append(1)
        return (x * scale) ** power

    x = gw.tensor([1.0, 2.0])
    for scale in (1.0, 2.5, -3.0):
        np.testing.assert_allclose(step(x, scale, 2).numpy(), (np.array([1, 2]) * scale) ** 2)
    assert len(runs) == 1
    assert step(x, 1.0, power=3).numpy()[1] == 8
    assert step(x, 2.0, 3).dtype == np.float32
    assert len(runs) == 3


def test_scan_traces_once_and_shares_the_trace_of_the_step():
    t = Training()
    step = gw.compile(t.step)
    xs, ys = batch(24)
    step.scan(xs.reshape(3, 8, 4), ys.reshape(3, 8))
    step.scan(xs.reshape(3, 8, 4), ys.reshape(3, 8))
    step(xs[:8], ys[:8])
    step.scan(xs, ys, order=np.arange(16).reshape(2, 8))
    assert step.traces == t.runs == 1


def test_a_new_layer_is_found():
    model = nn.Sequential(nn.Linear(2, 2))
    step = gw.compile(lambda x: model(x))
    x = gw.ones(1, 2)
    assert step(x).shape == (1, 2)
    model.append(nn.Linear(2, 5))
    assert step(x).shape == (1, 5)
    assert step.traces == 2


def test_freezing_is_a_new_trace_and_trains_the_rest():
    t = Training()
    step = gw.compile(t.step)
    step(*batch())
    t.model[0].requires_grad_(False)
    before = {k: v.numpy() for k, v in t.model.state_dict().items()}
    step(*batch())
    after = t.model.state_dict()
    np.testing.assert_array_equal(after["0.weight"].numpy(), before["0.weight"])
    assert (after["4.weight"].numpy() != before["4.weight"]).any()
    assert step.traces == 2


@pytest.mark.parametrize(("first", "second"), [(1, True), (0, False)])
def test_one_and_true_are_two_programs(first, second):
    step = gw.compile(lambda x, flag: x * (2.0 if isinstance(flag, bool) else 5.0))
    assert step(gw.ones(1), first).item() == 5
    assert step(gw.ones(1), second).item() == 2


@pytest.mark.parametrize("number", [np.float32, np.int64], ids=["np.float32", "np.int64"])
def test_a_learning_rate_of_another_type_is_not_frozen(number):
    t = Training()
    t.opt.param_groups[0]["lr"] = number(1)
    step = gw.compile(t.step)
    step(*batch())
    t.opt.param_groups[0]["lr"] = number(0)
    before = t.model[0].weight.detach().numpy()
    step(*batch())
    np.testing.assert_array_equal(t.model[0].weight.detach().numpy(), before)


def test_a_flag_of_the_optimizer_is_not_frozen():
    t = Training(momentum=0, dropout=0.0)
    step = gw.compile(t.step)
    losses = [step(*batch()).item() for _ in range(5)]
    t.opt.param_groups[0]["maximize"] = True
    losses += [step(*batch()).item() for _ in range(5)]
    assert losses[-1] > losses[5]


def test_an_object_that_holds_another_model_is_looked_at_again():
    class Holder:
        pass

    holder, models = Holder(), [nn.Linear(2, 1), nn.Linear(2, 1)]
    holder.model = models[0]
    step = gw.compile(lambda x: holder.model(x))
    x = gw.ones(1, 2)
    step(x)
    holder.model = models[1]
    assert step(x).item() == pytest.approx(models[1](x).item())


def test_a_step_that_is_named_like_a_method_it_calls_is_not_state_of_its_own():
    model = nn.Linear(2, 1)
    opt = gw.optim.SGD(model.parameters(), lr=0.1)

    def body(x):
        opt.zero_grad()
        loss = model(x).sum()
        loss.backward()
        opt.step()  # the name `step` stands among the globals too
        return loss

    body.__globals__["step"] = step = gw.compile(body)
    try:
        step(gw.ones(1, 2))
        before = step.lifted()
        for _ in range(3):
            step(gw.ones(1, 2))
        assert step.lifted() is before
        assert step.traces == 1
    finally:
        del body.__globals__["step"]


def test_another_network_beside_it_needs_no_new_trace():
    model = nn.Linear(2, 1)
    others = []

    @gw.compile
    def step(x):
        return model(x).sum()

    for _ in range(3):
        step(np.ones((4, 2), np.float32))
        others.append(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
        optim.Adam(others[-1].parameters())
        others[-1].append(nn.ReLU())
    assert step.traces == 1


def test_a_part_that_is_added_to_a_list_or_to_a_network_is_found():
    layers, net = [nn.Linear(2, 2)], nn.Sequential(nn.Linear(2, 2))

    @gw.compile
    def step(x):
        for layer in layers:
            x = layer(x)
        return net(x)

    x = np.ones((1, 2), np.float32)
    assert step(x).shape == (1, 2)
    layers.append(nn.Linear(2, 3))
    net[0] = nn.Linear(3, 5)
    got = step(x)
    assert got.shape == (1, 5)
    np.testing.assert_allclose(got.numpy(), net(layers[1](layers[0](gw.tensor(x)))).detach().numpy(), rtol=1e-5)
    assert step.traces == 2
