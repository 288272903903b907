"""The digits of scikit-learn, and batch orders.

Scaled, not standardised: a pixel that is dark in a whole batch must be exactly 0. Standardised it would be a constant
in front of a batch norm, whose true gradient is 0, and Adam would make steps of full size of its rounding noise.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return (1797, 64) float32 features in [0, 1] and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y.astype(np.int64)


def order(seed: int, epochs: int, batch: int) -> np.ndarray:
    """Return (steps, batch) rows: each epoch another permutation."""
    rng = np.random.default_rng(seed)
    n = len(digits()[0]) // batch
    return np.concatenate([rng.permutation(len(digits()[0]))[: n * batch].reshape(n, batch) for _ in range(epochs)])
