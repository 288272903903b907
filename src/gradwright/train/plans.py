"""What a run leaves about its schedule, its learning-rate search and its augmentation, for the report to draw."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.augment import from_names, sheet, sheet_png
from gradwright.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from gradwright.train.choices import make_optimizer
from gradwright.train.config import Config
from gradwright.train.lr_suggestion import LRFind
from gradwright.train.prepared import Prepared
from gradwright.train.rate_range import lr_find

__all__ = ["augmentation_record", "schedule_record", "search_rate", "search_record"]

_POINTS = 400  # of a drawn schedule


def search_rate(config: Config, model: nn.Module, criterion: nn.Module, train: Any, validation: Any) -> LRFind:
    """Run a learning-rate range test for these settings; the model is left as it was.

    Penalties, augmentation and noise are left out of it; a bound on the gradient's norm is not.
    """
    optimizer = make_optimizer(
        config.optimizer, model.parameters(), momentum=config.momentum, weight_decay=config.weight_decay
    )
    return lr_find(
        model,
        criterion,
        optimizer,
        train,
        validation,
        batch_size=config.batch_size or 32,
        seed=config.seed,
        clip_norm=config.clip_norm,
        eager=config.eager,
    )


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
        "stopped": search.stopped,
    }


def augmentation_record(config: Config, data: Prepared) -> dict[str, Any]:
    """Return ``augmentation.json``'s content: for images with a sheet of samples and what is made of them."""
    shape = data.shape
    record: dict[str, Any] = {"augment": list(config.augment)}
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        return record
    shown = _samples(data.y)
    images = data.x[shown].reshape(-1, *shape)
    compose = from_names(config.augment, num_classes=data.classes, fill=data.ground)
    pictures = images if len(shape) == 2 else images.transpose(0, 3, 1, 2)
    info = sheet(pictures, compose, samples=len(shown), seed=config.seed)
    picture = sheet_png(info, scale=max(1, 84 // shape[0]))
    width, height = (int.from_bytes(picture[i : i + 4], "big") for i in (16, 20))  # of the PNG's header
    return {
        **record,
        "labels": [_label(data, row) for row in shown],
        "draws": info.shape[1] - 1,
        "width": width,
        "height": height,
        "png": base64.b64encode(picture).decode(),
    }


def _samples(y: np.ndarray, most: int = 8) -> np.ndarray:
    """Return a few rows, of as many classes as there are."""
    if y.dtype.kind != "i":
        return np.arange(min(most, len(y)))
    return np.sort(np.unique(y, return_index=True)[1])[:most]


def _label(data: Prepared, row: int) -> str:
    return str(data.task.decode(data.y[[row]])[0]) if data.classes else f"{data.target[row]:.3g}"


def schedule_record(scheduler: LRScheduler | None, per_epoch: int, config: Config) -> dict[str, Any] | None:
    """Return ``schedule.json``'s content: the learning rate step by step, thinned out; None for a constant one.

    ``per_epoch`` is the number of steps of an epoch.
    """
    if scheduler is None or isinstance(scheduler, ReduceLROnPlateau):
        return None
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
