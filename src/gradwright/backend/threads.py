"""How many threads share a product of matrices: it decides how long sums are cut, and so their last bits.

XLA's pool has as many threads as there are cores when it starts, and NumPy's BLAS too, so that the same run gave other
bits on one core than on two. The pool's size is therefore fixed before XLA starts: the cores that this process may use,
but at least two. With a pool of the same size the bits are the same on however many cores.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

from gradwright.errors import ConfigError

__all__ = ["available_cores", "fix_pool", "get_num_threads", "one_blas_thread", "set_num_threads"]

#: What XLA reads when it starts.
_VARIABLE = "PJRT_NPROC"


class _Threads:
    """The number that was asked for, and the one that XLA started with."""

    asked: int | None = None
    started: int | None = None


def available_cores() -> int:
    """Return how many cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fix_pool() -> None:
    """Say how many threads XLA's pool has; called once, before JAX is imported."""
    os.environ[_VARIABLE] = str(get_num_threads())
    _Threads.started = get_num_threads()


def set_num_threads(num: int) -> None:
    """Say how many threads share large operations: in NumPy's products from now on, in programs from the first.

    Runs with the same number give the same bits on however many cores.

    Parameters
    ----------
    num : int >= 1

    Warns
    -----
    RuntimeWarning
        When XLA has started with another number, which then stays: call this before the first program is compiled.
    """
    if not isinstance(num, int) or isinstance(num, bool) or num < 1:
        raise ConfigError(f"set_num_threads: expected a whole number above 0, got {num!r:.80}")
    _Threads.asked = num
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    threadpool_limits(num, "blas")
    if _Threads.started not in (None, num):
        warnings.warn(
            f"set_num_threads({num}): compiled programs keep the {_Threads.started} threads that XLA has started with; "
            "call it before the first program is compiled",
            RuntimeWarning,
            stacklevel=2,
        )


def get_num_threads() -> int:
    """Return the number of threads that compiled programs use: what was set, or the cores there are, at least two."""
    if _Threads.started is not None:
        return _Threads.started
    if _Threads.asked is not None:
        return _Threads.asked
    given = os.environ.get(_VARIABLE, "")
    return int(given) if given.isdigit() and int(given) > 0 else max(2, available_cores())


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have one thread compute NumPy's products of matrices inside: their bits then do not depend on the cores."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
