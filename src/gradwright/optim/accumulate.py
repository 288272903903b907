"""Gradient accumulation that counts samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.base import settle
from gradwright.engine.mode import no_grad
from gradwright.engine.op import wrap
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError
from gradwright.optim.around import Around
from gradwright.optim.optimizer import Optimizer, gradient

__all__ = ["Accumulate"]


class Accumulate(Around):
    """One step of any optimizer for several micro-batches: the gradient of the mean over all their samples.

    Equation: g = Σ nᵢgᵢ / Σ nᵢ, with gᵢ the gradient of micro-batch i's mean loss and nᵢ its number of samples.
    Dividing by the number of micro-batches instead would weigh the samples of a short last one too much.

    Parameters
    ----------
    optimizer : Optimizer
        The inner one.
    every : int >= 1
        Micro-batches from one of its steps to the next.

    Notes
    -----
    :meth:`step` takes the gradients away, so nothing else need zero them. In a compiled step the inner rule runs at
    every call and its result is used where it is time: one program serves all calls. There, a parameter without a
    gradient at the call that moves is passed over.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([0.0], requires_grad=True)
    >>> opt = gw.optim.Accumulate(gw.optim.SGD([w], lr=1.0), every=2)
    >>> for batch in (gw.tensor([1.0, 2.0, 3.0]), gw.tensor([10.0])):
    ...     ((w - batch) ** 2 / 2).mean().backward()
    ...     opt.step(samples=len(batch))
    >>> w                                # the mean of 1, 2, 3 and 10
    tensor([4.], requires_grad=True)
    """

    def __init__(self, optimizer: Optimizer, every: int) -> None:
        if not (isinstance(every, int) and every >= 1):
            raise ConfigError(f"Accumulate: every must be a whole number of at least 1, got {every!r}")
        if isinstance(optimizer, Optimizer) and optimizer.closure is not None:
            raise ConfigError(
                f"Accumulate: {type(optimizer).__name__} looks for its steps by itself, with a closure; expected an "
                "optimizer that takes one step by the gradients"
            )
        self.every: Any = every
        self._had: set[Tensor] = set()  # which parameters have had a gradient since the last inner step
        super().__init__(optimizer, "gradient_sum", ("micro_batches", "samples"))

    def _settings(self) -> dict[str, Any]:
        return {"every": self.every}

    @no_grad()
    def step(self, closure: Any = None, *, samples: Any = None, last: Any = False) -> None:
        """Add the gradients of one micro-batch and, when it is time, take the inner optimizer's step.

        Parameters
        ----------
        closure : None
            Not there: an inner step needs gradients of several losses.
        samples : int or zero-dimensional Tensor
            How many samples the micro-batch's mean loss was over; a masked loss's own count. With 0 its gradients are
            left out.
        last : bool or Tensor
            Take the inner step now, however many micro-batches there were (at the end of an epoch).
        """
        if closure is not None or samples is None:
            raise ConfigError(
                "Accumulate.step: call backward() first and then step(samples=n), with the number of samples of the "
                "micro-batch; closures are not there"
            )
        if trace_now.trace is None:  # the inner optimizer may have been given more parameters
            self.ensure_slots()
        n = settle(samples) if isinstance(samples, Tensor) else np.asarray(samples)
        stop = settle(last) if isinstance(last, Tensor) else np.asarray(last)
        counts = {name: settle(count) for name, count in self._counts.items()}
        xp = namespace([n, stop, *counts.values(), *[settle(p) for p in self._params()]])
        counts = {"micro_batches": counts["micro_batches"] + 1, "samples": counts["samples"] + n}
        now = (counts["micro_batches"] >= self.every) | stop
        sums = {}
        for p in self._params():
            total = settle(self._arrays[p])
            if p._grad is not None:
                part = n.astype(p.dtype) * gradient(p)
                total = total + xp.where(n > 0, part, 0)  # an empty micro-batch's mean is NaN
                self._had.add(p)
            sums[p] = total
        self._move(xp, now, sums, counts["samples"])
        for p, total in sums.items():
            self._arrays[p]._set(xp.where(now, 0, total).astype(p.dtype))
            p._grad = None
        for name, count in counts.items():
            self._counts[name]._set(xp.where(now, 0.0, count))

    def _move(self, xp: Any, now: Any, sums: dict[Tensor, Any], samples: Any) -> None:
        """Take the inner step with the mean gradients if ``now``; on tracers, take it and put back what was if not."""
        if trace_now.trace is None:
            if bool(now) and float(samples) > 0:
                for p, total in sums.items():
                    had = p in self._had or np.any(total != 0)  # a sum may have been loaded, or left by a program
                    p._grad = wrap(np.asarray(total / samples, p.dtype)) if had else None
                self.optimizer.step()
                self._had.clear()
            return
        state = _Tensors()
        self.optimizer.lift_into(state, "")
        before = [(t, t._array) for t in state.found.values()]
        for p, total in sums.items():
            if p._grad is not None:
                p._grad = wrap((total / xp.where(samples > 0, samples, 1)).astype(p.dtype))
        self.optimizer.step()
        for tensor, array in before:
            if tensor._array is not array:
                tensor._set(xp.where(now & (samples > 0), tensor._array, array))


class _Tensors:
    """What collects the tensors of the inner optimizer's state."""

    def __init__(self) -> None:
        self.found: dict[int, Tensor] = {}

    def tensor(self, path: str, tensor: Tensor) -> None:
        self.found[id(tensor)] = tensor

    def number(self, path: str, store: dict[str, Any], key: str, *, zero_means_off: bool) -> None:
        pass

    def constant(self, store: dict[str, Any], key: str) -> None:
        pass

    def mode(self, owner: Any) -> None:
        pass

    def visit(self, path: str, value: Any) -> None:
        value.lift_into(self, path)
