"""Methods that draw random numbers: samples of the tensor's probabilities, and new numbers in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.backend.dtypes import category
from gradwright.engine.generator import Generator, current_generator
from gradwright.engine.op import wrap
from gradwright.engine.sampling import bernoulli, coins, multinomial, whole_numbers
from gradwright.errors import ConfigError, DTypeError

__all__ = ["RandomMethods"]


class RandomMethods:
    """Samples, and the in-place methods that fill with random numbers."""

    __slots__ = ()

    bernoulli = bernoulli
    multinomial = multinomial

    def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Fill with normal random numbers."""
        if std < 0:
            raise ConfigError(f"normal_: std must be at least 0, got {std}")
        return self._refill("normal_", generator, lambda g, shape, dtype: g.normal(shape, dtype) * std + mean)

    def uniform_(self: Any, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None, **ends: Any) -> Any:
        """Fill with uniform random numbers in [a, b); PyTorch's names for them are ``from`` and ``to``."""
        a, b = ends.get("from", a), ends.get("to", b)
        if not a <= b:
            raise ConfigError(f"uniform_: no number lies from {a} to {b}")
        return self._refill("uniform_", generator, lambda g, shape, dtype: g.uniform(shape, dtype) * (b - a) + a)

    def exponential_(self: Any, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Fill with exponential random numbers of mean 1 / ``lambd``."""
        if not lambd > 0:
            raise ConfigError(f"exponential_: lambd must be above 0, got {lambd}")
        return self._refill("exponential_", generator, lambda g, shape, dtype: g.exponential(shape, dtype) / lambd)

    def log_normal_(self: Any, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Any:
        """Fill with e to the power of normal random numbers."""
        self.normal_(mean, std, generator=generator)
        return self._assign(self.exp())

    def geometric_(self: Any, p: float, *, generator: Generator | None = None) -> Any:
        """Fill with the number of tries until something of probability ``p`` happens."""
        if not 0 < p < 1:
            raise ConfigError(f"geometric_: p must lie between 0 and 1, got {p}")
        rate = -np.log1p(-p)
        return self._refill(
            "geometric_",
            generator,
            lambda g, shape, dtype: _ceil(
                g.exponential(shape, np.float32 if dtype.itemsize < 8 else np.float64) / rate
            ),
            floats=False,
        )

    def cauchy_(self: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Fill with random numbers of the Cauchy distribution."""

        def draw(g: Generator, shape: tuple[int, ...], dtype: np.dtype) -> Any:
            u = g.uniform(shape, dtype) + 2.0**-25
            return namespace([u]).tan(np.pi * (u - 0.5)) * sigma + median

        return self._refill("cauchy_", generator, draw)

    def random_(self: Any, *ends: Any, generator: Generator | None = None, **named: Any) -> Any:
        """Fill with whole numbers: ``random_()``, ``random_(to)``, ``random_(from, to)``.

        Without ends: all that an integer dtype holds from 0 on, or the whole numbers that a float holds exactly.
        """
        low = named.get("from", ends[0] if len(ends) > 1 else 0)
        high = named.get("to", ends[-1] if ends else None)
        if high is None:
            digits = {"b": 1, "f": 24 if self.dtype.itemsize == 4 else 53, "u": self.dtype.itemsize * 8}
            high = 2 ** min(digits.get(self.dtype.kind, self.dtype.itemsize * 8 - 1), 63)
        array = whole_numbers("random_", low, high, self.shape, generator, self.dtype)
        return self._refill("random_", generator, lambda g, shape, dtype: array, floats=False)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
        """Fill with 1 with probability ``p`` (a number, or a Tensor of them), else 0."""
        array = coins("bernoulli_", self, p, generator)
        return self._refill("bernoulli_", generator, lambda g, shape, dtype: array, floats=False)

    def _refill(
        self: Any, name: str, generator: Generator | None, draw: Callable[..., Any], floats: bool = True
    ) -> Any:
        if floats and category(self.dtype) != 2:
            raise DTypeError(f"{name}: fills floating tensors; this one is {self.dtype}")
        array = draw(generator or current_generator(), self.shape, self.dtype)
        return self._assign(wrap(array.astype(self.dtype)))


def _ceil(array: Any) -> Any:
    return namespace([array]).ceil(array)
