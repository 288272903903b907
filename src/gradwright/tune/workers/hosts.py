"""Jobs over several processes and hosts, through JAX's distributed runtime."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from gradwright.backend import get_num_threads
from gradwright.errors import ConfigError, GradwrightError, RunError
from gradwright.tune.workers.job import Job, Result, Work, attempt, check_jobs, plain
from gradwright.tune.workers.leases import Leases
from gradwright.tune.workers.place import Place
from gradwright.tune.workers.progress import ticks
from gradwright.tune.workers.runtime import join_board, open_board, use_devices
from gradwright.tune.workers.serving import beat_every, read_every, serve

__all__ = ["HostsPool"]


class HostsPool:
    """Work on jobs in several processes, on as many hosts as one likes.

    All processes run the same command, each with its rank. The one of rank 0 asks for jobs to be done and works on
    them as well; the others :meth:`serve`. They may come late, die, hang or come again: a job whose worker is lost is
    given to another, and results do not depend on who has worked.

    Anybody who reaches the port can take jobs and send results: use it in a network that you trust.

    Parameters
    ----------
    work : callable
        From a job to its result, both plain JSON; the same function in all processes. A long one calls
        :func:`~gradwright.tune.workers.tick` now and then.
    place : Place
        This process's place among the others.
    about : dict
        Plain JSON that must be the same in all processes (version, fingerprint of the data, settings); a process
        with another is refused, the differences named.
    timeout : float
        Seconds without a sign of life after which a worker is named and its job given to another.
    stall : float or None
        Seconds after which a job without a ``tick`` counts as hanging; None: never.
    start : float
        Seconds to wait for the process of rank 0, and there, when nobody is there to work, for a worker.
    attempts : int
        How many workers a job may lose before it becomes a result with a problem.
    works : bool
        Whether the process of rank 0 works too, or only lends.
    say : callable
        Told what happens, in words.

    Raises
    ------
    RunError
        When the port of rank 0 is taken, rank 0 is not there in time, or (in :meth:`run`) nobody is left to work.

    Examples
    --------
    >>> from gradwright.tune.workers import Place
    >>> with HostsPool(lambda job: {"square": job["x"] ** 2}, Place("localhost:29876", 1, 0)) as pool:
    ...     pool.run([{"id": 0, "x": 3}])
    [{'square': 9, 'id': 0}]
    """

    def __init__(
        self,
        work: Work,
        place: Place,
        *,
        about: dict[str, Any] | None = None,
        timeout: float = 30.0,
        stall: float | None = 1800.0,
        start: float = 300.0,
        attempts: int = 3,
        works: bool = True,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        for name, value in {"timeout": timeout, "stall": stall, "start": start, "attempts": attempts}.items():
            if value is not None and not value > 0:
                raise ConfigError(f"HostsPool: {name} must be above 0, got {value!r}")
        self.work, self.place, self.about, self.timeout, self.start = work, place, plain(about or {}), timeout, start
        self.works, self.say = works, say
        self.leases = Leases(timeout, stall, attempts, say)
        self._own: _Own | None = None
        if place.devices is not None:
            use_devices(place.devices)
        if place.rank:
            self.board = join_board(place.address, place.rank, timeout, start)
            say(f"rank {place.rank}: connected to rank 0 at {place.address}; if that one dies, this one ends as well")
        else:
            self.board = open_board(place.address, place.processes, timeout)

    def __enter__(self) -> HostsPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        words = "it was interrupted" if interrupted else f"{error}" if isinstance(error, GradwrightError) else None
        self.close(None if kind is None else words or f"{kind.__name__}: {error}".removesuffix(": "))

    def serve(self) -> None:
        """Work for rank 0 until it is done (all other ranks); see :func:`~gradwright.tune.workers.serving.serve`."""
        serve(self.board, self.work, self.place.rank, self.about, self.timeout, self.say)

    def run(self, jobs: Sequence[Job], on_result: Callable[[Result], None] | None = None) -> list[Result]:
        """Have the jobs done (rank 0); see :class:`~gradwright.tune.workers.Pool`."""
        jobs = check_jobs(jobs)
        results: dict[int, Result] = {}
        self.leases.ask(jobs)
        last = able = time.monotonic()
        while self.leases.open:
            now = time.monotonic()
            if now - last > self.timeout / 2:  # this process stood still: nobody is to blame
                self.leases.skip(now - last)
                able += now - last
            last = now
            for result in [*self._heard(now), *self.leases.look(now)]:
                results[result["id"]] = result
                if on_result is not None:
                    on_result(result)
            self._lend(now)
            able = now if self.leases.able() else able
            if self.leases.open and now - able > self.start:
                raise RunError(
                    f"nobody is left to work on the {self.leases.open} jobs that have no result yet "
                    f"({self.leases.describe()}). Start the processes again with the same command, or resume the study."
                )
            if self.leases.open:
                time.sleep(read_every(self.timeout))
        return [results[job["id"]] for job in jobs]

    def close(self, why: str | None = None) -> None:
        """Tell the others that all is done, or why it is not, and wait a little for them to leave."""
        if self.place.rank == 0 and self.board is not None:
            self.leases.leave_quietly(0)  # what this process itself is at does not count any more
            with contextlib.suppress(RunError):
                for rank in range(1, self.place.processes):
                    self.board.write(f"to/{rank}", json.dumps({"over": why or ""}))
                end = time.monotonic() + beat_every(self.timeout) + 2
                while time.monotonic() < end and any(w.rank and not w.lost for w in self.leases.workers.values()):
                    list(self._heard(time.monotonic()))
                    self.leases.look(time.monotonic())
                    time.sleep(read_every(self.timeout))
            self.board.close()

    def _lend(self, now: float) -> None:
        """Give everybody who is free a job."""
        if self.works and self._own is None:
            self._own = _Own(self.work)
            self.leases.join(0, f"rank 0 ({socket.gethostname()})", "", now)
        for rank, worker in self.leases.workers.items():
            lent = self.leases.lend(rank, now)
            if lent is None:
                continue
            if rank == 0 and self._own is not None:
                self._own.jobs.put(lent)
                continue
            message = {"session": worker.session, "threads": get_num_threads(), "lease": lent[0], "job": lent[1]}
            self.board.write(f"to/{rank}", json.dumps(message))

    def _heard(self, now: float) -> Iterator[Result]:
        """Read what everybody has to say; yields the results that count."""
        if self._own is not None:
            self.leases.hear(0, "", now, ticks(), now)
            while not self._own.results.empty():
                lease, result = self._own.results.get()
                taken = self.leases.finish(0, "", lease, result)
                if taken is not None:
                    yield taken
        messages: dict[int, dict[str, dict[str, Any]]] = {}
        for name, text in self.board.under("from"):
            sender, _, topic = name.removeprefix("from/").partition("/")
            with contextlib.suppress(ValueError, RecursionError):  # not one of ours
                message = json.loads(text)
                if isinstance(message, dict) and 0 < int(sender) < self.place.processes:
                    messages.setdefault(int(sender), {})[topic] = message
        for rank, said in messages.items():
            yield from self._heard_from(rank, said, now)

    def _heard_from(self, rank: int, said: dict[str, dict[str, Any]], now: float) -> Iterator[Result]:
        hello = said.pop("hello", {})
        session = str(hello.get("session"))
        bye = said.pop("bye", {})
        if bye.get("session") == session:
            yield from self._results(rank, session, said)
            self.board.remove(f"from/{rank}")
            yield from self.leases.leave(rank, str(bye.get("why"))[:500])
            return
        if hello and (rank not in self.leases.workers or self.leases.workers[rank].session != session):
            differences = _differences(self.about, hello.get("about"))
            if differences:
                self.say(f"rank {rank} ({hello.get('host')}) is refused: {differences}")
                self.board.write(f"to/{rank}", json.dumps({"session": session, "refused": differences}))
                self.board.remove(f"from/{rank}")
                return
            name = f"rank {rank} ({hello.get('host')}, process {hello.get('process')})"
            yield from self.leases.join(rank, name, session, now)
        beat = said.pop("beat", {})
        if beat.get("session") == session:
            self.leases.hear(rank, session, beat.get("count"), beat.get("ticks"), now)
        yield from self._results(rank, session, said)

    def _results(self, rank: int, session: str, said: dict[str, dict[str, Any]]) -> Iterator[Result]:
        for topic, message in said.items():
            self.board.remove(f"from/{rank}/{topic}")
            lease, result = message.get("lease"), message.get("result")
            if message.get("session") == session and isinstance(lease, int) and isinstance(result, dict):
                taken = self.leases.finish(rank, session, lease, result)
                if taken is not None:
                    yield taken


class _Own:
    """A thread in which this process works on jobs itself, while it listens to the others."""

    def __init__(self, work: Work) -> None:
        self.jobs: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[tuple[int, Result]] = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Work) -> None:
        while True:
            lease, job = self.jobs.get()
            self.results.put((lease, attempt(work, job)))


def _differences(ours: dict[str, Any], theirs: object) -> str:
    """Say in what a process's study is another than ours."""
    if not isinstance(theirs, dict):
        theirs = {}
    different = [
        f"{key} is {theirs.get(key)!r:.60} there and {ours.get(key)!r:.60} on rank 0"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]
    return "; ".join(different)
