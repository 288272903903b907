"""Schedules against PyTorch's, 200 steps each and in each other's company; then what PyTorch has not."""

from __future__ import annotations

import copy
import json
import math
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, ConfigError, MissingDependencyError, StateError
from gradwright.optim import lr_scheduler as S

STEPS = 200
RATES = (0.1, 0.023)


class Falling:
    """A function of the step that has a state of its own."""

    def __init__(self, power: float) -> None:
        self.power = power

    def __call__(self, t: int) -> float:
        return (1 + t) ** -self.power


def _mine(rule: str = "SGD", **options: Any) -> Any:
    w, v = gw.zeros(2, requires_grad=True), gw.zeros(3, requires_grad=True)
    groups = [{"params": [w]}, {"params": [v], "lr": RATES[1]}]
    return getattr(optim, rule)(groups, lr=RATES[0], **({"momentum": 0.5} if rule == "SGD" else {}) | options)


def _torchs(rule: str = "SGD", **options: Any) -> Any:
    w, v = torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    groups = [{"params": [w]}, {"params": [v], "lr": RATES[1]}]
    return getattr(torch.optim, rule)(groups, lr=RATES[0], **({"momentum": 0.5} if rule == "SGD" else {}) | options)


class _Torchs:
    """PyTorch's schedules under the same roof; its SWALR lives elsewhere."""

    SWALR = torch.optim.swa_utils.SWALR

    def __getattr__(self, name: str) -> Any:
        return getattr(torch.optim.lr_scheduler, name)


T = _Torchs()

# Each: L is either library's schedules, o an optimizer of that library.
CASES: dict[str, Any] = {
    "StepLR": lambda L, o: L.StepLR(o, 30),
    "StepLR gamma": lambda L, o: L.StepLR(o, 7, gamma=0.9),
    "MultiStepLR": lambda L, o: L.MultiStepLR(o, [80, 30, 30, 150], gamma=0.3),
    "MultiStepLR from 0": lambda L, o: L.MultiStepLR(o, [0, 3], 0.5),
    "ConstantLR": lambda L, o: L.ConstantLR(o, 0.4, 17),
    "ConstantLR default": lambda L, o: L.ConstantLR(o),
    "LinearLR": lambda L, o: L.LinearLR(o, 0.1, 0.7, 120),
    "LinearLR down": lambda L, o: L.LinearLR(o, 1.0, 0.0, 150),
    "LinearLR default": lambda L, o: L.LinearLR(o),
    "ExponentialLR": lambda L, o: L.ExponentialLR(o, 0.97),
    "PolynomialLR": lambda L, o: L.PolynomialLR(o, 150, 2.5),
    "PolynomialLR default": lambda L, o: L.PolynomialLR(o),
    "CosineAnnealingLR": lambda L, o: L.CosineAnnealingLR(o, 60),
    "CosineAnnealingLR eta_min": lambda L, o: L.CosineAnnealingLR(o, 33, eta_min=0.004),
    "CosineAnnealingLR T_max 1": lambda L, o: L.CosineAnnealingLR(o, 1, eta_min=0.004),
    "WarmRestarts": lambda L, o: L.CosineAnnealingWarmRestarts(o, 23),
    "WarmRestarts longer": lambda L, o: L.CosineAnnealingWarmRestarts(o, 11, 2, 0.001),
    "CyclicLR": lambda L, o: L.CyclicLR(o, 0.01, 0.1, 20),
    "CyclicLR down": lambda L, o: L.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], 13, 29, mode="triangular2"),
    "CyclicLR exp": lambda L, o: L.CyclicLR(o, 0.01, 0.1, 20, mode="exp_range", gamma=0.99),
    "CyclicLR function": lambda L, o: L.CyclicLR(o, 0.01, 0.1, 20, scale_fn=lambda x: 1 / x),
    "CyclicLR function of steps": lambda L, o: L.CyclicLR(
        o, 0.01, 0.1, 20, scale_fn=lambda x: math.exp(-x / 99), scale_mode="iterations"
    ),
    "CyclicLR no momentum": lambda L, o: L.CyclicLR(o, 0.01, 0.1, 20, cycle_momentum=False),
    "CyclicLR momentum": lambda L, o: L.CyclicLR(o, 0.01, 0.1, 20, base_momentum=0.3, max_momentum=0.99),
    "OneCycleLR": lambda L, o: L.OneCycleLR(o, 0.5, STEPS),
    "OneCycleLR epochs": lambda L, o: L.OneCycleLR(o, [0.5, 0.2], epochs=10, steps_per_epoch=20),
    "OneCycleLR linear": lambda L, o: L.OneCycleLR(o, 0.5, 230, anneal_strategy="linear", pct_start=0.41),
    "OneCycleLR three phases": lambda L, o: L.OneCycleLR(o, 0.5, 210, three_phase=True, pct_start=0.37),
    "OneCycleLR factors": lambda L, o: L.OneCycleLR(o, 0.5, 201, div_factor=4, final_div_factor=7, base_momentum=0.2),
    "OneCycleLR no momentum": lambda L, o: L.OneCycleLR(o, 0.5, STEPS, cycle_momentum=False),
    "OneCycleLR all rise": lambda L, o: L.OneCycleLR(o, 0.5, 300, pct_start=1.0),
    "OneCycleLR no rise": lambda L, o: L.OneCycleLR(o, 0.5, 300, pct_start=0.0),
    "LambdaLR": lambda L, o: L.LambdaLR(o, lambda t: 0.95**t),
    "LambdaLR list": lambda L, o: L.LambdaLR(o, [lambda t: 1 / (1 + t), Falling(0.5)]),
    "MultiplicativeLR": lambda L, o: L.MultiplicativeLR(o, lambda t: 0.97 if t % 3 else 1.01),
    "SWALR": lambda L, o: L.SWALR(o, 0.05, 40),
    "SWALR linear": lambda L, o: L.SWALR(o, [0.05, 0.2], 25, "linear"),
    "SWALR at once": lambda L, o: L.SWALR(o, 0.05, 0),
    "Chained": lambda L, o: L.ChainedScheduler([L.ConstantLR(o, 0.1, 20), L.ExponentialLR(o, 0.98)]),
    "Chained five": lambda L, o: L.ChainedScheduler(
        [
            L.LinearLR(o, 0.2, total_iters=50), L.StepLR(o, 40, 0.5), L.CosineAnnealingLR(o, 150),
            L.PolynomialLR(o, 180), L.MultiplicativeLR(o, lambda t: 0.999),
        ]
    ),
    "Chained MultiStep": lambda L, o: L.ChainedScheduler([L.MultiStepLR(o, [9, 90]), L.LinearLR(o, 0.5)], o),
    "Sequential": lambda L, o: L.SequentialLR(o, [L.ConstantLR(o, 0.1, 20), L.ExponentialLR(o, 0.98)], [20]),
    "Sequential warm-up": lambda L, o: L.SequentialLR(
        o, [L.LinearLR(o, 0.01, total_iters=10), L.CosineAnnealingLR(o, 190, 1e-3)], [10]
    ),
    "Sequential at 0": lambda L, o: L.SequentialLR(o, [L.LinearLR(o), L.StepLR(o, 30)], [0]),
    "Sequential many": lambda L, o: L.SequentialLR(
        o,
        [
            L.LinearLR(o, 0.1, total_iters=20), L.StepLR(o, 10, 0.8), L.CosineAnnealingWarmRestarts(o, 9, 2),
            L.PolynomialLR(o, 30, 2.0), L.MultiplicativeLR(o, lambda t: 1.01), L.SWALR(o, 0.03, 12),
        ],
        [20, 55, 90, 130, 160],
    ),
    "Sequential rest": lambda L, o: L.SequentialLR(
        o,
        [
            L.MultiStepLR(o, [3, 5], 0.5), L.LambdaLR(o, lambda t: 0.9**t), L.ExponentialLR(o, 0.9),
            L.ConstantLR(o, 0.3, 9), L.LinearLR(o, 0.3),
        ],
        [15, 35, 60, 100],
    ),
    "Sequential cycles": lambda L, o: L.SequentialLR(
        o, [L.CyclicLR(o, 0.01, 0.2, 9), L.OneCycleLR(o, 0.3, 150)], [60]
    ),
    "Sequential then cycle": lambda L, o: L.SequentialLR(
        o, [L.LinearLR(o, 0.2, total_iters=30), L.OneCycleLR(o, 0.3, 175)], [30]
    ),
    "Sequential from Chained": lambda L, o: L.SequentialLR(
        o, [L.ChainedScheduler([L.ConstantLR(o, 0.5, 7), L.StepLR(o, 5, 0.9)]), L.ExponentialLR(o, 0.97)], [25]
    ),
    "Chained of Sequential": lambda L, o: L.ChainedScheduler(
        [L.SequentialLR(o, [L.ConstantLR(o, 0.5, 9), L.ExponentialLR(o, 0.95)], [9]), L.StepLR(o, 30, 0.7)]
    ),
}  # fmt: skip


def _table(schedule: Any, optimizer: Any, steps: int = STEPS) -> np.ndarray:
    """Return learning rates and momenta of both groups, (steps + 1, 4): at the start and after each step."""
    rows = []
    for k in range(steps + 1):
        if k:
            schedule.step()
        groups = optimizer.param_groups
        rows.append([*(g["lr"] for g in groups), *(g["betas"][0] if "betas" in g else g["momentum"] for g in groups)])
        assert schedule.get_last_lr() == [g["lr"] for g in groups]
    return np.array(rows, dtype=np.float64)


def _same(mine: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=0)


@pytest.fixture(autouse=True)
def _torch_warns_when_no_step_was_taken():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="torch")
        warnings.filterwarnings("ignore", message="Detected call of")
        yield


# --- PyTorch's values ---
@pytest.mark.parametrize("case", CASES)
def test_values_are_pytorchs(case: str) -> None:
    mine, theirs = _mine(), _torchs()
    _same(_table(CASES[case](S, mine), mine), _table(CASES[case](T, theirs), theirs))


@pytest.mark.parametrize("case", [c for c in CASES if "Cycl" in c and "rate" not in c])
def test_beta_is_the_momentum_of_adam(case: str) -> None:
    mine, theirs = _mine("Adam"), _torchs("Adam")
    table = _table(CASES[case](S, mine), mine)
    _same(table, _table(CASES[case](T, theirs), theirs))
    assert mine.param_groups[0]["betas"][1] == 0.999


@pytest.mark.parametrize(
    "case", [c for c in CASES if "Chained" not in c and "Sequential" not in c and "SWALR" not in c]
)
def test_it_goes_on_from_last_epoch_as_pytorch_does(case: str) -> None:
    def resumed(L: Any, optimizer: Any) -> np.ndarray:
        CASES[case](L, optimizer)  # leaves what the groups need
        for group, lr in zip(optimizer.param_groups, (0.3, 0.07), strict=True):
            group["lr"] = lr

        class At:
            """The same schedule, made with last_epoch=12."""

            def __getattr__(self, name: str) -> Any:
                return lambda *args, **kwargs: getattr(L, name)(*args, **kwargs, last_epoch=12)

        return _table(CASES[case](At(), optimizer), optimizer, 60)

    _same(resumed(S, _mine()), resumed(T, _torchs()))


def test_values_that_others_change_meanwhile_are_kept_as_pytorch_does() -> None:
    def run(L: Any, optimizer: Any) -> np.ndarray:
        schedule = L.ExponentialLR(optimizer, 0.9)
        first = _table(schedule, optimizer, 5)
        optimizer.param_groups[1]["lr"] = 3.0
        schedule.step()
        return np.concatenate([first, _table(schedule, optimizer, 5)])

    _same(run(S, _mine()), run(T, _torchs()))


def test_warm_restarts_go_to_any_place() -> None:
    for options in ((7,), (5, 3, 0.01)):
        mine, theirs = _mine(), _torchs()
        a = S.CosineAnnealingWarmRestarts(mine, *options)
        b = T.CosineAnnealingWarmRestarts(theirs, *options)
        for place in (0.25, 3.5, 6.99, 7, 22.1, 4, 91.75):
            a.step(place)
            b.step(place)
            assert a.get_last_lr() == pytest.approx(b.get_last_lr(), rel=1e-12)
            assert a.last_epoch == b.last_epoch
        a.step()
        b.step()
        assert a.get_last_lr() == pytest.approx(b.get_last_lr(), rel=1e-12)
    with pytest.raises(ConfigError, match="epoch is -1"):
        a.step(-1)


PLATEAUS: dict[str, dict[str, Any]] = {
    "default": {"patience": 3},
    "max": {"mode": "max", "patience": 2, "factor": 0.5},
    "absolute": {"patience": 2, "threshold": 0.02, "threshold_mode": "abs", "cooldown": 4},
    "absolute max": {"mode": "max", "patience": 1, "threshold": 0.02, "threshold_mode": "abs"},
    "least": {"patience": 0, "factor": 0.3, "min_lr": [1e-3, 1e-4]},
    "eps": {"patience": 0, "factor": 0.5, "eps": 1e-3},
}


@pytest.mark.parametrize("options", PLATEAUS.values(), ids=PLATEAUS)
def test_plateaus_are_pytorchs(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    figures = np.exp(-np.arange(STEPS) / 60) + 0.05 * rng.standard_normal(STEPS)
    figures[50], figures[120] = np.nan, -0.3
    mine, theirs = _mine(), _torchs()
    a, b = S.ReduceLROnPlateau(mine, **options), T.ReduceLROnPlateau(theirs, **options)
    falls = 0
    for figure in figures:
        before = a.get_last_lr()
        a.step(figure)
        b.step(figure)
        assert a.get_last_lr() == pytest.approx(b.get_last_lr(), rel=1e-12)
        assert (a.best, a.num_bad_epochs, a.cooldown_counter) == (b.best, b.num_bad_epochs, b.cooldown_counter)
        falls += before != a.get_last_lr()
    assert falls >= 2


# --- saving ---
@pytest.mark.parametrize("case", CASES)
def test_a_saved_schedule_goes_on(case: str) -> None:
    mine = _mine()
    whole = _table(CASES[case](S, mine), mine, 120)
    mine = _mine()
    schedule = CASES[case](S, mine)
    _table(schedule, mine, 70)
    saved = copy.deepcopy((schedule.state_dict(), mine.state_dict()))
    text = json.dumps(saved[0])  # plain numbers, so that any checkpoint can hold it
    schedule.step()
    other = _mine()
    new = CASES[case](S, other)
    other.load_state_dict(saved[1])
    new.load_state_dict(json.loads(text))
    _same(_table(new, other, 50), whole[70:])


def test_the_state_of_a_plateau() -> None:
    mine = _mine()
    a = S.ReduceLROnPlateau(mine, patience=1)
    for figure in (1.0, 0.5, 0.6):
        a.step(figure)
    b = S.ReduceLROnPlateau(_mine(), patience=1)
    b.load_state_dict(a.state_dict())
    for schedule in (a, b):
        schedule.step(0.7)
    assert a.get_last_lr() == b.get_last_lr() == pytest.approx([0.01, 0.0023])


def test_functions_with_attributes_are_saved() -> None:
    a, b = S.LambdaLR(_mine(), Falling(0.5)), S.LambdaLR(_mine(), Falling(2.0))
    b.load_state_dict(a.state_dict())
    a.step()
    b.step()
    assert a.get_last_lr() == b.get_last_lr()


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    mine = _mine()
    schedule = S.SequentialLR(mine, [S.ConstantLR(mine), S.StepLR(mine, 3)], [5])
    good = schedule.state_dict()
    schedule.step()
    before = copy.deepcopy(schedule.state_dict())
    bad = [
        ({**good, "_schedulers": good["_schedulers"][:1]}, "saved with 1 schedules"),
        ({**good, "_schedulers": good["_schedulers"][::-1]}, "not the state of a ConstantLR"),
        ({**good, "hyperparameter": "momentum"}, "saved for 'momentum'"),
        ({**good, "_last_lr": [0.1]}, "saved for 1 parameter groups"),
        ({k: v for k, v in good.items() if k != "last_epoch"}, "last_epoch is missing"),
        ({**good, "extra": 1}, "extra is unexpected"),
    ]
    for state, message in bad:
        with pytest.raises(StateError, match=message):
            schedule.load_state_dict(state)
        assert schedule.state_dict() == before
    with pytest.raises(StateError, match="saved with 1 functions"):
        S.LambdaLR(mine, [float, float]).load_state_dict({"lr_lambdas": [None]})


# --- what PyTorch has not ---
def test_inverse_sqrt_is_the_papers_equation() -> None:
    mine = _mine()
    w = 30
    got = S.InverseSqrt(mine, w).values(STEPS)["lr"]
    s = np.arange(1, STEPS + 1)
    want = np.minimum(s**-0.5, s * w**-1.5)  # "Attention is all you need", equation 3, without d_model
    np.testing.assert_allclose(got, want[:, None] / want.max() * RATES, rtol=1e-12)


@pytest.mark.parametrize("decay", ["linear", "cos", "sqrt", "exponential"])
def test_warmup_stable_decay(decay: str) -> None:
    got = S.WarmupStableDecay(_mine(), 20, 100, 50, 0.1, decay).values(STEPS)["lr"]
    x = np.clip((np.arange(STEPS) - 120) / 50, 0, 1)
    f = {"linear": 1 - x, "cos": (1 + np.cos(np.pi * x)) / 2, "sqrt": 1 - np.sqrt(x), "exponential": None}[decay]
    want = 0.1**x if f is None else 0.1 + 0.9 * f
    want[:20] = np.arange(1, 21) / 20
    np.testing.assert_allclose(got, want[:, None] * RATES, rtol=1e-12)


ROUND = {
    name: CASES[name]
    for name in ("StepLR", "CosineAnnealingLR eta_min", "ExponentialLR", "PolynomialLR", "WarmRestarts", "LambdaLR")
}


@pytest.mark.parametrize("case", ROUND)
def test_warmup_is_pytorchs_linear_and_then_the_schedule(case: str) -> None:
    mine, theirs = _mine(), _torchs()
    a = S.Warmup(CASES[case](S, mine), 25, start_factor=0.05)
    first = T.LinearLR(theirs, 0.05, total_iters=25)
    b = T.SequentialLR(theirs, [first, CASES[case](T, theirs)], [25])
    _same(_table(a, mine), _table(b, theirs))


@pytest.mark.parametrize("case", [c for c in CASES if "Multiplicative" not in c])
def test_warmup_and_cooldown_go_round_any_schedule(case: str) -> None:
    plain = _mine()
    bare = _table(CASES[case](S, plain), plain)[:, :2]
    mine = _mine()
    schedule = S.Cooldown(S.Warmup(CASES[case](S, mine), 10, 0.25), 20, after=100, end_factor=0.1)
    got = _table(schedule, mine, 150)[:, :2]
    t = np.arange(10)[:, None]
    _same(got[:10], bare[0] * (0.25 + 0.075 * t))
    np.testing.assert_allclose(got[10:100], bare[:90], rtol=1e-12)
    down = 1 - 0.9 * np.minimum(np.arange(51), 20) / 20
    np.testing.assert_allclose(got[100:], bare[89] * down[:, None], rtol=1e-12)


def test_a_composed_schedule_is_a_later_phase() -> None:
    """PyTorch cannot do this: the composed schedule begins anew at the milestone."""
    for make in (
        lambda o: S.ChainedScheduler([S.ExponentialLR(o, 0.9), S.LinearLR(o, 0.5, total_iters=9)]),
        lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.5, 3), S.ExponentialLR(o, 0.9)], [3]),
        lambda o: S.Warmup(S.ChainedScheduler([S.CosineAnnealingLR(o, 20), S.StepLR(o, 5, 0.5)]), 4),
    ):
        alone, mine = _mine(), _mine()
        bare = _table(make(alone), alone, 30)
        schedule = S.SequentialLR(mine, [S.StepLR(mine, 2), make(mine)], [7])
        np.testing.assert_allclose(_table(schedule, mine, 37)[7:, 0], bare[:, 0], rtol=1e-12)


def test_schedules_of_several_hyperparameters_at_once_and_as_phases() -> None:
    def both(o: Any) -> Any:
        return S.ChainedScheduler(
            [S.ExponentialLR(o, 0.9), S.LinearLR(o, 0.5, total_iters=5, hyperparameter="weight_decay")]
        )

    alone = both(_mine(weight_decay=0.2)).values(10)
    np.testing.assert_allclose(alone["weight_decay"][:, 0], np.minimum(0.1 + 0.02 * np.arange(10), 0.2))
    first, later = _mine(weight_decay=0.2), _mine(weight_decay=0.2)
    as_first = S.SequentialLR(first, [both(first), S.StepLR(first, 9)], [10]).values(10)
    as_later = S.SequentialLR(later, [S.StepLR(later, 9), both(later)], [4]).values(14)
    for name in ("lr", "weight_decay"):
        np.testing.assert_allclose(as_first[name], alone[name], rtol=1e-12)
        np.testing.assert_allclose(as_later[name][4:], alone[name], rtol=1e-12)


@pytest.mark.parametrize(("name", "start"), [("momentum", 0.5), ("weight_decay", 0.2), ("dampening", 0.1)])
def test_any_hyperparameter(name: str, start: float) -> None:
    mine = _mine(weight_decay=0.2, dampening=0.1)
    schedule = S.CosineAnnealingLR(mine, 50, hyperparameter=name)
    values = [mine.param_groups[1][name]]
    for _ in range(49):
        schedule.step()
        values.append(mine.param_groups[1][name])
    np.testing.assert_allclose(values, start * (1 + np.cos(np.pi * np.arange(50) / 50)) / 2, rtol=1e-11)
    assert [g["lr"] for g in mine.param_groups] == list(RATES)


def test_one_place_of_a_pair_and_a_modules_number() -> None:
    mine = _mine("Adam")
    S.LinearLR(mine, 0.5, total_iters=2, hyperparameter="betas[1]").step()
    assert mine.param_groups[0]["betas"] == pytest.approx((0.9, 0.75 * 0.999))
    layer = nn.Dropout(0.4)
    schedule = S.LinearLR(layer, 0.25, total_iters=3, hyperparameter="p")
    assert layer.p == pytest.approx(0.1)
    np.testing.assert_allclose(schedule.values(4)["p"][:, 0], [0.1, 0.2, 0.3, 0.4])
    assert layer.p == pytest.approx(0.1)


def test_the_optimizers_state_takes_the_schedules_numbers_along() -> None:
    mine = _mine()
    schedule = S.OneCycleLR(mine, 0.5, 20)
    schedule.step()
    other = _mine()
    other.load_state_dict(mine.state_dict())
    resumed = S.OneCycleLR(other, 0.5, 20, last_epoch=0)
    assert resumed.get_last_lr() == schedule.get_last_lr()


# --- looking ahead ---
@pytest.mark.parametrize("case", CASES)
def test_values_disturb_nothing(case: str) -> None:
    reference, mine = _mine(), _mine()
    want = _table(CASES[case](S, reference), reference)
    schedule = CASES[case](S, mine)
    _table(schedule, mine, 30)
    before = copy.deepcopy((schedule.state_dict(), [dict(g, params=None) for g in mine.param_groups]))
    values = schedule.values(100)
    assert (schedule.state_dict(), [dict(g, params=None) for g in mine.param_groups]) == before
    _same(values["lr"], want[30:130, :2])
    if "momentum" in values:
        _same(values["momentum"], want[30:130, 2:])
    else:
        assert np.ptp(want[30:130, 2:], axis=0).max() == 0
    _same(_table(schedule, mine, 100), want[30:131])


def test_values_come_back_from_an_error() -> None:
    mine = _mine()
    schedule = S.OneCycleLR(mine, 0.5, 10)
    before = copy.deepcopy(schedule.state_dict())
    with pytest.raises(ConfigError, match="step 11 of a schedule of 10"):
        schedule.values(30)
    assert schedule.state_dict() == before
    with pytest.raises(ConfigError, match="steps is 0"):
        schedule.values(0)
    with pytest.raises(ConfigError, match="figures"):
        S.ReduceLROnPlateau(mine).values(3)


def test_the_plot_shows_the_values() -> None:
    mine = _mine()
    schedule = S.OneCycleLR(mine, 0.5, 100)
    schedule.step()
    figure = schedule.plot(50)
    values = schedule.values(50)
    assert [axes.get_ylabel() for axes in figure.axes] == ["lr", "momentum"]
    for axes in figure.axes:
        for group, line in enumerate(axes.lines):
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 51))
            np.testing.assert_array_equal(line.get_ydata(), values[axes.get_ylabel()][:, group])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        S.StepLR(_mine(), 3).plot()


# --- compiled ---
def _member(rate: float = 0.05, total: int = 8, rule: str = "SGD", dropout: float = 0.0) -> Any:
    # float64, so that what separates the two paths is only the order of sums
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, 1)).double()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9) if rule == "SGD" else optim.Adam(model.parameters())
    schedules = [S.OneCycleLR(optimizer, rate, total)]
    if dropout:
        schedules.append(S.LinearLR(model[2], 0.1, total_iters=total, hyperparameter="p"))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        for schedule in schedules:
            schedule.step()
        return loss

    step.model, step.schedules, step.optimizer = model, schedules, optimizer
    return step


def _batches(steps: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((steps, 6, 3))
    return x, x.sum(2, keepdims=True)


def _fresh(**options: Any) -> Any:
    with gw.use_generator(gw.Generator(5)):
        return _member(**options)


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_a_one_cycle_inside_a_scan_is_the_eager_loop_and_pytorch(rule: str) -> None:
    x, y = _batches()
    eager, plain = _fresh(rule=rule), _fresh(rule=rule)
    start = {k: torch.tensor(v.numpy()) for k, v in plain.model.state_dict().items()}
    want = [eager(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)]
    compiled = gw.compile(plain)
    got = [*compiled.scan(x[:5], y[:5]).numpy(), *compiled.scan(x[5:], y[5:]).numpy()]
    np.testing.assert_allclose(got, want, rtol=1e-10)
    assert compiled.traces == 1
    assert plain.schedules[0].state_dict() == eager.schedules[0].state_dict()

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Identity(), torch.nn.Linear(4, 1))
    model.double().load_state_dict(start)
    if rule == "SGD":
        optimizer: Any = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, 8)
    for k in range(8):
        optimizer.zero_grad()
        loss = ((model(torch.tensor(x[k])) - torch.tensor(y[k])) ** 2).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        assert got[k] == pytest.approx(loss.item(), rel=1e-10)


def test_members_of_a_population_have_their_own_schedules_and_one_trace() -> None:
    x, y = _batches()
    members = [{"rate": 0.05, "total": 8}, {"rate": 0.2, "total": 16}]
    alone = []
    for options in members:
        step = _fresh(**options)
        alone.append([step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)])
    population = gw.Population(_member, members, seeds=[5, 5])
    np.testing.assert_allclose(population.scan(x, y).numpy(), alone, rtol=1e-10)
    assert [step.traces for step in population.steps] == [1, 1]
    assert np.abs(np.subtract(*alone)).max() > 1e-3


def test_a_dropout_rate_on_a_schedule_inside_a_scan() -> None:
    x, y = _batches()
    eager, plain = _fresh(dropout=0.8), _fresh(dropout=0.8)
    with gw.use_generator(gw.Generator(1)):
        want = [eager(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)]
    compiled = gw.compile(plain)
    with gw.use_generator(gw.Generator(1)):
        np.testing.assert_allclose(compiled.scan(x, y).numpy(), want, rtol=1e-10)
    assert compiled.traces == 1
    assert plain.model[2].p == pytest.approx(0.8)


def test_what_cannot_be_compiled_is_said() -> None:
    mine = _mine()
    plateau, restarts = S.ReduceLROnPlateau(mine), S.CosineAnnealingWarmRestarts(mine, 5)
    w = mine.param_groups[0]["params"][0]
    for schedule, args, match in ((plateau, (1.0,), "between the calls"), (restarts, (0.5,), "step\\(epoch\\)")):

        @gw.compile(state=[mine])
        def step(x: Any, schedule: Any = schedule, args: Any = args) -> Any:
            schedule.step(*args)
            return (w * x).sum()

        with pytest.raises(CompileError, match=match):
            step(np.ones(2, np.float32))
    assert trace_now.trace is None


# --- refusals ---
def test_refusals() -> None:
    mine = _mine()
    other = _mine()
    cases: list[tuple[Any, str]] = [
        (lambda: S.StepLR(mine, 0), "step_size is 0"),
        (lambda: S.StepLR(3, 1), "expected an optimizer, got a int"),
        (lambda: S.StepLR(mine, 1, hyperparameter="rho"), "has no number 'rho'; it has lr, momentum"),
        (lambda: S.StepLR(mine, 1, hyperparameter="nesterov"), "has no number 'nesterov'"),
        (lambda: S.StepLR(_mine("Adam"), 1, hyperparameter="betas[2]"), "it has lr, betas\\[0\\], betas\\[1\\]"),
        (lambda: S.StepLR(mine, 1, hyperparameter="betas["), "names no hyperparameter"),
        (lambda: S.StepLR(_mine(), 1, last_epoch=3), "no 'initial_lr'"),
        (lambda: S.ConstantLR(mine, 0.0), "factor is 0.0"),
        (lambda: S.LinearLR(mine, 0.0), "start_factor is 0.0"),
        (lambda: S.LinearLR(mine, 1.0, 1.5), "end_factor is 1.5"),
        (lambda: S.PolynomialLR(mine, 0), "total_iters is 0"),
        (lambda: S.CosineAnnealingLR(mine, 0), "T_max is 0"),
        (lambda: S.CosineAnnealingWarmRestarts(mine, 2.5), "T_0 is 2.5"),
        (lambda: S.CyclicLR(mine, 0.1, 0.2, mode="square"), "mode is 'square'"),
        (lambda: S.CyclicLR(mine, [0.1], 0.2), "base_lr has 1 values, but there are 2"),
        (lambda: S.CyclicLR(mine, 0.1, 0.2, scale_fn=float, scale_mode="day"), "scale_mode is 'day'"),
        (lambda: S.CyclicLR(mine, 0.1, 0.2, 0), "a rise of 0"),
        (lambda: S.OneCycleLR(mine, 0.1), "pass total_steps"),
        (lambda: S.OneCycleLR(mine, 0.1, epochs=3), "pass total_steps"),
        (lambda: S.OneCycleLR(mine, 0.1, 0), "total_steps is 0"),
        (lambda: S.OneCycleLR(mine, 0.1, 10, pct_start=1.2), "pct_start is 1.2"),
        (lambda: S.OneCycleLR(mine, 0.1, 10, anneal_strategy="sin"), "anneal_strategy is 'sin'"),
        (lambda: S.OneCycleLR(nn.Dropout(), 0.1, 10, hyperparameter="p"), "cycle_momentum=False"),
        (lambda: S.LambdaLR(mine, 3.0), "must be a function"),
        (lambda: S.LambdaLR(mine, [float]), "lr_lambda has 1 values"),
        (lambda: S.InverseSqrt(mine, 0), "warmup_steps is 0"),
        (lambda: S.WarmupStableDecay(mine, -1, 2, 3), "warmup_steps is -1"),
        (lambda: S.WarmupStableDecay(mine, 1, 2, 3, decay="cubic"), "decay is 'cubic'"),
        (lambda: S.WarmupStableDecay(mine, 1, 2, 3, decay="exponential"), "end_factor is 0.0"),
        (lambda: S.SWALR(mine, 0.1, -1), "anneal_epochs is -1"),
        (lambda: S.SWALR(mine, 0.1, 2, "sin"), "anneal_strategy is 'sin'"),
        (lambda: S.ReduceLROnPlateau(mine, factor=1.0), "factor is 1.0"),
        (lambda: S.ReduceLROnPlateau(mine, mode="least"), "mode is 'least'"),
        (lambda: S.ReduceLROnPlateau(mine, threshold_mode="x"), "threshold_mode is 'x'"),
        (lambda: S.ReduceLROnPlateau(mine).step(), "needs the figure"),
        (lambda: S.ChainedScheduler([]), "no schedules"),
        (lambda: S.ChainedScheduler([mine]), "schedule 0 is a SGD"),
        (lambda: S.ChainedScheduler([S.ReduceLROnPlateau(mine)]), "ReduceLROnPlateau"),
        (lambda: S.ChainedScheduler([S.StepLR(mine, 1), S.StepLR(other, 1)]), "schedule 1 belongs to another"),
        (lambda: S.SequentialLR(mine, [S.StepLR(mine, 1)], [3]), "milestones are \\[3\\] for 1"),
        (lambda: S.SequentialLR(mine, [S.StepLR(mine, 1)] * 3, [5, 3]), "in order"),
        (
            lambda: S.SequentialLR(mine, [S.StepLR(mine, 1), S.StepLR(mine, 1, hyperparameter="momentum")], [3]),
            "of one hyperparameter",
        ),
        (lambda: S.Warmup(mine, 3), "expected a schedule, got a SGD"),
        (lambda: S.Warmup(S.StepLR(mine, 1), -1), "Warmup: -1 steps"),
        (lambda: S.Cooldown(S.StepLR(mine, 1), 0, 3), "Cooldown: 0 steps"),
        (lambda: S.Cooldown(None, 1, 3), "expected a schedule"),
    ]
    for make, match in cases:
        with pytest.raises(ConfigError, match=match):
            make()
    with pytest.raises(TypeError, match="get_last_lr"):
        S.ChainedScheduler([S.StepLR(mine, 1)]).get_lr()


def test_a_group_that_was_added_later_is_an_error_that_says_so() -> None:
    mine = _mine()
    schedule = S.ExponentialLR(mine, 0.9)
    cosine = S.LambdaLR(mine, lambda t: 0.9**t)
    mine.add_param_group({"params": [gw.zeros(1, requires_grad=True)]})
    with pytest.raises(StateError, match="after all groups have been added"):
        cosine.step()
    schedule.step()  # multiplies what is there, so it needs no start
    assert [g["lr"] for g in mine.param_groups] == pytest.approx([0.09, 0.0207, 0.09])
