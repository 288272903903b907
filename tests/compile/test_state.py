"""Where the state of a step comes from, where it goes, and that nothing else changes."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.nn import functional as F

from .test_tracing import Training, batch


def snapshot(t):
    return {**{k: v.numpy() for k, v in t.model.state_dict().items()}}, t.opt.state_dict()


# --- donated buffers --------------------------------------------------------------------------------------------------
def test_copies_taken_before_a_step_stay_as_they_were():
    t = Training()
    step = gw.compile(t.step)
    step(*batch())
    step(*batch())
    weight = t.model[0].weight
    kept = [weight.detach(), weight.data, weight.clone(), t.model.state_dict()["0.weight"], gw.tensor(weight),
            nn.Parameter(weight.detach()), gw.as_tensor(weight.detach()), weight.detach().T.T]  # fmt: skip
    arrays = [weight.detach().numpy(), np.asarray(weight.detach())]
    saved = t.opt.state_dict()
    buffer = saved["state"][0]["momentum_buffer"].numpy()
    before = arrays[0].copy()
    for i in range(3):
        step(*batch(seed=i))
    for copy in kept:
        np.testing.assert_array_equal(copy.detach().numpy(), before)
    for array in arrays:
        np.testing.assert_array_equal(array, before)
    np.testing.assert_array_equal(saved["state"][0]["momentum_buffer"].numpy(), buffer)
    assert (weight.detach().numpy() != before).any()


def test_what_a_step_returned_stays_as_it_was():
    model = nn.Linear(2, 1)
    opt = optim.SGD(model.parameters(), lr=0.1)

    @gw.compile
    def step(x):
        opt.zero_grad()
        loss = model(x).sum()
        loss.backward()
        opt.step()
        return {"loss": loss, "weight": model.weight, "pair": (model.bias, [loss * 2])}

    first = step(gw.ones(1, 2))
    values = [first["loss"].item(), first["weight"].detach().numpy(), first["pair"][0].detach().numpy()]
    step(gw.ones(1, 2))
    step(gw.ones(1, 2))
    assert first["loss"].item() == values[0]
    np.testing.assert_array_equal(first["weight"].detach().numpy(), values[1])
    np.testing.assert_array_equal(first["pair"][0].detach().numpy(), values[2])
    assert first["pair"][1][0].item() == pytest.approx(2 * values[0])
    assert (model.weight.detach().numpy() != values[1]).all()


def test_arguments_are_not_donated():
    t = Training()
    step = gw.compile(t.step)
    x, y = (gw.tensor(a) for a in batch())
    out = gw.compile(lambda a: a * 2)(x)  # lies on the device
    for _ in range(3):
        step(out, y)
    np.testing.assert_array_equal(out.numpy(), 2 * x.numpy())


def test_a_gradient_held_from_outside_stays_as_it_was():
    model = nn.Linear(2, 1)
    step = gw.compile(lambda x: model(x).sum().backward())
    step(gw.ones(1, 2))
    held = model.weight.grad
    step(gw.ones(1, 2))
    np.testing.assert_array_equal(held.numpy(), [[1, 1]])


@pytest.mark.parametrize("how", ["data", "Parameter"])
def test_a_parameter_made_of_another_is_a_copy(how):
    a, b = Training(), Training(1)
    step = gw.compile(a.step)
    step(*batch())
    if how == "data":
        b.model[0].weight.data = a.model[0].weight
    else:
        b.model[0].weight = nn.Parameter(a.model[0].weight)
    before = np.array(a.model[0].weight._array)  # detach() would take the weight from the device, and all be well
    step(*batch())
    np.testing.assert_array_equal(b.model[0].weight.detach().numpy(), before)


# --- eager code between compiled steps --------------------------------------------------------------------------------
def test_eager_work_between_compiled_steps_changes_nothing():
    plain, mixed = Training(), Training()
    gw.manual_seed(1)
    a = gw.compile(plain.step)
    losses = [a(*batch(seed=i)).item() for i in range(6)]
    gw.manual_seed(1)
    b = gw.compile(mixed.step)
    others = []
    for i in range(6):
        others.append(b(*batch(seed=i)).item())
        mixed.model.eval()
        with gw.no_grad():
            mixed.model(gw.tensor(batch(20)[0])).argmax(dim=1)
        mixed.model.train()
        mixed.model.state_dict()
        mixed.opt.state_dict()
        repr(mixed.model[0].weight)
    assert others == losses
    assert b.traces == 1


def test_eager_and_compiled_steps_may_alternate():
    eager, mixed = Training(), Training()
    step = gw.compile(mixed.step)
    gw.manual_seed(1)
    expected = [eager.step(*(gw.tensor(a) for a in batch(seed=i))).item() for i in range(6)]
    gw.manual_seed(1)
    found = [(step if i % 2 else mixed.step)(*(gw.tensor(a) for a in batch(seed=i))).item() for i in range(6)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_weights_changed_between_steps_are_used():
    t = Training(dropout=0.0, lr=0.0)
    step = gw.compile(t.step)
    x, y = batch()
    step(x, y)
    with gw.no_grad():
        t.model[4].weight *= 0
        t.model[4].bias -= t.model[4].bias
    assert step(x, y).item() == pytest.approx(np.log(3))
    t.model.load_state_dict({k: v * 0 for k, v in t.model.state_dict().items()})
    assert step(x, y).item() == pytest.approx(np.log(3))
    assert step.traces == 1


# --- a step that fails ------------------------------------------------------------------------------------------------
def test_the_state_is_put_back_when_tracing_fails():
    t = Training()
    t.opt.zero_grad()
    (t.model(gw.tensor(batch()[0])) ** 2).sum().backward()
    before = snapshot(t)
    grads = [p.grad for p in t.model.parameters()]
    draws = gw.current_generator().get_state()

    def broken(x, y):
        t.step(x, y)
        raise KeyError("planted")

    with pytest.raises(KeyError, match="planted"):
        gw.compile(broken)(*batch())
    after = snapshot(t)
    for key, value in before[0].items():
        np.testing.assert_array_equal(after[0][key], value)
    assert after[1]["param_groups"] == before[1]["param_groups"]
    assert after[1]["state"][0]["step"] == 0
    buffer = t.opt.state[next(iter(t.model.parameters()))]["momentum_buffer"]
    np.testing.assert_array_equal(buffer.numpy(), np.zeros((6, 4)))
    assert all(a is p.grad for a, p in zip(grads, t.model.parameters(), strict=True))
    assert gw.current_generator().get_state() == draws
    assert t.step(*(gw.tensor(a) for a in batch())).item() > 0
    assert gw.compile(t.step)(*batch()).item() > 0


# --- gradients that outlive the step ----------------------------------------------------------------------------------
def test_gradient_accumulation_leaves_the_gradients_of_the_eager_loop():
    def train(compiled):
        gw.manual_seed(0)
        model = nn.Linear(4, 3)
        opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def micro(x, y):
            loss = F.cross_entropy(model(x), y) / 3
            loss.backward()
            return loss

        run = gw.compile(micro) if compiled else micro
        seen = []
        for i in range(9):
            run(*(gw.tensor(a) for a in batch(seed=i)))
            seen.append(model.weight.grad.numpy())
            if i % 3 == 2:
                opt.step()
                opt.zero_grad()
        if compiled:
            assert run.traces == 2, "one for the first micro-batch, one for those that add to it"
        return [*seen, model.weight.detach().numpy()]

    for eager, compiled in zip(train(False), train(True), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1.3e-6, atol=1e-6)


def test_scan_refuses_gradients_that_pile_up():
    model = nn.Linear(4, 3)
    step = gw.compile(lambda x: model(x).sum().backward())
    with pytest.raises(gw.errors.CompileError, match="zero_grad"):
        step.scan(np.ones((2, 8, 4), np.float32))


def test_gradients_an_optimizer_used_do_not_leave_and_others_do():
    a, b = nn.Linear(2, 1), nn.Linear(2, 1)
    opt = optim.SGD(a.parameters(), lr=0.1)

    @gw.compile
    def step(x):
        opt.zero_grad()
        b.zero_grad()
        (a(x) * b(x)).sum().backward()
        opt.step()

    step(gw.ones(1, 2))
    assert a.weight.grad is None
    assert b.weight.grad is not None
    step(gw.ones(1, 2))
    assert b.weight.grad.shape == (1, 2)


# --- where state may lie ----------------------------------------------------------------------------------------------
def test_unused_and_frozen_parameters_are_left_alone():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].requires_grad_(False)
    opt = optim.Adam(model.parameters(), lr=0.1)
    before = {k: v.numpy() for k, v in model.state_dict().items()}

    @gw.compile
    def step(x):
        opt.zero_grad()
        loss = (model[1](model[0](x)) ** 2).sum()
        loss.backward()
        opt.step()
        return loss

    for _ in range(3):
        step(gw.ones(3, 2))
    after = model.state_dict()
    for key, value in before.items():
        assert (after[key].numpy() != value).any() == key.startswith("0."), key
    assert [s["step"] for s in opt.state_dict()["state"].values()] == [3, 3, 0, 0, 0, 0]


class Deep:
    def __init__(self):
        self.parts = {"nets": [nn.Linear(2, 2), (nn.Linear(2, 1),)]}
        self.opt = optim.SGD([p for net in self.nets for p in net.parameters()], lr=0.1)

    @property
    def nets(self):
        return [self.parts["nets"][0], self.parts["nets"][1][0]]

    def step(self, x):
        self.opt.zero_grad()
        loss = (self.nets[1](self.nets[0](x)) ** 2).mean()
        loss.backward()
        self.opt.step()
        return loss


def closure_step():
    deep = Deep()

    def helper(x):
        return deep.step(x)

    return deep, lambda x: helper(x)


def default_step():
    deep = Deep()

    def step(x, deep=deep):
        return deep.step(x)

    return deep, lambda x: step(x)


GLOBAL = Deep()


def global_step(x):
    losses = [GLOBAL.step(x) for _ in range(1)]
    return losses[0]


class Callable_:
    def __init__(self):
        self.deep = Deep()

    def __call__(self, x):
        return self.deep.step(x)


def callable_step():
    step = Callable_()
    return step.deep, step


def method_step():
    deep = Deep()
    return deep, deep.step


def module_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.list_of = [Deep()]

        def step(self, x):
            return self.list_of[0].step(x)

    net = Net()
    return net.list_of[0], net.step


MAKERS = [closure_step, default_step, lambda: (GLOBAL, global_step), callable_step, method_step, module_step]


@pytest.mark.parametrize("make", MAKERS, ids=["closure", "default", "global", "callable", "method", "module"])
def test_state_is_found_wherever_python_keeps_it(make):
    deep, function = make()
    step = gw.compile(function)
    losses = [step(gw.ones(3, 2)).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert step.traces == 1
    assert isinstance(deep.nets[0].weight._array.shape, tuple)


def test_state_that_is_hidden_may_be_named():
    class Slots:
        __slots__ = ("deep",)

    hidden = Slots()
    hidden.deep = Deep()
    step = gw.compile(lambda x: hidden.deep.step(x), state=[hidden.deep])
    assert step(gw.ones(3, 2)).item() > step(gw.ones(3, 2)).item()


def test_arithmetic_on_ones_own_tensors():
    w = gw.tensor([1.0, 2.0], requires_grad=True)
    total = gw.zeros(())

    @gw.compile
    def step(x):
        w.grad = None
        loss = ((w - x) ** 2).sum()
        loss.backward()
        with gw.no_grad():
            w.data -= 0.25 * w.grad
            total.add_(loss)
        return loss

    values = [step(gw.zeros(2)).item() for _ in range(3)]
    np.testing.assert_allclose(values, [5, 1.25, 0.3125])
    np.testing.assert_allclose(w.detach().numpy(), [0.125, 0.25])
    assert total.item() == pytest.approx(sum(values))
    assert step.traces == 2, "the first call finds no gradient, the later ones do"


def test_a_buffer_assigned_in_the_step():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", gw.zeros(2))

        def forward(self, x):
            with gw.no_grad():
                self.mean = 0.5 * self.mean + 0.5 * x.mean(0)
            return x - self.mean

    eager, compiled = Mean(), Mean()
    step = gw.compile(lambda x: compiled(x))
    batches = [gw.full((4, 2), float(i)) for i in range(3)]
    expected = [eager(x).numpy() for x in batches]
    for x, y in zip(batches, expected, strict=True):
        np.testing.assert_array_equal(step(x).numpy(), y)
    np.testing.assert_array_equal(compiled.mean.numpy(), eager.mean.numpy())
    assert step.traces == 1


def test_a_named_tuple_comes_back():
    Pair = collections.namedtuple("Pair", "a b")
    out = gw.compile(lambda x: Pair(x, x * 2))(gw.ones(1))
    assert out.b.item() == 2


def test_a_constant_may_be_indexed_by_an_argument():
    step = gw.compile(lambda i: gw.tensor([1.0, 2.0, 3.0])[i])
    np.testing.assert_array_equal(step(gw.tensor([2, 0])).numpy(), [3, 1])


def test_momentum_switched_on_gets_its_buffer():
    t = Training(momentum=0, dropout=0.0)
    e = Training(momentum=0, dropout=0.0)
    step = gw.compile(t.step)
    for i, momentum in enumerate([0, 0.9, 0.9, 0.9]):
        t.opt.param_groups[0]["momentum"] = e.opt.param_groups[0]["momentum"] = momentum
        loss = step(*batch(seed=i)).item()
        assert loss == pytest.approx(e.step(*(gw.tensor(a) for a in batch(seed=i))).item(), rel=1e-5)


def test_converting_the_model_after_the_optimizer_was_made():
    t = Training(dropout=0.0)
    t.model.double()
    step = gw.compile(t.step)
    x, y = batch()
    losses = [step(x.astype(np.float64), y).item() for _ in range(4)]
    assert losses[-1] < losses[0]
