"""What every optimizer must do, written once; `test_optimizers.py` inherits it for each rule and setting."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, StateError

from .oracles import oracle

RNG = np.random.default_rng(0)
SCALES = np.logspace(-2, 2, 6)  # condition number 1e4
ROTATION = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
HESSIAN = ROTATION @ np.diag(SCALES) @ ROTATION.T
START = RNG.normal(size=6)
X, Y = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 2))
FLAGS = (RNG.normal(size=40) + np.linspace(-1, 1, 40) > 0).astype(np.float64)
FEATURES = np.stack([np.linspace(-1, 1, 40), RNG.normal(size=40), np.ones(40)], 1)


def mlp(library: Any) -> Any:
    """4-5-5-2, no biases before the batch norm: their true gradient is 0, and Adam would amplify its noise."""
    return library.Sequential(
        library.Linear(4, 5, bias=False), library.BatchNorm1d(5), library.Tanh(), library.Linear(5, 5), library.Tanh(),
        library.Linear(5, 2),
    ).double()  # fmt: skip


@cache
def best_logistic_loss() -> float:
    """The minimum, by a second-order method."""
    t = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    newton = torch.optim.LBFGS([t], max_iter=200, tolerance_grad=1e-12)

    def closure() -> torch.Tensor:
        newton.zero_grad()
        value = (
            torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor(FEATURES) @ t, torch.tensor(FLAGS))
            + 0.01 * (t * t).sum()
        )
        value.backward()
        return value

    newton.step(closure)
    return float(closure().item())


def train_beside_pytorch(case: SettingConformance, compiled: bool = False) -> None:
    """A hundred steps of a small network, loss by loss; a rule for matrices trains its weights alone."""
    torch.manual_seed(0)
    net, other = mlp(nn), mlp(torch.nn)
    net.load_state_dict({k: v.numpy() for k, v in other.state_dict().items()})
    taken = [[p for p in m.parameters() if case.axes is None or p.ndim in case.axes] for m in (net, other)]
    ours, theirs = case.make(taken[0]), case.make_torch(taken[1])

    def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
        net.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        (loss * case.sign).backward()
        ours.step()
        return loss

    run: Callable[..., gw.Tensor] = gw.compile(step) if compiled else step
    for i in range(100):
        rows = np.arange(i, i + 10) % 20
        loss = run(gw.tensor(X[rows]), gw.tensor(Y[rows]))
        other.zero_grad()
        expected = ((other(torch.tensor(X[rows])) - torch.tensor(Y[rows])) ** 2).mean()
        (expected * case.sign).backward()
        theirs.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
    for p, t in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), t.detach().numpy(), rtol=1e-10, atol=1e-10)
    if compiled:
        assert run.traces == 1  # type: ignore[attr-defined]


#: parameters of 0 to 4 axes; those at odd positions are in the second group
SHAPES: list[tuple[int, ...]] = [(2,), (2, 3), (), (3,), (2, 1, 2), (1, 2, 2, 1)]
MATRICES: list[tuple[int, ...]] = [(2, 2), (3, 2), (2, 3), (1, 4)]


def pass_over(case: SettingConformance, compiled: bool = False) -> None:
    """Three parameters of which each step uses some."""
    shape = (2,) if case.axes is None else (2, 2)
    ours = [gw.tensor(np.ones(shape) * i, requires_grad=True) for i in (1, 2, 3)]
    theirs = [torch.tensor(np.ones(shape) * i, requires_grad=True) for i in (1, 2, 3)]
    a, b = case.make(ours), case.make_torch(theirs)

    def step(opt: Any, tensors: list[Any], used: tuple[int, ...]) -> None:
        opt.zero_grad()
        sum((tensors[i] ** 3).sum() for i in used).backward()
        opt.step()

    run = gw.compile(lambda used: step(a, ours, used)) if compiled else lambda used: step(a, ours, used)
    for used in [(0,), (0, 1), (0, 1), (1,), (0, 1)]:
        run(used)
        step(b, theirs, used)
    for w, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)
    counts = [entry["step"] for entry in a.state_dict()["state"].values()]
    assert counts == [4, 4, 0]


def _rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    bend = w[1] - w[0] ** 2
    return (1 - w[0]) ** 2 + 100 * bend**2, np.array([2 * (w[0] - 1) - 400 * w[0] * bend, 200 * bend])


def _logistic(w: np.ndarray) -> tuple[float, np.ndarray]:
    scores = FEATURES @ w
    loss = np.logaddexp(0, scores).mean() - (FLAGS * scores).mean() + 0.01 * (w @ w)
    return loss, FEATURES.T @ (1 / (1 + np.exp(-scores)) - FLAGS) / len(FLAGS) + 0.02 * w


#: where to start, and the loss with its gradient
PROBLEMS: dict[str, tuple[np.ndarray, Callable[[np.ndarray], tuple[float, np.ndarray]]]] = {
    "quadratic": (START, lambda w: (w @ w, 2 * w)),
    "ill": (START, lambda w: (0.5 * w @ HESSIAN @ w, HESSIAN @ w)),
    "rosenbrock": (np.array([-1.2, 1.0]), _rosenbrock),
    "logistic": (np.zeros(3), _logistic),
}


class Zoo:
    """Parameters of 0 to 4 axes in two groups, trained with hyperparameters that change from step to step."""

    def __init__(self, case: SettingConformance, torchs: bool, first: int = 6) -> None:
        rng = np.random.default_rng(1)
        shapes = (SHAPES if case.axes is None else MATRICES)[:first]
        make: Any = torch.tensor if torchs else gw.tensor
        self.tensor = make
        self.params = [make(np.asarray(rng.normal(size=shape)), requires_grad=True) for shape in shapes]
        self.targets = [make(np.asarray(rng.normal(size=shape))) for shape in shapes]
        self.sign = case.sign
        self.changed = case.changed
        build = case.make_torch if torchs else case.make
        self.opt: Any = build([{"params": self.params[::2]}, {"params": self.params[1::2], "lr": 0.02}])

    def change(self, i: int) -> None:
        """Set the hyperparameters for step i, each group its own."""
        for k, group in enumerate(self.opt.param_groups):
            factor = 1 + 0.03 * i + 0.2 * k
            for key, value in self.changed.items():
                group[key] = tuple(v / factor for v in value) if isinstance(value, tuple) else value / factor

    def loss(self) -> Any:
        """Fourth powers, whose gradients are of very different sizes. The first parameter is not used."""
        pairs = list(zip(self.params, self.targets, strict=True))[1:]
        return self.sign * sum(((p - t) ** 4).sum() for p, t in pairs)

    def step(self, used: Callable[[int], bool], zero: bool) -> None:
        """One eager step, the gradients computed by hand."""
        for i, (p, t) in enumerate(zip(self.params, self.targets, strict=True)):
            g = self.sign * 4 * (p.detach().numpy() - t.numpy()) ** 3
            p.grad = self.tensor(np.asarray(g * (not zero))) if used(i) else None
        self.opt.step()

    def values(self) -> list[np.ndarray]:
        return [p.detach().numpy() for p in self.params]


class SettingConformance:
    """What holds for every setting of a rule. Inherit it as ``Test…``, name the rule and its options."""

    name: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}
    axes: ClassVar[tuple[int, ...] | None] = None  # of the parameters that the rule takes, if not all
    changed: ClassVar[dict[str, Any]] = {"lr": 0.003}  # what a schedule may change, without a new trace
    #: which rules hide a gradient that is not finite, and which let it spoil the whole parameter, as documented
    hidden: ClassVar[dict[str, set[str]]] = {"NaN": {"Rprop"}, "infinity": {"Rprop", "Lion"}}
    spoils_all: ClassVar[set[str]] = {"LARS", "LAMB", "Muon"}

    def start(self) -> np.ndarray:
        """A parameter of a shape that the rule takes."""
        return START.reshape(2, 3) if self.axes == (2,) else START

    def make(self, params: Any, **more: Any) -> optim.Optimizer:
        return getattr(optim, self.name)(params, **{"lr": 0.005, **self.options, **more})

    def make_torch(self, params: Any, **more: Any) -> torch.optim.Optimizer:
        return oracle(self.name)(params, **{"lr": 0.005, **self.options, **more})

    @property
    def sign(self) -> float:
        return -1.0 if self.options.get("maximize") else 1.0

    # --- trajectories -----------------------------------------------------------------------------------------------
    def test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs(self) -> None:
        w, t = gw.tensor(self.start(), requires_grad=True), torch.tensor(self.start(), requires_grad=True)
        ours, theirs = self.make([w]), self.make_torch([t])
        h, th = gw.tensor(HESSIAN), torch.tensor(HESSIAN)
        for _ in range(100):
            for opt, x, m in ((ours, w, h), (theirs, t, th)):
                opt.zero_grad()
                (self.sign * 0.5 * (x.reshape(-1) @ (m @ x.reshape(-1)))).backward()
                opt.step()
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-10, atol=1e-10)
        assert np.abs(w.detach().numpy() - self.start()).max() > 1e-3, "it has moved"

    def test_100_steps_in_two_groups_with_changing_hyperparameters_are_pytorchs(self) -> None:
        a, b = Zoo(self, False), Zoo(self, True)
        for i in range(100):
            for zoo in (a, b):
                zoo.change(i)
                # the first parameter is never used, the second one every third time; now and then all gradients are 0
                zoo.step(used=lambda k, i=i: k > 0 and (k != 1 or i % 3 == 0), zero=i % 10 == 9)
            ends = [np.concatenate([v.ravel() for v in zoo.values()]) for zoo in (a, b)]
            np.testing.assert_allclose(*ends, rtol=1e-10, atol=1e-10, err_msg=f"step {i}")
        np.testing.assert_array_equal(a.values()[0], Zoo(self, False).values()[0])
        assert not np.allclose(a.values()[1], Zoo(self, False).values()[1])

    # --- parameters and groups --------------------------------------------------------------------------------------
    def test_groups_keep_their_own_learning_rate(self) -> None:
        values = [np.array([2.0, -0.5, 3.0]) if self.axes is None else self.start()] * 3
        ours = [gw.tensor(v, requires_grad=True) for v in values]
        theirs = [torch.tensor(v, requires_grad=True) for v in values]
        a = self.make([{"params": ours[:2]}, {"params": ours[2], "lr": 0.05}])
        b = self.make_torch([{"params": theirs[:2]}, {"params": theirs[2], "lr": 0.05}])
        assert [g["lr"] for g in a.param_groups] == [g["lr"] for g in b.param_groups]
        for _ in range(5):
            for opt, tensors in ((a, ours), (b, theirs)):
                opt.zero_grad()
                sum(((w - 1) ** 4).sum() for w in tensors).backward()
                opt.step()
        for w, t in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)
        moved = [np.abs(w.detach().numpy() - v).max() for w, v in zip(ours, values, strict=True)]
        assert self.name == "Rprop" or moved[2] != pytest.approx(moved[0], rel=0.1)

    def test_parameters_without_gradient_are_passed_over_and_not_counted(self) -> None:
        pass_over(self)

    def test_a_zero_gradient_moves_only_by_decay(self) -> None:
        w, t = gw.tensor(self.start(), requires_grad=True), torch.tensor(self.start(), requires_grad=True)
        a, b = self.make([w]), self.make_torch([t])
        for opt, x in ((a, w), (b, t)):
            (x * 0).sum().backward()
            opt.step()
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-14)
        if not a.param_groups[0].get("weight_decay"):
            np.testing.assert_array_equal(w.detach().numpy(), self.start())

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_gradients_that_are_not_finite_do_what_pytorchs_do(self, bad: float) -> None:
        w, t = gw.tensor(self.start(), requires_grad=True), torch.tensor(self.start(), requires_grad=True)
        spoilt = np.ones_like(self.start())
        spoilt.flat[1] = bad
        a, b = self.make([w]), self.make_torch([t])
        for _ in range(2):
            w.grad, t.grad = gw.tensor(spoilt), torch.tensor(spoilt)
            a.step()
            b.step()
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)  # NaN equals NaN here
        kind = "NaN" if np.isnan(bad) else "infinity"
        assert np.isfinite(w.detach().numpy().flat[1]) == (self.name in self.hidden[kind])
        assert np.isfinite(w.detach().numpy().flat[0]) == (self.name not in self.spoils_all)

    def test_zero_grad_forgets_or_zeroes(self) -> None:
        w = gw.tensor(self.start(), requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.zero_grad(set_to_none=False)
        np.testing.assert_array_equal(w.grad.numpy(), np.zeros_like(self.start()))  # type: ignore[union-attr]
        opt.zero_grad()
        assert w.grad is None

    def test_step_with_a_closure(self) -> None:
        w, t = gw.tensor(self.start(), requires_grad=True), torch.tensor(self.start(), requires_grad=True)
        for opt, x in ((self.make([w]), w), (self.make_torch([t]), t)):

            def closure(opt: Any = opt, x: Any = x) -> Any:
                opt.zero_grad()
                loss = (x**2).sum()
                loss.backward()
                return loss

            assert opt.step(closure).item() == pytest.approx((self.start() ** 2).sum())
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-14)

    def test_float32_parameters_stay_float32(self) -> None:
        w = gw.tensor(self.start().astype(np.float32), requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.step()
        assert w.dtype == np.float32
        assert all(slot.dtype == np.float32 for slot in opt.state[w].values() if slot.shape == w.shape)

    # --- saving -----------------------------------------------------------------------------------------------------
    def test_a_saved_state_goes_on_bit_for_bit(self) -> None:
        def train(w: gw.Tensor, opt: optim.Optimizer, steps: int) -> None:
            for _ in range(steps):
                opt.zero_grad()
                (self.sign * (w**4).sum()).backward()
                opt.step()

        w = gw.tensor(self.start(), requires_grad=True)
        opt = self.make([w])
        train(w, opt, 7)
        saved, weights = opt.state_dict(), w.detach().numpy()
        train(w, opt, 5)
        again = gw.tensor(weights, requires_grad=True)
        other = self.make([again], lr=0.9)
        other.load_state_dict(saved)
        assert other.param_groups[0]["lr"] == opt.param_groups[0]["lr"]
        train(again, other, 5)
        np.testing.assert_array_equal(again.detach().numpy(), w.detach().numpy())
        fresh = gw.tensor(weights, requires_grad=True)
        forgetful = self.make([fresh])
        train(fresh, forgetful, 5)
        if other.state[again]:
            ends = [[x, *o.state[x].values()] for x, o in ((w, opt), (fresh, forgetful))]
            assert any((a.detach().numpy() != b.detach().numpy()).any() for a, b in zip(*ends, strict=True))

    def test_a_state_saved_by_pytorch_goes_on_here(self) -> None:
        t = torch.tensor(self.start(), requires_grad=True)
        theirs = self.make_torch([t])
        for _ in range(5):
            theirs.zero_grad()
            (t**4).sum().backward()
            theirs.step()
        w = gw.tensor(t.detach().numpy().copy(), requires_grad=True)
        ours = self.make([w])
        ours.load_state_dict(theirs.state_dict())
        for _ in range(5):
            for opt, x in ((ours, w), (theirs, t)):
                opt.zero_grad()
                (x**4).sum().backward()
                opt.step()
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)

    def test_a_state_saved_here_goes_on_in_pytorch(self) -> None:
        # the second parameter has its first gradient only there
        ours = [gw.tensor(self.start(), requires_grad=True) for _ in range(2)]
        mine = self.make(ours)
        for _ in range(5):
            mine.zero_grad()
            (ours[0] ** 4).sum().backward()
            mine.step()
        saved = mine.state_dict()
        arrays = {
            i: {k: v if k == "step" else torch.tensor(v.numpy()) for k, v in slots.items() if v is not None}
            for i, slots in saved["state"].items()
        }
        theirs = [torch.tensor(w.detach().numpy().copy(), requires_grad=True) for w in ours]
        other = self.make_torch(theirs, lr=0.7)
        other.load_state_dict({"state": arrays, "param_groups": saved["param_groups"]})
        for _ in range(5):
            for opt, tensors in ((mine, ours), (other, theirs)):
                opt.zero_grad()
                sum((x**4).sum() for x in tensors).backward()
                opt.step()
        for w, t in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)

    def test_parameters_without_an_entry_start_anew(self) -> None:
        """PyTorch saves nothing for a parameter that has had no gradient."""
        theirs = [torch.tensor(self.start(), requires_grad=True) for _ in range(2)]
        other = self.make_torch(theirs)
        (theirs[0] ** 4).sum().backward()
        other.step()
        ours = [gw.tensor(t.detach().numpy().copy(), requires_grad=True) for t in theirs]
        mine = self.make(ours)
        for w in ours:
            w.grad = gw.tensor(self.start())
        mine.step()  # what is remembered of this must go
        with gw.no_grad():
            for w, t in zip(ours, theirs, strict=True):
                w.copy_(gw.tensor(t.detach().numpy()))
        mine.load_state_dict(other.state_dict())
        for _ in range(3):
            for opt, tensors in ((mine, ours), (other, theirs)):
                opt.zero_grad()
                sum((x**4).sum() for x in tensors).backward()
                opt.step()
        for w, t in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-12)

    def test_the_state_has_pytorchs_layout(self) -> None:
        shapes = [(2, 3), (4,) if self.axes is None else (2, 2)]
        ours = [gw.tensor(np.ones(shape), requires_grad=True) for shape in shapes]
        theirs = [torch.tensor(np.ones(shape), requires_grad=True) for shape in shapes]
        states = []
        for opt, tensors in (
            (self.make([{"params": ours[:1]}, {"params": ours[1:], "lr": 0.1}]), ours),
            (self.make_torch([{"params": theirs[:1]}, {"params": theirs[1:], "lr": 0.1}]), theirs),
        ):
            sum((w**2).sum() for w in tensors).backward()
            opt.step()
            states.append(opt.state_dict())
        mine, other = states
        assert list(mine) == list(other) == ["state", "param_groups"]
        assert [g["params"] for g in mine["param_groups"]] == [g["params"] for g in other["param_groups"]]
        for a, b in zip(mine["param_groups"], other["param_groups"], strict=True):
            assert set(a) <= set(b)
            assert all(a[key] == b[key] for key in a)
        for i, slots in other["state"].items():
            for key, value in slots.items():
                if value is not None:
                    assert np.shape(mine["state"][i][key]) == tuple(np.shape(value))

    def test_a_state_that_does_not_fit_changes_nothing(self) -> None:
        w = gw.tensor(self.start(), requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.step()
        before = opt.state_dict()
        shape = self.start().shape
        two = self.make([gw.zeros(shape, requires_grad=True), gw.zeros(shape, requires_grad=True)]).state_dict()
        bad = [two]
        if opt.state[w]:
            longer = gw.ones((*shape[:-1], 5), requires_grad=True)
            other = self.make([longer], lr=7.0)
            longer.sum().backward()
            other.step()
            bad.append(other.state_dict())
            bad.append({**before, "state": {}})
        for state in bad:
            with pytest.raises(StateError):
                opt.load_state_dict(state)
        after = opt.state_dict()
        assert after["param_groups"] == before["param_groups"]
        assert after["state"][0]["step"] == 1
        for key, slot in before["state"][0].items():
            np.testing.assert_array_equal(np.asarray(slot), np.asarray(after["state"][0][key]))

    # --- what is refused --------------------------------------------------------------------------------------------
    def test_hyperparameters_outside_their_range_are_refused(self) -> None:
        w = gw.zeros(self.start().shape, requires_grad=True)
        rule = getattr(optim, self.name)
        for key in rule.hyperparameters:
            default = self.make([w]).param_groups[0][key]
            tops = [1.0] if key in rule.below_one else []
            for value in ["0.1", -1e-9, float("nan"), *tops]:
                if key == "ns_coefficients" and value == -1e-9:
                    continue  # these may be negative
                expected = "must be a number, got a str" if value == "0.1" else "must be at least 0"
                tuples = [(*default[:i], value, *default[i + 1 :]) for i in range(len(default))] if isinstance(
                    default, tuple
                ) else [value]  # fmt: skip
                for given in tuples:
                    with pytest.raises(ConfigError, match=rf"{self.name}: {key}(\[\d\])? {expected}"):
                        self.make([w], **{key: given})
                    with pytest.raises(ConfigError, match=rf"{self.name}: {key}"):
                        self.make([{"params": [w], key: given}])
            if isinstance(default, tuple):
                with pytest.raises(ConfigError, match=rf"{self.name}: {key} must be {len(default)} numbers"):
                    self.make([w], **{key: default[1:]})

    def test_what_is_no_list_of_parameters_is_refused(self) -> None:
        model = nn.Linear(2, 2)
        used = model.parameters()
        list(used)
        with pytest.raises(ConfigError, match="used up"):
            self.make(used)
        with pytest.raises(ConfigError, match="no parameters"):
            self.make([])
        with pytest.raises(ConfigError, match=r"shape \(2, 2\) is in the optimizer twice"):
            self.make([model.weight, model.weight])
        with pytest.raises(ConfigError, match="twice"):
            self.make([{"params": [model.weight]}, {"params": model.parameters()}])
        with pytest.raises(ConfigError, match="parameter 1 is a str"):
            self.make([model.weight, "bias"])
        with pytest.raises(ConfigError, match="not a leaf"):
            self.make([model.weight * 2])

    def test_repr_names_the_rule_and_its_numbers(self) -> None:
        text = repr(self.make([gw.zeros(self.start().shape, requires_grad=True)], lr=0.125))
        assert text.startswith(self.name)
        assert "lr: 0.125" in text


class OptimizerConformance(SettingConformance):
    """What is asked of every rule once: inherited by the first setting of each."""

    #: learning rates for the four problems, and how far they bring the loss down where that is not the usual
    rates: ClassVar[dict[str, float]] = {"quadratic": 0.1, "ill": 0.01, "rosenbrock": 1e-3, "logistic": 0.1}
    reached: ClassVar[dict[str, float]] = {}

    def test_100_steps_of_a_network_are_pytorchs(self) -> None:
        train_beside_pytorch(self)

    # --- convergence ------------------------------------------------------------------------------------------------
    def descend(self, problem: str) -> tuple[float, float]:
        """Take 2,000 steps, with a tenth and a hundredth of the rate towards the end; return first and last loss."""
        start, loss = PROBLEMS[problem]
        w = gw.tensor(start[None] if self.axes == (2,) else start, requires_grad=True)
        # without decay, which moves the minimum
        more = {k: 0 for k in ("weight_decay",) if k in getattr(optim, self.name).hyperparameters}
        opt = self.make([w], lr=self.rates[problem], **more)
        for steps in (1500, 250, 250):
            for _ in range(steps):
                _, slope = loss(w.detach().numpy().ravel())
                w.grad = gw.tensor(self.sign * slope.reshape(w.shape))
                opt.step()
            opt.param_groups[0]["lr"] /= 10
        return loss(start)[0], float(loss(w.detach().numpy().ravel())[0])

    def test_converges_on_a_quadratic(self) -> None:
        first, last = self.descend("quadratic")
        assert last < self.reached.get("quadratic", 1e-8) * first

    def test_converges_on_an_ill_conditioned_quadratic(self) -> None:
        first, last = self.descend("ill")
        assert last < self.reached.get("ill", 1e-3) * first

    def test_converges_on_rosenbrock(self) -> None:
        first, last = self.descend("rosenbrock")
        assert last < self.reached.get("rosenbrock", 1e-2) * first

    def test_converges_on_logistic_regression(self) -> None:
        _, last = self.descend("logistic")
        assert last == pytest.approx(best_logistic_loss(), rel=self.reached.get("logistic", 1e-5))
