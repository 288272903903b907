"""How fast this machine multiplies matrices: what no program of such steps can beat."""

from __future__ import annotations

import time

import numpy as np

__all__ = ["product_rate"]


def product_rate(m: int, k: int, n: int, threads: int, seconds: float = 0.3) -> float:
    """Return NumPy's best rate for (m, k) @ (k, n) in float32, in operations a second."""
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    a, b = (rng.random(shape, dtype=np.float32) for shape in ((m, k), (k, n)))
    out = np.empty((m, n), np.float32)
    with threadpool_limits(threads, "blas"):
        np.matmul(a, b, out=out)
        repeats = max(1, int(1e-2 * 2e10 / (2 * m * k * n)))
        best, ends = np.inf, time.perf_counter() + seconds
        while time.perf_counter() < ends:
            started = time.perf_counter()
            for _ in range(repeats):
                np.matmul(a, b, out=out)
            best = min(best, (time.perf_counter() - started) / repeats)
    return 2.0 * m * k * n / best
