"""The processes of rank 1 and above: they do what the process of rank 0 lends them."""

from __future__ import annotations

import _thread
import json
import os
import secrets
import socket
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from gradwright.backend import get_num_threads, set_num_threads
from gradwright.errors import RunError
from gradwright.tune.workers.job import Work, attempt
from gradwright.tune.workers.progress import ticks
from gradwright.tune.workers.runtime import Board

__all__ = ["beat_every", "read_every", "serve", "use_threads"]


def beat_every(timeout: float) -> float:
    """Return the seconds between two signs of life."""
    return min(timeout / 6, 5.0)


def read_every(timeout: float) -> float:
    """Return the seconds between two looks at the board."""
    return min(timeout / 40, 0.2)


def serve(
    board: Board, work: Work, rank: int, about: dict[str, Any], timeout: float, say: Callable[[str], None]
) -> None:
    """Do what comes until rank 0 says that all is done.

    Parameters
    ----------
    board : Board
        Where rank 0 writes jobs (``to/RANK``) and this process what it has to say (``from/RANK/…``).
    work : callable
        From a job to its result.
    about : dict
        What must be the same for rank 0: version, data, settings.

    Raises
    ------
    RunError
        When rank 0 refuses this process, ends with a failure, or is silent for too long.
    """
    session = secrets.token_hex(8)
    mine = f"from/{rank}"

    def tell(name: str, **message: Any) -> None:
        board.write(f"{mine}/{name}", json.dumps({"session": session, **message}))

    tell("hello", host=socket.gethostname(), process=os.getpid(), about=about)
    stop, over = threading.Event(), threading.Event()
    interrupts = threading.current_thread() is threading.main_thread()

    def beat() -> None:
        count = 0
        while not stop.wait(beat_every(timeout)):
            count += 1
            try:
                tell("beat", count=count, ticks=ticks())
                if "over" in _message(board, rank) and not over.is_set():
                    over.set()
                    if busy.is_set() and interrupts:  # nobody waits for this job any more
                        _thread.interrupt_main()
            except RunError:  # the other thread will find out as well, and say so
                return

    busy = threading.Event()
    threading.Thread(target=beat, daemon=True).start()
    done, why = -1, "has ended"
    try:
        while True:
            message = _message(board, rank)
            if "over" in message:
                break
            if message.get("session") == session and message.get("refused"):
                raise RunError(f"rank {rank} is refused by rank 0: {message['refused']}")
            if message.get("session") == session and message.get("lease", -1) > done:
                use_threads(message["threads"], say)
                done = message["lease"]
                busy.set()
                result = attempt(work, message["job"])
                busy.clear()
                tell(f"result/{done}", lease=done, result=result)
                continue
            time.sleep(read_every(timeout))
    except KeyboardInterrupt:
        if over.is_set():
            message = _message(board, rank)
            raise RunError(f"rank 0 has stopped the study: {message.get('over') or 'it is done'}") from None
        why = "was stopped by Ctrl-C"
        raise
    except BaseException as error:
        why = f"has failed: {error}"
        raise
    finally:
        stop.set()
        try:
            tell("bye", why=why)
            board.close()
        except RunError:
            pass  # rank 0 is gone already
    if message["over"]:
        raise RunError(f"rank 0 has stopped the study: {message['over']}")
    say(f"rank {rank}: the study is done")


def use_threads(number: int, say: Callable[[str], None]) -> None:
    """Cut sums into as many parts as rank 0 does: else the last bits depend on the host's cores."""
    if number == get_num_threads():
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        set_num_threads(number)
    for warning in caught:
        say(f"results here can differ in their last bits from those of other hosts: {warning.message}")


def _message(board: Board, rank: int) -> dict[str, Any]:
    """Return what rank 0 has to say to this one."""
    message: dict[str, Any] = json.loads(board.read(f"to/{rank}") or "{}")
    return message
