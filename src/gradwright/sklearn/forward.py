"""What fitted weights say about rows: NumPy alone, nothing compiled."""

from __future__ import annotations

import numpy as np

from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.named import activation_named
from gradwright.sklearn.workshop import Weights

__all__ = ["outputs"]


def outputs(weights: Weights, x: np.ndarray, activation: str, output: str) -> np.ndarray:
    """Return (rows, outputs): numbers for ``identity``, probabilities for ``logistic`` and ``softmax``."""
    coefs, intercepts = weights
    with no_grad():
        h = Tensor(x)
        for i, (matrix, bias) in enumerate(zip(coefs, intercepts, strict=True)):
            if i and activation != "identity":
                h = activation_named(activation)(h)
            h = h @ Tensor(np.asarray(matrix)) + Tensor(np.asarray(bias))  # of a memory map, say
        if output == "softmax":
            h = F.softmax(h, 1)
        elif output == "logistic":
            h = h.sigmoid()
        return np.asarray(h._array)
