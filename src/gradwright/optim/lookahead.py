"""Lookahead, round any optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.base import settle
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError
from gradwright.optim.around import Around
from gradwright.optim.optimizer import Optimizer, same_dtype

__all__ = ["Lookahead"]


class Lookahead(Around):
    """k steps forward, one step back: slow weights follow the fast ones of any optimizer, every k steps.

    Equations: φ₀ = θ₀; θ moves by the inner rule; after every k steps φ ← φ + α(θ - φ) and θ ← φ. All parameters step
    back together, those without a gradient too.

    Parameters
    ----------
    optimizer : Optimizer
        The inner one; its groups and hyperparameters stay its own.
    k : int >= 1
        Steps from one synchronization to the next.
    alpha : float in [0, 1]
        α.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0], requires_grad=True)
    >>> opt = gw.optim.Lookahead(gw.optim.SGD([w], lr=0.1), k=2, alpha=0.5)
    >>> for _ in range(2):
    ...     opt.zero_grad(); w.sum().backward(); opt.step()
    >>> w                                # two steps of 0.1, and half of the way back
    tensor([0.9000], requires_grad=True)

    References
    ----------
    M. Zhang et al., *Lookahead optimizer: k steps forward, 1 step back* (NeurIPS 2019), algorithm 1; the inner
    optimizer's state is kept over a synchronization.
    """

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        if not (isinstance(k, int) and k >= 1):
            raise ConfigError(f"Lookahead: k must be a whole number of at least 1, got {k!r}")
        if not 0 <= alpha <= 1:
            raise ConfigError(f"Lookahead: alpha must be from 0 to 1, got {alpha!r}")
        self.k: Any = k
        self.alpha: Any = alpha
        super().__init__(optimizer, "slow", ("steps",))

    def _start(self, p: Tensor) -> np.ndarray:
        return p.detach().numpy().copy()

    def _settings(self) -> dict[str, Any]:
        return {"k": self.k, "alpha": self.alpha}

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take the inner optimizer's step and, when it is time, synchronize; see :meth:`Optimizer.step`."""
        if trace_now.trace is None:  # the inner optimizer may have been given more parameters
            self.ensure_slots()
        before = [settle(p) for p in self._params()]
        loss = self.optimizer.step(closure)
        steps = settle(self._counts["steps"]) + 1
        self._counts["steps"]._set(steps)
        xp = namespace([steps, *before, *map(settle, self._params())])
        first, now = steps == 1, steps % self.k == 0
        for p, start in zip(self._params(), before, strict=True):
            fast = settle(p)
            slow = xp.where(first, start, settle(self._arrays[p]))  # weights may have been loaded since it was made
            slow = xp.where(now, same_dtype(slow + self.alpha * (fast - slow), fast), slow)
            self._arrays[p]._set(slow)
            p._set(xp.where(now, slow, fast))
        return loss
