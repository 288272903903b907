"""All jobs in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradwright.tune.workers.job import Job, Result, Work, attempt, check_jobs

__all__ = ["LocalPool"]


class LocalPool:
    """Work on jobs one after the other, here: what every other pool's results are held to.

    Parameters
    ----------
    work : callable
        From a job to its result, both plain JSON.

    Examples
    --------
    >>> LocalPool(lambda job: {"square": job["x"] ** 2}).run([{"id": 0, "x": 3}, {"id": 1, "x": "a"}])
    [{'square': 9, 'id': 0}, {'id': 1, 'problem': "TypeError: unsupported operand type(s) for ** ...}]
    """

    def __init__(self, work: Work) -> None:
        self.work = work

    def run(self, jobs: Sequence[Job], on_result: Callable[[Result], None] | None = None) -> list[Result]:
        """Work on the jobs in their order; see :class:`~gradwright.tune.workers.Pool`."""
        results = []
        for job in check_jobs(jobs):
            results.append(attempt(self.work, job))
            if on_result is not None:
                on_result(results[-1])
        return results
