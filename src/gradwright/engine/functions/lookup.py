"""Rows of a table by their number, and numbers as rows of a table: for ``gradwright.nn.functional``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.checks import check_index, concrete
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.mode import no_grad
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.overwritten import remember_overwritten
from gradwright.engine.row_sparse import put_rows
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["embedding", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of ``weight`` whose numbers are in ``input``.

    Parameters
    ----------
    input : integers of any shape, in [0, rows)
    weight : (rows, features)
    padding_idx : int, optional
        A row that gets no gradient; may count from the end.
    max_norm, norm_type : float
        Scale down the rows that are looked up whose norm is larger, in ``weight`` itself.
    scale_grad_by_freq : bool
        Divide each row's gradient by how often it is looked up here.
    sparse : bool
        Let the gradient of ``weight`` be a :class:`RowSparse` that lists the rows that were looked up, instead of an
        array of the table's size. Where ``weight`` is itself the result of an operation, and in derivatives that are
        to be differentiated again, it is dense all the same.

    Returns
    -------
    Tensor (*input.shape, features)

    Raises
    ------
    IndexOutOfRangeError
        Naming row and value. A compiled step checks an input that it is given before it runs.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.engine.functions.lookup import embedding
    >>> embedding(gw.tensor([2, 0]), gw.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])).tolist()
    [[4.0, 5.0], [0.0, 1.0]]
    """
    need_tensor("embedding", input)
    need_tensor("embedding: weight", weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight needs the shape (rows, features), got {weight.shape}")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise IndexOutOfRangeError(f"embedding: padding_idx {padding_idx} is no row of weight {weight.shape}")
        padding_idx %= rows
    check_index("embedding", input._array, 0, weight.shape)
    if max_norm is not None:
        _renormalise(weight, input._array, max_norm, norm_type)
    if sparse and weight.is_leaf:
        out = indexing.embedding(weight, index=input._array, sparse=True, left_out=padding_idx)
    else:
        out = indexing.embedding(weight, index=input._array)
    if padding_idx is not None:
        passed = ew.ne(input, padding_idx)
        # both branches are the same numbers: only the gradient differs
        out = ew.where(indexing.getitem(passed, index=(..., None)), out, out.detach())
    if scale_grad_by_freq:
        counts = _counts(input._array, rows, weight.dtype)
        still = out.detach()
        out = still + (out - still) / counts
    return out


def _counts(index: Any, rows: int, dtype: Any) -> Any:
    xp = namespace([index])
    if xp is np:
        found = np.bincount(index.ravel(), minlength=rows)
    else:
        found = xp.zeros(rows, index.dtype).at[index.reshape(-1)].add(1)
    return found[index][..., None].astype(dtype)


def _renormalise(weight: Tensor, index: Any, max_norm: Any, norm_type: float) -> None:
    index = index.reshape(-1)  # a row that is named twice is written twice, with the same numbers
    with no_grad():
        found = indexing.embedding(weight, index=index)
        norms = found.norm(norm_type, 1, True)
        scaled = ew.where(norms > max_norm, found * (max_norm / (norms + 1e-7)), found).to(weight.dtype)
        replaced = put_rows(weight, index, scaled._array)
    if replaced is not None:
        remember_overwritten(replaced)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Return int64 vectors with a 1 at each label.

    Parameters
    ----------
    input : int64 of any shape, in [0, num_classes)
    num_classes : int
        By default one more than the largest label, which a compiled step cannot know: give it there.

    Returns
    -------
    Tensor (*input.shape, num_classes)
    """
    need_tensor("one_hot", input)
    if input.dtype != np.int64 and not (input.dtype == np.int32 and not is_concrete(input._array)):
        raise DTypeError(f"one_hot: class labels must be int64, got {input.dtype}; use input.long()")
    if num_classes == -1:
        labels = concrete("one_hot without num_classes", input._array)
        if not labels.size:
            raise ConfigError("one_hot: no labels say how many classes there are; give num_classes")
        if labels.min() < 0:
            check_index("one_hot", labels, 0, (int(labels.max()) + 1,))
        num_classes = int(labels.max()) + 1
    if num_classes < 1:
        raise ConfigError(f"one_hot: num_classes is how many classes there are, from 1, or -1; got {num_classes}")
    check_index("one_hot", input._array, 0, (num_classes,))
    return indexing.one_hot(input, classes=num_classes, dtype=np.dtype(np.int64))
