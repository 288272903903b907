"""Lower the learning rate when a figure no longer improves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, ConfigError
from gradwright.optim.lr_scheduler.hyperparameter import check_name, one_a_group
from gradwright.optim.lr_scheduler.scheduler import LRScheduler

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rate by a factor when a figure has not improved for some steps.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Whether the figure should fall or rise.
    factor : float below 1
    patience : int >= 0
        How many steps without improvement are borne; the one after them lowers.
    threshold : float
        What counts as an improvement: better than best · (1 ∓ threshold) (``"rel"``) or best ∓ threshold (``"abs"``).
        A NaN never counts as one.
    threshold_mode : {"rel", "abs"}
    cooldown : int >= 0
        Steps after a fall in which nothing is counted.
    min_lr : float, or a list of them, one for each parameter group
    eps : float
        A fall smaller than this is left out.
    hyperparameter : str
        See :class:`LRScheduler`.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.8)
    >>> schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.4]
    """

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
        *,
        hyperparameter: str = "lr",
    ) -> None:
        check_name("ReduceLROnPlateau", optimizer, hyperparameter)
        if not factor < 1:
            raise ConfigError(f"ReduceLROnPlateau: factor is {factor}; expected below 1")
        if mode not in ("min", "max"):
            raise ConfigError(f"ReduceLROnPlateau: mode is {mode!r}; expected 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ConfigError(f"ReduceLROnPlateau: threshold_mode is {threshold_mode!r}; expected 'rel' or 'abs'")
        self.optimizer = optimizer
        self.hyperparameter = hyperparameter
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = one_a_group("ReduceLROnPlateau", "min_lr", min_lr, optimizer)
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._now()

    @property
    def in_cooldown(self) -> bool:
        """Whether steps are not counted, after a fall."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any = None) -> None:
        """Look at the figure, after an epoch.

        Parameters
        ----------
        metrics : float, or anything that ``float`` takes

        Raises
        ------
        CompileError
            Inside a compiled step, which does not know the figure yet.
        """
        if trace_now.trace is not None:
            raise CompileError(
                "ReduceLROnPlateau: its step needs a figure, which a compiled step has only after it has run. "
                "Return the loss from the step and call schedule.step(loss) between the calls."
            )
        if metrics is None:
            raise ConfigError("ReduceLROnPlateau: step needs the figure to watch: schedule.step(validation_loss)")
        self.last_epoch += 1
        figure = float(metrics)
        if self._improves(figure):
            self.best = figure
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        now = self._now()
        if self.num_bad_epochs > self.patience:
            lower = [max(v * self.factor, low) for v, low in zip(now, self._floors(len(now)), strict=True)]
            now = [new if old - new > self.eps else old for old, new in zip(now, lower, strict=True)]
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._write(now)

    def _improves(self, figure: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bound = self.best * (1.0 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return figure > bound if self.mode == "max" else figure < bound

    def _floors(self, groups: int) -> list[float]:
        """Return the least values; a group that was added later has the others' when they all have the same."""
        if len(self.min_lrs) != groups:
            if len(set(self.min_lrs)) != 1:
                raise ConfigError(
                    f"ReduceLROnPlateau: min_lr has {len(self.min_lrs)} values, but there are {groups} parameter groups"
                )
            self.min_lrs = self.min_lrs[:1] * groups
        return self.min_lrs

    def values(self, steps: int) -> Any:
        """Raise ConfigError: what comes depends on figures that are not there yet."""
        raise ConfigError("ReduceLROnPlateau: its values depend on the figures that step() will be given")
