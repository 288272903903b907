"""How long one waits before anything is trained, and how far a training is from PyTorch's.

``python benchmarks/starting.py`` prints it. Each figure is of a process of its own, the median of several.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asked import said, table

#: Python keeps compiled modules unless it is told not to; every start but the first finds them, and that is measured.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

IMPORT = "import time; t = time.perf_counter(); import gradwright; print(time.perf_counter() - t)"
FIRST_EPOCH = """
from pathlib import Path
import sys, tempfile
from gradwright.train import Reporter, parse_config, run_job
class First(Reporter):
    def on_epoch_end(self, trainer, row):
        print("epoch", flush=True)
        raise SystemExit
with tempfile.TemporaryDirectory() as folder:
    run_job(parse_config({"source": "digits"}), Path(folder), reporter=First())
"""
COMMAND = [sys.executable, "-c", "from gradwright.cli.main import main; main()"]


def keeping(programs: str) -> dict[str, str]:
    """Return the environment of a process that keeps compiled programs in a folder of ours."""
    return {**ENVIRONMENT, "GRADWRIGHT_CACHE": programs}


def seconds_to_first_line(code: str, environment: dict[str, str]) -> float:
    """Return the seconds from starting a process to its first line."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
    if not line:
        raise SystemExit("the process ended before its first line")
    return seconds


def trained(
    *options: str, environment: dict[str, str] = ENVIRONMENT
) -> tuple[float, Path, tempfile.TemporaryDirectory[str]]:
    """Train on the digits; return the process's seconds and the run's folder, which goes with the third."""
    place = tempfile.TemporaryDirectory()
    run = Path(place.name) / "run"
    started = time.perf_counter()
    subprocess.run([*COMMAND, "train", "digits", *options, "-q", "--out", str(run)], check=True, env=environment)
    return time.perf_counter() - started, run, place


def section(rounds: int = 5) -> list[str]:
    """Measure and return the lines of the report."""
    trained("--epochs", "1")[2].cleanup()  # which compiles the modules
    imports: list[float] = []
    # with no program kept, as on the first day, and then with those that the process before has kept
    firsts: dict[str, list[float]] = {"no program kept": [], "programs kept": []}
    wholes: dict[str, list[float]] = {"no program kept": [], "programs kept": []}
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, env=ENVIRONMENT
        )
        imports.append(float(done.stdout))
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            for kept, values in firsts.items():
                values.append(seconds_to_first_line(FIRST_EPOCH, keeping(a)))
                seconds, _, place = trained(environment=keeping(b))
                wholes[kept].append(seconds)
                place.cleanup()
    rows = []
    first = "from the process's start to the end of the first epoch on digits"
    whole = "`gradwright train digits`, the whole process, report included"
    for what, values, most in (
        ("`import gradwright`", imports, 0.3),
        *((f"{first}, {kept}", values, 5.0) for kept, values in firsts.items()),
        *((f"{whole}, {kept}", values, 30.0) for kept, values in wholes.items()),
    ):
        value = statistics.median(values)
        rows.append([what, f"{value:.2f} s", f"{most:g} s", said(value <= most)])
    for name, options, most in (
        ("float32, compiled", ("--epochs", "10", "--patience", "10"), 1e-3),
        ("float64, eager", ("--epochs", "4", "--patience", "4", "--dtype", "float64", "--eager"), 1e-8),
    ):
        _, run, place = trained(*options, "--compare", "torch")
        compared = json.loads((run / "compare.json").read_text())
        loss, weight = compared["max_loss_difference"], compared["max_weight_difference"]
        judged = loss if most == 1e-3 else max(loss, weight)
        what = "losses over 10 epochs" if most == 1e-3 else "losses and weights over 4 epochs of some 80 steps"
        rows.append([f"distance from PyTorch's {what}, {name}", f"{judged:.1e}", f"{most:g}", said(judged <= most)])
        place.cleanup()
    return ["## Starting, and agreement with PyTorch", "", *table(("what", "measured", "at most", ""), rows)]


if __name__ == "__main__":
    print("\n".join(section()))
