"""Measure speed and memory side by side, and write benchmarks/RESULTS.md.

Training: everybody trains the same network from the same weights on the same batches in float32. Rounds alternate, so
that a busy machine is busy for all; the figure is the median over rounds. Ratios are medians of the rounds' own ratios.
Other sections are files of their own: starting.py, gradients.py, cnn.py, memory.py, streaming.py, lr_find.py,
estimators.py, populations.py, fashion.py, overhead.py.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cnn
import contenders
import fashion
import gradients
import lr_find
import memory
import numpy as np
import overhead
import populations
import starting
import streaming
from asked import said

import estimators

RESULTS = Path(__file__).with_name("RESULTS.md")

CONTENDERS = {
    "Gradwright compiled (an epoch is one program)": contenders.gradwright_compiled,
    "Gradwright compiled (one program a step)": contenders.gradwright_stepwise,
    "Gradwright eager (NumPy)": contenders.gradwright_eager,
    "PyTorch eager, fused, 1 thread": contenders.torch_eager_1,
    "PyTorch eager, fused, 2 threads": contenders.torch_eager_2,
    "torch.compile": contenders.torch_compiled,
    "JAX + Optax, jitted step, donated": contenders.optax_step,
    "JAX + Optax in lax.scan": contenders.optax_scan,
    "scikit-learn MLPClassifier": contenders.sklearn_mlp,
}
OURS = "Gradwright compiled (an epoch is one program)"
EAGER = "Gradwright eager (NumPy)"
TORCH = [name for name in CONTENDERS if "orch" in name]
TORCH_EAGER = [name for name in TORCH if "eager" in name]
STEP = "JAX + Optax, jitted step, donated"
SCAN = "JAX + Optax in lax.scan"

# The last numbers: how far losses may differ, relatively (Optax computes 1 - 0.999^t in float32, which costs it 2e-3),
# and how many times the fastest PyTorch's steps were asked for.
CASES = [
    ("64-32-32-10, batch 32", (64, 32, 32, 10), 32, 400, 5e-3, 10.0),
    ("784-512-512-10, batch 128", (784, 512, 512, 10), 128, 40, 5e-3, 1.5),
]


def measure(
    sizes: tuple[int, ...], batch: int, steps: int, rule: str, rounds: int, agree: float
) -> dict[str, list[float]]:
    """Return each contender's seconds a round, after checking that all compute the same losses."""
    work = contenders.make_work(sizes, batch, steps, rule)
    runs = {}
    curves: dict[str, np.ndarray] = {}
    for name, make in CONTENDERS.items():
        runs[name] = make(work)
        curves[name] = np.asarray(runs[name](), dtype=np.float64)  # the first round warms up and compiles; not timed
    reference = curves["PyTorch eager, fused, 1 thread"]
    for name, curve in curves.items():
        expected = reference if len(curve) == len(reference) else np.array([reference.mean()])
        worst = float(np.max(np.abs(curve - expected) / np.abs(expected)))
        print(f"    {name}: losses differ from PyTorch's by at most {worst:.1e} (relative)")
        if worst > agree:
            raise SystemExit(f"{name} computes something else: its losses differ by {worst:.2g}, allowed is {agree}")
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for k in range(rounds):
        # each goes first in turn, after a pause: idle threads of the one before spin for a while
        for name in names[k % len(names) :] + names[: k % len(names)]:
            time.sleep(0.1)
            started = time.perf_counter()
            runs[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: dict[str, list[float]], slow: str, fast: str) -> float:
    """Return how many times faster ``fast`` is: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))


def fastest(seconds: dict[str, list[float]], names: list[str]) -> str:
    """Return the name with the lowest median."""
    return min(names, key=lambda name: statistics.median(seconds[name]))


def training(rounds: int) -> list[str]:
    """Measure training, and return the lines of a section for each network and rule."""
    lines: list[str] = []
    for title, sizes, batch, steps, agree, asked in CASES:
        small = max(sizes) < 100
        for rule in ("adam", "sgd"):
            print(f"{title}, {rule} …", flush=True)
            seconds = measure(sizes, batch, steps, rule, rounds, agree)
            best = fastest(seconds, TORCH)
            best_eager = fastest(seconds, TORCH_EAGER)
            shown = "Adam" if rule == "adam" else "SGD with momentum"
            lines += [
                "",
                f"## {title}, {shown}",
                "",
                "| who | µs a step | steps a second | compiled Gradwright is faster by |",
            ]
            lines += ["| --- | ---: | ---: | ---: |"]
            for name, values in seconds.items():
                per_step = statistics.median(values) / steps
                lines.append(
                    f"| {name} | {per_step * 1e6:,.1f} | {1 / per_step:,.0f} | {ratio(seconds, name, OURS):.2f}× |"
                )
            torch_ratio, step_ratio = ratio(seconds, best, OURS), ratio(seconds, STEP, OURS)
            scan_ratio, eager_ratio = ratio(seconds, SCAN, OURS), ratio(seconds, EAGER, best_eager)
            lines += [
                "",
                f"- against the fastest PyTorch ({best}): **{torch_ratio:.2f} times** the steps "
                f"({asked:g} asked: {said(torch_ratio >= asked)})",
                f"- against JAX + Optax, jitted step: **{step_ratio:.2f} times**; in lax.scan: "
                f"**{scan_ratio:.2f} times** (never slower asked: {said(min(step_ratio, scan_ratio) >= 1)})",
                f"- eager on NumPy takes **{eager_ratio:.2f} times** as long as {best_eager}"
                + (f" (at most 1.5 asked: {said(eager_ratio <= 1.5)})" if small else ""),
            ]
    return lines[1:]


Section = Callable[[int], list[str]]


def sections(images: Path | None = None) -> dict[str, tuple[Section | None, int]]:
    """Return what is measured, in the order in which it is written, and how many rounds for each of the command's.

    ``images`` is the folder of Fashion-MNIST; without it the section that needs it is None.
    """

    def rates(rounds: int) -> list[str]:
        return lr_find.section() if images is None else lr_find.section((*lr_find.SETS, str(images)))

    return {
        "starting": (lambda rounds: starting.section(), 1),
        "training": (training, 1),
        "gradients": (gradients.section, 6),
        "cnn": (cnn.section, 1),
        "memory": (lambda rounds: memory.section(), 1),
        "streaming": (lambda rounds: streaming.section(), 1),
        "lr_find": (rates, 1),
        "estimators": (lambda rounds: estimators.section(), 1),
        "populations": (lambda rounds: populations.section(), 1),
        "fashion": (None if images is None else lambda rounds: fashion.section(images), 1),
        "overhead": (overhead.section, 4),  # last, for tinygrad leaves threads behind
    }


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds, at least 5")
    parser.add_argument("--only", nargs="+", choices=sections(), default=list(sections()), help="sections; others stay")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument(
        "--fashion", type=Path, metavar="FOLDER", help="Fashion-MNIST's IDX files, for two of the sections"
    )
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("a median of fewer than 5 rounds says little")
    packages = ("gradwright", "numpy", "jax", "torch", "optax", "scikit-learn", "optuna", "ray", "autograd", "tinygrad")
    lines = [
        "# Measured",
        "",
        "Written by `make bench`. Medians of "
        f"{options.rounds} alternating rounds where nothing else is said, equal work, results checked to agree; ratios "
        "are medians of the rounds' own. [NOTES.md](NOTES.md) says what the figures mean and why some are missed.",
        "",
        f"Machine: {os.cpu_count()} cores ({_processor()}), {platform.system()}, Python {platform.python_version()}; "
        + ", ".join(f"{p} {version(p)}" for p in packages if _installed(p))
        + ".",
    ]
    found = _written()
    for name, (section, times) in sections(options.fashion).items():
        if name in options.only and section is not None:
            print(f"{name} …", flush=True)
            found[name] = [f"<!-- {name} -->", *section(options.rounds * times)]
            if not options.no_write:  # each as it comes: what is measured is not lost when a later one fails
                _write(lines, found)
    print("\n" + _text(lines, found))


def _text(head: list[str], found: dict[str, list[str]]) -> str:
    parts = [head, *(found[name] for name in sections() if name in found)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _write(head: list[str], found: dict[str, list[str]]) -> None:
    RESULTS.write_text(_text(head, found), encoding="utf-8")


def _written() -> dict[str, list[str]]:
    """Return the sections of the results that are there, by the comments that they start with."""
    found: dict[str, list[str]] = {}
    for part in RESULTS.read_text(encoding="utf-8").split("<!-- ")[1:] if RESULTS.exists() else []:
        name = part.partition(" ")[0]
        found[name] = ("<!-- " + part).rstrip().splitlines()
    return found


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


if __name__ == "__main__":
    main()
