"""The order in which rows are trained on: a function of seed and epoch, and of nothing else.

The order comes from Philox, a counter-based generator, by way of its raw 64-bit words: a bit stream that is
fixed for good, unlike the shuffles that libraries build on it. Eager and compiled training, one process or
many, first run or resumed run: all see the same order. Source: J. Salmon et al., Parallel random numbers:
as easy as 1, 2, 3, SC 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError

__all__ = ["epoch_order", "uniform"]


def epoch_order(n: int, *, key: int, epoch: int) -> NDArray[np.int64]:
    """Order the rows of an epoch.

    Parameters
    ----------
    n : int
        How many rows there are.
    key : int
        The run's seed, 0 to 2⁶⁴ − 1.
    epoch : int
        The epoch, from 0.

    Returns
    -------
    int64 array, shape (n,)
        A permutation of 0 … n − 1: rows sorted by one random 64-bit word each, ties by row.

    Raises
    ------
    ConfigError
        A number out of range.

    Examples
    --------
    >>> epoch_order(5, key=0, epoch=0)
    array([...])
    >>> bool((epoch_order(100, key=7, epoch=1) == epoch_order(100, key=7, epoch=1)).all())
    True
    """
    return np.argsort(_words(n, key, epoch, 0), kind="stable").astype(np.int64, copy=False)


def uniform(n: int, *, key: int, stream: int) -> NDArray[np.float64]:
    """Draw n numbers from 0 up to 1, float64, shape (n,); the first k are the same whatever n is.

    Examples
    --------
    >>> bool((uniform(5, key=3, stream=1) == uniform(9, key=3, stream=1)[:5]).all())
    True
    """
    return (_words(n, key, stream, 1) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _words(n: int, key: int, counter: int, purpose: int) -> NDArray[np.uint64]:
    for name, value in (("the number of rows", n), ("the key", key), ("the epoch", counter)):
        if not 0 <= value < 2**64:
            raise ConfigError(f"cannot draw an order: {name} is {value!r}; expected 0 to 2**64 - 1")
    # Key and counter words are kept apart, so no two (key, epoch, purpose) share a stream: the third and
    # fourth counter words name the stream, the first two count within it.
    start = np.array([0, 0, counter, purpose], np.uint64)
    return np.random.Philox(key=np.array([key, 0], np.uint64), counter=start).random_raw(n)
