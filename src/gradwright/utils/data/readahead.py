"""Jobs done ahead by threads, their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["get_worker_info", "read_ahead"]


def read_ahead(jobs: Iterator[Callable[[], Any]], workers: int, depth: int) -> Iterator[Any]:
    """Do jobs in threads, at most ``depth`` ahead of who takes the results; without workers, do each when asked.

    Errors arise where the result is taken. Jobs not yet begun are dropped when the taker stops.

    Examples
    --------
    >>> list(read_ahead(iter([lambda: 1, lambda: 2, lambda: 3]), workers=2, depth=2))
    [1, 2, 3]
    """
    if workers == 0:
        yield from (job() for job in jobs)
        return
    from concurrent.futures import ThreadPoolExecutor  # whose import takes longer than all of this package's

    with ThreadPoolExecutor(workers, "gradwright-data") as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def get_worker_info() -> None:
    """Return None: workers are threads that share the data set, so none has a part of it to itself."""
    return
