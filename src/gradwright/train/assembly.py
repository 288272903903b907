"""From settings to a trainer: update rule, schedule, regularisation and augmentation put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradwright import nn, optim
from gradwright.errors import ConfigError
from gradwright.train.callbacks import Callback
from gradwright.train.checks import steps_per_epoch
from gradwright.train.choices import make_augmentation, make_optimizer, make_penalty, make_schedule
from gradwright.train.clipping import ClipValue
from gradwright.train.config import Config
from gradwright.train.metrics import check_metrics
from gradwright.train.prepared import Prepared
from gradwright.train.stopping import EarlyStopping
from gradwright.train.trainer import Trainer

__all__ = ["check_monitor", "make_stopping", "make_trainer"]


def make_trainer(
    config: Config,
    model: nn.Module,
    criterion: nn.Module,
    data: Prepared,
    *,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """Return the trainer that resolved settings describe.

    Parameters
    ----------
    data : Prepared
        What it will train on: how long a schedule is, how much a prior weighs, and what is augmented follow from it.
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
    if config.lookahead is not None:
        optimizer = optim.Lookahead(optimizer, k=config.lookahead)
    rows = data.rows
    steps = config.epochs * steps_per_epoch(model, rows, config.batch_size or rows)
    before: list[Callable[[], Any]] = []
    after: list[Callable[[], Any]] = []
    if config.gradient_noise:
        noise, parameters = nn.regularization.GradientNoise(config.gradient_noise), list(model.parameters())
        before.append(lambda: noise(parameters))
    if config.clip_value is not None:
        limit, clipped = ClipValue(config.clip_value), list(model.parameters())
        before.append(lambda: limit(clipped))
    if config.max_norm is not None:
        bound = nn.regularization.MaxNorm(config.max_norm)
        after.append(lambda: bound(model))
    trained = nn.regularization.WeightNoise(model, config.weight_noise) if config.weight_noise else model
    average = None
    if config.ema is not None:
        rule = optim.swa_utils.get_ema_multi_avg_fn(config.ema)
        average = optim.swa_utils.AveragedModel(trained, multi_avg_fn=rule, use_buffers=True)
    return Trainer(
        trained,
        criterion,
        optimizer,
        scheduler=make_schedule(config.schedule, optimizer, steps, config.warmup),
        augment=make_augmentation(config.augment, data.shape, data.classes, data.ground),
        average=average,
        penalty=make_penalty(config, rows, data.task.kind != "regression"),
        before_update=before,
        after_update=after,
        clip_norm=config.clip_norm,
        metrics=_metrics(config, data),
        precision=config.precision,
        accumulate=config.accumulate,
        norms=True,
        eager=config.eager,
        seed=config.seed,
        callbacks=callbacks,
    )


def make_stopping(config: Config) -> EarlyStopping:
    """Return the rule that settings describe."""
    return EarlyStopping(
        config.monitor,
        patience=config.patience,
        min_delta=config.min_delta,
        warmup=config.stop_warmup,
        rule=config.stopping,
    )


def check_monitor(config: Config, kind: str) -> None:
    """Refuse to watch what no epoch of such a task has; better now than after the first epoch."""
    own = ("rmse", "r2") if kind == "regression" else ("accuracy",)
    every = ("epoch", "seconds", "learning_rate", "train_loss", "validation_loss")
    if config.monitor in (*every, *(f"{part}_{name}" for part in ("train", "validation") for name in own)):
        return
    if not config.monitor.startswith("validation_"):
        raise ConfigError(
            f"monitor = {config.monitor}: no epoch has it; there are train_loss, validation_loss, "
            f"{', '.join(f'validation_{name}' for name in own)} and validation_ with any of `gradwright list metrics`"
        )
    check_metrics([config.monitor.removeprefix("validation_")], kind)


def _metrics(config: Config, data: Prepared) -> list[str]:
    """Return the validation figures that are asked for, the one that is watched among them."""
    names = list(config.metrics)
    watched = config.monitor.removeprefix("validation_")
    if watched not in (*names, "loss", "accuracy", "rmse", "r2") and config.monitor.startswith("validation_"):
        names.append(watched)
    check_metrics(names, data.task.kind, data.classes)
    return names
