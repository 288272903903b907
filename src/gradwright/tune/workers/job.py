"""A job and its result: plain JSON, so that they mean the same wherever they are worked on."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from gradwright.errors import ConfigError, GradwrightError

__all__ = ["Job", "Pool", "Result", "Work", "attempt", "check_jobs", "failed", "plain"]

#: ``{"id": n, …}``; what else it holds is between the one who asks and the work.
Job = dict[str, Any]
#: ``{"id": n, …}`` of the job with this id; with a ``"problem"`` in words when the work failed.
Result = dict[str, Any]
Work = Callable[[Job], Result]


class Pool(Protocol):
    """Something that works on jobs: here, on several hosts, on a cluster."""

    def run(self, jobs: Sequence[Job], on_result: Callable[[Result], None] | None = None) -> list[Result]:
        """Work on all jobs and return their results in the jobs' order, whoever has worked on them.

        Parameters
        ----------
        jobs : sequence of dict
            Plain JSON, each with its own ``"id"``.
        on_result : callable, optional
            Called with each result when it has come, in whatever order they come.
        """
        ...


def attempt(work: Work, job: Job) -> Result:
    """Do one job; what goes wrong in it is a result as well, so that the others go on.

    Examples
    --------
    >>> attempt(lambda job: {"half": job["x"] / 2}, {"id": 7, "x": 3})
    {'half': 1.5, 'id': 7}
    >>> attempt(lambda job: {"half": 1 / job["x"]}, {"id": 8, "x": 0})["problem"]
    'ZeroDivisionError: division by zero (<doctest ...>, line 1)'
    """
    try:
        return plain({**work(plain(job)), "id": job["id"]}, "the work's result")
    except GradwrightError as error:  # its message says all
        return failed(job, str(error))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return failed(job, f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})")


def failed(job: Job, problem: str) -> Result:
    """Return the result of a job that cannot be done.

    Examples
    --------
    >>> failed({"id": 3, "rate": 0.1}, "out of memory")
    {'id': 3, 'problem': 'out of memory'}
    """
    return {"id": job["id"], "problem": problem}


def plain(value: dict[str, Any], what: str = "a job") -> dict[str, Any]:
    """Return a dict as it is after a journey as JSON (tuples as lists), floats to the last bit.

    Raises
    ------
    ConfigError
        When it holds what JSON cannot say: arrays go as :func:`~gradwright.tune.workers.packed`.
    """
    try:
        copy: dict[str, Any] = json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{what} must be plain JSON (numbers, text, lists, dicts): {error}. Send an array as packed(array)."
        ) from error
    return copy


def check_jobs(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs as plain JSON.

    Raises
    ------
    ConfigError
        When one has no id, or the id of another.
    """
    checked: dict[Any, Job] = {}
    for place, job in enumerate(jobs):
        number = job.get("id")
        if type(number) is not int:
            raise ConfigError(
                f"job {place} of {len(jobs)}: expected an 'id' that is a whole number, got {number!r:.80}"
            )
        if number in checked:
            raise ConfigError(f"job {place} of {len(jobs)}: the id {number} is another job's already; ids are unique")
        checked[number] = plain(job, f"job {number}")
    return list(checked.values())
