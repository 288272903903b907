"""Draws of Beta(α, α), as MixUp's shares: by gamma draws with a fixed number of tries, so that they can be compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.random import current_generator

__all__ = ["symmetric_beta"]

#: A try is accepted with probability above 0.95, so none of eight is with less than 4·10⁻¹¹; then the first stands.
_TRIES = 8


def symmetric_beta(alpha: Any, count: int, dtype: Any) -> Any:
    """Draw ``count`` numbers of Beta(α, α) as an array; for α = 0 all are 1.

    A number is G₁ / (G₁ + G₂) of two gamma draws, computed from their logarithms as σ(log G₁ - log G₂): for small α
    both may be far below the smallest float. A draw of Gamma(α) is one of Gamma(α + 1) times U^(1/α).

    Parameters
    ----------
    alpha : float, at least 0
        May be traced.

    References
    ----------
    G. Marsaglia and W. W. Tsang, *A simple method for generating gamma variables* (ACM TOMS 26, 2000), sections 4
    and 6.
    """
    generator = current_generator()
    z = generator.normal((_TRIES, 2, count), dtype)
    # 1 - u lies in (0, 1], so that logarithms are finite
    accepting = 1 - generator.uniform((_TRIES, 2, count), dtype)
    boost = 1 - generator.uniform((2, count), dtype)
    xp = namespace([z, accepting, boost, alpha])
    there = xp.asarray(alpha).astype(dtype)
    a = xp.where(there > 0, there, 1)
    d = a + np.asarray(2 / 3, dtype)  # of α + 1
    v = (1 + z / xp.sqrt(9 * d)) ** 3
    positive = v > 0
    log_v = xp.log(xp.where(positive, v, 1))
    accepted = positive & (xp.log(accepting) < z * z / 2 + d * (1 - v + log_v))
    chosen = xp.take_along_axis(log_v, xp.argmax(accepted, axis=0)[None], 0)[0]
    log_g = chosen + xp.log(boost) / a  # log d is in both
    share = wrap(log_g[0] - log_g[1]).sigmoid()._array
    return xp.where(there > 0, share, 1).astype(dtype)
