"""Many small trainings: a population beside PyTorch, `torch.func`, Optuna, scikit-learn and Ray Tune.

    python benchmarks/populations.py [sweep] [folds] [seeds] [--members 4] [--epochs 2]

Everybody trains the same networks from the same weights on the same batches in float32 with the same update (Adam,
decay coupled: what all have), and validates after every epoch; dropout masks are each library's own. Each contender has
a process of its own. Importing libraries is not timed, but starting workers is. "With compiling" is the first run of a
process that finds no program kept anywhere, "without" a later run of the same process; of `tune.Population`, which
traces and compiles (or loads) in every run, without the time before its first step.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from asked import said, table
from sweeps import eager, grid, jobs, limits, ours, vmapped

PART = 8  # members that those are measured on whose time is the members' sum


@dataclass(frozen=True)
class Contender:
    """Who takes part, and how many times its time ours was asked to be within."""

    name: str
    make: Callable[..., Callable[[], jobs.Trained]]  # of a job (and threads, a device)
    needs: tuple[str, ...]
    threads: tuple[int, ...] = ()  # to be tried; the better counts
    whole: bool = True  # measured on all members; otherwise on a part, and scaled
    part_too: bool = False  # measured on a part as well, which shows that scaling is right
    with_compiling: float | None = None
    without: float | None = None
    devices: tuple[str, ...] = ("cpu",)
    same_weights: bool = True


OURS, ONE_BY_ONE, EAGER = "population", "compiled", "eager"
CONTENDERS = {
    OURS: Contender(
        "**Gradwright, `tune.Population`**", ours.gradwright_population, ("gradwright", "jax"), devices=("cpu", "gpu")
    ),
    "vmapped": Contender(
        "`gw.Population`, one vmap", ours.gradwright_vmap, ("gradwright", "jax"), devices=("cpu", "gpu")
    ),
    EAGER: Contender(
        "PyTorch eager, one by one", eager.torch_eager, ("torch", "torch._dynamo"), threads=(1, 2), part_too=True,
        with_compiling=8, without=20, devices=("cpu", "gpu"),
    ),
    "vmap": Contender(
        "`torch.func` with vmap", vmapped.torch_vmap, ("torch", "torch._dynamo"), threads=(1, 2), with_compiling=3,
        devices=("cpu", "gpu"),
    ),
    ONE_BY_ONE: Contender(
        "Gradwright compiled, one by one", ours.gradwright_one_by_one, ("gradwright", "jax"), with_compiling=1.5,
        without=2, devices=("cpu", "gpu"),
    ),
    "optuna": Contender(
        "Optuna driving PyTorch", eager.optuna_study, ("torch", "torch._dynamo", "optuna"), threads=(1, 2), whole=False,
        with_compiling=8,
    ),
    "sklearn": Contender(
        "scikit-learn, `GridSearchCV`", grid.sklearn_grid, ("sklearn.model_selection", "sklearn.neural_network"),
        with_compiling=5, same_weights=False,
    ),
    "ray": Contender(
        "Ray Tune driving PyTorch", eager.ray_tune, ("ray.tune", "torch"), threads=(1,), whole=False
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One contender's seconds on the whole job, and what it reached."""

    first: float  # with compiling
    later: float
    members: list[int]  # of the job's, for which there are scores
    losses: np.ndarray  # (members,) of the first epoch; empty where they are not told
    scores: np.ndarray  # (members,) at the end
    note: str = ""
    kept: float | None = None  # a later run of one that compiles in every run: it finds its programs on disk


def measure(key: str, job: jobs.Job, threads: int, device: str, rounds: int, part: int) -> dict[str, Any]:
    """Run one contender in this process; return its seconds and what it reached, ready for JSON."""
    who = CONTENDERS[key]
    for module in who.needs:
        importlib.import_module(module)
    if "jax" in who.needs:
        from gradwright.backend import jax_modules

        jax_modules().numpy.zeros(3).block_until_ready()  # the device is there
    arguments = ([threads] if who.threads else []) + ([device] if "torch" in who.needs and device != "cpu" else [])

    def timed(run: Callable[[], Any]) -> tuple[float, Any]:
        started = time.perf_counter()
        found = run()
        return time.perf_counter() - started, found

    small = job.part(part) if part else job
    made, run = timed(lambda: who.make(small, *arguments))
    seconds, waited, trained = [], [], None
    for _ in range(1 + rounds):
        took, trained = timed(run)
        seconds.append(took)
        waited.append(trained.waited)
    assert trained is not None
    found: dict[str, Any] = {"made": made, "seconds": seconds, "waited": waited, "note": trained.note}
    if part and who.whole:  # the part was there to be compared: now everybody
        found["all"], trained = timed(who.make(job, *arguments))
    found |= {"losses": trained.loss[:, :1].ravel().tolist(), "scores": trained.accuracy[:, -1].tolist()}
    return found


def in_a_process(key: str, job: str, device: str = "cpu", **options: int) -> dict[str, Any]:
    """Measure in a process of its own, which finds no programs."""
    environment = {**os.environ, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    environment["JAX_PLATFORMS"] = "cpu" if device == "cpu" else "cuda"
    command = [sys.executable, __file__, job, "--one", key, "--device", device]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as programs:
        environment["GRADWRIGHT_CACHE"] = programs
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def in_processes(key: str, job: jobs.Job, device: str, part: int) -> tuple[int, dict[str, Any]]:
    """Measure with each number of threads, each in a process of its own; return the better number and its figures.

    A contender that is measured on a part as well shows with a few members and epochs which number that is.
    """
    who, n = CONTENDERS[key], len(job)

    def measured(threads: int, epochs: int, members: int, part: int) -> dict[str, Any]:
        return in_a_process(key, job.name, device, epochs=epochs, members=members, threads=threads, rounds=1, part=part)

    counts = who.threads if device == "cpu" else who.threads[:1]
    if part and len(counts) > 1:
        few = {threads: measured(threads, min(3, job.epochs), min(4, n), 0) for threads in counts}
        counts = (min(few, key=lambda threads: min(few[threads]["seconds"])),)
    found = {threads: measured(threads, job.epochs, n, part) for threads in counts or (0,)}
    best = min(found, key=lambda threads: found[threads]["seconds"][1])
    return best, found[best]


def contend(key: str, job: jobs.Job, device: str = "cpu") -> Measured:
    """Measure one contender on the whole job, or on a part and scaled."""
    who, n = CONTENDERS[key], len(job)
    part = min(PART, n) if who.part_too or not who.whole else 0
    threads, found = in_processes(key, job, device, part)
    notes = [f"{threads} thread{'s' if threads > 1 else ''}"] if len(who.threads) > 1 and device == "cpu" else []
    cold, warm, waited = found["made"] + found["seconds"][0], found["seconds"][1], found["waited"][1]
    first, later, members = cold, warm - waited, list(range(n))
    if not who.whole:
        members, later = jobs.spread(n, part), warm * n / part
        first = max(0.0, cold - warm) + later
        notes.append(f"{part} of {n} members, scaled")
    elif part:
        later = found["all"]
        first = max(0.0, cold - warm) + later
        notes.append(f"{part} members scaled would be {warm * n / part:.1f} s")
    notes += [found["note"]] if found["note"] else []
    losses, scores = np.array(found["losses"]), np.array(found["scores"])
    return Measured(first, later, members, losses, scores, "; ".join(notes), warm if waited else None)


def difference(scores: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Return the mean difference, member by member, and three of its standard errors."""
    d = scores - reference
    return float(d.mean()), float(3 * d.std(ddof=1) / np.sqrt(len(d))) if len(d) > 1 else np.inf


def check_losses(found: dict[str, Measured], job: jobs.Job) -> None:
    """Refuse to go on when somebody's first epoch is not everybody's; with dropout each draws masks of its own."""
    if job.drops:
        return
    reference = found[EAGER]
    for key, one in found.items():
        if len(one.losses):
            expected = reference.losses[one.members]
            worst = float(np.max(np.abs(one.losses - expected) / expected))
            if worst > 1e-4:
                raise SystemExit(f"{key} computes something else: losses of epoch 1 differ by {worst:.1e}, relatively")


def lines_of(job: jobs.Job, found: dict[str, Measured], again: list[Measured]) -> list[str]:
    """Return the table of one job, and the lines under it."""
    first, later = (statistics.median(getattr(m, which) for m in again) for which in ("first", "later"))
    reference = found[EAGER].scores
    rows = []
    for key, one in found.items():
        who = CONTENDERS[key]
        cells: list[object] = [who.name + (f" ({one.note})" if one.note else "")]
        for seconds, least, own in ((one.first, who.with_compiling, first), (one.later, who.without, later)):
            times = seconds / own
            if key == OURS:
                cells += [f"{own:.2f} s", ""]
            else:
                judged = "" if least is None else f"; {least:g} asked: {said(times >= least)}"
                cells += [f"{seconds:.2f} s", f"{times:.1f}×{judged}"]
        mean, error = difference(one.scores, reference[one.members])
        apart = "" if key == EAGER else f"{mean:+.4f} ± {error:.4f}"
        same = abs(mean) <= error + 1e-6  # of a mean of float32
        verdict = "yes" if same else "**no**" if who.same_weights else "no, and need not be"
        verdict = "" if key == EAGER else verdict
        rows.append([*cells, f"{one.scores.mean():.4f}", f"{one.scores.max():.4f}", apart, verdict])
    heads = (
        "who", "with compiling", "ours is faster by", "without", "ours is faster by", "mean accuracy", "best",
        "from PyTorch's, ± 3 standard errors", "the same",
    )  # fmt: skip
    kept = found[OURS].kept
    slowest = max(m.later for m in again) / min(m.later for m in again)
    return [
        f"### {job.title}, {job.epochs} epochs",
        "",
        *table(heads, rows),
        "",
        f"- ours is measured {len(again)} times, before, between and after the others; the slowest took {slowest:.2f} "
        "times the fastest"
        + ("" if kept is None else f". With its programs kept on disk a whole run takes {kept:.2f} s"),
        limit(job, later, found[EAGER].later),
    ]


def limit(job: jobs.Job, ours: float, eager: float) -> str:
    """Say what the machine's matrix products allow, and how near to it ours is."""
    a, b, cores = job.sizes[0], job.sizes[1], os.cpu_count() or 1
    large = limits.product_rate(1024, 1024, 1024, cores)
    small = limits.product_rate(jobs.BATCH, a, b, 1)
    least = job.operations / (small * cores)
    return (
        f"- the limit: {job.operations / 1e9:,.1f}·10⁹ operations in matrix products, which ours does at "
        f"{job.operations / ours / 1e9:.1f}·10⁹ a second. Here one large product reaches {large / 1e9:.0f}·10⁹ on "
        f"{cores} cores, one of {jobs.BATCH}×{a} by {a}×{b} on one core {small / 1e9:.0f}·10⁹ (NumPy). {cores} cores "
        f"that did nothing but such products would take **{least:.2f} s**, {eager / least:.0f} times faster than "
        f"PyTorch eager; ours takes **{ours / least:.1f} times** that"
    )


def compare(job: jobs.Job, device: str = "cpu") -> list[str]:
    """Measure everybody on one job; ours at the start, in the middle and at the end."""
    found: dict[str, Measured] = {}
    again: list[Measured] = []
    present = [
        key for key, who in CONTENDERS.items() if device in who.devices and all(_there(module) for module in who.needs)
    ]
    for i, key in enumerate(present):
        print(f"    {job.name}: {key} …", flush=True)
        found[key] = contend(key, job, device)
        if key == OURS:
            again.append(found[key])
        elif i in (len(present) // 2, len(present) - 1):
            again.append(contend(OURS, job, device))
    check_losses(found, job)
    missing = [CONTENDERS[key].name for key in CONTENDERS if key not in present and device in CONTENDERS[key].devices]
    lines = lines_of(job, found, again)
    return lines + ([f"- not installed: {', '.join(missing)}"] if missing else [])


def _there(module: str) -> bool:
    """Say whether a module can be imported; Ray without Tune's own needs says no at its import."""
    if module == "ray.tune":
        return find_spec("ray") is not None and find_spec("pyarrow") is not None
    return find_spec(module.partition(".")[0]) is not None


def gpu() -> bool:
    """Say whether JAX finds an accelerator, in a process of its own."""
    code = "import jax; jax.devices('gpu')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def section(names: tuple[str, ...] = tuple(jobs.JOBS), epochs: int = 100, members: int = 0) -> list[str]:
    """Measure and return the lines of the report; on a GPU as well where there is one."""
    lines = ["## Populations"]
    for device in ("cpu", *(["gpu"] if gpu() else [])):
        if device == "gpu":
            lines += ["", "## Populations on a GPU"]
        for name in names:
            lines += ["", *compare(chosen(name, epochs, members), device)]
    notes = (
        "`GridSearchCV` has no dropout (each rate counts as another seed), does not decay biases, draws weights and "
        "batches of its own, and scores the end alone; it starts two processes. Contenders that are marked as scaled "
        "train one network after the other, and are measured on some: PyTorch eager runs the same function and is "
        "measured on all, and beside it stands what scaling would have said."
    )
    return [*lines, "", notes]


def chosen(name: str, epochs: int, members: int) -> jobs.Job:
    """Return a job, or so many of its members."""
    job = jobs.JOBS[name](epochs)
    return job.part(members) if members and members < len(job) else job


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", default=list(jobs.JOBS))
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--members", type=int, default=0, help="so many of a job's, for a try; 0 are all")
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    for option in ("threads", "rounds", "part"):
        parser.add_argument(f"--{option}", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        job = chosen(asked.jobs[0], asked.epochs, asked.members)
        print(json.dumps(measure(asked.one, job, asked.threads, asked.device, asked.rounds, asked.part)))
    else:
        print("\n".join(section(tuple(asked.jobs), asked.epochs, asked.members)))
