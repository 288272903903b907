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


class OptimizerConformance:
    """Inherit it as ``Test…``, name the optimizer and its options (both libraries take the same)."""

    name: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}
    #: steps and learning rate that bring each problem's loss down
    quadratic_lr: ClassVar[float] = 0.1
    ill_lr: ClassVar[float] = 0.01
    rosenbrock_lr: ClassVar[float] = 1e-3
    logistic_lr: ClassVar[float] = 0.5
    changed: ClassVar[dict[str, Any]] = {"lr": 0.003}  # what a schedule may change, without a new trace

    def make(self, params: Any, **more: Any) -> optim.Optimizer:
        return getattr(optim, self.name)(params, **{"lr": 0.005, **self.options, **more})

    def make_torch(self, params: Any, **more: Any) -> torch.optim.Optimizer:
        return getattr(torch.optim, self.name)(params, **{"lr": 0.005, **self.options, **more})

    @property
    def sign(self) -> float:
        return -1.0 if self.options.get("maximize") else 1.0

    # --- trajectories -----------------------------------------------------------------------------------------------
    def test_100_steps_on_an_ill_conditioned_quadratic_are_pytorchs(self) -> None:
        w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
        ours, theirs = self.make([w]), self.make_torch([t])
        h, th = gw.tensor(HESSIAN), torch.tensor(HESSIAN)
        for _ in range(100):
            for opt, x, m in ((ours, w, h), (theirs, t, th)):
                opt.zero_grad()
                (self.sign * 0.5 * (x @ (m @ x))).backward()
                opt.step()
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-10, atol=1e-10)
        assert np.abs(w.detach().numpy() - START).max() > 1e-3, "it has moved"

    @pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
    def test_100_steps_of_a_network_are_pytorchs(self, compiled: bool) -> None:
        torch.manual_seed(0)
        net, oracle = mlp(nn), mlp(torch.nn)
        net.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
        ours, theirs = self.make(net.parameters()), self.make_torch(oracle.parameters())

        def step(x: gw.Tensor, y: gw.Tensor) -> gw.Tensor:
            ours.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            (loss * self.sign).backward()
            ours.step()
            return loss

        run: Callable[..., gw.Tensor] = gw.compile(step) if compiled else step
        for i in range(100):
            rows = np.arange(i, i + 10) % 20
            loss = run(gw.tensor(X[rows]), gw.tensor(Y[rows]))
            theirs.zero_grad()
            expected = ((oracle(torch.tensor(X[rows])) - torch.tensor(Y[rows])) ** 2).mean()
            (expected * self.sign).backward()
            theirs.step()
            assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
        for p, t in zip(net.parameters(), oracle.parameters(), strict=True):
            np.testing.assert_allclose(p.detach().numpy(), t.detach().numpy(), rtol=1e-10, atol=1e-10)
        if compiled:
            assert run.traces == 1  # type: ignore[attr-defined]

    # --- convergence ------------------------------------------------------------------------------------------------
    def descend(self, loss: Callable[[gw.Tensor], gw.Tensor], start: Any, lr: float, steps: int) -> tuple[float, float]:
        """Run as one program and return the first and the last loss; weight decay off, it moves the minimum."""
        w = gw.tensor(np.asarray(start, float), requires_grad=True)
        opt = self.make([w], lr=lr, weight_decay=0)

        @gw.compile
        def step(_: gw.Tensor) -> gw.Tensor:
            opt.zero_grad()
            value = loss(w)
            (value * self.sign).backward()
            opt.step()
            return value

        values = step.scan(np.zeros(steps)).numpy()
        assert np.isfinite(values).all()
        return values[0], values[-1]

    def test_converges_on_a_quadratic(self) -> None:
        first, last = self.descend(lambda w: (w * w).sum(), START, self.quadratic_lr, 300)
        assert last < 1e-4 * first

    def test_converges_on_an_ill_conditioned_quadratic(self) -> None:
        h = gw.tensor(HESSIAN)
        first, last = self.descend(lambda w: 0.5 * (w @ (h @ w)), START, self.ill_lr, 4000)
        assert last < 1e-4 * first

    def test_converges_on_rosenbrock(self) -> None:
        def rosenbrock(w: gw.Tensor) -> gw.Tensor:
            return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2

        first, last = self.descend(rosenbrock, [-1.2, 1.0], self.rosenbrock_lr, 20_000)
        assert last < 1e-3 * first

    def test_converges_on_logistic_regression(self) -> None:
        x, y = gw.tensor(FEATURES), gw.tensor(FLAGS)

        def loss(w: gw.Tensor) -> gw.Tensor:
            return nn.functional.binary_cross_entropy_with_logits(x @ w, y) + 0.01 * (w * w).sum()

        _, last = self.descend(loss, np.zeros(3), self.logistic_lr, 1500)
        assert last == pytest.approx(best_logistic_loss(), rel=1e-3)

    # --- parameters and groups --------------------------------------------------------------------------------------
    def test_groups_keep_their_own_learning_rate(self) -> None:
        values = [np.array([2.0, -0.5, 3.0])] * 3
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
        assert moved[2] != pytest.approx(moved[0], rel=0.1)

    @pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
    def test_parameters_without_gradient_are_passed_over_and_not_counted(self, compiled: bool) -> None:
        ours = [gw.tensor(np.ones(2) * i, requires_grad=True) for i in (1, 2, 3)]
        theirs = [torch.tensor(np.ones(2) * i, requires_grad=True) for i in (1, 2, 3)]
        a, b = self.make(ours), self.make_torch(theirs)

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

    def test_a_zero_gradient_moves_only_by_decay(self) -> None:
        w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
        a, b = self.make([w]), self.make_torch([t])
        for opt, x in ((a, w), (b, t)):
            (x * 0).sum().backward()
            opt.step()
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-14)
        if not self.options.get("weight_decay") and self.name != "AdamW":
            np.testing.assert_array_equal(w.detach().numpy(), START)

    def test_zero_grad_forgets_or_zeroes(self) -> None:
        w = gw.tensor(START, requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.zero_grad(set_to_none=False)
        np.testing.assert_array_equal(w.grad.numpy(), np.zeros(6))  # type: ignore[union-attr]
        opt.zero_grad()
        assert w.grad is None

    def test_step_with_a_closure(self) -> None:
        w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
        for opt, x in ((self.make([w]), w), (self.make_torch([t]), t)):

            def closure(opt: Any = opt, x: Any = x) -> Any:
                opt.zero_grad()
                loss = (x**2).sum()
                loss.backward()
                return loss

            assert opt.step(closure).item() == pytest.approx((START**2).sum())
        np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-14)

    def test_float32_parameters_stay_float32(self) -> None:
        w = gw.tensor(START.astype(np.float32), requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.step()
        assert w.dtype == np.float32
        assert all(slot.dtype == np.float32 for slot in opt.state[w].values())

    # --- schedules --------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
    def test_hyperparameters_may_change_between_steps_without_a_new_trace(self, compiled: bool) -> None:
        w, t = gw.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
        a, b = self.make([w]), self.make_torch([t])

        def step(_: Any = None) -> gw.Tensor:
            a.zero_grad()
            loss = (w**4).sum()
            loss.backward()
            a.step()
            return loss

        run = gw.compile(step) if compiled else step
        for i in range(20):
            factor = 1 + 0.1 * i
            for opt in (a, b):
                for key, value in self.changed.items():
                    new = tuple(v / factor for v in value) if isinstance(value, tuple) else value / factor
                    opt.param_groups[0][key] = new
            run(None)
            b.zero_grad()
            (t**4).sum().backward()
            b.step()
            np.testing.assert_allclose(w.detach().numpy(), t.detach().numpy(), rtol=1e-10)
        if compiled:
            assert run.traces == 1  # type: ignore[attr-defined]

    # --- saving -----------------------------------------------------------------------------------------------------
    def test_a_saved_state_goes_on_bit_for_bit(self) -> None:
        def train(w: gw.Tensor, opt: optim.Optimizer, steps: int) -> None:
            for _ in range(steps):
                opt.zero_grad()
                (self.sign * (w**4).sum()).backward()
                opt.step()

        w = gw.tensor(START, requires_grad=True)
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
        train(fresh, self.make([fresh]), 5)
        if other.state[again]:
            assert (fresh.detach().numpy() != w.detach().numpy()).any(), "the state mattered"

    def test_a_state_saved_by_pytorch_goes_on_here(self) -> None:
        t = torch.tensor(START, requires_grad=True)
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

    def test_the_state_has_pytorchs_layout(self) -> None:
        ours = [gw.tensor(np.ones((2, 3)), requires_grad=True), gw.tensor(np.ones(4), requires_grad=True)]
        theirs = [torch.tensor(np.ones((2, 3)), requires_grad=True), torch.tensor(np.ones(4), requires_grad=True)]
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
        w = gw.tensor(START, requires_grad=True)
        opt = self.make([w])
        (w * w).sum().backward()
        opt.step()
        before = opt.state_dict()
        two = self.make([gw.zeros(6, requires_grad=True), gw.zeros(2, requires_grad=True)]).state_dict()
        bad = [two]
        if opt.state[w]:
            bad.append(self.make([gw.zeros(5, requires_grad=True)], lr=7.0).state_dict())
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
        w = gw.zeros(2, requires_grad=True)
        for key in getattr(optim, self.name).hyperparameters:
            with pytest.raises(ConfigError, match="must be a number, got a str"):
                self.make([w], **{key: ("0.1", "0.1") if key == "betas" else "0.1"})
            if key == "betas":
                for betas in [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, float("nan"))]:
                    with pytest.raises(ConfigError, match=f"{self.name}: betas"):
                        self.make([w], betas=betas)
                continue
            for value in (-1e-9, float("nan")):
                with pytest.raises(ConfigError, match=f"{self.name}: {key} must be at least 0"):
                    self.make([w], **{key: value})
                with pytest.raises(ConfigError, match=f"{self.name}: {key}"):
                    self.make([{"params": [w], key: value}])

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
        text = repr(self.make([gw.zeros(2, requires_grad=True)], lr=0.125))
        assert text.startswith(self.name)
        assert "lr: 0.125" in text
