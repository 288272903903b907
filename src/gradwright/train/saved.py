"""A trained network on disk: structure as JSON of known layer names, weights as safetensors. Nothing is unpickled.

A run folder may be a stranger's: no file of it is a link, none is read beyond the size that it can have, the weights'
checksum must fit, and whatever is wrong is a RunError that names the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gradwright import nn
from gradwright.backend.dtypes import category
from gradwright.data import Ledger, Preparation, Task, outputs_of
from gradwright.engine.checksum import checked
from gradwright.engine.files import read_whole, write_whole
from gradwright.engine.json_text import parse_json
from gradwright.engine.saving import from_bytes, to_bytes
from gradwright.engine.tensor import Tensor
from gradwright.errors import GradwrightError, RunError, StateError
from gradwright.nn.structure import from_structure, to_structure
from gradwright.train.config import Config, parse_config
from gradwright.train.folder import write_json
from gradwright.train.forward import forward_rows

__all__ = ["SavedRun", "load_run", "save_model"]

T = TypeVar("T")

_LARGEST = 64 * 2**20  # bytes of JSON that no record of ours reaches
_TOKENS = 16  # of a row that tries a network out: attention's memory grows with their square
_WORDS = 1500  # characters of a message


def save_model(folder: Path, model: nn.Module) -> None:
    """Write ``model.json`` and ``weights.safetensors``, which carries its own checksum."""
    write_json(folder / "model.json", {"format": 1, "structure": to_structure(model)})
    try:
        write_whole(folder / "weights.safetensors", to_bytes(model.state_dict()))
    except OSError as error:
        raise RunError(f"cannot write {folder / 'weights.safetensors'}: {error.strerror}") from None


@dataclass(frozen=True)
class SavedRun:
    """What a run folder holds, ready for use; ``notes`` are remarks about the files."""

    path: Path
    config: Config
    task: Task
    preparation: Preparation
    model: nn.Module
    data: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def ledger(self) -> Ledger:
        """The looks at the test part so far."""
        return Ledger.read(self.path / "ledger.jsonl")


def load_run(path: Path) -> SavedRun:
    """Read a run folder.

    Raises
    ------
    RunError
        When it is not a run folder, or a file of it is missing, broken or does not fit the others.
    """
    if not path.is_dir():
        raise RunError(f"{path}: no such run folder. `gradwright train` prints the path of the run that it made.")
    if not (path / "model.json").is_file() and (path / "status.json").is_file():
        raise RunError(f"{path}: it was broken off before its end; go on with: gradwright train --resume {path}")
    if not (path / "model.json").is_file():
        raise RunError(f"{path}: not a run folder: it has no model.json. Name a folder that `gradwright train` made.")
    try:
        config = _built(path / "config.json", lambda values: parse_config(values, "settings"))
        task = _built(path / "task.json", Task.from_dict)
        preparation = _built(path / "preparation.json", Preparation.from_dict)
        model = _built(path / "model.json", _build_model)
        if config.dtype == "float64":
            model.double()
        notes = _load_weights(path / "weights.safetensors", model)
        data = read_object(path / "data.json")
        _check_fit(model, preparation, outputs_of(task, preparation), np.dtype(config.dtype))
    except GradwrightError as error:
        words = str(error)
        words = words if len(words) <= _WORDS else f"{words[:_WORDS]} …"  # of a stranger's choosing, perhaps
        raise RunError(f"{path}: the run cannot be loaded: {words}") from None
    except MemoryError:
        raise RunError(f"{path}: the run cannot be loaded: it does not fit into memory") from None
    model.eval()
    return SavedRun(path, config, task, preparation, model, data, notes)


def _built(path: Path, build: Callable[[Any], T]) -> T:
    """Build something from a JSON file's content; an error names the file."""
    content = read_object(path)
    try:
        return build(content)
    except GradwrightError as error:
        raise RunError(f"{path.name}: {error}") from None


def _build_model(description: dict[str, Any]) -> nn.Module:
    if description.get("format") != 1:
        raise RunError("not a structure that this version knows (format 1)")
    return from_structure(description.get("structure"), draw=False)


def _check_fit(model: nn.Module, preparation: Preparation, outputs: int, dtype: np.dtype) -> None:
    """Send a row of zeros, or of a few tokens, through the network: files of two runs do not fit together."""
    width, tokens = preparation.width, preparation.tokens
    what = "numbers" if tokens is None else "tokens"
    expected: tuple[int, ...]
    try:
        if tokens is None:
            shape, expected = forward_rows(model, np.zeros((1, width), dtype)).shape, (1, outputs)
        else:
            few = min(width, _TOKENS)
            row = np.full((1, few), tokens.size - 1, np.int64)  # the vocabulary's last, which must have its vector
            shape, expected = forward_rows(model, row).shape, (1, outputs, few)
    except Exception as error:  # whatever layers that make no sense together say
        words = str(error)[:500] or type(error).__name__
        raise RunError(f"model.json does not take the {width} {what} a row of preparation.json: {words}") from None
    if shape != expected:
        raise RunError(f"model.json gives {shape[1:]} numbers a row, but task.json needs {expected[1:]}")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise RunError(f"{path.name}: expected an object, found a {type(value).__name__}")
    return value


def read_json(path: Path) -> Any:
    """Read one JSON file of a run, with bounded memory."""
    try:
        return parse_json(read_whole(path, largest=_LARGEST, links=False))
    except OSError as error:
        raise RunError(f"{path.name}: cannot be read: {error.strerror}") from None
    except StateError as error:
        raise RunError(f"{path.name}: {error}") from None


def _load_weights(path: Path, model: nn.Module) -> tuple[str, ...]:
    """Put the weights of a file into the network; return remarks about the file."""
    # what the network holds bounds what its file can: eight bytes a number at most, and the header
    largest = _LARGEST + 8 * sum(v.numel() for v in model.state_dict(keep_vars=True).values())
    try:
        content = read_whole(path, largest=largest, links=False)
        weights = from_bytes(content)
        _check_weights(weights, model)
        with np.errstate(all="ignore"):  # what overflows is found below
            model.load_state_dict(weights)
        for key, value in model.state_dict(keep_vars=True).items():
            if not np.isfinite(value.detach().numpy()).all():
                raise StateError(f"{key} holds values that are not finite")
    except OSError as error:
        raise RunError(f"{path.name}: cannot be read: {error.strerror}") from None
    except GradwrightError as error:
        raise RunError(f"{path.name}: {error}") from None
    if checked(content):
        return ()
    return (
        f"{path.name} has no checksum, because another program or an earlier version wrote it: damage to it cannot be "
        "seen. Check a figure of the run with `gradwright evaluate`",
    )


def _check_weights(weights: Any, model: nn.Module) -> None:
    """Raise unless it is tensors by name, of the network's kinds of numbers; load_state_dict checks the rest."""
    own = model.state_dict(keep_vars=True)
    if not isinstance(weights, dict):
        raise StateError("expected tensors by name")
    for key, value in weights.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise StateError("expected tensors by name")
        if key in own and category(value.dtype) != category(own[key].dtype):
            raise StateError(f"{key} is of dtype {value.dtype}, where the network has {own[key].dtype}")
