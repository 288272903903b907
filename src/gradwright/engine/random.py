"""The random stream: one counter-based generator for eager and compiled code."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradwright.backend import namespace, random_bits, uniform_from_bits
from gradwright.engine.base import settle
from gradwright.engine.op import wrap
from gradwright.engine.state import Lift, Stateful
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["Generator", "current_generator", "manual_seed", "rand", "randn", "use_generator"]


class Generator(Stateful):
    """A stream of random numbers: a key made of the seed, and a count of the draws so far.

    The state is two small tensors, which a compiled step lifts like any other state, so eager and compiled code draw
    the same numbers. Threefry-2x32 (Salmon et al., SC 2011).

    Parameters
    ----------
    seed : int, 0 to 2**64 - 1
        Which stream.
    """

    def __init__(self, seed: int = 0) -> None:
        self.key = Tensor(np.zeros(2, np.uint32))
        self.draws = Tensor(np.zeros((), np.uint32))
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to ``seed`` from its beginning."""
        if not 0 <= seed < 2**64:
            raise ConfigError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed}")
        self.key._set(np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32))
        self.draws._set(np.zeros((), np.uint32))
        return self

    def uniform(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Draw an array of uniform numbers in [0, 1) and advance the stream by one draw."""
        key, draw = settle(self.key), settle(self.draws)
        xp = namespace([key, draw])
        bits = random_bits(xp, key, draw, int(np.prod(shape)))
        # 0-d NumPy arithmetic warns when the count wraps round at 2**32; the mask says that it may
        self.draws._set(np.asarray((int(draw) + 1) & 0xFFFFFFFF, np.uint32) if xp is np else draw + np.uint32(1))
        return xp.reshape(uniform_from_bits(xp, bits, np.dtype(dtype)), shape)

    def normal(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Draw standard normal numbers by the Box-Muller transform."""
        size = int(np.prod(shape))
        half = (size + 1) // 2
        u = self.uniform((2 * half,), dtype)
        xp = namespace([u])
        # 1 - u lies in (0, 1], so that the logarithm is finite
        radius = xp.sqrt(-2 * xp.log(1 - u[:half]))
        angle = 2 * np.pi * u[half:]
        both = xp.concatenate([radius * xp.cos(angle), radius * xp.sin(angle)])
        return xp.reshape(both[:size], shape).astype(dtype)

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show key and count."""
        lift.tensor(f"{path}.key", self.key)
        lift.tensor(f"{path}.draws", self.draws)

    def get_state(self) -> tuple[int, int, int]:
        """Return (key word, key word, draws so far)."""
        key, draws = np.asarray(self.key._array), np.asarray(self.draws._array)
        return int(key[0]), int(key[1]), int(draws)

    def set_state(self, state: tuple[int, int, int]) -> None:
        """Go on from where :meth:`get_state` was called."""
        self.key._set(np.array(state[:2], np.uint32))
        self.draws._set(np.array(state[2], np.uint32))


class _Current(threading.local):
    def __init__(self) -> None:
        self.stack = [Generator(0)]


_current_stack = _Current()


def current_generator() -> Generator:
    """Return the generator that everything random draws from now."""
    return _current_stack.stack[-1]


@contextlib.contextmanager
def use_generator(generator: Generator) -> Iterator[Generator]:
    """Let everything random inside draw from ``generator``."""
    _current_stack.stack.append(generator)
    try:
        yield generator
    finally:
        _current_stack.stack.pop()


def manual_seed(seed: int) -> Generator:
    """Start the current generator's stream anew: initial weights, dropout masks, everything.

    Examples
    --------
    >>> import gradwright as gw
    >>> _ = gw.manual_seed(7)
    >>> a = gw.rand(3)
    >>> _ = gw.manual_seed(7)
    >>> bool((a == gw.rand(3)).numpy().all())
    True
    """
    return current_generator().manual_seed(seed)


def rand(*size: int, requires_grad: bool = False) -> Tensor:
    """Return uniform random numbers in [0, 1) as float32."""
    return _made(current_generator().uniform(size), requires_grad)


def randn(*size: int, requires_grad: bool = False) -> Tensor:
    """Return standard normal random numbers as float32."""
    return _made(current_generator().normal(size), requires_grad)


def _made(array: Any, requires_grad: bool) -> Tensor:
    out: Tensor = wrap(array)
    return out.requires_grad_() if requires_grad else out
