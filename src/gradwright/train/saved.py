"""A trained network on disk: structure as JSON of known layer names, weights as safetensors. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gradwright import nn
from gradwright.data import Ledger, Preparation, Task
from gradwright.errors import GradwrightError, RunError
from gradwright.nn.structure import from_structure, to_structure
from gradwright.train.config import Config, parse_config
from gradwright.train.folder import write_bytes, write_json
from gradwright.train.forward import forward_rows

__all__ = ["SavedRun", "load_run", "save_model"]

T = TypeVar("T")

_LARGEST = 64 * 2**20  # bytes of JSON that no record of ours reaches


def save_model(folder: Path, model: nn.Module) -> None:
    """Write ``model.json`` and ``weights.safetensors``."""
    from safetensors.numpy import save

    write_json(folder / "model.json", {"format": 1, "structure": to_structure(model)})
    # not ascontiguousarray: it gives zero-dimensional arrays an axis
    arrays = {k: np.array(v.numpy(), order="C") for k, v in model.state_dict().items()}
    write_bytes(folder / "weights.safetensors", save(arrays))


@dataclass(frozen=True)
class SavedRun:
    """What a run folder holds, ready for use."""

    path: Path
    config: Config
    task: Task
    preparation: Preparation
    model: nn.Module
    data: dict[str, Any]

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
    if not (path / "model.json").is_file():
        raise RunError(f"{path}: not a run folder: it has no model.json. Name a folder that `gradwright train` made.")
    try:
        config = _built(path / "config.json", lambda values: parse_config(values, "settings"))
        task = _built(path / "task.json", Task.from_dict)
        preparation = _built(path / "preparation.json", Preparation.from_dict)
        model = _built(path / "model.json", _build_model)
        if config.dtype == "float64":
            model.double()
        _built(path / "weights.safetensors", model.load_state_dict, _read_weights)
        data = read_object(path / "data.json")
        _check_fit(model, preparation.width, task.outputs, np.dtype(config.dtype))
    except GradwrightError as error:
        raise RunError(f"{path}: the run cannot be loaded: {error}") from None
    model.eval()
    return SavedRun(path, config, task, preparation, model, data)


def _built(path: Path, build: Callable[[Any], T], reader: Callable[[Path], Any] | None = None) -> T:
    """Build something from a file's content; an error names the file."""
    content = (reader or read_object)(path)
    try:
        return build(content)
    except GradwrightError as error:
        raise RunError(f"{path.name}: {error}") from None


def _build_model(description: dict[str, Any]) -> nn.Module:
    if description.get("format") != 1:
        raise RunError("not a structure that this version knows (format 1)")
    return from_structure(description.get("structure"), draw=False)


def _check_fit(model: nn.Module, width: int, outputs: int, dtype: np.dtype) -> None:
    """Send one row of zeros through the network: files of two runs do not fit together."""
    try:
        shape = forward_rows(model, np.zeros((1, width), dtype)).shape
    except (GradwrightError, MemoryError) as error:
        raise RunError(f"model.json does not take the {width} numbers a row of preparation.json: {error}") from None
    if shape != (1, outputs):
        raise RunError(f"model.json gives {shape[1:]} numbers a row, but task.json needs {outputs}")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise RunError(f"{path.name}: expected an object, found a {type(value).__name__}")
    return value


def read_json(path: Path) -> Any:
    """Read one JSON file of a run, with bounded memory."""
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(f"{path.name}: {path.stat().st_size:,} bytes are more than a record ever has")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path.name}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path.name}: not valid JSON: {str(error)[:200]}") from None


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights = dict(load_file(path))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise RunError(f"{path.name}: cannot be read: {error}") from None
    for key, value in weights.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise RunError(f"{path.name}: {key} holds values that are not finite")
    return weights
