"""All that a training is at one moment, as plain data and arrays; loading it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.compile.lift import lift
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import StateError

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["load_trainer_state", "trainer_state"]

FORMAT = 1
_PARTS = (
    "model",
    "optimizer",
    "average",
    "scheduler",
    "generator",
    "others",
    "progress",
    "history",
    "best",
    "callbacks",
)


def trainer_state(trainer: Trainer) -> dict[str, Any]:
    """Return model, optimizer, schedule, random stream, the place in the epoch, the history and the best weights.

    The batch order needs no entry: it is a function of seed and epoch. Early stopping needs none either: it is a
    function of the history.
    """
    history = trainer.history
    return {
        "format": FORMAT,
        "model": _arrays(trainer.model.state_dict()),
        "optimizer": _arrays(trainer.optimizer.state_dict()),
        "average": None if trainer.average is None else _arrays(trainer.average.state_dict()),
        "scheduler": None if trainer.scheduler is None else _arrays(trainer.scheduler.state_dict()),
        "generator": [int(word) for word in current_generator().get_state()],
        "others": {path: _copy(tensor) for path, tensor in _others(trainer).items()},
        "progress": asdict(trainer.progress),
        "history": {
            "rows": [dict(row) for row in history.rows],
            "steps": dict(history.steps),
            "best_epoch": history.best_epoch,
            "first_epoch_seconds": history.first_epoch_seconds,
        },
        "best": None if trainer.best_weights is None else _arrays(trainer.best_weights),
        "callbacks": {
            name: state for name, callback in _named_callbacks(trainer) if (state := callback.state_dict()) is not None
        },
    }


def load_trainer_state(trainer: Trainer, state: Mapping[str, Any]) -> None:
    """Put a saved state into a trainer made alike."""
    if state.get("format") != FORMAT:
        raise StateError(
            f"Trainer.load_state_dict: a state of format {state.get('format')!r}; this version reads format {FORMAT}"
        )
    if missing := [name for name in _PARTS if name not in state]:
        raise StateError(f"Trainer.load_state_dict: the state lacks {', '.join(missing)}")
    for name, part in (("average", trainer.average), ("scheduler", trainer.scheduler)):
        if (part is None) != (state[name] is None):
            has, saved = ("none", "one") if part is None else ("one", "none")
            raise StateError(f"Trainer.load_state_dict: this trainer has {has} for {name}, the state {saved}")
    others = _others(trainer)
    if others.keys() != state["others"].keys():
        raise StateError(
            "Trainer.load_state_dict: what is called in each step differs: "
            f"{sorted(others.keys() ^ state['others'].keys())}"
        )
    trainer.model.load_state_dict(_tensors(state["model"]))
    trainer.optimizer.load_state_dict(_tensors(state["optimizer"]))
    if trainer.average is not None:
        trainer.average.load_state_dict(_tensors(state["average"]))
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(_tensors(state["scheduler"]))
    current_generator().set_state(tuple(state["generator"]))
    for path, tensor in others.items():
        tensor._set(np.array(state["others"][path]))
    trainer.progress = type(trainer.progress)(**state["progress"])
    history = type(trainer.history)(
        [dict(row) for row in state["history"]["rows"]],
        best_epoch=state["history"]["best_epoch"],
        first_epoch_seconds=state["history"]["first_epoch_seconds"],
    )
    history.steps.load(state["history"]["steps"])
    trainer.history = history
    trainer.best_weights = None if state["best"] is None else _tensors(state["best"])
    for name, callback in _named_callbacks(trainer):
        if name in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][name])


def _others(trainer: Trainer) -> dict[str, Tensor]:
    """Return the state that a step changes besides model, optimizer, average and random stream, by its path."""
    known = lift(_nothing, [("", part) for part in (trainer.optimizer, trainer.average, current_generator())]).ids
    named = [*trainer.model.named_parameters(), *trainer.model.named_buffers()]
    saved = trainer.model.state_dict().keys()
    known |= {id(tensor) for name, tensor in named if name in saved}
    parts = [
        ("model", trainer.model),
        ("criterion", trainer.criterion),
        ("augment", trainer.augment),
        ("penalty", trainer.penalty),
        ("before_update", trainer.before_update),
        ("after_update", trainer.after_update),
    ]
    found = lift(_nothing, [(name, part) for name, part in parts if part is not None])
    return {path: tensor for path, tensor in found.tensors if id(tensor) not in known}


def _nothing() -> None:
    """A step that touches nothing."""


def _named_callbacks(trainer: Trainer) -> list[tuple[str, Any]]:
    return [(f"{i} {type(callback).__name__}", callback) for i, callback in enumerate(trainer.callbacks)]


def _copy(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.numpy())


def _arrays(value: Any) -> Any:
    """Return a nested state with arrays in the place of tensors."""
    if isinstance(value, Tensor):
        return _copy(value)
    if isinstance(value, Mapping):
        return {key: _arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_arrays(item) for item in value) if type(value) in (list, tuple) else value
    return value


def _tensors(value: Any) -> Any:
    """Return a nested state with tensors in the place of arrays."""
    if isinstance(value, np.ndarray):
        return Tensor(value.copy())
    if isinstance(value, Mapping):
        return {key: _tensors(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_tensors(item) for item in value)
    return value
