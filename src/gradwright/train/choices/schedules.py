"""Learning-rate schedules by the names that a configuration gives them, fitted to the length of the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.optim import Optimizer
from gradwright.optim import lr_scheduler as lrs

__all__ = ["SCHEDULES", "make_schedule"]

Schedule = lrs.LRScheduler | lrs.ReduceLROnPlateau


def _step(optimizer: Optimizer, steps: int) -> Schedule:
    """Divide by 10 after a half and after three quarters of the steps."""
    return lrs.MultiStepLR(optimizer, [steps // 2, steps * 3 // 4], gamma=0.1)


def _linear(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall in a straight line to a hundredth."""
    return lrs.LinearLR(optimizer, 1.0, 0.01, total_iters=steps)


def _exponential(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall by the same factor at each step, to a hundredth in all."""
    return lrs.ExponentialLR(optimizer, 0.01 ** (1 / steps))


def _polynomial(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall to 0 as the square of what is left."""
    return lrs.PolynomialLR(optimizer, total_iters=steps, power=2.0)


def _cosine(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall to 0 along half a cosine (Loshchilov and Hutter 2017)."""
    return lrs.CosineAnnealingLR(optimizer, steps)


def _restarts(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall along half a cosine three times, each time twice as long (SGDR)."""
    return lrs.CosineAnnealingWarmRestarts(optimizer, -(-steps // 7), T_mult=2)


def _cyclic(optimizer: Optimizer, steps: int) -> Schedule:
    """Go up and down between a tenth and the whole, four times (Smith 2017)."""
    top = [float(g["lr"]) for g in optimizer.param_groups]
    return lrs.CyclicLR(optimizer, [r / 10 for r in top], top, step_size_up=max(steps // 8, 1), cycle_momentum=False)


def _onecycle(optimizer: Optimizer, steps: int) -> Schedule:
    """Go up for three tenths of the steps, then down to almost 0 (Smith and Topin 2018)."""
    top = [float(g["lr"]) for g in optimizer.param_groups]
    return lrs.OneCycleLR(optimizer, top, total_steps=steps + 1, cycle_momentum=False)


def _inverse_sqrt(optimizer: Optimizer, steps: int) -> Schedule:
    """Fall as one over the square root of the step, after a twentieth of warm-up (Vaswani et al. 2017)."""
    return lrs.InverseSqrt(optimizer, max(steps // 20, 1))


def _wsd(optimizer: Optimizer, steps: int) -> Schedule:
    """Rise for a tenth of the steps, stay, and fall to 0 in the last fifth (warm-up, stable, decay)."""
    warm, decay = steps // 10, max(steps // 5, 1)
    return lrs.WarmupStableDecay(optimizer, warm, max(steps - warm - decay, 0), decay)


def _plateau(optimizer: Optimizer, steps: int) -> Schedule:
    """Divide by 10 when the validation loss has not improved for five epochs."""
    return lrs.ReduceLROnPlateau(optimizer, patience=5)


SCHEDULES: dict[str, Callable[[Optimizer, int], Schedule]] = {
    "cosine": _cosine,
    "cosine-restarts": _restarts,
    "cyclic": _cyclic,
    "exponential": _exponential,
    "inverse-sqrt": _inverse_sqrt,
    "linear": _linear,
    "onecycle": _onecycle,
    "plateau": _plateau,
    "polynomial": _polynomial,
    "step": _step,
    "warmup-stable-decay": _wsd,
}


def make_schedule(name: str | None, optimizer: Optimizer, steps: int, warmup: float = 0.0) -> Any:
    """Return the schedule of that name for a training of so many steps, or None for a constant rate.

    Parameters
    ----------
    name : str, optional
        One of ``SCHEDULES``.
    steps : int
        Updates in the longest training that the settings allow.
    warmup : float in [0, 1)
        Part of the steps in which the rate first rises in a straight line from a hundredth.
    """
    if name == "plateau" or not warmup:
        return None if name is None else SCHEDULES[name](optimizer, steps)
    first = max(int(steps * warmup), 1)
    if name is None:
        return lrs.LinearLR(optimizer, 0.01, 1.0, total_iters=first)
    return lrs.Warmup(SCHEDULES[name](optimizer, max(steps - first, 1)), first)
