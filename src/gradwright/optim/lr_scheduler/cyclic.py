"""Up and down between two bounds, again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradwright.errors import ConfigError
from gradwright.optim.lr_scheduler.hyperparameter import check_name, groups_of, momentum_name, one_a_group, write
from gradwright.optim.lr_scheduler.scheduler import LRScheduler, load_function, saved_function

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """Lead the learning rate up and down between two bounds in straight lines, the momentum the other way.

    Equation: η_t = η_base + (η_max - η_base) · h · s. h rises from 0 to 1 in ``step_size_up`` steps and falls back to
    0 in ``step_size_down``; s is 1 (``"triangular"``), 1 / 2^(c-1) in the c-th cycle (``"triangular2"``), or γ^t
    (``"exp_range"``). Momentum: μ_t = μ_max - (μ_max - μ_base) · h · s.

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float, or a list of them, one for each parameter group
        The bounds; :func:`gradwright.train.lr_find` suggests some.
    step_size_up, step_size_down : int >= 1
        Steps of the rise and of the fall; the fall takes as long as the rise when not given.
    mode : {"triangular", "triangular2", "exp_range"}
    gamma : float
        γ of ``"exp_range"``.
    scale_fn : function of a number, optional
        s in the place of ``mode``'s.
    scale_mode : {"cycle", "iterations"}
        Whether ``scale_fn`` is given the number of the cycle, from 1, or of the step.
    cycle_momentum : bool
        Whether momentum (β₁ for Adam and its kin) is led too.
    base_momentum, max_momentum : float, or a list of them
    last_epoch, hyperparameter
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
    >>> schedule = optim.lr_scheduler.CyclicLR(optimizer, 0.2, 0.8, step_size_up=2)
    >>> schedule.values(5)["lr"][:, 0]
    array([0.2, 0.5, 0.8, 0.5, 0.2])
    >>> schedule.values(5)["momentum"][:, 0]
    array([0.9 , 0.85, 0.8 , 0.85, 0.9 ])

    References
    ----------
    L. N. Smith, *Cyclical learning rates for training neural networks* (WACV 2017), section 3.
    """

    def __init__(
        self,
        optimizer: Any,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        check_name("CyclicLR", optimizer, hyperparameter)
        if scale_fn is None:
            if mode not in ("triangular", "triangular2", "exp_range"):
                raise ConfigError(f"CyclicLR: mode is {mode!r}; expected 'triangular', 'triangular2' or 'exp_range'")
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        elif scale_mode not in ("cycle", "iterations"):
            raise ConfigError(f"CyclicLR: scale_mode is {scale_mode!r}; expected 'cycle' or 'iterations'")
        up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
        if up <= 0 or down <= 0:
            raise ConfigError(f"CyclicLR: a rise of {up:g} and a fall of {down:g} steps; expected 1 or more for each")
        lows = one_a_group("CyclicLR", "base_lr", base_lr, optimizer)
        self.max_lrs = one_a_group("CyclicLR", "max_lr", max_lr, optimizer)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self.scale_mode = scale_mode
        self._scale_fn_custom = scale_fn
        self.cycle_momentum = cycle_momentum
        groups = groups_of(optimizer)
        if last_epoch == -1:
            for group, low in zip(groups, lows, strict=True):
                write(group, hyperparameter, low)
        if cycle_momentum:
            self._momentum_name = momentum_name("CyclicLR", optimizer)
            self.base_momentums = one_a_group("CyclicLR", "base_momentum", base_momentum, optimizer)
            self.max_momentums = one_a_group("CyclicLR", "max_momentum", max_momentum, optimizer)
            if last_epoch == -1:
                for group, low, high in zip(groups, self.base_momentums, self.max_momentums, strict=True):
                    write(group, self._momentum_name, high)
                    group["max_momentum"], group["base_momentum"] = high, low
        super().__init__(optimizer, last_epoch, hyperparameter=hyperparameter)
        self.base_lrs = lows

    def scale_fn(self, x: float) -> float:
        """Return s for a cycle or a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return float(0.5 ** (x - 1) if self.mode == "triangular2" else self.gamma**x)

    def get_lr(self) -> list[float]:
        """Return this step's values; sets the momentum as well."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            momenta = zip(groups_of(self.optimizer), self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in momenta:
                write(group, self._momentum_name, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer and the function."""
        return {**super().state_dict(), "_scale_fn_custom": saved_function(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state with the function that is there."""
        function = self._scale_fn_custom
        super().load_state_dict(state_dict)
        self._scale_fn_custom = function
        load_function(function, state_dict["_scale_fn_custom"])
