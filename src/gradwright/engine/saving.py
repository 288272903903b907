"""``save`` and ``load``: tensors as safetensors, the structure around them as JSON in its header. Never a pickle.

A file holds a Tensor, or dictionaries, lists and tuples, nested, of Tensors, numbers, strings and None. A flat
dictionary of Tensors, as ``state_dict()`` gives it, is stored under its own keys, so that other readers of
safetensors find them; and a file that others wrote loads as such a dictionary. Each file carries a checksum
(``checksum.py``).
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.engine.base import Node, TensorBase
from gradwright.engine.checksum import checked, with_checksum
from gradwright.engine.devices import check_device
from gradwright.engine.dtypes import as_dtype, dtype_named
from gradwright.engine.files import read_whole, write_whole
from gradwright.engine.json_text import parse_json
from gradwright.engine.op import wrap
from gradwright.errors import GradwrightError, StateError

__all__ = ["from_bytes", "load", "save", "to_bytes"]

_HEADER = "gradwright"  # the entry of the file's metadata that holds the structure
_DEEPEST = 100  # containers within containers
_LONGEST = 64 * 2**20  # bytes of header, the structure in it
_FORMAT = 2  # 1 had no checksum

# Each container and each value that JSON does not have is an object with one entry:
#   {"dict": [[key, value], …]}  {"list": […]}  {"tuple": […]}  {"float": "nan"}  {"int": "-1f"}: hexadecimal
#   {"tensor": name}  {"tensor": name, "kind": "leaf" or "parameter"}: which requires grad; "array": NumPy's


# --- saving ---------------------------------------------------------------------------------------------------------
def save(obj: Any, f: Any) -> None:
    """Write a Tensor, a state dictionary or a checkpoint to a file, whole or not at all.

    Parameters
    ----------
    obj : Tensor, dict, list, tuple, number, str or None
        Nested as you like; keys are strings or numbers. What the tensors were computed from is not kept.
    f : path, or a file opened for writing bytes
        Where to.

    Raises
    ------
    StateError
        When something in it cannot be saved: the message says under which key.
    OSError
        When the file cannot be written; the file that was there before is there still.

    Examples
    --------
    >>> import tempfile
    >>> import gradwright as gw
    >>> folder = tempfile.TemporaryDirectory()
    >>> gw.save({"epoch": 3, "weights": [gw.ones(2)]}, f"{folder.name}/checkpoint.safetensors")
    >>> gw.load(f"{folder.name}/checkpoint.safetensors")
    {'epoch': 3, 'weights': [tensor([1., 1.])]}
    >>> folder.cleanup()
    """
    pieces = to_bytes(obj)
    if hasattr(f, "write"):
        for piece in pieces:
            f.write(piece)
    else:
        write_whole(Path(os.fspath(f)), pieces)


def to_bytes(obj: Any, *, arrays: bool = False) -> list[bytes | memoryview]:
    """Return the file that :func:`save` writes, in pieces to be written one after the other.

    Parameters
    ----------
    obj : Tensor, dict, list, tuple, number, str or None
        As for :func:`save`.
    arrays : bool
        Whether NumPy arrays may be in it, too; they come back as arrays.
    """
    from safetensors.numpy import save as serialize

    writer = _Writer(arrays)
    structure = json.dumps({"format": _FORMAT, "root": writer.described(obj, "", 0)}, allow_nan=False)
    pieces = with_checksum(serialize(writer.arrays), {_HEADER: structure})
    if len(pieces[0]) > _LONGEST:
        raise StateError(
            f"save: all but the tensors takes {len(pieces[0]):,} bytes, and {_LONGEST:,} can be read back; "
            "make tensors of long lists of numbers"
        )
    return pieces


class _Writer:
    """Takes the tensors out of a nested object and describes what is left."""

    def __init__(self, arrays_too: bool) -> None:
        self._arrays_too = arrays_too
        self.arrays: dict[str, np.ndarray] = {}
        self._names: dict[int, str] = {}  # a tensor that occurs twice is stored once
        self._kept: list[Any] = []

    def described(self, value: Any, path: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise StateError(f"save: {path[:200]!r} lies more than {_DEEPEST} containers deep; does it contain itself?")
        if isinstance(value, TensorBase):
            entry = {"tensor": self._stored(value, to_numpy(value._array), path)}
            if value._requires_grad and not isinstance(value._node, Node):
                entry["kind"] = "parameter" if type(value).__name__ == "Parameter" else "leaf"
            return entry
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.ndarray) and self._arrays_too:
            _check_dtype(value, path)
            return {"tensor": self._stored(value, value, path), "kind": "array"}
        if isinstance(value, np.generic) and (value.dtype.kind in "fiub" or value.dtype.name == "bfloat16"):
            value = value.item()
        if isinstance(value, int):
            # as digits, thousands of them take long to read, and Python refuses
            return int(value) if -(2**63) <= value < 2**63 else {"int": f"{value:x}"}
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        if isinstance(value, Mapping):
            return {"dict": [self._pair(k, v, path, depth) for k, v in value.items()]}
        if type(value) in (list, tuple):
            items = [self.described(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]
            return {"list" if type(value) is list else "tuple": items}
        remedy = (
            "gradwright.tensor(…) makes a Tensor of it"
            if isinstance(value, np.ndarray)
            else (
                "save its state_dict()"
                if hasattr(value, "state_dict")
                else "take it out, or turn it into numbers and strings"
            )
        )
        raise StateError(f"save: {_said(path)} is a {type(value).__name__}, which cannot be saved: {remedy}")

    def _pair(self, key: Any, value: Any, path: str, depth: int) -> list[Any]:
        if isinstance(key, np.integer):
            key = int(key)
        if key is not None and type(key) not in (str, int, bool, float):
            raise StateError(f"save: in {_said(path)}: a key of type {type(key).__name__} cannot be saved; use strings")
        below = f"{path}.{key}" if path else str(key)
        return [self.described(key, below, depth), self.described(value, below, depth + 1)]

    def _stored(self, value: Any, array: np.ndarray, path: str) -> str:
        if id(value) in self._names:
            return self._names[id(value)]
        path = path.encode("utf-8", "backslashreplace").decode()
        name, number = path or "tensor", 2
        while name in self.arrays or name == "__metadata__":
            name, number = f"{path}#{number}", number + 1
        # not ascontiguousarray: it gives zero-dimensional arrays an axis
        self.arrays[name] = np.asarray(array, array.dtype.newbyteorder("="), order="C")
        self._names[id(value)] = name
        self._kept.append(value)  # so that its id stays its own
        return name


def _check_dtype(array: np.ndarray, path: str) -> None:
    try:
        as_dtype("save", array.dtype)
    except GradwrightError:
        raise StateError(
            f"save: {_said(path)} is an array of dtype {array.dtype}, which cannot be saved: make a list or "
            "numbers of it"
        ) from None


def _said(path: str) -> str:
    return repr(path[:200]) if path else "the object"


# --- loading --------------------------------------------------------------------------------------------------------
def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what :func:`save` wrote, or any other file of safetensors (as a dictionary of Tensors).

    Nothing in a file is ever run, so there is nothing that ``weights_only`` could allow.

    Parameters
    ----------
    f : path, or a file opened for reading bytes
        Where from.
    map_location : optional
        The CPU.

    Raises
    ------
    StateError
        When the file is not there, is a pickle of PyTorch's, or is broken in any way.
    """
    check_device("load", map_location if not callable(map_location) else None)
    what = getattr(f, "name", None) or (f if isinstance(f, str | os.PathLike) else "the file")
    try:
        return from_bytes(f.read() if hasattr(f, "read") else read_whole(Path(os.fspath(f))))
    except FileNotFoundError:
        raise FileMissingError(f"load: {what}: no such file") from None
    except OSError as error:
        raise StateError(f"load: {what} cannot be read: {error.strerror}") from None
    except GradwrightError as error:
        raise StateError(f"load: {what}: {error}") from None


class FileMissingError(StateError, FileNotFoundError):
    """A file that is not there."""


def from_bytes(content: bytes, *, ours: bool = False) -> Any:
    """Return what is in a file of safetensors; its checksum, if it has one, must fit.

    Parameters
    ----------
    content : bytes
        The whole file.
    ours : bool
        Whether it must be one that :func:`save` wrote, with a checksum.

    Raises
    ------
    StateError
        When the file is broken in any way.
    """
    from safetensors import SafetensorError, deserialize

    # the length of a header may begin with these bytes, too, but then an object follows
    if (content[:2] == b"PK" or content[:1] == b"\x80") and content[8:9] != b"{":
        raise StateError(
            "this is a pickle, as torch.save writes it, and a pickle can run any program, so it is not opened. Convert "
            "it where PyTorch is: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
        )
    summed = checked(content)
    if ours and not summed:
        raise StateError("it has no checksum where files of Gradwright's have one: it was damaged, or others wrote it")
    order, metadata = _header(content)
    text = metadata.get(_HEADER)
    structure = None if text is None else _structure(text, summed)
    try:
        arrays = {name: _array(name, entry) for name, entry in deserialize(content)}
        if text is None:
            return {name: wrap(arrays[name]) for name in order}
        return _Reader(arrays).built(structure, 0)
    except StateError:
        raise
    except (SafetensorError, ValueError, OverflowError) as error:
        raise StateError(f"not a whole file of safetensors: {str(error)[:200]}") from None
    except MemoryError:
        raise StateError("what is in it does not fit into memory") from None


def _header(content: bytes) -> tuple[list[str], dict[str, Any]]:
    """Return the names in their order and the free texts; safetensors checks the rest of the header."""
    length = int.from_bytes(content[:8], "little")
    if length > _LONGEST:
        raise StateError(f"not a whole file of safetensors: a header of {length:,} bytes is more than tensors need")
    if len(content) < max(8 + length, 8):
        raise StateError("not a whole file of safetensors: it ends within its header")
    try:
        found = parse_json(content[8 : 8 + length])
    except StateError as error:
        raise StateError(f"not a whole file of safetensors: its header: {error}") from None
    if not isinstance(found, dict):
        raise StateError("not a whole file of safetensors: its header is no object")
    metadata = found.pop("__metadata__", None)
    return list(found), metadata if isinstance(metadata, dict) else {}


def _structure(text: Any, summed: bool) -> Any:
    """Return the description of what lies around the tensors."""
    try:
        header = parse_json(text.encode() if isinstance(text, str) else b"")
    except (StateError, UnicodeEncodeError) as error:
        raise StateError(f"its structure: {error}") from None
    if not isinstance(header, dict) or header.get("format") not in (1, _FORMAT) or "root" not in header:
        raise StateError(f"its structure is none that this version knows (formats 1 and {_FORMAT})")
    if header["format"] != 1 and not summed:
        raise StateError("its checksum is missing: the file was changed after it was written")
    return header["root"]


_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def _array(name: str, entry: Mapping[str, Any]) -> np.ndarray:
    kind = _DTYPES.get(entry["dtype"])
    if kind is None:
        raise StateError(f"tensor {name[:200]!r} is of dtype {entry['dtype']}, which tensors here do not have")
    dtype = as_dtype("load", dtype_named(kind))
    array = np.frombuffer(entry["data"], dtype)  # of bytes that are its own already
    if array.size != math.prod(entry["shape"]):
        raise StateError(f"tensor {name[:200]!r} of shape {entry['shape']} has {array.size} numbers")
    return array.reshape(entry["shape"])


_KINDS = (None, "leaf", "parameter", "array")


class _Reader:
    """Puts the tensors back into the structure."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._made: dict[tuple[str, Any], Any] = {}

    def built(self, entry: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise StateError(f"its structure is more than {_DEEPEST} containers deep")
        if entry is None or isinstance(entry, bool | int | float | str):
            return entry
        if isinstance(entry, dict) and "tensor" in entry:
            return self._tensor(entry["tensor"], entry.get("kind"))
        if isinstance(entry, dict) and len(entry) == 1:
            ((kind, value),) = entry.items()
            if kind in ("list", "tuple") and isinstance(value, list):
                items = [self.built(v, depth + 1) for v in value]
                return items if kind == "list" else tuple(items)
            if kind == "dict" and isinstance(value, list):
                return dict(self._pair(item, depth) for item in value)
            if kind == "float" and value in ("nan", "inf", "-inf"):
                return float(value)
            if kind == "int" and isinstance(value, str) and re.fullmatch("-?[0-9a-f]+", value):
                return int(value, 16)
        raise StateError(f"its structure holds something unknown: {_seen(entry)}")

    def _pair(self, item: Any, depth: int) -> tuple[Any, Any]:
        if not isinstance(item, list) or len(item) != 2:
            raise StateError(f"its structure holds something unknown: {_seen(item)}")
        key = self.built(item[0], depth + 1)
        if not isinstance(key, str | int | float | bool | None):
            raise StateError(f"its structure has a {type(key).__name__} for a key")
        return key, self.built(item[1], depth + 1)

    def _tensor(self, name: Any, kind: Any) -> Any:
        if not isinstance(name, str) or name not in self._arrays or kind not in _KINDS:
            raise StateError(f"its structure names a tensor {_seen(name)} that is not in the file")
        made: Any = self._made.get((name, kind))
        if made is None:
            made = wrap(self._arrays[name])
            if kind == "array":
                made = self._arrays[name]
            elif kind == "parameter":
                from gradwright.engine.tensor import Parameter

                made = Parameter(made)
            elif kind == "leaf":
                made.requires_grad_()
            self._made[(name, kind)] = made
        return made


def _seen(entry: Any) -> str:
    """Say what stands there; it may be too deep or too long to be printed."""
    if isinstance(entry, dict):
        return f"an object with {', '.join(repr(key[:40]) for key in list(entry)[:3]) or 'nothing in it'}"
    return repr(entry[:80]) if isinstance(entry, str) else f"a {type(entry).__name__}"
