"""The learning rate as any function of the step: LambdaLR, MultiplicativeLR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler.hyperparameter import one_a_group
from gradwright.optim.lr_scheduler.scheduler import LRScheduler, load_function, saved_function

__all__ = ["LambdaLR", "MultiplicativeLR"]


class LambdaLR(LRScheduler):
    """Multiply the learning rate's start by a function of the step.

    Equation: η_t = η_0 · λ(t).

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : function of an int, or a list of functions, one for each parameter group
        λ. Any Python: it is called on the host, in compiled steps too.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Notes
    -----
    The state holds no functions: of an object that can be called it holds the attributes.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t)).values(4)["lr"][:, 0]
    array([0.8 , 0.4 , 0.26666667, 0.2 ])
    """

    def __init__(
        self,
        optimizer: Any,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        who = type(self).__name__
        self.lr_lambdas = one_a_group(who, "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            if not callable(function):
                raise ConfigError(f"{who}: lr_lambda must be a function of the step, got a {type(function).__name__}")
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)

    def get_lr(self) -> list[float]:
        """Return the starts times λ(t)."""
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer and the functions."""
        return {**super().state_dict(), "lr_lambdas": [saved_function(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state with the functions that are there."""
        functions, saved = self.lr_lambdas, state_dict.get("lr_lambdas", [])
        if len(saved) != len(functions):
            raise StateError(
                f"{type(self).__name__}.load_state_dict: saved with {len(saved)} functions, this one has "
                f"{len(functions)}"
            )
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, attributes in zip(functions, saved, strict=True):
            load_function(function, attributes)


class MultiplicativeLR(LambdaLR):
    """Multiply the learning rate that is there by a function of the step.

    Equation: η_t = η_{t-1} · λ(t).

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : function of an int, or a list of functions, one for each parameter group
        λ.
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5).values(4)["lr"][:, 0]
    array([0.8, 0.4, 0.2, 0.1])
    """

    def get_lr(self) -> list[float]:
        """Return the current values times λ(t)."""
        if self._is_initial:
            return self._now()
        return [value * f(self.last_epoch) for value, f in zip(self._now(), self.lr_lambdas, strict=True)]

    def _begin(self) -> None:
        # as a phase of its own it multiplies what the phase before has left, PyTorch's way
        self.last_epoch = 0
        self._write(self.get_lr())
