"""Sequences of different lengths, padded or packed one time step after the other: PyTorch's ``nn.utils.rnn``.

Packing is done on the host: the lengths decide the shapes. In a compiled step give the recurrent layers ``lengths=``
and padded sequences instead; then every batch has one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.checks import concrete
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.op import OPERATIONS
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence(NamedTuple):
    """Sequences without padding: all first elements, then all second ones, and so on; the longest sequence first.

    Attributes
    ----------
    data : (Σ lengths, …)
        The elements.
    batch_sizes : (longest length,) integers
        How many sequences have an element at each time.
    sorted_indices, unsorted_indices : (batch,) integers, or None
        Which sequences stand first, second, …, and the inverse; None where they came sorted.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, dtype: Any) -> PackedSequence:
        """Return the sequences with elements of another dtype."""
        return self._replace(data=self.data.to(dtype))

    def double(self) -> PackedSequence:
        """Return the sequences with elements of float64."""
        return self.to(np.float64)

    def float(self) -> PackedSequence:
        """Return the sequences with elements of float32."""
        return self.to(np.float32)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the order that undoes an order of 0 to n - 1."""
    return None if permutation is None else Tensor(np.argsort(_numbers("invert_permutation", permutation)))


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences; the gradient goes back to what is not padding.

    Parameters
    ----------
    input : (T, B, …), or (B, T, …) with ``batch_first``
    lengths : (B,) integers from 1 to T
    enforce_sorted : bool
        Refuse sequences that do not come longest first; otherwise they are sorted, and unpacking puts them back.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.nn.packed import pack_padded_sequence
    >>> packed = pack_padded_sequence(gw.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]), [3, 1], batch_first=True)
    >>> packed.data, packed.batch_sizes
    (tensor([1., 4., 2., 3.]), tensor([2, 1, 1]))
    """
    name = "pack_padded_sequence"
    need_tensor(name, input)
    if input.ndim < 2:
        raise ShapeError(f"{name}: expected (T, B, …) or, with batch_first, (B, T, …); got {input.shape}")
    batch, steps = input.shape[:2] if batch_first else input.shape[1::-1]
    counts = _numbers(name, lengths)
    if counts.shape != (batch,) or counts.dtype.kind not in "iu":
        raise ShapeError(f"{name}: lengths must be {batch} whole numbers for an input of shape {input.shape}")
    if batch == 0 or counts.min() < 1 or counts.max() > steps:
        raise ShapeError(f"{name}: lengths go from 1 to {steps} here; got {counts.tolist()}")
    order = np.argsort(-counts, kind="stable")
    if enforce_sorted and (np.diff(counts) > 0).any():
        raise ConfigError(
            f"{name}: the longest sequence must come first, then the next; lengths are {counts.tolist()}. "
            "Pass enforce_sorted=False to have them sorted."
        )
    rows = np.arange(batch) if enforce_sorted else order
    time, row = np.nonzero(np.arange(counts.max())[:, None] < counts[rows])
    index = (rows[row], time) if batch_first else (time, rows[row])
    sizes = Tensor(np.bincount(time).astype(np.int64))
    data = OPERATIONS["getitem"](input, index=index)
    if enforce_sorted:
        return PackedSequence(data, sizes)
    return PackedSequence(data, sizes, Tensor(order), Tensor(np.argsort(order)))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo the packing: padded sequences in the order in which they came, and their lengths.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
        Return (B, T, …) instead of (T, B, …).
    padding_value : float
        What stands after each end.
    total_length : int, optional
        T, at least the longest length, which it is unless told otherwise.

    Returns
    -------
    (padded, lengths)
    """
    sizes, lengths, rows = _layout("pad_packed_sequence", sequence)
    longest = len(sizes)
    steps = longest if total_length is None else total_length
    if steps < longest:
        raise ShapeError(f"pad_packed_sequence: total_length is {steps}, but the longest sequence has {longest}")
    # where each element stands in the packed data; behind its end stands one more element, the padding
    place = np.concatenate([[0], np.cumsum(sizes)[:-1]])[:, None] + rows
    end = len(sequence.data)
    place = np.where(np.arange(longest)[:, None] < lengths, place, end)
    place = np.concatenate([place, np.full((steps - longest, len(rows)), end)])
    padding = Tensor(np.full((1, *sequence.data.shape[1:]), padding_value, sequence.data.dtype))
    with_padding = OPERATIONS["cat"](sequence.data, padding, axis=0)
    padded = OPERATIONS["getitem"](with_padding, index=place.T if batch_first else place)
    return padded, Tensor(lengths)


def _layout(name: str, sequence: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return batch sizes, and for each sequence, in the order in which they came, its length and its packed row."""
    if not isinstance(sequence, PackedSequence):
        raise ConfigError(f"{name}: expected a PackedSequence, got {type(sequence).__name__}")
    sizes = _numbers(name, sequence.batch_sizes)
    rows = np.arange(sizes[0])
    if sequence.unsorted_indices is not None:
        rows = _numbers(name, sequence.unsorted_indices)
    elif sequence.sorted_indices is not None:
        rows = np.argsort(_numbers(name, sequence.sorted_indices))
    return sizes, (sizes[:, None] > rows).sum(0), rows


def repack(padded: Tensor, like: PackedSequence) -> PackedSequence:
    """Pack (T, B, …) as another packing was packed."""
    sizes, lengths, rows = _layout("repack", like)
    order = np.argsort(rows)
    time, row = np.nonzero(np.arange(len(sizes))[:, None] < lengths[order])
    return like._replace(data=OPERATIONS["getitem"](padded, index=(time, order[row])))


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (Lᵢ, …) of different lengths, filled up to the longest: (T, B, …), or (B, T, …).

    Parameters
    ----------
    sequences : sequence of Tensor
        Their other axes are the same.
    batch_first : bool
    padding_value : float
    padding_side : "right" or "left"
        Where the padding goes.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.nn.packed import pad_sequence
    >>> pad_sequence([gw.tensor([1, 2, 3]), gw.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if padding_side not in ("left", "right"):
        raise ConfigError(f"pad_sequence: padding_side is 'left' or 'right', got {padding_side!r}")
    if not len(sequences):
        raise ShapeError("pad_sequence: no sequences")
    for i, s in enumerate(sequences):
        need_tensor("pad_sequence", s)
        if s.ndim == 0 or s.shape[1:] != sequences[0].shape[1:]:
            raise ShapeError(
                f"pad_sequence: sequence {i} has shape {s.shape}, the first {sequences[0].shape}; "
                "all axes but the first must agree"
            )
    longest = max(len(s) for s in sequences)
    filled = []
    for s in sequences:
        missing = longest - len(s)
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        widths = (ends, *[(0, 0)] * (s.ndim - 1))
        filled.append(OPERATIONS["pad"](s, widths=widths, value=padding_value) if missing else s)
    return OPERATIONS["stack"](*filled, axis=0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """Return each sequence of a padded batch without its padding."""
    need_tensor("unpad_sequence", padded_sequences)
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = _numbers("unpad_sequence", lengths)
    if len(counts) != len(rows):
        raise ShapeError(f"unpad_sequence: {len(counts)} lengths for {len(rows)} sequences")
    return [row[: int(n)] for row, n in zip(rows.unbind(0), counts, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (Lᵢ, …) of different lengths; see :func:`pack_padded_sequence`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences of a packing, in the order in which they came."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def _numbers(name: str, values: Any) -> np.ndarray:
    return concrete(name, values._array) if isinstance(values, TensorBase) else np.asarray(values)
