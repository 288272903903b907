"""What penalties and priors share: a term of the loss that depends on the weights alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn.module import Module
from gradwright.nn.weights import chosen_weights

__all__ = ["Penalty", "check_number", "number"]


class Penalty(Module):
    """A term to add to the loss: ``loss = criterion(model(x), y) + penalty(model)``.

    It applies to the weights: not to biases (scikit-learn's linear models do not penalise their intercepts either), not
    to what normalising layers learn, not to slopes of PReLU. ``patterns`` chooses others, by dotted paths as
    ``named_parameters()`` gives them: ``"0.weight"``, ``["encoder.*", "head.weight"]``, ``"*"`` for everything. Frozen
    parameters are left out. For strengths that differ between layers add several penalties.
    """

    def __init__(self, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__()
        self.patterns = patterns

    def energy(self, w: Tensor) -> Tensor:
        """Return one parameter's sum, without the factor in front."""
        raise TypeError(f"{type(self).__name__} defines no energy")

    def factor(self) -> Any:
        """Return the factor in front of the sum over all weights."""
        raise TypeError(f"{type(self).__name__} defines no factor")

    def total(self, model: Module) -> Tensor:
        """Return the sum of :meth:`energy` over the weights that it applies to."""
        parts = [self.energy(w.parameter) for w in chosen_weights(type(self).__name__, model, self.patterns)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def forward(self, model: Module) -> Tensor:
        """Return the penalty, a single number of the weights' dtype."""
        total = self.total(model)
        return total * number(self.factor(), total)

    def extra_repr(self) -> str:
        """Return the arguments."""
        shown = [f"{name}={getattr(self, name)}" for name in self.hyperparameters]
        return ", ".join(shown + ([] if self.patterns is None else [f"patterns={self.patterns!r}"]))


def number(value: Any, like: Tensor) -> Tensor:
    """Return a hyperparameter, which may be traced, as a Tensor of another's dtype, so that it promotes nothing."""
    out: Tensor = wrap(namespace([like._array, value]).asarray(value, dtype=like.dtype))
    return out


def check_number(who: str, name: str, value: Any, above: bool = False) -> Any:
    """Return a hyperparameter that is a finite number, at least 0 or above it, or raise ConfigError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ConfigError(f"{who}: {name} must be a finite number, got {value!r}")
    if not (float(value) > 0 if above else float(value) >= 0):
        raise ConfigError(f"{who}: {name} must be {'above' if above else 'at least'} 0, got {value}")
    return value
