"""Columns brought to mean 0 and variance 1, rows dense or sparse, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["blocks", "moments", "standard"]

#: Numbers that are made dense together.
BLOCK = 2**22


def blocks(X: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """Give the rows as dense arrays, so many at a time that they take little memory, each with where it stands."""
    rows = max(1, BLOCK // max(1, X.shape[1]))
    for start in range(0, X.shape[0], rows):
        where = slice(start, start + rows)
        # in C's order, so that sums are rounded alike however the rows came
        yield where, np.ascontiguousarray(X[where]) if isinstance(X, np.ndarray) else X[where].toarray(order="C")


def moments(X: Any, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's weighted mean and standard deviation in float64; 1 in place of 0 for a constant column.

    Parameters
    ----------
    X : array or CSR matrix, (rows, columns)
    weight : (rows,)
        At least 0, not all 0.
    """
    total = weight.sum()
    mean = sum(weight[rows] @ block.astype(np.float64, copy=False) for rows, block in blocks(X)) / total
    square = sum(weight[rows] @ np.square(block - mean) for rows, block in blocks(X)) / total
    scale = np.sqrt(square)
    # the mean of equal numbers is rounded, so their deviation from it need not be exactly 0
    scale[scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)] = 1.0
    return mean, scale


def standard(X: Any, mean: np.ndarray | None, scale: np.ndarray | None, dtype: Any) -> np.ndarray:
    """Return dense rows, standardised by ``mean`` and ``scale`` where these are given."""
    out = np.empty(X.shape, dtype)
    for rows, block in blocks(X):
        out[rows] = block if mean is None else (block - mean) / scale
    return out
