"""The random stream: one counter-based generator for eager and compiled code."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradwright.backend import namespace, random_bits, uniform_from_bits
from gradwright.engine.base import TensorBase, settle
from gradwright.engine.devices import CPU, check_device, device
from gradwright.engine.op import wrap
from gradwright.engine.skeleton import reserve
from gradwright.engine.state import Lift, Stateful
from gradwright.errors import ConfigError

__all__ = ["Generator", "current_generator", "use_generator"]


class Generator(Stateful):
    """A stream of random numbers: a key made of the seed, and a count of the draws so far.

    The state is two small tensors, which a compiled step lifts like any other state, so eager and compiled code draw
    the same numbers. Threefry-2x32 (Salmon et al., SC 2011).

    Parameters
    ----------
    seed : int, 0 to 2**64 - 1
        Which stream. (A device may stand here, as in PyTorch; the seed is then 0.)
    device : optional
        The CPU.
    """

    def __init__(self, seed: Any = 0, *, device: Any = None) -> None:
        if not isinstance(seed, int | np.integer):
            seed, device = 0, seed
        check_device("Generator", device)
        self.key = wrap(np.zeros(2, np.uint32))
        self.draws = wrap(np.zeros((), np.uint32))
        self.manual_seed(int(seed))

    @property
    def device(self) -> device:
        """The CPU."""
        return CPU

    # --- state ------------------------------------------------------------------------------------------------------
    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to ``seed`` from its beginning."""
        if not 0 <= seed < 2**64:
            raise ConfigError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed}")
        self.key._set(np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32))
        self.draws._set(np.zeros((), np.uint32))
        return self

    def initial_seed(self) -> int:
        """Return the seed that the stream belongs to."""
        high, low, _ = self.get_state()
        return high << 32 | low

    def seed(self) -> int:
        """Start a stream of a seed that the operating system draws, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self.initial_seed()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show key and count."""
        lift.tensor(f"{path}.key", self.key)
        lift.tensor(f"{path}.draws", self.draws)

    def get_state(self) -> tuple[int, int, int]:
        """Return (key word, key word, draws so far)."""
        key, draws = np.asarray(self.key._array), np.asarray(self.draws._array)
        return int(key[0]), int(key[1]), int(draws)

    def set_state(self, state: Any) -> None:
        """Go on from where :meth:`get_state` was called."""
        words = np.asarray(state._array if isinstance(state, TensorBase) else state)
        if words.shape != (3,):
            raise ConfigError(f"set_state: expected the three numbers of get_state, got {state!r:.80}")
        self.key._set(words[:2].astype(np.uint32))
        self.draws._set(np.array(words[2], np.uint32))

    # --- numbers ----------------------------------------------------------------------------------------------------
    def words(self, size: int) -> Any:
        """Draw uint32 words and advance the stream by one draw."""
        reserve(size)
        key, draw = settle(self.key), settle(self.draws)
        xp = namespace([key, draw])
        bits = random_bits(xp, key, draw, size)
        # 0-d NumPy arithmetic warns when the count wraps round at 2**32; the mask says that it may
        self.draws._set(np.asarray((int(draw) + 1) & 0xFFFFFFFF, np.uint32) if xp is np else draw + np.uint32(1))
        return bits

    def long_words(self, size: int) -> Any:
        """Draw uint64 words."""
        bits = self.words(2 * size).astype(np.uint64)
        return bits[:size] << np.uint64(32) | bits[size:]

    def uniform(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Draw uniform numbers in [0, 1), multiples of 2**-24."""
        bits = self.words(int(np.prod(shape)))
        xp = namespace([bits])
        return xp.reshape(uniform_from_bits(xp, bits, np.dtype(dtype)), shape)

    def fine_uniform(self, shape: tuple[int, ...]) -> Any:
        """Draw uniform numbers in [0, 1), multiples of 2**-53, as float64."""
        bits = self.long_words(int(np.prod(shape)))
        xp = namespace([bits])
        return xp.reshape((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53, shape)

    def normal(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Draw standard normal numbers by the Box-Muller transform."""
        size = int(np.prod(shape))
        half = (size + 1) // 2
        u = self.uniform((2 * half,), dtype if np.dtype(dtype).itemsize > 2 else np.float32)
        xp = namespace([u])
        # 1 - u lies in (0, 1], so that the logarithm is finite
        radius = xp.sqrt(-2 * xp.log(1 - u[:half]))
        angle = 2 * np.pi * u[half:]
        both = xp.concatenate([radius * xp.cos(angle), radius * xp.sin(angle)])
        return xp.reshape(both[:size], shape).astype(dtype)

    def exponential(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Draw numbers of the exponential distribution with mean 1, above 0."""
        u = self.uniform(shape, dtype if np.dtype(dtype).itemsize > 2 else np.float32)
        xp = namespace([u])
        # not 0, by which others divide: what lies below half a step of u counts as that
        return xp.maximum(-xp.log(1 - u), np.asarray(2.0**-25, u.dtype)[()]).astype(dtype)

    def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any = np.int64) -> Any:
        """Draw whole numbers from ``low`` up to but without ``high``, each of 64 random bits."""
        bits = self.long_words(int(np.prod(shape)))
        span = high - low
        xp = namespace([bits])
        if span < 2**64:
            bits = bits % np.uint64(span)
        shifted = bits + np.uint64(low & 0xFFFFFFFFFFFFFFFF)  # modulo 2**64, as two's complement is
        return xp.reshape(shifted.astype(np.int64), shape).astype(dtype)

    def permutation(self, n: int, dtype: Any = np.int64) -> Any:
        """Draw an order of the numbers 0 to n - 1: that of n random words of 64 bits."""
        bits = self.long_words(n)
        xp = namespace([bits])
        return (xp.argsort(bits, kind="stable") if xp is np else xp.argsort(bits, stable=True)).astype(dtype)


class _Current(threading.local):
    """The generators in use, the innermost last; made when first asked for."""

    def __init__(self) -> None:
        self.stack: list[Generator] = []


_current = _Current()


def current_generator() -> Generator:
    """Return the generator that everything random draws from now."""
    if not _current.stack:
        _current.stack.append(Generator(0))
    return _current.stack[-1]


@contextlib.contextmanager
def use_generator(generator: Generator) -> Iterator[Generator]:
    """Let everything random inside draw from ``generator``."""
    current_generator()
    _current.stack.append(generator)
    try:
        yield generator
    finally:
        _current.stack.pop()
