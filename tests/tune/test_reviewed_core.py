"""Where members of a population could be given another's constants, or lose their own state, in silence."""

from __future__ import annotations

import _thread
import functools
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim, train, tune
from gradwright.engine.random import Generator, use_generator
from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler import ExponentialLR, StepLR
from gradwright.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from gradwright.tune.cohort import Cohort
from gradwright.tune.groups import Groups
from gradwright.tune.layout import Layout
from gradwright.tune.runner import Runner

_random = np.random.default_rng(0)
X = _random.normal(size=(53, 4)).astype(np.float32)
Y = (X[:, :2].sum(1) > 0).astype(np.int64)
PARTS = (X[:40], Y[:40]), (X[40:], Y[40:])

Change = Callable[[nn.Module], Any]


class Net(nn.Module):
    def __init__(self, change: Change | None = None) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        if change is not None:
            change(self)

    def forward(self, x: gw.Tensor) -> gw.Tensor:
        return self.c(self.b(self.a(x)).tanh())


def trainer(
    change: Change | None = None, criterion: nn.Module | None = None, over: Any = None, lr: float = 0.1, **more: Any
) -> train.Trainer:
    model = Net(change)
    optimizer = optim.SGD(model.parameters() if over is None else over(model), lr=lr)
    schedule = more.pop("schedule", None)
    scheduler = None if schedule is None else schedule(optimizer)
    return train.Trainer(model, criterion or nn.CrossEntropyLoss(), optimizer, scheduler=scheduler, **more)


def runner(made: train.Trainer, number: int = 0, epochs: int = 4, patience: int | None = None) -> Runner:
    rows, held = np.arange(40), np.arange(13)
    rule = train.EarlyStopping(patience=patience)
    return Runner(number, made, Generator(number), rows, held, epochs, 16, rule)


def alike(build: Callable[[Any], train.Trainer], one: Any, other: Any) -> bool:
    keys = []
    for value in (one, other):
        generator = Generator(0)
        with use_generator(generator):
            keys.append(runner(build(value)))
    return bool(keys[0].key() == keys[1].key())


# --- which members share a program ------------------------------------------------------------------------------------
def has(value: Any, name: str = "kept") -> Change:
    return lambda model: setattr(model, name, value)


def strength(model: nn.Module, k: Any = 1.0) -> Any:
    return model.a.weight.sum() * k


def times(k: Any) -> Any:
    return lambda model: model.a.weight.sum() * k


def nested(inner: Any) -> Any:
    return lambda model: inner(model)


@dataclass(frozen=True, slots=True)
class Slotted:
    k: float

    def __call__(self, model: nn.Module) -> Any:
        return strength(model, self.k)


def hooked(k: float) -> Change:
    return lambda model: model.a.register_forward_hook(lambda module, inputs, output: output * k)


def ordered(names: str) -> Change:
    return lambda model: setattr(model, "order", [getattr(model, name) for name in names])


def tied(name: str) -> Change:
    def change(model: nn.Module) -> None:
        model.d = nn.Linear(4, 4)
        model.d.weight = getattr(model, name).weight

    return change


def of_model(value: Any) -> train.Trainer:
    return trainer(value)


def of_penalty(value: Any) -> train.Trainer:
    return trainer(penalty=value)


def of_rates(value: tuple[str, str]) -> train.Trainer:
    def groups(model: nn.Module) -> list[dict[str, Any]]:
        return [
            {"params": [getattr(model, name).weight], "lr": lr} for name, lr in zip(value, (0.1, 0.01), strict=True)
        ]

    return trainer(over=groups)


part = functools.partial
DIFFERENT: dict[str, tuple[Any, Any, Any]] = {
    "an array": (of_model, has(np.ones(3)), has(np.zeros(3))),
    "a list in a private attribute": (of_model, has([0.1], "_kept"), has([0.2], "_kept")),
    "arrays in a dict": (of_model, has({"a": np.ones(2)}), has({"a": np.zeros(2)})),
    "a private tensor": (of_model, has(gw.ones(2), "_kept"), has(gw.zeros(2), "_kept")),
    "a range": (of_model, has(range(2)), has(range(3))),
    "a function's closure": (of_model, has(times(0.1)), has(times(0.2))),
    "a partial function": (of_model, has(part(strength, k=0.1)), has(part(strength, k=0.2))),
    "an operation": (of_model, has(gw.tanh), has(gw.exp)),
    "a hook's closure": (of_model, hooked(0.1), hooked(0.2)),
    "the order of parts": (of_model, ordered("ab"), ordered("ba")),
    "what a weight is tied to": (of_model, tied("a"), tied("b")),
    "a NumPy number in a closure": (of_penalty, times(np.int64(1)), times(np.int64(2))),
    "an array in a closure": (of_penalty, times(np.ones((4, 4))), times(np.zeros((4, 4)))),
    "1 and True": (of_penalty, times(1), times(True)),
    "a class in a closure": (of_penalty, nested(part(strength, k=nn.ReLU)), nested(part(strength, k=nn.Tanh))),
    "a partial penalty": (of_penalty, part(strength, k=0.1), part(strength, k=0.2)),
    "a penalty with slots": (of_penalty, Slotted(0.1), Slotted(0.2)),
    "which weights have which rate": (of_rates, "ab", "ba"),
    "which weights are trained": (lambda v: trainer(over=lambda m: getattr(m, v).parameters()), "a", "b"),
    "accumulation": (lambda v: trainer(accumulate=v), 2, 4),
    "precision": (lambda v: trainer(precision=v), "float32", "bfloat16"),
    "a setting that is no number": (
        lambda v: trainer(augment=gw.augment.RandomErasing(value=v)), 0.0, "random",
    ),
}  # fmt: skip

ALIKE: dict[str, tuple[Any, Any, Any]] = {
    "rate": (lambda v: trainer(lr=v), 0.1, 0.2),
    "equal arrays": (of_model, has(np.ones(3)), has(np.ones(3))),
    "equal functions": (of_penalty, times(0.1), times(0.1)),
    "equal hooks": (of_model, hooked(0.1), hooked(0.1)),
    "buffers": (of_model, has(gw.ones(2)), has(gw.zeros(2))),
    "smoothing": (lambda v: trainer(criterion=nn.CrossEntropyLoss(label_smoothing=v)), 0.0, 0.1),
    "a bound": (lambda v: trainer(clip_norm=v), 1.0, 2.0),
    "schedules": (
        lambda v: trainer(lr=0.1 * v, schedule=lambda o: StepLR(o, v) if v > 1 else ExponentialLR(o, 0.5)), 1, 2,
    ),
    "an average's decay": (
        lambda v: averaged(v), 0.5, 0.9,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENT)
def test_steps_that_compute_different_things_are_not_alike(name: str) -> None:
    build, one, other = DIFFERENT[name]
    assert not alike(build, one, other)
    assert alike(build, one, one)


@pytest.mark.parametrize("name", ALIKE)
def test_steps_that_differ_in_numbers_are_alike(name: str) -> None:
    assert alike(*ALIKE[name])


# --- equal to alone ---------------------------------------------------------------------------------------------------
def averaged(decay: float) -> train.Trainer:
    model = Net()
    return train.Trainer(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1),
        average=AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)),
    )  # fmt: skip


def smoothed(smoothing: float, slope: float) -> train.Trainer:
    model = nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU(slope), nn.Linear(4, 2))
    criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)
    return train.Trainer(model, criterion, optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize(
    ("build", "settings"),
    [
        # what is 0 for the first member, on which programs are traced, is not 0 for the second
        (smoothed, [{"smoothing": 0.0, "slope": 0.0}, {"smoothing": 0.3, "slope": 0.5}]),
        (averaged, [{"decay": 0.5}, {"decay": 0.9}]),
    ],
    ids=["numbers that judging reads", "averages"],
)
def test_members_equal_their_trainers(build: Callable[..., train.Trainer], settings: list[dict[str, float]]) -> None:
    population = tune.Population(build, settings)
    histories = population.fit(*PARTS, epochs=3, batch_size=16, layout=Layout(2, 1))
    assert len(population.groups) == 1
    for i, parameters in enumerate(settings):
        gw.manual_seed(0)
        alone = build(**parameters)
        rows = alone.fit(*PARTS, epochs=3, batch_size=16).rows
        for mine, theirs in zip(histories[i], rows, strict=True):
            assert all(mine[name] == pytest.approx(theirs[name], abs=2e-6) for name in theirs if name != "seconds")
        for key, weights in alone.model.state_dict().items():
            theirs = population.trainers[i].model.state_dict()[key].numpy()
            np.testing.assert_allclose(theirs, weights.numpy(), atol=4e-6, err_msg=key)


# --- state ------------------------------------------------------------------------------------------------------------
def groups_of(count: int, layout: Layout, epochs: int = 4) -> Groups:
    runners = []
    for i in range(count):
        generator = Generator(i)
        with use_generator(generator):
            runners.append(runner(trainer(lr=0.1 * (i + 1)), i, epochs))
    return Groups(runners, *PARTS, layout=layout)


def test_best_weights_between_rungs_do_not_become_the_running_ones() -> None:
    """Validated by wrong labels, the first epoch is the best."""
    found = []
    for rungs in ([2, None], [None]):
        generator = Generator(0)
        with use_generator(generator):
            one = runner(trainer())
        groups = Groups([one], PARTS[0], (X[40:], 1 - Y[40:]), layout=Layout(1, 1))
        for until in rungs:
            groups.run(until)
            groups.settle()
        found.append([row["train_loss"] for row in one.history])
        assert one.best_epoch == 1
    assert found[0] == found[1]


def raises() -> None:
    raise KeyError("no room")


@pytest.mark.parametrize(("what", "comes"), [(raises, KeyError), (_thread.interrupt_main, KeyboardInterrupt)])
def test_members_go_on_after_an_error_in_a_callback_or_an_interrupt(
    what: Callable[[], None], comes: type[BaseException]
) -> None:
    layout = Layout(2, 1)
    whole, broken = groups_of(3, layout, epochs=50), groups_of(3, layout, epochs=50)
    whole.run()

    def told(one: Runner) -> None:
        if one.number == 0 and one.epoch == 2:
            what()
            time.sleep(0.5)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process that tests run in may ignore it
    try:
        with pytest.raises(comes):
            broken.run(None, told)
    finally:
        signal.signal(signal.SIGINT, before)
    assert all(r.problem is None and not r.stopped for r in broken.runners)
    broken.run()
    for mine, theirs in zip(broken.runners, whole.runners, strict=True):
        assert [row["train_loss"] for row in mine.history] == [row["train_loss"] for row in theirs.history]


def test_members_of_a_shared_order_are_at_the_same_epoch() -> None:
    whole, uneven = groups_of(4, Layout(4, 1, shared=True)), groups_of(4, Layout(4, 1, shared=True))
    whole.run()
    for r in uneven.runners[::2]:
        r.stopped = "for now"
    uneven.run(2)
    for r in uneven.runners:
        r.stopped = ""
    uneven.run()
    for mine, theirs in zip(uneven.runners, whole.runners, strict=True):
        losses = [[row["train_loss"] for row in each.history] for each in (mine, theirs)]
        np.testing.assert_allclose(*losses, rtol=1e-6)


def test_a_number_that_was_0_for_all_is_not_left_out_in_silence() -> None:
    groups = groups_of(1, Layout(1, 1))
    groups.run(1)
    groups.runners[0].trainer.optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(StateError, match="weight_decay was 0 for all members when their program was made"):
        groups.run()


def test_a_model_that_two_members_would_train_is_refused() -> None:
    model = Net()

    def build(lr: float) -> train.Trainer:
        return train.Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=lr))

    population = tune.Population(build, [{"lr": 0.1}, {"lr": 0.2}])
    with pytest.raises(ConfigError, match="members 0 and 1 would both change the same tensor"):
        population.fit(*PARTS, epochs=1)


def test_a_member_that_fails_at_once_keeps_the_weights_it_began_with() -> None:
    population = tune.Population(trainer, [{"lr": 1e30}, {"lr": 0.1}])
    before = {k: v.numpy().copy() for k, v in population.trainers[0].model.state_dict().items()}
    population.fit(*PARTS, epochs=3, batch_size=16, layout=Layout(2, 1))
    assert "stopped being a number" in population.problems[0]
    for key, value in population.trainers[0].model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_callbacks_and_batches_of_one_row_are_refused() -> None:
    with pytest.raises(ConfigError, match="member 0's trainer has callbacks"):
        tune.Population(lambda: trainer(callbacks=[train.Callback()]), [{}])

    def normalised() -> train.Trainer:
        model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
        return train.Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))

    with pytest.raises(ConfigError, match="batches of at least 2 rows"):
        tune.Population(normalised, [{}]).fit(*PARTS, epochs=1, batch_size=1)


def test_memory_is_that_of_validating_where_it_takes_most() -> None:
    runners = [runner(trainer(), i) for i in range(2)]
    for r in runners:
        r.held = np.arange(3000)
    held = (np.repeat(X[:1], 3000, 0), np.repeat(Y[:1], 3000))
    cohort, layout = Cohort(runners, PARTS[0], held), Layout(1, 1)
    steps = cohort.bytes(layout)
    cohort.programs(layout)
    assert cohort.bytes(layout) > steps + 3000 * 4 * 4  # a hidden layer's outputs
    assert cohort.bytes(Layout(2, 1)) > 1.5 * (cohort.bytes(layout) - sum(a.nbytes for a in (*PARTS[0], *held)))
