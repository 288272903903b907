"""A counter-based random stream that gives the same bits on NumPy and under XLA.

Threefry-2x32 with 13 rounds, as in J. Salmon et al., *Parallel random numbers: as easy as 1, 2, 3* (SC 2011).
It needs only 32-bit additions, rotations and exclusive-ors, so both array libraries run these very lines.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["random_bits", "threefry", "uniform_from_bits"]

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA


#: The fewest rounds that passed all of BigCrush (the paper's table 2); beyond 13, XLA splits the loop over threads,
#: which
#: costs a small network more than the arithmetic does.
ROUNDS = 13


def threefry(key0: Any, key1: Any, x0: Any, x1: Any, rounds: int = ROUNDS) -> tuple[Any, Any]:
    """Encrypt the counter words ``(x0, x1)`` with the key words; all uint32, broadcast together."""
    u32 = np.uint32
    keys = (key0, key1, key0 ^ key1 ^ u32(_PARITY))
    x0 = x0 + keys[0]
    x1 = x1 + keys[1]
    for i in range(rounds):
        r = _ROTATIONS[i % 8]
        x0 = x0 + x1
        x1 = (x1 << u32(r)) | (x1 >> u32(32 - r))
        x1 = x0 ^ x1
        if i % 4 == 3:
            block = i // 4 + 1
            x0 = x0 + keys[block % 3]
            x1 = x1 + keys[(block + 1) % 3] + u32(block)
    return x0, x1


def random_bits(xp: ModuleType, key: Any, draw: Any, size: int) -> Any:
    """Return ``size`` random uint32 words: draw number ``draw`` of the stream with this key.

    Parameters
    ----------
    key : uint32 array of shape (2,)
        Which stream.
    draw : uint32 scalar array
        Which draw of the stream; the high counter word, so draws of up to 2**33 words never overlap.
    size : int
        How many words.
    """
    half = (size + 1) // 2
    low = xp.arange(half, dtype=np.uint32)
    if xp is np:
        with np.errstate(over="ignore"):  # arithmetic modulo 2**32 is the point
            high = np.full(half, draw, np.uint32)
            a, b = threefry(key[0], key[1], high, low)
    else:
        high = xp.zeros(half, np.uint32) + draw
        a, b = threefry(key[0], key[1], high, low)
    return xp.concatenate([a, b])[:size]


def uniform_from_bits(xp: ModuleType, bits: Any, dtype: Any = np.float32) -> Any:
    """Turn uint32 words into uniform numbers in [0, 1): multiples of 2**-24 (half: 2**-11, bfloat16: 2**-8)."""
    dtype = np.dtype(dtype)
    digits = 24 if dtype.itemsize > 2 else 11 if dtype.kind == "f" else 8
    return (bits >> np.uint32(32 - digits)).astype(dtype) * np.asarray(2.0**-digits, dtype)[()]
