"""Random tensors under PyTorch's names; all draw from the current generator, or from the one that is given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.creation import lengths, made
from gradwright.engine.dtypes import as_dtype
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.generator import Generator, current_generator, use_generator
from gradwright.engine.op import wrap
from gradwright.engine.sampling import bernoulli, floats, multinomial, normal, whole_numbers
from gradwright.errors import DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "Generator", "bernoulli", "current_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed",
    "set_rng_state", "use_generator",
]  # fmt: skip


# --- the stream -----------------------------------------------------------------------------------------------------
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


def seed() -> int:
    """Start a stream of a seed that the operating system draws, and return it."""
    return current_generator().seed()


def initial_seed() -> int:
    """Return the seed of the current generator's stream."""
    return current_generator().initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the current generator: two words of the key, and the draws so far."""
    out: Tensor = wrap(np.array(current_generator().get_state(), np.uint32))
    return out


def set_rng_state(new_state: Any) -> None:
    """Go on from where :func:`get_rng_state` was called."""
    current_generator().set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Put the current generator back, afterwards, to where it was before the ``with`` block."""
    generator = current_generator()
    state = generator.get_state()
    try:
        yield
    finally:
        if enabled:
            generator.set_state(state)


# --- of a shape -----------------------------------------------------------------------------------------------------
def rand(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return uniform random numbers in [0, 1), float32 by default."""
    array = (generator or current_generator()).uniform(lengths("rand", sizes, size), floats("rand", dtype))
    return made("rand", array, device, requires_grad)


def randn(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return standard normal random numbers, float32 by default."""
    array = (generator or current_generator()).normal(lengths("randn", sizes, size), floats("randn", dtype))
    return made("randn", array, device, requires_grad)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return random whole numbers from ``low`` (0 unless given) up to but without ``high``.

    Raises
    ------
    ConfigError
        When there is no number to draw.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.randint(0, 10, (2, 3)).shape
    (2, 3)
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise DTypeError("randint: the size is missing: randint(high, size) or randint(low, high, size)")
    array = whole_numbers(
        "randint", low, high, lengths("randint", (), size), generator, np.int64 if dtype is None else dtype
    )
    return made("randint", array, device, requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return the numbers 0 to n - 1 in random order, each order equally likely."""
    (count,) = lengths("randperm", (n,))
    array = (generator or current_generator()).permutation(
        count, np.int64 if dtype is None else as_dtype("randperm", dtype)
    )
    return made("randperm", array, device, requires_grad)


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Return uniform random numbers in [0, 1) of another tensor's shape and dtype."""
    need_tensor("rand_like", input)
    return rand(*input.shape, generator=generator, dtype=_own("rand_like", input, dtype), **options)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Return standard normal random numbers of another tensor's shape and dtype."""
    need_tensor("randn_like", input)
    return randn(*input.shape, generator=generator, dtype=_own("randn_like", input, dtype), **options)


def randint_like(input: Tensor, low: int, high: Any = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """Return random whole numbers in another tensor's shape and dtype; see :func:`randint`."""
    need_tensor("randint_like", input)
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, input.shape, dtype=_own("randint_like", input, dtype), **options)


def _own(name: str, input: Tensor, dtype: Any) -> np.dtype:
    return input.dtype if dtype is None else as_dtype(name, dtype)
