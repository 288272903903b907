"""The range test: what it computes, what it suggests, and that nothing of it is left behind."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradwright as gw
from gradwright import nn, optim
from gradwright.data import epoch_order, read
from gradwright.errors import ConfigError, IndexOutOfRangeError, MissingDependencyError, NonFiniteError, ShapeError
from gradwright.optim.lr_scheduler import ExponentialLR
from gradwright.train import LRFind, lr_find
from gradwright.train.lr_suggestion import agreed, fall_bounds, steepest_index, valley_index


def _blobs(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, n)
    x = np.array([[0, 0, 1], [2, 0, 0], [0, 2, 0]])[y] + 0.6 * rng.standard_normal((n, 3))
    return x.astype(np.float32), y


def _parts() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    x, y = _blobs()
    return (x[:60], y[:60]), (x[60:], y[60:])


def _network(rule: str = "Adam") -> tuple[nn.Module, nn.Module, Any]:
    gw.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3))
    optimizer = getattr(optim, rule)(model.parameters(), lr=0.02, **({"momentum": 0.9} if rule == "SGD" else {}))
    return model, nn.CrossEntropyLoss(), optimizer


def _everything(model: nn.Module, optimizer: Any) -> list[Any]:
    """Return all state, as bytes and plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return (value.dtype, value.shape, value.numpy().tobytes()) if isinstance(value, gw.Tensor) else value

    return [
        plain(model.state_dict()),
        plain(optimizer.state_dict()),
        gw.current_generator().get_state(),
        [m.training for m in model.modules()],
        [id(p.grad) if p.grad is not None else None for p in model.parameters()],
        [plain(p.grad) if p.grad is not None else None for p in model.parameters()],
        list(optimizer.param_groups[0]),
    ]


def _used(rule: str = "Adam") -> tuple[nn.Module, nn.Module, Any]:
    """Return a network in the middle of things: trained, in evaluation mode, gradients there, numbers drawn."""
    model, criterion, optimizer = _network(rule)
    x, y = (gw.tensor(a) for a in _blobs())
    for _ in range(3):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    model[4].bias.grad = None
    model.eval()
    model[3].train()
    return model, criterion, optimizer


# --- what it computes ---
def test_the_curve_is_the_references() -> None:
    """Plain SGD on a linear model in float64: everything written out."""
    rng = np.random.default_rng(0)
    x, vx = rng.standard_normal((50, 4)), rng.standard_normal((30, 4))
    y, vy = x.sum(1, keepdims=True), vx.sum(1, keepdims=True)
    model = nn.Linear(4, 1, bias=False).double()
    w = model.weight.detach().numpy().T.copy()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    found = lr_find(
        model, nn.MSELoss(), optimizer, (x, y), (vx, vy),
        start=1e-3, end=30, steps=40, batch_size=16, seed=7, smoothing=0.8, divergence=3.0, held_out_rows=20,
    )  # fmt: skip
    held = epoch_order(30, key=7, epoch=0)[:20]
    average, smoothed, losses = 0.0, [], []
    for k in range(40):
        rate = 1e-3 * 30000 ** (k / 39)
        rows = epoch_order(50, key=7, epoch=1 + k // 3)[k % 3 * 16 : (k % 3 + 1) * 16]
        w -= rate * 2 / 16 * x[rows].T @ (x[rows] @ w - y[rows])
        losses.append(((vx[held] @ w - vy[held]) ** 2).mean())
        average = 0.8 * average + 0.2 * losses[-1]
        smoothed.append(average / (1 - 0.8 ** (k + 1)))
        np.testing.assert_allclose(found.rates[k], rate, rtol=1e-12)
        if smoothed[-1] > 3 * min(smoothed):
            break
    assert 10 < len(losses) == len(found.losses) < 40
    np.testing.assert_allclose(found.losses, losses, rtol=1e-10)
    np.testing.assert_allclose(found.smoothed, smoothed, rtol=1e-10)
    assert found.stopped == f"the loss was 3 times its lowest at the rate {rate:.3g}"
    assert found.suggestion == agreed(found.steepest, found.valley, min(losses) / losses[0])
    assert found.bounds[0] < found.bounds[1] < found.rates[np.argmin(smoothed)]


def test_eager_and_compiled_agree() -> None:
    curves = []
    for eager in (False, True):
        with gw.use_generator(gw.Generator(0)):
            model, criterion, optimizer = _network()
            curves.append(
                lr_find(model, criterion, optimizer, *_parts(), steps=40, end=0.1, clip_norm=1.0, eager=eager)
            )
    a, b = curves
    np.testing.assert_array_equal(a.rates, b.rates)
    np.testing.assert_allclose(a.losses, b.losses, rtol=1e-4, atol=1e-5)
    assert a.stopped == b.stopped == "all 40 steps done"
    np.testing.assert_allclose((a.rates[0], a.rates[-1]), (1e-7, 0.1), rtol=1e-12)


def test_groups_keep_their_proportions() -> None:
    model, _, _ = _network()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[4].parameters(), "lr": 0.02}]
    optimizer = optim.SGD(groups)
    seen = []

    class Looking(nn.CrossEntropyLoss):
        def forward(self, *args: Any) -> Any:
            seen.append([g["lr"] for g in optimizer.param_groups])
            return super().forward(*args)

    found = lr_find(model, Looking(), optimizer, *_parts(), start=1e-4, steps=20, end=1, eager=True)
    assert len(seen) == 40
    np.testing.assert_allclose(seen[0], [1e-4, 2e-5])
    np.testing.assert_allclose(seen[-2], [1.0, 0.2])
    np.testing.assert_allclose(np.array(seen[::2])[:, 0], found.rates)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.02]


def test_digits() -> None:
    """A whole test on real data: the rate that it finds is one that Adam is used with."""
    digits = read("digits")
    x = (np.asarray(digits.features).reshape(digits.rows, -1) / 16).astype(np.float32)
    y = digits.target.to_numpy().astype(np.int64)
    gw.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    found = lr_find(
        model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), (x[:1500], y[:1500]), (x[1500:], y[1500:])
    )
    assert 1e-3 < found.suggestion < 2e-2
    assert 1e-3 < found.bounds[0] < found.bounds[1] < 5e-2


# --- nothing is left behind ---
@pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
@pytest.mark.parametrize("rule", ["Adam", "SGD"])
def test_everything_is_as_it_was(rule: str, eager: bool) -> None:
    model, criterion, optimizer = _used(rule)
    ExponentialLR(optimizer, 0.9)
    before = _everything(model, optimizer)
    lr_find(model, criterion, optimizer, *_parts(), steps=20, start=1e-5, eager=eager)
    assert _everything(model, optimizer) == before


class Interrupted(nn.CrossEntropyLoss):
    """Somebody presses Ctrl-C, or something breaks, in the middle of a step."""

    def __init__(self, error: type[BaseException], after: int) -> None:
        super().__init__()
        self.error, self.left = error, after

    def forward(self, *args: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise self.error
        return super().forward(*args)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("after", [1, 2, 15])
def test_an_interrupted_eager_run_leaves_nothing(error: type[BaseException], after: int) -> None:
    model, _, optimizer = _used()
    before = _everything(model, optimizer)
    with pytest.raises(error):
        lr_find(model, Interrupted(error, after), optimizer, *_parts(), eager=True)
    assert _everything(model, optimizer) == before


def test_an_interrupted_compiled_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, criterion, optimizer = _used()
    before = _everything(model, optimizer)
    real, steps = ExponentialLR._advance, []

    def advance(self: ExponentialLR) -> None:
        real(self)
        steps.append(optimizer.param_groups[0]["lr"])
        if len(steps) == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(ExponentialLR, "_advance", advance)
    with pytest.raises(KeyboardInterrupt):
        lr_find(model, criterion, optimizer, *_parts())
    assert len(steps) == 8
    assert _everything(model, optimizer) == before


@pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
def test_labels_out_of_range_leave_nothing(eager: bool) -> None:
    model, criterion, optimizer = _used()
    before = _everything(model, optimizer)
    (x, y), held_out = _parts()
    with pytest.raises(IndexOutOfRangeError):
        lr_find(model, criterion, optimizer, (x, y + 9), held_out, eager=eager)
    assert _everything(model, optimizer) == before


# --- divergence ---
class Exploding(nn.Module):
    """Its output overflows as soon as its weight has gone anywhere."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(gw.tensor([1.0]))
        self.steepness = steepness

    def forward(self, x: Any) -> Any:
        return gw.exp(self.steepness * (self.weight - 1) ** 2) * x.sum(1, keepdim=True) * self.weight


@pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
def test_a_loss_that_becomes_nan_ends_the_test(eager: bool) -> None:
    rng = np.random.default_rng(1)
    x = np.abs(rng.standard_normal((80, 2))).astype(np.float32)
    y = 1.01 * x.sum(1, keepdims=True)
    model = Exploding(1e4)
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    before = _everything(model, optimizer)
    data = ((x[:60], y[:60]), (x[60:], y[60:]))
    found = lr_find(model, nn.MSELoss(), optimizer, *data, divergence=1e30, steps=60, clip_norm=1e9, eager=eager)
    assert _everything(model, optimizer) == before
    assert "not finite at the rate" in found.stopped
    assert len(found.rates) < 60
    assert np.isfinite(found.losses).all()
    assert found.suggestion < found.rates[-1]


@pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
def test_a_loss_that_is_nan_from_the_start(eager: bool) -> None:
    model, criterion, optimizer = _used()
    (x, y), held_out = _parts()
    before = _everything(model, optimizer)
    with pytest.raises(NonFiniteError, match="after the first step, at the rate 1e-07"):
        lr_find(model, criterion, optimizer, (np.full_like(x, np.nan), y), held_out, eager=eager)
    assert _everything(model, optimizer) == before


def test_a_model_that_diverges_at_once_and_one_that_learns_nothing() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 3)).astype(np.float32)
    data = ((x[:40], 100 * x[:40, :1]), (x[40:], 100 * x[40:, :1]))
    model = nn.Linear(3, 1)
    for start, end, message in ((1e3, 1e4, "only 2 steps"), (1e-30, 1e-28, "fell at no rate")):
        before = _everything(model, optimizer := optim.SGD(model.parameters(), lr=1.0))
        with pytest.raises(ConfigError, match=message):
            lr_find(model, nn.MSELoss(), optimizer, *data, start=start, end=end, steps=20, smoothing=0.0, eager=True)
        assert _everything(model, optimizer) == before


# --- what a curve says ---
def _curve(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A fall round 1e-3, a rise round 1e-1: steepest at 1e-3 by construction."""
    t = np.linspace(-7, 1, n)
    return 10**t, 1 - 0.8 / (1 + np.exp(-4 * (t + 3))) + np.exp(5 * (t + 0.5))


def test_steepest_is_where_it_was_put() -> None:
    rates, losses = _curve()
    assert rates[steepest_index(rates, losses)] == pytest.approx(1e-3, rel=0.1)
    drop = losses.copy()
    drop[-1] = -100.0  # the plunge to the lowest point counts, what comes after it does not
    assert steepest_index(rates, drop) == len(rates) - 1
    drop[-2:] = [-200.0, -300.0 + 150]
    assert steepest_index(rates, drop) == len(rates) - 2


def _longest_fall(values: list[int]) -> int:
    best = 0
    for size in range(1, len(values) + 1):
        for chosen in itertools.combinations(values, size):
            if all(a > b for a, b in itertools.pairwise(chosen)):
                best = size
    return best


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_the_valley_is_three_fifths_down_a_longest_fall(values: list[int]) -> None:
    """By brute force: three fifths of the longest fall lie before the index, the rest after it."""
    whole, i = _longest_fall(values), valley_index(np.array(values, float))
    before = 3 * whole // 5
    upto = [v for v in values[:i] if v > values[i]]
    after = [v for v in values[i + 1 :] if v < values[i]]
    assert _longest_fall(upto) >= before
    assert _longest_fall(after) >= whole - before - 1


def test_the_bold_reading_needs_a_deep_fall() -> None:
    assert agreed(1e-2, 1e-3, 0.3) == 1e-2
    assert agreed(1e-2, 1e-3, 0.4) == agreed(1e-3, 1e-2, 0.4) == agreed(1e-3, 1e-2, 0.0) == pytest.approx(1e-3)
    assert agreed(1e-2, 1e-4, 0.325) == pytest.approx(10**-2.5)
    rates, losses = _curve()  # falls to a fifth
    deep, shallow = LRFind.of(rates, losses, 0.5, "done"), LRFind.of(rates, losses + 1, 0.5, "done")
    assert (deep.steepest, deep.valley) == (shallow.steepest, shallow.valley)
    assert deep.suggestion == deep.steepest
    assert shallow.suggestion == min(shallow.valley, shallow.steepest)


def test_bounds_are_a_tenth_and_half_of_the_fall() -> None:
    rates = 10.0 ** np.arange(-5, 1)
    assert fall_bounds(rates, np.array([1.0, 2.0, 1.75, 1.0, 0.0, 9.0])) == (1e-3, 1e-2)


def test_a_noisy_curve_gives_the_planted_rates() -> None:
    rates, losses = _curve()
    noisy = losses + 0.003 * np.random.default_rng(0).standard_normal(len(losses))
    found = LRFind.of(rates, noisy, 0.5, "done")
    assert found.steepest == pytest.approx(1e-3, rel=1.0)
    assert 1e-5 < found.valley < 1e-2
    assert sorted((found.valley, found.steepest))[0] <= found.suggestion <= sorted((found.valley, found.steepest))[1]
    assert 1e-4 < found.bounds[0] < found.bounds[1] < 3e-3


# --- the picture and the refusals ---
def test_the_plot_shows_the_curve_and_the_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, losses = _curve()
    found = LRFind.of(rates, losses, 0.5, "done")
    (axes,) = found.plot().axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["smoothed"].get_ydata(), found.smoothed)
    assert lines[f"suggestion {found.suggestion:.2g}"].get_xdata()[0] == found.suggestion
    assert axes.get_xscale() == "log"
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        found.plot()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"start": 0.0}, "rates from 0.0 to 10.0"),
        ({"start": 1.0, "end": 0.1}, "rates from 1.0"),
        ({"end": float("inf")}, "to inf"),
        ({"steps": 9}, "steps is 9"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"held_out_rows": 0}, "held_out_rows is 0"),
        ({"smoothing": 1.0}, "smoothing is 1.0"),
        ({"divergence": 1.0}, "divergence is 1.0"),
    ],
)
def test_settings_out_of_range(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        lr_find(*_network(), *_parts(), **options)


@pytest.mark.parametrize("cut", [lambda x, y: (x[:0], y[:0]), lambda x, y: (x, y[:-1])])
def test_rows_that_do_not_match(cut: Callable[..., Any]) -> None:
    train, held_out = _parts()
    with pytest.raises(ShapeError, match="lr_find: train has"):
        lr_find(*_network(), cut(*train), held_out)
    with pytest.raises(ShapeError, match="lr_find: held_out has"):
        lr_find(*_network(), train, cut(*held_out))
