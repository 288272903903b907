"""Hyperparameters that a schedule changes from step to step, inside a compiled step and inside a scan."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.engine.state import Stateful
from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError

STEPS = 6


class Rule(Stateful):
    """Sets one hyperparameter by a rule of the step count; any Python will do."""

    def __init__(self, optimizer, key, rule):
        self.optimizer, self.key, self.rule, self.count = optimizer, key, rule, 0
        self.put()

    def put(self):
        self.optimizer.param_groups[0][self.key] = self.rule(self.count)

    def step(self):
        if trace_now.trace is not None:
            trace_now.trace.after_step(self)
            return
        self.count += 1
        self.put()

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]

    def lift_into(self, lift, path):
        lift.visit(f"{path}.optimizer", self.optimizer)


def make(rate=0.1, key="lr", rule=None, **options):
    model = nn.Linear(3, 1)
    opt = optim.SGD(model.parameters(), lr=rate, **options)
    schedule = Rule(opt, key, rule or (lambda t: rate / (1 + t)))

    def step(x, y):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        opt.step()
        schedule.step()
        return loss

    step.model, step.schedule = model, schedule
    return step


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS, 8, 3)).astype("float32")
    return x, x.sum(2, keepdims=True)


def eagerly(step, x, y):
    return np.array([step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)])


def fresh(**options):
    gw.manual_seed(3)
    return make(**options)


WAYS = {
    "falling": {},
    "a decay that begins at 0": {"key": "weight_decay", "rule": lambda t: 0.3 * (t >= 3)},
    "momentum that goes through 0": {"key": "momentum", "rule": lambda t: 0.9 * (t != 3), "momentum": 0.9},
    "momentum that begins at 0": {"key": "momentum", "rule": lambda t: 0.9 * (t >= 2)},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_a_scan_sees_each_steps_own_number(options):
    x, y = data()
    eager = fresh(**options)
    want = eagerly(eager, x, y)
    plain = fresh(**options)
    compiled = gw.compile(plain)
    got = compiled.scan(x, y).numpy()
    np.testing.assert_allclose(got, want, rtol=2e-6)
    np.testing.assert_allclose(plain.model.weight.detach(), eager.model.weight.detach(), rtol=2e-6, atol=1e-7)
    assert plain.schedule.count == STEPS
    assert plain.schedule.optimizer.param_groups[0] == {
        **eager.schedule.optimizer.param_groups[0], "params": plain.schedule.optimizer.param_groups[0]["params"]
    }  # fmt: skip
    constant = fresh(rule=lambda t: 0.1) if not options else fresh(rate=0.1, key=options["key"], rule=lambda t: 0.0)
    assert np.abs(eagerly(constant, x, y) - want).max() > 1e-3, "the schedule makes a difference"


def test_single_calls_and_scans_go_on_from_each_other_with_one_trace():
    x, y = data()
    want = eagerly(fresh(), x, y)
    plain = fresh()
    compiled = gw.compile(plain)
    got = [compiled(x[0], y[0]).item(), *compiled.scan(x[1:4], y[1:4]).numpy(), compiled(x[4], y[4]).item()]
    np.testing.assert_allclose(got, want[:5], rtol=2e-6)
    assert (compiled.traces, plain.schedule.count) == (1, 5)


def test_each_member_of_a_population_has_its_own_schedule():
    x, y = data()
    rules = [lambda t: 0.1 / (1 + t), lambda t: 0.05 * (t % 2)]
    alone = [eagerly(fresh(rule=rule), x, y) for rule in rules]
    population = gw.Population(lambda rule: make(rule=rule), [{"rule": r} for r in rules], seeds=[3, 3])
    got = population.scan(x, y).numpy()
    np.testing.assert_allclose(got, alone, rtol=2e-6)
    again = population.scan(x, y).numpy()
    assert (again != got).any(), "the second scan goes on"
    assert all(step.traces == 1 for step in population.steps)


def test_preparing_a_scan_moves_no_schedule():
    x, y = data()
    plain = fresh()
    compiled = gw.compile(plain)
    compiled.prepare_scan(x, y)
    assert plain.schedule.count == 0
    np.testing.assert_allclose(compiled.scan(x, y).numpy(), eagerly(fresh(), x, y), rtol=2e-6)


def test_labels_out_of_range_move_no_schedule():
    model = nn.Linear(3, 2)
    opt = optim.SGD(model.parameters(), lr=0.1)
    schedule = Rule(opt, "lr", lambda t: 0.1 / (1 + t))

    @gw.compile
    def step(x, y):
        opt.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        opt.step()
        schedule.step()

    with pytest.raises(gw.errors.IndexOutOfRangeError):
        step.scan(np.zeros((4, 5, 3), "float32"), np.full((4, 5), 7))
    assert schedule.count == 0


def test_a_schedule_of_something_that_is_no_number_is_refused_and_goes_back():
    x, y = data()
    plain = fresh(key="maximize", rule=lambda t: t > 2)
    with pytest.raises(CompileError, match="maximize"):
        gw.compile(plain).scan(x, y)
    assert plain.schedule.count == 0


class _Ending(Rule):
    """A schedule that is over after four steps, as OneCycleLR is after its last."""

    def step(self):
        if trace_now.trace is None and self.count == 4:
            raise CompileError("over")
        super().step()


@pytest.mark.parametrize("together", [False, True])
def test_a_schedule_that_ends_on_the_way_is_where_it_was(monkeypatch, together):
    monkeypatch.setitem(globals(), "Rule", _Ending)
    x, y = data()
    gw.manual_seed(3)
    if together:
        population = gw.Population(lambda rate: _shown(make(rate)), [{"rate": 0.1}, {"rate": 0.2}], seeds=[0, 1])
        schedules, run = [s.function.schedule for s in population.steps], population.scan
    else:
        plain = make()
        schedules, run = [plain.schedule], gw.compile(plain).scan
    before = [s.optimizer.param_groups[0]["lr"] for s in schedules]
    with pytest.raises(CompileError, match="over"):
        run(x, y)
    assert [s.count for s in schedules] == [0] * len(schedules)
    assert [s.optimizer.param_groups[0]["lr"] for s in schedules] == before
    assert run(x[:3], y[:3]).shape[-1] == 3


def _shown(step):
    return step
