"""The trust ratio of layerwise rules: how large a step a parameter's own size allows."""

from __future__ import annotations

from types import ModuleType
from typing import Any

__all__ = ["trust_ratio"]


def trust_ratio(xp: ModuleType, p: Any, d: Any, coefficient: Any = 1.0, eps: Any = 0.0, most: Any = None) -> Any:
    """Return min(η‖p‖ / (‖d‖ + ε), most), and 1 where either norm is 0: zero-dimensional, of p's dtype.

    Parameters
    ----------
    xp : module
        numpy or jax.numpy.
    p, d : arrays of one shape
        Parameter and direction; the norms are Euclidean, over all elements.
    coefficient, eps : float >= 0
        η and ε.
    most : float, optional
        The largest ratio.
    """
    size, length = (xp.sqrt(xp.sum(a * a)) for a in (p, d))
    zero = (size == 0) | (length == 0)
    ratio = coefficient * size / xp.where(zero, 1, length + eps)
    if most is not None:
        ratio = xp.minimum(ratio, most)
    return xp.where(zero, 1, ratio).astype(p.dtype)
