"""Columns brought to mean 0 and variance 1, rows dense or sparse, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["blocks", "moments", "standard"]

#: Rows that are made dense together.
BLOCK_ROWS = 4096


def blocks(X: Any, rows: int = BLOCK_ROWS) -> Iterator[np.ndarray]:
    """Give the rows as dense arrays, so many at a time."""
    for start in range(0, X.shape[0], rows):
        yield dense(X[start : start + rows])


def dense(X: Any) -> np.ndarray:
    """Return rows as a dense array."""
    out: np.ndarray = X if isinstance(X, np.ndarray) else X.toarray()
    return out


def moments(X: Any, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's weighted mean and standard deviation in float64; 1 in place of 0 for a constant column.

    Parameters
    ----------
    X : array or CSR matrix, (rows, columns)
    weight : (rows,)
        At least 0, not all 0.
    """
    total = weight.sum()
    parts = [weight[start : start + BLOCK_ROWS] for start in range(0, len(weight), BLOCK_ROWS)]
    mean = sum(w @ block.astype(np.float64, copy=False) for w, block in zip(parts, blocks(X), strict=True)) / total
    square = sum(w @ np.square(block - mean) for w, block in zip(parts, blocks(X), strict=True)) / total
    scale = np.sqrt(square)
    # the mean of equal numbers is rounded, so their deviation from it need not be exactly 0
    scale[scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)] = 1.0
    return mean, scale


def standard(X: Any, mean: np.ndarray | None, scale: np.ndarray | None, dtype: Any) -> np.ndarray:
    """Return dense rows, standardised by ``mean`` and ``scale`` where these are given."""
    out = np.empty(X.shape, dtype)
    start = 0
    for block in blocks(X):
        part = block if mean is None else (block - mean) / scale
        out[start : start + len(block)] = part
        start += len(block)
    return out
