"""What is looked at before training, so that what does not fit is named before anything has changed."""

from __future__ import annotations

import numpy as np

from gradwright import nn
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, NonFiniteError, ShapeError
from gradwright.nn.batchnorm import BatchNorm

__all__ = ["check_counts", "checked_part", "epoch_batches", "has_batch_norm", "rehearse", "steps_per_epoch"]


def check_counts(**values: int | None) -> None:
    """Refuse settings below 1; None stands for "not given"."""
    for name, value in values.items():
        if value is not None and value < 1:
            raise ConfigError(f"fit: {name} is {value}; expected 1 or more")


def checked_part(name: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of a part as arrays; what is missing or not finite is named by its row."""
    x, y = np.asarray(x), np.asarray(y)
    if len(x) != len(y) or len(x) == 0:
        raise ShapeError(
            f"fit: {name} has {len(x)} rows of input and {len(y)} of target; need the same number, at least 1"
        )
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))[0, 0])
        raise NonFiniteError(f"fit: {name} input has a value that is not finite in row {row}; prepare the data first")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y.reshape(len(y), -1)).all(axis=1))[0, 0])
        raise NonFiniteError(f"fit: {name} target is not finite in row {row}")
    return x, y


def rehearse(name: str, model: nn.Module, criterion: nn.Module, x: np.ndarray, y: np.ndarray) -> None:
    """Send one row through the model and all targets through the criterion: what does not fit shows now."""
    training = model.training
    model.eval()
    try:
        with no_grad():
            output = model(Tensor(x[:1]))
            criterion(Tensor(np.zeros((len(y), *output.shape[1:]), output.dtype)), Tensor(y))
    except (ShapeError, IndexOutOfRangeError, DTypeError) as error:
        raise type(error)(f"fit: {name}: {error}") from None
    finally:
        model.train(training)


def has_batch_norm(model: nn.Module) -> bool:
    """Say whether a part of the model normalises over the batch."""
    return any(isinstance(m, BatchNorm) for m in model.modules())


def steps_per_epoch(model: nn.Module, rows: int, batch_size: int) -> int:
    """Return how many steps an epoch has."""
    full, rest = epoch_batches(model, rows, batch_size)
    return full + (rest > 0)


def epoch_batches(model: nn.Module, rows: int, batch_size: int) -> tuple[int, int]:
    """Return how many whole batches an epoch has, and how many rows its last, short one (0: there is none)."""
    full, rest = divmod(rows, min(batch_size, rows))
    if rest == 1 and has_batch_norm(model):
        rest = 0  # one row has no variance to normalise with; another row sits out in each epoch
    return full, rest
