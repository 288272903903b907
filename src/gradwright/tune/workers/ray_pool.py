"""Jobs over a Ray cluster, or over processes of this machine that Ray keeps."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from gradwright.backend import get_num_threads
from gradwright.backend.threads import available_cores
from gradwright.errors import ConfigError, MissingDependencyError, RunError
from gradwright.tune.workers.job import Job, Result, Work, attempt, check_jobs, failed
from gradwright.tune.workers.leases import Leases
from gradwright.tune.workers.progress import ticks
from gradwright.tune.workers.runtime import reachable
from gradwright.tune.workers.serving import beat_every, use_threads

__all__ = ["RayPool"]


class RayPool:
    """Work on jobs in processes of a Ray cluster.

    Each of Ray's processes (actors) takes one job after the other, so that what it has read and compiled stays. One
    that dies, is silent or stands still is named, ended and replaced, and its job given to another; results do not
    depend on how many there are. Ray sends the work function itself by pickling it: the cluster must be one that you
    trust, with this version of Gradwright on all its nodes. Its usage statistics and its dashboard stay off.

    Parameters
    ----------
    work : callable
        From a job to its result, both plain JSON. A long one calls :func:`~gradwright.tune.workers.tick`.
    address : str
        ``"local"`` for a cluster of this machine's own, ended with the pool; ``"auto"`` for the one that runs here;
        ``HOST:PORT`` for another's.
    workers : int, optional
        How many processes; by default one for each GPU of the cluster, or else for each core.
    timeout, stall, start, attempts, say
        As for :class:`~gradwright.tune.workers.HostsPool`.

    Raises
    ------
    MissingDependencyError
        When Ray is not installed.
    RunError
        When the cluster is not there, or (in :meth:`run`) nobody is left to work.
    """

    def __init__(
        self,
        work: Work,
        address: str = "local",
        *,
        workers: int | None = None,
        timeout: float = 30.0,
        stall: float | None = 1800.0,
        start: float = 300.0,
        attempts: int = 3,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"RayPool: workers must be a whole number from 1, got {workers!r}")
        for name, value in {"timeout": timeout, "stall": stall, "start": start, "attempts": attempts}.items():
            if value is not None and not value > 0:
                raise ConfigError(f"RayPool: {name} must be above 0, got {value!r}")
        self.work, self.timeout, self.start, self.say = work, timeout, start, say
        self.leases = Leases(timeout, stall, attempts, say)
        self._ray = _import_ray()
        self._folder: str | None = None
        self._began = not self._ray.is_initialized()
        if self._began:
            self._connect(address, workers)
        resources = self._ray.cluster_resources()
        self._gpus = int(resources.get("GPU", 0)) > 0
        self._hands: dict[int, _Hand] = {}
        self._places = workers or int(resources.get("GPU", 0)) or max(1, int(resources.get("CPU", 1)))

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def run(self, jobs: Sequence[Job], on_result: Callable[[Result], None] | None = None) -> list[Result]:
        """Have the jobs done; see :class:`~gradwright.tune.workers.Pool`."""
        jobs = check_jobs(jobs)
        results: dict[int, Result] = {}
        self.leases.ask(jobs)
        for rank in range(min(self._places, len(jobs))):
            if rank not in self._hands:
                self._engage(rank)
        able = time.monotonic()
        while self.leases.open:
            now = time.monotonic()
            came = [*self._heard(now), *self.leases.look(now)]
            for rank, worker in list(self.leases.workers.items()):
                if worker.lost or worker.stuck:
                    self._engage(rank)
            for result in came:
                results[result["id"]] = result
                if on_result is not None:
                    on_result(result)
            self._lend(now)
            able = now if self.leases.able() else able
            if self.leases.open and now - able > self.start:
                raise RunError(
                    f"Ray has had no process for the {self.leases.open} jobs that have no result yet for "
                    f"{self.start:g} s ({self.leases.describe()}). See with `ray status` whether the cluster has free "
                    "places, or take fewer workers."
                )
        return [results[job["id"]] for job in jobs]

    def close(self) -> None:
        """End the processes, and the cluster if this pool has begun it."""
        for hand in self._hands.values():
            with contextlib.suppress(Exception):
                self._ray.kill(hand.actor)
        self._hands.clear()
        if self._began:
            self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self, address: str, workers: int | None) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address == "local":
            self._folder = tempfile.mkdtemp(prefix="gw-ray-")  # short: the paths of sockets may not be long
            quiet |= {"include_dashboard": False, "object_store_memory": 200 * 2**20, "_temp_dir": self._folder}
            quiet |= {"num_cpus": max(workers or available_cores(), 1)}
        elif address != "auto" and "://" not in address:
            host, colon, port = address.rpartition(":")
            if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
                raise ConfigError(f"--ray: expected local, auto or HOST:PORT, got {address!r:.80}")
            if not reachable(address, min(self.timeout, 5.0)):
                raise RunError(f"--ray: nobody listens at {address}. Start the cluster there with `ray start --head`.")
        try:
            self._ray.init(address=address, **quiet)
        except Exception as error:
            self.close()
            raise RunError(
                f"--ray {address}: Ray cannot be started or reached: {str(error).strip().splitlines()[0]:.200}"
            ) from error

    def _engage(self, rank: int) -> None:
        """Have a process for a place, ending the one that was there."""
        before = self._hands.pop(rank, None)
        if before is not None:
            self.leases.leave(rank, "is ended and replaced")
            with contextlib.suppress(Exception):
                self._ray.kill(before.actor)
        needs = {"num_cpus": 1, "num_gpus": 1 if self._gpus else 0}
        actor_class = self._ray.remote(max_restarts=0, max_concurrency=2, **needs)(_Actor)
        actor = actor_class.remote(self.work, get_num_threads())
        session = str(time.monotonic_ns())
        self._hands[rank] = _Hand(actor, session, {actor.where.remote(): ("where", None)})

    def _lend(self, now: float) -> None:
        for rank, hand in self._hands.items():
            lent = self.leases.lend(rank, now)
            if lent is not None:
                hand.asked[hand.actor.do.remote(json.dumps(lent[1]))] = ("do", lent[0])
            asking = any(what in ("where", "sign") for what, _ in hand.asked.values())
            if not asking and now - hand.last > beat_every(self.timeout):
                hand.last = now
                hand.asked[hand.actor.sign.remote()] = ("sign", None)

    def _heard(self, now: float) -> list[Result]:
        """Take what the processes have answered; returns the results that count."""
        references = [reference for hand in self._hands.values() for reference in hand.asked]
        if not references:
            time.sleep(0.05)
            return []
        ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0.0)
        if not ready:
            ready, _ = self._ray.wait(references, num_returns=1, timeout=beat_every(self.timeout) / 2)
        came: list[Result] = []
        for rank, hand in list(self._hands.items()):
            for reference in [reference for reference in ready if reference in hand.asked]:
                what, lease = hand.asked.pop(reference)
                try:
                    answer = self._ray.get(reference)
                except self._ray.exceptions.RayTaskError as error:
                    came += self._refused(rank, hand, lease, str(error.cause))
                except self._ray.exceptions.RayError as error:
                    came += self.leases.leave(rank, f"has died ({type(error).__name__})")
                    self._engage(rank)
                    break
                else:
                    came += self._answered(rank, hand, (what, lease), answer, now)
        return came

    def _answered(self, rank: int, hand: _Hand, asked: tuple[str, int | None], answer: Any, now: float) -> list[Result]:
        what, lease = asked
        hand.count += 1
        if what == "where":
            came = self.leases.join(rank, f"worker {rank} ({answer[0]}, process {answer[1]})", hand.session, now)
        elif what == "sign":
            came = []
            self.leases.hear(rank, hand.session, hand.count, answer, now)
        else:
            taken = self.leases.finish(rank, hand.session, -1 if lease is None else lease, json.loads(answer))
            came = [] if taken is None else [taken]
        return came

    def _refused(self, rank: int, hand: _Hand, lease: int | None, why: str) -> list[Result]:
        """Take an exception outside of the work itself: the package is another on that node, say."""
        if lease is None:
            raise RunError(f"Ray's worker {rank} cannot begin: {why}. Install this version of Gradwright on all nodes.")
        taken = self.leases.finish(rank, hand.session, lease, failed(self.leases.job(lease), why))
        return [] if taken is None else [taken]


@dataclass
class _Hand:
    """One of Ray's processes, and what has been asked of it: by reference, what and for which lease."""

    actor: Any
    session: str
    asked: dict[Any, tuple[str, int | None]]
    last: float = 0.0
    count: int = field(default=0)


class _Actor:
    """What runs in Ray's processes: one thread works, another tells that it does."""

    def __init__(self, work: Work, threads: int) -> None:
        use_threads(threads, print)
        self.work = work

    def where(self) -> tuple[str, int]:
        return socket.gethostname(), os.getpid()

    def sign(self) -> int:
        return ticks()

    def do(self, job: str) -> str:
        return json.dumps(attempt(self.work, json.loads(job)))


def _import_ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if importlib.util.find_spec("ray") is None:
        raise MissingDependencyError("--ray needs Ray, which is not installed here: pip install gradwright[ray]")
    import ray
    import ray.exceptions

    return ray
