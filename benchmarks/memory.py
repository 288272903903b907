"""Memory and depth of backward: peaks of forward and backward, what checkpointing saves, a chain of 100,000 operations.

Every peak is measured in a process of its own: the resident memory's highest point during one forward and backward,
less what was resident before it, after a warm start on as many rows. This file is also that process's program.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asked import said, table

WIDTH, BATCH = 256, 1024
SHALLOW, DEEP = 20, 100
CHAIN = 100_000


# --- in the process ---------------------------------------------------------------------------------------------------
def _network(lib: Any, layers: int) -> Any:
    lib.manual_seed(0)
    parts = [part for _ in range(layers) for part in (lib.nn.Linear(WIDTH, WIDTH), lib.nn.ReLU())]
    return lib.nn.Sequential(*parts)


def _checkpointed(lib: Any, model: Any, blocks: int) -> Callable[[Any], Any]:
    """Cut the layers into blocks whose insides backward computes again."""
    parts = list(model)
    size = math.ceil(len(parts) / blocks)
    pieces = [lib.nn.Sequential(*parts[i : i + size]) for i in range(0, len(parts), size)]
    if lib.__name__ == "torch":
        from torch.utils.checkpoint import checkpoint

        return lambda x: _through(pieces, lambda piece, x: checkpoint(piece, x, use_reentrant=False), x)
    return lambda x: _through(pieces, lib.checkpoint, x)


def _through(pieces: list[Any], call: Callable[[Any, Any], Any], x: Any) -> Any:
    for piece in pieces:
        x = call(piece, x)
    return x


def peak(who: str, layers: int, blocks: int) -> int:
    """Return the bytes by which one forward and backward exceeds what is resident before it."""
    lib = _library(who)
    model = _network(lib, layers)
    run = _checkpointed(lib, model, blocks) if blocks else model

    def step(rows: int) -> None:
        run(lib.ones(rows, WIDTH)).sum().backward()
        model.zero_grad()

    step(BATCH)
    step(BATCH)
    before = _reset_peak()
    step(BATCH)
    return _highest() - before


def _reset_peak() -> int:
    """Forget the highest point so far, where Linux allows it, and return the bytes that are resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _highest()
    return _status("VmRSS")


def _highest() -> int:
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {name}")


def depth(who: str) -> tuple[float, float]:
    """Return the seconds that a chain of many operations takes forward and backward: the best of three."""
    lib = _library(who)
    if who == "torch":
        lib.set_num_threads(1)
    found = []
    for _ in range(3):
        x = lib.ones(4)
        x.requires_grad_()
        started = time.perf_counter()
        y = x
        for _ in range(CHAIN):
            y = y * 1.00001
        between = time.perf_counter()
        y.sum().backward()
        del y
        found.append((between - started, time.perf_counter() - between))
        if abs(float(x.grad[0]) / 1.00001**CHAIN - 1) > 0.1:  # float32, rounded 100,000 times
            raise SystemExit(f"{who}: a wrong gradient {x.grad} at the end of the chain")
    return min(f for f, _ in found), min(b for _, b in found)


def _library(who: str) -> Any:
    if who == "torch":
        import torch

        return torch
    import gradwright

    return gradwright


# --- outside ----------------------------------------------------------------------------------------------------------
def _ask(*arguments: object) -> list[float]:
    # freed arrays go back to the system at once, in both libraries, or the peak would be that of what lies about
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, __file__, *map(str, arguments)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return [float(word) for word in out.split()]


def section(rounds: int = 3) -> list[str]:
    """Measure, and return the section's lines."""
    blocks = math.isqrt(DEEP)
    peaks: dict[tuple[str, int, int], float] = {}
    for layers, cut in ((SHALLOW, 0), (DEEP, 0), (DEEP, blocks)):
        for who in ("gradwright", "torch"):
            times = rounds if layers == SHALLOW else 1  # deep ones take their time and say the same again
            peaks[who, layers, cut] = statistics.median(_ask("peak", who, layers, cut)[0] for _ in range(times))
            print(f"    {who}, {layers} layers, {cut} blocks: {peaks[who, layers, cut] / 1e6:.1f} MB", flush=True)
    rows = []
    for layers, cut, title in (
        (SHALLOW, 0, f"{SHALLOW} layers"),
        (DEEP, 0, f"{DEEP} layers"),
        (DEEP, blocks, f"{DEEP} layers in {blocks} checkpointed blocks"),
    ):
        ours, theirs = peaks["gradwright", layers, cut], peaks["torch", layers, cut]
        shown = f"{ours / 1e6:,.1f} MB", f"{theirs / 1e6:,.1f} MB", f"{ours / theirs:.2f}×"
        # a hundredth is what the measurement itself moves by
        rows.append([title, *shown, "at most PyTorch's", said(ours <= 1.01 * theirs)])
    saved = peaks["gradwright", DEEP, 0] / peaks["gradwright", DEEP, blocks]
    times = {who: _ask("depth", who) for who in ("gradwright", "torch")}
    forward, backward = (a / b for a, b in zip(times["gradwright"], times["torch"], strict=True))
    total = sum(times["gradwright"]) / sum(times["torch"])
    return [
        "## Memory and depth of backward",
        "",
        f"Peak of forward and backward of Linear({WIDTH}, {WIDTH}) and ReLU, so often one after the other, batch "
        f"{BATCH}, float32, eager: resident memory above what was there before, in a fresh process; of "
        f"{SHALLOW} layers the median of {rounds}.",
        "",
        *table(["network", "Gradwright", "PyTorch", "of PyTorch's", "asked", ""], rows),
        "",
        f"- `checkpoint` in √{DEEP} blocks takes the peak to **1/{saved:.1f}**, asked at most 1/2: {said(saved >= 2)}",
        f"- a chain of {CHAIN:,} operations: forward {times['gradwright'][0]:.2f} s, backward "
        f"{times['gradwright'][1]:.2f} s; PyTorch {times['torch'][0]:.2f} s and {times['torch'][1]:.2f} s: "
        f"**{forward:.2f}** and **{backward:.2f} times** its time, together {total:.2f}, asked 2: {said(total <= 2)}",
    ]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("\n".join(section()))
    elif sys.argv[1] == "peak":
        print(peak(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    else:
        print(*depth(sys.argv[2]))
