"""Run as a script, in a small process: saves that are killed, that crash at each step, and that meet a full disk.

Prints one JSON object of what was found, which test_checkpoint_kills.py judges.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.engine import files
from gradwright.errors import CheckpointError
from gradwright.train.checkpoints import CheckpointStore, read_checkpoint

NUMBERS = 50_000


def state(step: int) -> dict[str, Any]:
    """Return what belongs to a step, so that a mixture of two is seen."""
    return {"step": step, "weights": np.full(NUMBERS, step, np.float32), "again": step}


def step_in(found: Any) -> int:
    """Return the step that a state belongs to wholly."""
    step = found["step"]
    assert found["again"] == step, found
    assert (found["weights"] == step).all()
    return int(step)


def save_for_ever(folder: Path, told: int) -> None:
    store = CheckpointStore(folder)
    step = step_in(store.load_last()[0]) if store.found() else 0
    while True:
        step += 1
        store.save(state(step), epoch=step, step=step, best=step % 7 == 0)
        os.write(told, b"%12d" % step)


def write_for_ever(folder: Path, told: int) -> None:
    """Write as one writes who has not been bitten: straight over the file that is there."""
    from gradwright.engine.saving import to_bytes

    for step in range(1, 10**9):
        (folder / "plain").write_bytes(b"".join(to_bytes(state(step), arrays=True)))
        os.write(told, b"%12d" % step)


def child(work: Callable[[], None]) -> int:
    """Start a process of its own for some work."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def killed(work: Callable[[Path, int], None], folder: Path, after: float) -> int:
    """Kill the work after so many seconds; return the last step that it said was done."""
    reader, writer = os.pipe()
    pid = child(lambda: work(folder, writer))
    os.close(writer)
    told = b""
    if after >= 0:
        told = os.read(reader, 12)  # it is at it
    time.sleep(abs(after))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while piece := os.read(reader, 65536):
        told += piece
    os.close(reader)
    return int(told[-12:] or 0)


def kills(folder: Path, times: int) -> dict[str, Any]:
    """Kill a process that saves in a loop, and look each time at what is there."""
    draw = random.Random(5)
    found: dict[str, Any] = {"kills": times, "saved": 0, "lost": 0, "torn": 0, "leftovers": 0, "kept": 0}
    said = 0
    for _ in range(times):
        said = max(said, killed(save_for_ever, folder, draw.uniform(0, 0.02)))
        found["leftovers"] += any(path.suffix == ".tmp" for path in folder.iterdir())
        store = CheckpointStore(folder)
        found["kept"] = max(found["kept"], len(store.found()))
        for checkpoint in store.found():
            try:
                found["torn"] += step_in(read_checkpoint(checkpoint.path)["state"]) != checkpoint.step
            except CheckpointError:
                found["torn"] += 1
        found["lost"] += step_in(store.load_last()[0]) < said
    found["saved"] = said
    found["tmp at the end"] = sum(path.suffix == ".tmp" for path in folder.iterdir())
    return found


def plain_kills(folder: Path, times: int) -> int:
    """Return how often plain writing leaves a file that cannot be read."""
    draw = random.Random(6)
    torn = 0
    for _ in range(times):
        killed(write_for_ever, folder, draw.uniform(0, 0.005))
        try:
            from gradwright.engine.saving import from_bytes

            from_bytes((folder / "plain").read_bytes(), ours=True)
        except ValueError:
            torn += 1
    return torn


def crash_at(name: str, number: int, after: bool) -> Callable[[], int]:
    """Let the process die at the n-th call of a function of the system, before or after it has done its work."""
    real, calls = getattr(os, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and not after:
            os._exit(9)
        value = real(*args, **kwargs)
        if calls == number:
            os._exit(9)
        return value

    setattr(files.os, name, dying)
    return lambda: calls


def crashes(folder: Path) -> dict[str, int]:
    """Crash at each call of the system in turn; count the calls, and what was neither the old nor the new."""
    files._PIECE = 40_000
    CheckpointStore(folder).save(state(1), epoch=1, step=1)
    found = {"wrong": 0}
    for name in ("open", "write", "fsync", "replace", "close", "unlink"):
        for after in (False, True):
            for number in range(1, 50):
                before = step_in(CheckpointStore(folder).load_last()[0])

                def save(name: str = name, number: int = number, after: bool = after, before: int = before) -> None:
                    store = CheckpointStore(folder)
                    crash_at(name, number, after)
                    store.save(state(before + 1), epoch=before + 1, step=before + 1)

                _, status = os.waitpid(child(save), 0)
                if os.waitstatus_to_exitcode(status) != 9:
                    break  # there were fewer calls
                found[name] = number
                content, said = CheckpointStore(folder).load_last()
                found["wrong"] += bool(said) or step_in(content) not in (before, before + 1)
                found["wrong"] += any(path.suffix == ".tmp" for path in folder.iterdir())
    return found


def full(folder: Path) -> dict[str, Any]:
    """Save where the system gives room for 100,000 bytes a file."""
    CheckpointStore(folder).save(state(1), epoch=1, step=1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        CheckpointStore(folder).save(state(2), epoch=2, step=2)
        words = ""
    except CheckpointError as error:
        words = str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    there = sorted(path.name for path in folder.iterdir())
    return {"words": words, "there": there, "step": step_in(CheckpointStore(folder).load_last()[0])}


if __name__ == "__main__":
    place, times = Path(sys.argv[1]), int(sys.argv[2])
    for name in ("kills", "plain", "crashes", "full"):
        (place / name).mkdir()
    report = {
        "full": full(place / "full"),
        "kills": kills(place / "kills", times),
        "plain torn": plain_kills(place / "plain", 40),
        "crashes": crashes(place / "crashes"),
    }
    print(json.dumps(report))
