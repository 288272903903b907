"""JAX's distributed runtime as a board that processes on many hosts read and write: the only place that touches it.

``jax.distributed.initialize`` would do for one program over many hosts, but not here: when one process dies, its
coordination service ends all others (or, told to survive, it leaves them waiting two minutes for the dead one's devices
when the first program starts). So the service and its clients are used directly:

- Every task is *recoverable*: the death of one does not end the others, and it may come again.
- The service waits until each task has registered once. The coordinating process registers in the place of all
  others and leaves again, so that nobody waits for a host that comes late or never.
- JAX's own heartbeats are kept so slow that they decide nothing; those on the board do.
- XLA does not know of the others: each process computes on its own devices alone.

What stays: when the coordinating process dies, JAX ends the others at once (SIGABRT, with words of its own).
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from gradwright.errors import MissingDependencyError, RunError

__all__ = ["Board", "join_board", "open_board", "reachable", "use_devices"]

_DIRECT = "no_grpc_proxy"  # gRPC's list of hosts that it calls directly
_DAYS = 7 * 24 * 3600  # JAX's own heartbeats decide nothing


class Board:
    """Texts under names, the same for all processes; every call comes back within a bounded time.

    Parameters
    ----------
    client : JAX's client
    service : JAX's service or None
        In the coordinating process.
    where : str
        Its address, for people.
    timeout : float
        Seconds that one call may take.
    """

    def __init__(self, client: Any, service: Any, where: str, timeout: float) -> None:
        self._client, self._service, self._where, self.timeout = client, service, where, timeout
        self._calls: dict[int, _Caller] = {}

    def write(self, name: str, text: str) -> None:
        """Put a text under a name, over what was there."""
        self._call(self._client.key_value_set, name, text, True)

    def read(self, name: str) -> str | None:
        """Return the text under a name, None when there is none."""
        try:
            text: str = self._call(self._client.key_value_try_get, name)
        except RunError as error:
            if "NOT_FOUND" in str(error.__cause__):
                return None
            raise
        return text

    def under(self, prefix: str) -> list[tuple[str, str]]:
        """Return all names that begin so, with their texts."""
        found: list[tuple[str, str]] = self._call(self._client.key_value_dir_get, prefix)
        return found

    def remove(self, name: str) -> None:
        """Take a name, and all below it, off the board."""
        self._call(self._client.key_value_delete, name)

    def close(self) -> None:
        """Leave, in a bounded time."""
        with contextlib.suppress(RunError):
            self._call(self._client.shutdown)
        if self._service is not None:
            # it waits for those that are silent; they are told by the end of this process
            _Caller().call(self._service.shutdown, (), min(self.timeout, 1.0))

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        caller = self._calls.get(threading.get_ident())
        if caller is None:
            caller = self._calls[threading.get_ident()] = _Caller()
        done, value = caller.call(function, args, self.timeout)
        if not done:
            raise RunError(
                f"the process of rank 0 at {self._where} has not answered for {self.timeout:g} s: it hangs, or the "
                "network between the hosts is cut. Look there; then start this process again with the same command."
            )
        if isinstance(value, Exception):
            raise RunError(
                f"the process of rank 0 at {self._where} cannot be reached any more: "
                f"{str(value).splitlines()[0]:.200}. Start the study again there, then this process."
            ) from value
        return value


class _Caller:
    """A thread that makes the calls of another one, which so need not wait for ever."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...], queue.SimpleQueue[Any]]]
        self._asked = queue.SimpleQueue()
        self._stuck = False
        threading.Thread(target=self._run, daemon=True).start()

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], timeout: float) -> tuple[bool, Any]:
        """Return whether the answer has come in time, and the answer (an exception when it was one)."""
        if self._stuck:
            return False, None
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked.put((function, args, answer))
        try:
            return True, answer.get(timeout=timeout)
        except queue.Empty:
            self._stuck = True
            return False, None

    def _run(self) -> None:
        while True:
            function, args, answer = self._asked.get()
            try:
                answer.put(function(*args))
            except Exception as error:
                answer.put(error)


def open_board(address: str, processes: int, timeout: float) -> Board:
    """Start the service at this process's own address and return its board.

    Parameters
    ----------
    address : ``host:port``
        As the others reach it. For a loopback address the service listens there only, otherwise on all interfaces.
    processes : int
        How many ranks there may be, this one (0) among them.
    timeout : float
        Seconds that one call may take.

    Raises
    ------
    RunError
        When the address cannot be listened at.
    """
    host, port = _split(address)
    loopback = host in ("localhost", "127.0.0.1", "::1")
    with socket.socket(socket.AF_INET) as probe:  # the service's own complaint comes in no words
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1" if loopback else "", port))
        except OSError as error:
            raise RunError(
                f"rank 0 cannot listen at {address}: {error.strerror}. Take another port for all ranks, or end the "
                "process that holds this one."
            ) from error
    runtime = _runtime()
    service = runtime.get_distributed_runtime_service(
        f"127.0.0.1:{port}" if loopback else f"[::]:{port}",
        processes,
        heartbeat_timeout=_DAYS,
        shutdown_timeout=5,
        recoverable=True,
    )
    # everyone's place is taken once and left again; a place can be taken anew at any time
    clients = [_client(runtime, f"127.0.0.1:{port}", rank) for rank in range(processes)]
    threads = [threading.Thread(target=client.connect, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients[1:]:
        client.shutdown()
    return Board(clients[0], service, address, timeout)


def join_board(address: str, rank: int, timeout: float, start: float) -> Board:
    """Return the board of the process of rank 0, waiting until it is there.

    Raises
    ------
    RunError
        When it is not there after ``start`` seconds.
    """
    begin = time.monotonic()
    while not reachable(address, min(timeout, 5.0)):
        if time.monotonic() - begin > start:
            raise RunError(
                f"rank {rank}: nobody listens at {address} after {start:g} s. Start the process of rank 0 on that host "
                "with the same --hosts and --processes, and see that the port is open between the hosts."
            )
        time.sleep(0.2)
    runtime = _runtime()
    if time.monotonic() - begin < 0.5:
        time.sleep(0.5)  # the service has this rank's place taken while it starts
    client = _client(runtime, address, rank)
    client.connect()
    return Board(client, None, address, timeout)


def use_devices(devices: tuple[int, ...]) -> None:
    """Have XLA see these accelerators only; called before the first program."""
    import jax

    for kind in ("cuda", "rocm"):
        jax.config.update(f"jax_{kind}_visible_devices", ",".join(map(str, devices)))


def reachable(address: str, timeout: float) -> bool:
    """Say whether anybody listens at ``host:port``."""
    host, port = _split(address)
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _client(runtime: Any, address: str, rank: int) -> Any:
    # gRPC would go through a proxy that the environment names for other things, and wait there
    os.environ[_DIRECT] = ",".join(filter(None, [os.environ.get(_DIRECT), _split(address)[0]]))
    return runtime.get_distributed_runtime_client(
        address,
        rank,
        init_timeout=30,
        shutdown_timeout=5,
        heartbeat_timeout=_DAYS,
        shutdown_on_destruction=False,
        use_compression=True,
    )


def _runtime() -> Any:
    """Return JAX's module of the runtime, which has no public name; the rest of JAX is not needed for it."""
    if "jaxlib" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # it warns that recoverable tasks are new
    try:
        from jaxlib import _jax  # type: ignore[attr-defined]

        _jax.get_distributed_runtime_service, _jax.get_distributed_runtime_client  # noqa: B018
    except (ImportError, AttributeError) as error:
        raise MissingDependencyError(
            f"several hosts need the distributed runtime of JAX 0.10, which this version keeps elsewhere ({error}). "
            "Install jax 0.10, or spread the work over a Ray cluster (--ray)."
        ) from error
    return _jax
