"""Who works on what: jobs are lent to workers, and taken back from those that are silent or stand still.

Nothing here waits, reads a clock or talks to anybody: times and messages are given, so that every course of events can
be played in a test.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gradwright.tune.workers.job import Job, Result, failed

__all__ = ["Leases", "Worker"]


@dataclass
class Worker:
    """One worker as the others know it.

    Attributes
    ----------
    name : str
        For people: ``rank 1 (host, process 4711)``.
    session : str
        Differs each time the worker is started.
    sign : object
        The last sign of life; any other than the last one is a new one.
    heard : float
        Seconds, when that was.
    mark, moved : object, float
        The same for what its job has got done.
    lease : int or None
        What it works on.
    trusted : bool
        Whether its lease counts, or the job has gone back into the queue.
    lost : bool
        Silent for too long; back with its next sign of life.
    stuck : bool
        Alive, but its job stands still; back with its result.
    """

    rank: int
    name: str
    session: str
    heard: float
    moved: float
    sign: object = None
    mark: object = None
    lease: int | None = None
    trusted: bool = True
    lost: bool = False
    stuck: bool = False

    @property
    def state(self) -> str:
        """One word or two for people."""
        if self.lost:
            return "silent"
        if self.stuck:
            return "standing still"
        return "free" if self.lease is None else "working"


@dataclass(eq=False)
class _Task:
    """A job of one run: ids are used again in the next run, and a late result must not be taken for the new job's."""

    job: Job
    done: bool = False
    losses: list[str] = field(default_factory=list)  # the workers that were lost over it


@dataclass
class Leases:
    """The jobs of one run, and the workers.

    Parameters
    ----------
    timeout : float
        Seconds without a sign of life after which a worker counts as lost.
    stall : float or None
        Seconds after which a job without progress counts as hanging; None: never.
    attempts : int
        How many workers a job may lose before it is given up.
    say : callable
        Told what happens, in words.
    """

    timeout: float
    stall: float | None
    attempts: int
    say: Callable[[str], None]
    workers: dict[int, Worker] = field(default_factory=dict)
    open: int = 0  # jobs without a result
    _queue: deque[_Task] = field(default_factory=deque)
    _lent: dict[int, _Task] = field(default_factory=dict)  # by lease
    _next: int = 0

    def ask(self, jobs: Sequence[Job]) -> None:
        """Queue jobs."""
        self._queue.extend(_Task(job) for job in jobs)
        self.open += len(jobs)

    def join(self, rank: int, name: str, session: str, now: float) -> list[Result]:
        """Take up a worker that has come, or come again; returns results of jobs that are given up."""
        before = self.workers.get(rank)
        if before is not None and before.session == session:
            return []
        given_up = [] if before is None else self.leave(rank, "was started again")
        self.workers[rank] = Worker(rank, name, session, heard=now, moved=now)
        self.say(f"{name} has joined")
        return given_up

    def hear(self, rank: int, session: str, sign: object, mark: object, now: float) -> None:
        """Note a worker's signs of life and of progress."""
        worker = self.workers.get(rank)
        if worker is None or worker.session != session:
            return
        if sign != worker.sign:
            worker.sign, worker.heard = sign, now
            if worker.lost:
                worker.lost = False
                self.say(f"{worker.name} is back")
        if mark != worker.mark:
            worker.mark, worker.moved = mark, now
            worker.stuck = False

    def lend(self, rank: int, now: float) -> tuple[int, Job] | None:
        """Give a worker that is free its next job, if there is one: (lease, job)."""
        worker = self.workers.get(rank)
        if worker is None or worker.lost or worker.lease is not None:
            return None
        while self._queue:
            task = self._queue.popleft()
            if not task.done:  # its result may have come late after all
                worker.lease, worker.trusted, worker.moved = self._next, True, now
                self._lent[self._next] = task
                self._next += 1
                return worker.lease, task.job
        return None

    def job(self, lease: int) -> Job:
        """Return the job of a lease that is out."""
        return self._lent[lease].job

    def finish(self, rank: int, session: str, lease: int, result: Result) -> Result | None:
        """Take a result; None when it is nobody's, or the job's result has come from another."""
        worker = self.workers.get(rank)
        if worker is None or worker.session != session or worker.lease != lease:
            return None
        worker.lease, worker.stuck = None, False
        task = self._lent.pop(lease)
        if task.done:
            return None
        if result.get("id") != task.job["id"]:
            result = failed(task.job, f"{worker.name} sent the result of another job: {result.get('id')!r:.40}")
        if "problem" in result:
            self.say(f"job {task.job['id']} failed on {worker.name}: {result['problem']}")
        return self._done(task, result)

    def leave(self, rank: int, why: str) -> list[Result]:
        """Note that a worker has gone; returns what its job has come to, if that is the end of it."""
        worker = self.workers.pop(rank, None)
        if worker is None:
            return []
        given_up = self._take_back(worker, why)
        if worker.lease is not None:
            del self._lent[worker.lease]
        return given_up

    def leave_quietly(self, rank: int) -> None:
        """Forget a worker at the end of all, when nobody wants its job."""
        self.workers.pop(rank, None)

    def look(self, now: float) -> list[Result]:
        """Take jobs back from workers that are silent or stand still; returns results of jobs that are given up."""
        given_up = []
        for worker in self.workers.values():
            if not worker.lost and now - worker.heard > self.timeout:
                worker.lost = True
                given_up += self._take_back(worker, f"has given no sign of life for {now - worker.heard:.1f} s")
            stands = worker.lease is not None and not worker.lost and not worker.stuck
            if stands and self.stall is not None and now - worker.moved > self.stall:
                worker.stuck = True
                given_up += self._take_back(worker, f"is alive but has got nothing done for {now - worker.moved:.1f} s")
        return given_up

    def skip(self, seconds: float) -> None:
        """Forget a time in which nobody could be heard because the listener itself stood still."""
        for worker in self.workers.values():
            worker.heard += seconds
            worker.moved += seconds

    def able(self) -> bool:
        """Say whether anybody works, or could."""
        return any(not worker.lost and not worker.stuck for worker in self.workers.values())

    def describe(self) -> str:
        """Say how each worker is doing."""
        return "; ".join(f"{worker.name}: {worker.state}" for worker in self.workers.values()) or "no worker has come"

    def _take_back(self, worker: Worker, why: str) -> list[Result]:
        """Queue again what a worker has, or give it up after too many losses; its lease stays, the result may come."""
        task = self._lent[worker.lease] if worker.lease is not None else None
        if task is None or task.done or not worker.trusted:
            self.say(f"{worker.name} {why}")
            return []
        worker.trusted = False
        task.losses.append(worker.name)
        if len(task.losses) < self.attempts:
            self.say(f"{worker.name} {why}; its job {task.job['id']} goes back into the queue")
            self._queue.appendleft(task)
            return []
        self.say(f"{worker.name} {why}; its job {task.job['id']} is given up")
        names = ", ".join(task.losses)
        words = f"given up: {len(task.losses)} workers were lost over it, one after the other ({names})"
        return [self._done(task, failed(task.job, words))]

    def _done(self, task: _Task, result: Result) -> Result:
        task.done = True
        self.open -= 1
        return result
