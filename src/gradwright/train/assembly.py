"""From settings to a trainer: update rule, schedule, regularisation and augmentation put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradwright import nn
from gradwright.errors import ConfigError
from gradwright.train.callbacks import Callback
from gradwright.train.choices import make_augmentation, make_optimizer, make_penalty, make_schedule
from gradwright.train.config import Config
from gradwright.train.trainer import Trainer

__all__ = ["make_trainer"]


def make_trainer(
    config: Config,
    model: nn.Module,
    criterion: nn.Module,
    *,
    rows: int,
    shape: tuple[int, ...],
    outputs: int,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """Return the trainer that resolved settings describe.

    Parameters
    ----------
    rows : int
        Rows of the training part: how long a schedule is, and how much a prior weighs.
    shape : tuple of int
        What one row is: (features,), an image (height, width) or (height, width, channels).
    outputs : int
        Numbers that the network gives for a row.
    """
    if not isinstance(config.lr, float):
        raise ConfigError(f"lr = {config.lr!r}: a trainer needs a number; resolve the settings first")
    optimizer = make_optimizer(
        config.optimizer,
        model.parameters(),
        lr=config.lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    steps = config.epochs * math.ceil(rows / min(config.batch_size or rows, rows))
    before: list[Callable[[], Any]] = []
    after: list[Callable[[], Any]] = []
    if config.gradient_noise:
        before.append(nn.utils.GradientNoise(model.parameters(), config.gradient_noise))
    if config.max_norm is not None:
        bound = config.max_norm
        after.append(lambda: nn.utils.max_norm_(model, bound))
    return Trainer(
        model,
        criterion,
        optimizer,
        scheduler=make_schedule(config.schedule, optimizer, steps, config.warmup),
        augment=make_augmentation(config.augment, shape, outputs),
        penalty=make_penalty(config, rows),
        before_update=before,
        after_update=after,
        clip_norm=config.clip_norm,
        eager=config.eager,
        seed=config.seed,
        callbacks=callbacks,
    )
