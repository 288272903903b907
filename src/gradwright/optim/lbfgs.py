"""L-BFGS."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from gradwright.engine.base import settle
from gradwright.engine.mode import enable_grad, no_grad
from gradwright.engine.state import Lift
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, ConfigError, StateError
from gradwright.optim.optimizer import Optimizer, gradient
from gradwright.optim.strong_wolfe import Point, strong_wolfe

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS: Newton's direction from the last steps' changes of the gradient. For full batches.

    Equations, with sᵢ = θᵢ₊₁ - θᵢ, yᵢ = gᵢ₊₁ - gᵢ, ρᵢ = 1 / yᵢᵀsᵢ (a pair is kept where yᵀs > 1e-10):
    H₀ = (yᵀs / yᵀy) I of the last pair; Hᵢ₊₁ = (I - ρsyᵀ)Hᵢ(I - ρysᵀ) + ρssᵀ; d = -Hg by the two-loop recursion;
    θ ← θ + td, where t = γ (at the very first step γ min(1, 1 / Σ|g|)), or found from there by line search.

    One call of :meth:`step` takes up to ``max_iter`` such iterations. How far each goes depends on the loss's value, so
    a step runs eagerly; ``gradwright.compile`` the closure, which is where the time goes.

    Parameters
    ----------
    params : iterable of Tensor
        One group only.
    lr : float >= 0
        γ.
    max_iter : int >= 1
        Iterations a step, at most.
    max_eval : int, optional
        Calls of the closure a step, at most (1.25 max_iter); a line search under way may pass it.
    tolerance_grad : float >= 0
        End where no element of the gradient is larger.
    tolerance_change : float >= 0
        End where neither the loss nor any parameter changes by more.
    history_size : int >= 1
        Pairs kept.
    line_search_fn : None or "strong_wolfe"
        How the step's length is found.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([-1.2, 1.0], requires_grad=True)
    >>> opt = gw.optim.LBFGS([w], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> _ = opt.step(closure); w
    tensor([1.0000, 1.0000], requires_grad=True)

    References
    ----------
    J. Nocedal, *Updating quasi-Newton matrices with limited storage* (Mathematics of Computation 1980); J. Nocedal and
    S. Wright, *Numerical optimization* (2006), algorithms 7.4 and 7.5.
    """

    closure: ClassVar[str | None] = "gradients"
    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "tolerance_grad", "tolerance_change")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        self._memory: dict[str, Any] = {}
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range and for a second group."""
        super().check(group)
        if self.param_groups:
            raise ConfigError("LBFGS: all parameters move along one direction, so there can be one group only")
        for name in ("max_iter", "max_eval", "history_size"):
            if not (isinstance(group[name], int) and group[name] >= 1):
                raise ConfigError(f"LBFGS: {name} must be a whole number of at least 1, got {group[name]!r}")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ConfigError(f'LBFGS: line_search_fn must be None or "strong_wolfe", got {group["line_search_fn"]!r}')

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return nothing: what is remembered is of all parameters together."""
        return ()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the parameters; the memory stays on the host."""
        for i, p in enumerate(self.param_groups[0]["params"]):
            lift.tensor(f"{path}.param_groups[0].params[{i}]", p)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to ``max_iter`` iterations and return the loss before them.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss, calls its backward and returns it.
        """
        if trace_now.trace is not None:
            raise CompileError(
                "LBFGS: how far it goes depends on the loss's value, which a program does not have while it is traced. "
                "Compile the closure instead: opt.step(gradwright.compile(closure))"
            )
        if closure is None:
            raise ConfigError("LBFGS: step needs a closure that computes the loss, calls its backward and returns it")
        with np.errstate(all="ignore"):  # a search may pass where the loss overflows
            return self._iterate(closure)

    @no_grad()
    def _iterate(self, closure: Callable[[], Any]) -> Any:
        h, memory = self.param_groups[0], self._memory
        params = h["params"]

        def evaluate() -> tuple[Any, np.ndarray]:
            with enable_grad():
                loss = closure()
            parts = [np.zeros(p.shape, p.dtype) if p._grad is None else gradient(p) for p in params]
            return loss, np.concatenate([np.asarray(part).reshape(-1) for part in parts])

        def place(x: np.ndarray) -> None:
            start = 0
            for p in params:
                p._set(x[start : start + p.numel()].reshape(p.shape).astype(p.dtype))
                start += p.numel()

        first_loss, g = evaluate()
        f, asked = float(first_loss), 1
        memory["func_evals"] = memory.get("func_evals", 0) + 1
        memory.setdefault("n_iter", 0)
        if np.abs(g).max() <= h["tolerance_grad"]:
            return first_loss
        x = np.concatenate([np.asarray(settle(p)).reshape(-1) for p in params])
        for i in range(1, h["max_iter"] + 1):
            memory["n_iter"] += 1
            self._direct(g)
            memory["prev_flat_grad"], memory["prev_loss"] = g, f
            d, t = memory["d"], float(h["lr"])
            if memory["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(np.abs(g).sum()))
            memory["t"] = t
            slope = float(g @ d)
            if slope > -h["tolerance_change"]:
                break
            if h["line_search_fn"] is not None:
                point, n = strong_wolfe(
                    functools.partial(self._look, evaluate, place, x, d),
                    Point(0.0, f, g, slope),
                    t,
                    float(np.abs(d).max()),
                    h["max_eval"] - asked,
                )
                memory["t"], f, g = point.t, point.f, point.g
                x = x + point.t * d
                place(x)
            else:
                x, n = x + t * d, 0
                place(x)
                if i < h["max_iter"]:  # after the last one nobody asks
                    loss, g = evaluate()
                    f, n = float(loss), 1
            asked += n
            memory["func_evals"] += n
            if (
                asked >= h["max_eval"]
                or np.abs(g).max() <= h["tolerance_grad"]
                or np.abs(d * memory["t"]).max() <= h["tolerance_change"]
                or abs(f - memory["prev_loss"]) < h["tolerance_change"]
            ):
                break
        return first_loss

    def _look(self, evaluate: Any, place: Any, x: np.ndarray, d: np.ndarray, t: float) -> Point:
        place(x + t * d)
        loss, g = evaluate()
        return Point(t, float(loss), g, float(g @ d))

    def _direct(self, g: np.ndarray) -> None:
        """Take in the last step and put the new direction into the memory."""
        memory = self._memory
        if memory["n_iter"] == 1:
            memory.update(d=-g, old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return
        y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
        ys = y @ s
        if ys > 1e-10:
            if len(memory["ro"]) == self.param_groups[0]["history_size"]:
                for name in ("old_dirs", "old_stps", "ro"):
                    memory[name].pop(0)
            memory["old_dirs"].append(y)
            memory["old_stps"].append(s)
            memory["ro"].append(1.0 / ys)
            memory["H_diag"] = ys / (y @ y)
        pairs = list(zip(memory["old_dirs"], memory["old_stps"], memory["ro"], strict=True))
        q, shares = -g, []
        for y, s, ro in reversed(pairs):
            shares.append((s @ q) * ro)
            q = q - shares[-1] * y
        r = q * memory["H_diag"]
        for (y, s, ro), share in zip(pairs, reversed(shares), strict=True):
            r = r + (share - (y @ r) * ro) * s
        memory["d"] = r

    # --- saving -----------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Return the memory in PyTorch's layout, as the first parameter's state."""
        saved = super().state_dict()
        saved["state"] = {0: {k: _saved(v) for k, v in self._memory.items()}} if self._memory else {}
        return saved

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit."""
        size = sum(p.numel() for p in self.param_groups[0]["params"])
        dtype = np.result_type(*[p.dtype for p in self.param_groups[0]["params"]])
        memory = {k: _loaded(v, dtype) for k, v in state_dict["state"].get(0, {}).items() if k != "al"}
        for name, value in memory.items():
            for array in value if isinstance(value, list) else [value]:
                if np.ndim(array) and np.shape(array) != (size,):
                    raise StateError(f"load_state_dict: {name} has shape {np.shape(array)}, expected ({size},)")
        super().load_state_dict(state_dict)
        self._memory = memory


def _saved(value: Any) -> Any:
    if isinstance(value, list):
        return [_saved(v) for v in value]
    return value if isinstance(value, int | float) else Tensor(np.array(value))


def _loaded(value: Any, dtype: Any) -> Any:
    if isinstance(value, list):
        return [_loaded(v, dtype) for v in value]
    if isinstance(value, int | float):
        return value
    array = np.asarray(value)
    return array.astype(dtype) if array.ndim else array.astype(dtype)[()]
