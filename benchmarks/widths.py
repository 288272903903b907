"""A population beside the same compiled program one member after the other, at several widths: programs are compiled.

    python benchmarks/widths.py [--members 128] [--widths 16 32 64 128 256 512]

Both train the same members on the same batches of digits, with dropout, and validate after every epoch; the ratio is of
runs that alternate, the median of two.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from asked import table
from sweeps import jobs, ours


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds and what came of it."""
    started = time.perf_counter()
    found = run()
    return time.perf_counter() - started, found


def measure(width: int, members: int, rounds: int = 2) -> tuple[float, float, str]:
    """Return a member's step in µs, one by one and in the population, and the population's layout."""
    epochs = max(2, min(20, 1280 // width))  # building the members is in it, as it is in any training
    sweep = jobs.sweep(epochs)
    settings = [setting._replace(seed=seed) for seed in range(-(-members // 64)) for setting in sweep.settings]
    job = replace(sweep, sizes=(64, width, width, 10), settings=settings[:members])
    alone, together = ours.gradwright_one_by_one(job), ours.gradwright_population(job)
    alone(), together()  # compiled now
    times: tuple[list[float], list[float]] = ([], [])
    layout = ""
    for _ in range(rounds):
        times[0].append(timed(alone)[0])
        seconds, trained = timed(together)
        times[1].append(seconds)
        layout = trained.note
    steps = len(job) * job.steps * epochs
    a, b = (statistics.median(each) / steps * 1e6 for each in times)
    return a, b, layout


def section(members: int, widths: list[int]) -> str:
    """Return the table."""
    rows = []
    for width in widths:
        a, b, layout = measure(width, members)
        asked = "2 or more" if 16 <= width <= 64 else "1 or more"
        rows.append([f"{width}", f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}", asked, layout])
        print(rows[-1], flush=True)
    head = ["hidden width", "one by one, µs a member's step", "population", "ratio", "asked", "layout"]
    return "\n".join([f"## {members} members, by width", "", *table(head, rows)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=128)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64, 128, 256, 512])
    options = parser.parse_args()
    print(section(options.members, options.widths))
