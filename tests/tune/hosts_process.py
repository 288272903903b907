"""One process of several, for the tests: ``hosts_process.py ADDRESS PROCESSES RANK SETTINGS`` (SETTINGS is JSON)."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from gradwright.errors import GradwrightError, RunError
from gradwright.tune.workers import HostsPool, find_place, packed, tick

address, processes, rank, text = sys.argv[1:]
settings: dict[str, Any] = {"timeout": 2.0, "start": 60.0, "runs": [8], "job_s": 0.1, "fate": None, **json.loads(text)}
done = 0


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Stand in for a group of members; at its second job this process meets its fate."""
    global done
    done += 1
    if done == 2 and settings["fate"] in ("SIGKILL", "SIGSTOP"):
        os.kill(os.getpid(), getattr(signal, settings["fate"]))
    if done == 2 and settings["fate"] == "hang":
        while True:
            time.sleep(1)
    for _ in range(2):
        time.sleep(settings["job_s"] / 2)
        tick()
    if job["id"] == 3:
        raise RunError("job 3 always fails")
    import numpy as np

    return {"loss": 0.1 * job["id"] + job["x"] / 3, "weights": packed(np.sqrt(np.arange(job["id"])))}


def say(words: str) -> None:
    """Print with the time, so that the test can tell how long things took."""
    print(f"{time.time():.2f} {words}", flush=True)


try:
    pool_settings = {name: settings[name] for name in ("timeout", "start", "stall", "works", "about") if name in settings}
    with HostsPool(work, find_place(address, int(processes), int(rank)), say=say, **pool_settings) as pool:
        if pool.place.rank:
            pool.serve()
        for number, n in enumerate(settings["runs"] if not pool.place.rank else []):
            seen: list[int] = []
            jobs = [{"id": i, "x": i + number} for i in range(n)]
            results = pool.run(jobs, lambda result, seen=seen: seen.append(result["id"]))  # type: ignore[misc]
            assert sorted(seen) == list(range(n))
            print("RESULTS", json.dumps(results), flush=True)
except GradwrightError as error:
    print(f"{time.time():.2f} ERROR {error}", flush=True)
    sys.exit(2)
