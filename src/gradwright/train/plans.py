"""What a run leaves about its schedule, its learning-rate search and its augmentation, for the report to draw."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from gradwright.train.choices import make_augmentation, make_optimizer
from gradwright.train.config import Config
from gradwright.train.lr_find import LRFind, lr_find

__all__ = ["augmentation_record", "schedule_record", "search_rate", "search_record"]

_POINTS = 400  # of a drawn schedule


def search_rate(config: Config, model: nn.Module, criterion: nn.Module, train: Any, validation: Any) -> LRFind:
    """Run a learning-rate range test for these settings; the model is left as it was."""
    optimizer = make_optimizer(
        config.optimizer, model.parameters(), momentum=config.momentum, weight_decay=config.weight_decay
    )
    return lr_find(model, criterion, optimizer, train, validation, batch_size=config.batch_size or 32, seed=config.seed)


def search_record(search: LRFind) -> dict[str, Any]:
    """Return ``lr_find.json``'s content."""
    return {
        "rates": np.asarray(search.rates).tolist(),
        "losses": np.asarray(search.losses).tolist(),
        "smoothed": np.asarray(search.smoothed).tolist(),
        "steepest": search.steepest,
        "valley": search.valley,
        "suggestion": search.suggestion,
        "bounds": list(search.bounds),
    }


def schedule_record(scheduler: LRScheduler | None, rows: int, config: Config) -> dict[str, Any] | None:
    """Return ``schedule.json``'s content: the learning rate step by step, thinned out; None for a constant one."""
    if scheduler is None or isinstance(scheduler, ReduceLROnPlateau):
        return None
    per_epoch = math.ceil(rows / min(config.batch_size or rows, rows))
    steps = per_epoch * config.epochs
    rates = scheduler.values(steps)["lr"][:, 0]
    at = np.unique(np.linspace(0, steps - 1, min(_POINTS, steps)).round().astype(int))
    return {
        "name": config.schedule or "constant",
        "warmup": config.warmup,
        "steps_per_epoch": per_epoch,
        "steps": at.tolist(),
        "rates": rates[at].tolist(),
    }
