"""What the benchmark's sections share: timing side by side, and saying whether a figure is what was asked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["alternate", "quartiles", "ratios", "row", "said", "table"]


def alternate(
    runs: Mapping[str, Callable[[], object]], rounds: int, burst: float = 2e-3, pause: float = 0.0
) -> dict[str, list[float]]:
    """Return the seconds of each run in every round; who comes first changes from round to round.

    Parameters
    ----------
    runs : mapping of name to function
        Each is called twice before anything is timed.
    rounds : int
        How often all are timed.
    burst : float
        Seconds that a run is repeated for in each round: long against the clock, short against what else the machine
        does.
    pause : float
        Seconds of rest before each burst, where idle threads of the one before spin for a while.
    """
    times = {}
    for name, run in runs.items():
        run()
        started = time.perf_counter()
        run()
        times[name] = max(1, round(burst / (time.perf_counter() - started)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            run, n = runs[name], times[name]
            if pause:
                time.sleep(pause)
            started = time.perf_counter()
            for _ in range(n):
                run()
            seconds[name].append((time.perf_counter() - started) / n)
    return seconds


def ratios(slow: Sequence[float], fast: Sequence[float]) -> list[float]:
    """Return how many times as long the first took, round by round: what slows a round slows both."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def said(reached: bool) -> str:
    """Say whether a figure is what was asked."""
    return "reached" if reached else "**missed**"


def row(*cells: object) -> str:
    """Return a table's line."""
    return "| " + " | ".join(str(c) for c in cells) + " |"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> list[str]:
    """Return a table's lines; the first ``left`` columns and the last hold words, those between numbers."""
    rule = ["---"] * left + ["---:"] * (len(heads) - left - 1) + ["---"]
    return [row(*heads), row(*rule), *[row(*cells) for cells in rows]]
