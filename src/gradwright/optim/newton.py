"""Newton's method, damped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import jax_modules, namespace
from gradwright.backend.loops import scan
from gradwright.engine.base import settle
from gradwright.engine.mode import enable_grad, no_grad
from gradwright.engine.op import wrap
from gradwright.engine.reverse import grad
from gradwright.engine.state import Lift
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, GraphError, LinAlgError, StateError
from gradwright.optim.optimizer import Optimizer, off

__all__ = ["Newton"]


class Newton(Optimizer):
    """Damped Newton steps: the loss's curvature says how far to go in every direction. For full batches.

    Equations, with g and H the gradient and Hessian of the loss in all parameters together: (H + λI)d = -g;
    θ ← θ + γd. With ``adaptive`` (Levenberg, Marquardt) the step is kept only if the loss does not rise, and then
    λ ← λ / 10; otherwise the parameters stay and λ ← 10λ.

    The Hessian is exact, row by row, up to ``max_exact`` parameters. For more, the system is solved by conjugate
    gradients on Hessian-vector products; where these meet a direction of no positive curvature, what is found so far is
    the step (the gradient's direction if that is the first).

    Parameters
    ----------
    params : iterable of Tensor
        One group only.
    lr : float >= 0
        γ.
    damping : float >= 0
        λ, where it starts; constant without ``adaptive``. Without it a Hessian that is not positive definite gives
        steps to a saddle or a maximum.
    adaptive : bool
        Adapt λ to what steps achieve.
    max_exact : int >= 0
        The largest number of parameters for which the whole Hessian is made.
    cg_iter : int >= 1
        Iterations of conjugate gradients at most.
    cg_tol : float >= 0
        They end where the residual's norm is ``cg_tol`` of the gradient's.
    maximize : bool
        Go up instead.

    Notes
    -----
    Inside a compiled step it is one program: the closure is part of it, once for the derivatives and, when adaptive,
    once more for the new loss. The closure must give the same loss for the same parameters: no dropout.
    A loss or gradient that is not finite gives a step that is refused; without ``adaptive`` it spoils the parameters.

    Raises
    ------
    LinAlgError
        When H + λI is singular and λ is constant.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([3.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Newton([w], damping=0.0, adaptive=False)
    >>> _ = opt.step(lambda: (w ** 2 * gw.tensor([1.0, 1000.0])).sum()); w    # a quadratic in one step
    tensor([0., 0.], requires_grad=True)

    References
    ----------
    D. W. Marquardt, *An algorithm for least-squares estimation of nonlinear parameters* (1963), with H for the
    Gauss-Newton matrix; J. Nocedal and S. Wright, *Numerical optimization* (2006), algorithm 7.1, without line search.
    """

    closure: ClassVar[str | None] = "loss"
    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "damping", "cg_tol")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        damping: float = 1e-3,
        adaptive: bool = True,
        max_exact: int = 200,
        cg_iter: int = 50,
        cg_tol: float = 1e-4,
        *,
        maximize: bool = False,
    ) -> None:
        self._scale = Tensor(np.ones(()))  # of the damping: λ is their product
        super().__init__(
            params,
            {
                "lr": lr,
                "damping": damping,
                "adaptive": adaptive,
                "max_exact": max_exact,
                "cg_iter": cg_iter,
                "cg_tol": cg_tol,
                "maximize": maximize,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range and for a second group."""
        super().check(group)
        if self.param_groups:
            raise ConfigError("Newton: the Hessian is of all parameters together, so there can be one group only")
        if group["adaptive"] and off(group["damping"]):
            raise ConfigError(
                "Newton: a damping of 0 stays 0 however it is adapted; give a small one, or adaptive=False"
            )
        for name, least in (("max_exact", 0), ("cg_iter", 1)):
            if not (isinstance(group[name], int) and group[name] >= least):
                raise ConfigError(f"Newton: {name} must be a whole number of at least {least}, got {group[name]!r}")

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return nothing: only the damping is remembered."""
        return ()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show what every optimizer shows, and the damping."""
        super().lift_into(lift, path)
        lift.tensor(f"{path}.damping", self._scale)

    @no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:
        """Take one step and return the loss before it.

        Parameters
        ----------
        closure : callable
            Computes the loss and returns it, without calling ``backward``: it is differentiated twice here.
        """
        if closure is None:
            raise ConfigError("Newton: step needs a closure that computes the loss and returns it")
        group = self.param_groups[0]
        params = [p for p in group["params"] if p.requires_grad]
        with enable_grad():
            loss = closure()
            slopes = self._slopes(loss, params)
        sign = -1 if group["maximize"] else 1
        old = [settle(p) for p in params]
        xp = namespace([settle(loss), *old, settle(self._scale)])

        def product(v: Any) -> Any:
            """Return the Hessian times a vector."""
            parts = [wrap(a) for a in _split(v, params)]
            pairs = [(s, part) for s, part in zip(slopes, parts, strict=True) if s.requires_grad]
            if not pairs:  # the loss is linear
                return xp.zeros_like(v)
            outputs, upstream = [s for s, _ in pairs], [part for _, part in pairs]
            rows = grad(outputs, params, upstream, retain_graph=True, materialize_grads=True)
            return sign * _joined(xp, rows)

        with np.errstate(all="ignore"):
            g = sign * _joined(xp, slopes)
            damping = xp.asarray(group["damping"] * settle(self._scale)).astype(g.dtype)
            if len(g) <= group["max_exact"]:
                d = _solve(xp, product, g, damping, group["adaptive"])
            else:
                d = _conjugate_gradients(xp, product, g, damping, group["cg_iter"], group["cg_tol"])
            new = [
                (a + group["lr"] * part.reshape(a.shape)).astype(a.dtype)
                for a, part in zip(old, _split(d, params), strict=True)
            ]
        for p, array in zip(params, new, strict=True):
            p._set(array)
        if group["adaptive"]:
            after, before = settle(closure()), settle(loss)
            better = sign * (before - after) >= 0  # not where the new loss is NaN
            for p, a, b in zip(params, old, new, strict=True):
                p._set(xp.where(better, b, a))
            scale = settle(self._scale) * xp.where(better, 0.1, 10.0)
            self._scale._set(xp.clip(scale, 1e-20, 1e20))
        self._steps[0]._set(settle(self._steps[0]) + np.int32(1))
        return loss.detach()

    def _slopes(self, loss: Tensor, params: list[Tensor]) -> list[Tensor]:
        """Return the gradients, with the graph of how they were computed."""
        try:
            return list(grad(loss, params, create_graph=True, materialize_grads=True))
        except GraphError as error:
            raise GraphError(
                f"Newton: the loss cannot be differentiated twice ({error}). The closure must return it as it was "
                "computed, without calling backward() or detach()."
            ) from None

    # --- saving -----------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Return the groups, the step counts, and by how much the damping has changed."""
        return {**super().state_dict(), "Newton": {"scale": float(np.asarray(self._scale._array))}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit."""
        if "scale" not in state_dict.get("Newton", {}):
            raise StateError("load_state_dict: the state was not saved by Newton")
        super().load_state_dict(state_dict)
        self._scale._set(np.asarray(state_dict["Newton"]["scale"], np.float64))


def _split(v: Any, params: list[Tensor]) -> list[Any]:
    """Return the parts of a vector that belong to each parameter, in its shape and dtype."""
    parts, start = [], 0
    for p in params:
        parts.append(v[start : start + p.numel()].reshape(p.shape).astype(p.dtype))
        start += p.numel()
    return parts


def _joined(xp: ModuleType, tensors: Iterable[Tensor]) -> Any:
    """Return all elements as one vector."""
    return xp.concatenate([settle(t).reshape(-1) for t in tensors])


def _solve(xp: ModuleType, product: Callable[[Any], Any], g: Any, damping: Any, adaptive: bool) -> Any:
    """Return -(H + λI)⁻¹g with H made row by row."""
    units = np.eye(len(g), dtype=g.dtype)
    rows = np.stack([product(u) for u in units]) if xp is np else jax_modules().jax.vmap(product)(units)
    try:
        return -xp.linalg.solve(rows + damping * units, g)
    except np.linalg.LinAlgError:
        if adaptive:
            return np.full_like(g, np.nan)  # refused, and the damping grows
        raise LinAlgError(f"Newton: the Hessian plus {float(damping)} I is singular; use a larger damping") from None


def _conjugate_gradients(
    xp: ModuleType, product: Callable[[Any], Any], g: Any, damping: Any, most: int, tolerance: Any
) -> Any:
    """Return -(H + λI)⁻¹g, about, by conjugate gradients from 0 that end early at a direction curved the wrong way."""
    enough = (tolerance * xp.sqrt(g @ g)) ** 2

    def iterate(state: tuple[Any, ...]) -> tuple[Any, ...]:
        d, r, p, first, going = state
        ap = product(p) + damping * p
        curvature, rr = p @ ap, r @ r
        right = curvature > 0
        go = going & right
        alpha = rr / xp.where(right, curvature, 1)
        new_d = xp.where(go, d + alpha * p, xp.where(going & first, -g, d))
        new_r = xp.where(go, r + alpha * ap, r)
        left = new_r @ new_r
        new_p = xp.where(go, -new_r + left / xp.where(rr > 0, rr, 1) * p, p)
        return new_d, new_r, new_p, first & False, go & (left > enough)

    state = (xp.zeros_like(g), g, -g, xp.asarray(True), g @ g > 0)
    if xp is np:
        for _ in range(most):
            if not state[-1]:
                break
            state = iterate(state)
    else:
        state, _ = scan(xp, lambda s, _: (iterate(s), None), state, (xp.arange(most),))
    return state[0]
