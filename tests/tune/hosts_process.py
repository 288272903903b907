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

settings: dict[str, Any] = {"timeout": 2.0, "start": 60.0, "runs": [8], "job_s": 0.1, "fate": None}
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


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train two members as one compiled program."""
    import numpy as np

    import gradwright as gw
    from gradwright import nn, optim

    def member(lr: float) -> Any:
        model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
        optimizer = optim.Adam(model.parameters(), lr=lr)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    population = gw.Population(member, [{"lr": 0.01 * (job["x"] + 1)}, {"lr": 0.02}], seeds=[job["id"]] * 2)
    x = np.random.default_rng(0).normal(size=(20, 16, 5)).astype("f4")
    return {"loss": packed(np.asarray(population.scan(x, x.sum(2, keepdims=True))))}


def say(words: str) -> None:
    """Print with the time, so that the test can tell how long things took."""
    print(f"{time.time():.2f} {words}", flush=True)


def main(address: str, processes: str, rank: str, text: str) -> None:
    """Be one of the processes."""
    settings.update(json.loads(text))
    try:
        given = {name: settings[name] for name in ("timeout", "start", "stall", "works") if name in settings}
        with HostsPool(
            train if settings.get("train") else work,
            find_place(address, int(processes), int(rank)),
            say=say,
            **given,
        ) as pool:
            if pool.place.rank:
                pool.serve()
            for number, n in enumerate(settings["runs"] if not pool.place.rank else []):
                seen: list[int] = []
                jobs = [{"id": i, "x": i + number} for i in range(n)]
                results = pool.run(jobs, lambda result, seen=seen: seen.append(result["id"]))  # type: ignore[misc]
                assert sorted(seen) == list(range(n))
                print(f"RESULTS {json.dumps(results)}\nRUN {number} DONE", flush=True)
    except GradwrightError as error:
        print(f"{time.time():.2f} ERROR {error}", flush=True)
        sys.exit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
