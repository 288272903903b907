"""What a data set is: something with a length and samples by number, or something that gives samples in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError

__all__ = ["Dataset", "IterableDataset", "TensorDataset"]

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Samples by number: a subclass says ``__getitem__``, and ``__len__`` where the number of samples is known.

    A subclass may also say ``__getitems__(indices)``, which returns the samples of a whole batch as a list.

    Examples
    --------
    >>> from gradwright.utils.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...
    ...     def __getitem__(self, index):
    ...         return index, float(index**2)
    >>> for number, square in DataLoader(Squares(), batch_size=3):
    ...     print(number, square)
    tensor([0, 1, 2]) tensor([0., 1., 4.], dtype=float64)
    tensor([3, 4]) tensor([ 9., 16.], dtype=float64)
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError(f"{type(self).__name__} must say __getitem__(self, index): one sample")

    def __add__(self, other: Dataset[Any]) -> Any:
        from gradwright.utils.data.combining import ConcatDataset

        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Samples in turn, from a stream whose samples have no numbers: a subclass says ``__iter__``.

    With workers, one thread reads it ahead, so no sample comes twice and ``get_worker_info()`` is None.

    Examples
    --------
    >>> from gradwright.utils.data import DataLoader, IterableDataset
    >>> class Lines(IterableDataset):
    ...     def __iter__(self):
    ...         yield from ("one", "two", "three")
    >>> list(DataLoader(Lines(), batch_size=2))
    [['one', 'two'], ['three']]
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} must say __iter__(self): its samples in turn")

    def __add__(self, other: Dataset[Any]) -> Any:
        from gradwright.utils.data.combining import ChainDataset

        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors whose first axis numbers the samples; a sample is a tuple of one slice of each.

    Parameters
    ----------
    *tensors : Tensor, shape (n, ...)
        At least one; all with the same n.

    Raises
    ------
    ShapeError
        Different numbers of samples, or a tensor without an axis.

    Examples
    --------
    >>> import gradwright as gw
    >>> rows = gw.utils.data.TensorDataset(gw.arange(6).reshape(3, 2), gw.tensor([0, 1, 0]))
    >>> len(rows), rows[1]
    (3, (tensor([2, 3]), tensor(1)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ShapeError("TensorDataset: expected at least one tensor, got none")
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise ShapeError(
                    f"TensorDataset: argument {i} is a {type(tensor).__name__}; expected a Tensor: "
                    "gw.from_numpy(array) makes one without copying"
                )
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise ShapeError(f"TensorDataset: size mismatch between tensors: the first axes of {shapes} must agree")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def batch(self, indices: Sequence[int]) -> list[Tensor]:
        """Return the samples of a batch collated: what `default_collate` makes of them, by one look-up a tensor."""
        rows = np.asarray(indices, np.int64)
        return [tensor[rows] for tensor in self.tensors]
