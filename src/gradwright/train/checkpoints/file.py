"""One checkpoint in one file: the format of ``gradwright.save``, with NumPy arrays beside tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradwright.engine.files import read_whole, write_whole
from gradwright.engine.saving import from_bytes, to_bytes
from gradwright.errors import CheckpointError, StateError

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(path: Path, state: Any) -> None:
    """Write a state to a file that is whole or not there, whatever happens meanwhile.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced at once.
    state : dict, list, tuple, Tensor, array, number, str or None
        Nested as you like. Arrays and Tensors of every dtype come back as such, numbers bit for bit.

    Raises
    ------
    StateError
        When something in the state cannot be saved; the message says under which key. Nothing is written.
    CheckpointError
        When the disk is full or refuses. What was there before is there still.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "state.safetensors"
    ...     write_checkpoint(path, {"epoch": 3, "losses": [0.1, float("nan")], "order": np.arange(3)})
    ...     read_checkpoint(path)
    {'epoch': 3, 'losses': [0.1, nan], 'order': array([0, 1, 2])}
    """
    pieces = to_bytes(state, arrays=True)
    try:
        write_whole(path, pieces)
    except OSError as error:
        size = sum(len(piece) for piece in pieces)
        raise CheckpointError(
            f"{path}: this checkpoint of {size:,} bytes cannot be written: {error.strerror or error}. Nothing that was "
            "there before is lost. Make room on the disk, or see that the folder can be written to"
        ) from None


def read_checkpoint(path: Path) -> Any:
    """Return the state that :func:`write_checkpoint` wrote.

    Nothing in the file is run, and no memory is taken on its word.

    Raises
    ------
    CheckpointError
        When the file is not there, was cut short or changed (its checksum tells), or is no checkpoint.
    """
    try:
        return from_bytes(read_whole(path, links=False), ours=True)
    except OSError as error:
        words = f"it cannot be read: {error.strerror or error}"
    except MemoryError:
        words = "it does not fit into memory"
    except StateError as error:
        words = str(error)
    raise CheckpointError(f"{path}: this checkpoint cannot be used: {words}")
