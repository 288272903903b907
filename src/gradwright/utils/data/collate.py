"""From a list of samples to one batch: `default_collate`, and `default_convert` for a single sample."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from gradwright.engine.from_data import as_tensor, tensor
from gradwright.engine.functions.joining import stack
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError, ShapeError

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Put the samples of a batch together, along a new first axis.

    Tensors are stacked, arrays and numbers become one tensor (Python floats float64, whole numbers int64), texts and
    bytes stay a list; mappings, named tuples and sequences are collated part by part, and a tuple becomes a list.

    Parameters
    ----------
    batch : sequence
        At least one sample; all of one kind.

    Raises
    ------
    ShapeError
        Tensors of different shapes, or sequences of different lengths.
    DTypeError
        A type that is none of these; give the loader a ``collate_fn`` of your own then.

    Examples
    --------
    >>> default_collate([(0, 0.5), (1, 1.5)])
    [tensor([0, 1]), tensor([0.5000, 1.5000], dtype=float64)]
    >>> default_collate([{"name": "a", "at": [1, 2]}, {"name": "b", "at": [3, 4]}])
    {'name': ['a', 'b'], 'at': [tensor([1, 3]), tensor([2, 4])]}
    """
    if not len(batch):
        raise ShapeError("default_collate: expected at least one sample, got an empty batch")
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind not in "biuf":
            raise _unknown(f"an array of {first.dtype}")
        return stack([as_tensor(sample) for sample in batch])
    if isinstance(first, np.bool_ | np.number):
        return tensor(np.asarray(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=np.float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    return _part_by_part(batch, default_collate)


def _part_by_part(batch: Sequence[Any], collate: Callable[[Sequence[Any]], Any]) -> Any:
    """Collate the entries of mappings, named tuples and sequences; keep the kind of what can hold the result."""
    first = batch[0]
    if isinstance(first, Mapping):
        return _like(first, {key: collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(collate(column) for column in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1:
            raise ShapeError(
                f"default_collate: each sequence of a batch should be of equal size, found lengths {sorted(lengths)}; "
                "pad them, or give the loader a collate_fn"
            )
        columns = [collate(column) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _like(first, columns)
    raise _unknown(f"a {type(first).__name__}")


def _like(first: Any, parts: Any) -> Any:
    """Return the parts in a mapping or sequence of the first sample's type, or plain where that type takes none."""
    try:
        if isinstance(first, MutableMapping):
            clone: Any = copy.copy(first)
            clone.update(parts)
            return clone
        if isinstance(first, MutableSequence):
            clone = copy.copy(first)
            for i, part in enumerate(parts):
                clone[i] = part
            return clone
        return type(first)(parts)
    except TypeError:
        return parts


def default_convert(data: Any) -> Any:
    """Turn the arrays and NumPy numbers of one sample into tensors and leave all else as it is.

    Examples
    --------
    >>> import numpy as np
    >>> default_convert({"x": np.ones(2), "name": "a"})
    {'x': tensor([1., 1.], dtype=float64), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.bool_ | np.number):
        return tensor(data) if np.asarray(data).dtype.kind in "biuf" else data
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(part) for part in data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        parts = [default_convert(part) for part in data]
        return parts if isinstance(data, tuple) else _like(data, parts)
    return data


def _unknown(found: str) -> DTypeError:
    return DTypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {found}. Give the loader a collate_fn for it"
    )
