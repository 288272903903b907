"""What the command line reaches on Fashion-MNIST: ``python benchmarks/fashion.py FOLDER [--only mlp resnet]``.

Each network is trained by one command, as anybody would type it, and its figure is the test accuracy that the command
prints: one look at the 10,000 test images after training. FOLDER holds the four IDX files, as Debian's package
dataset-fashion-mnist installs them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asked import said, table

#: The command's options, and the accuracy that was asked for.
RUNS = {
    "mlp": (
        "--hidden 512,256 --batch-norm --dropout 0.3 --lr 0.003 --schedule onecycle --epochs 20 --patience 20",
        0.89,
    ),
    "resnet": (
        "--network resnet --optimizer adamw --lr 0.01 --schedule onecycle --augment flip --epochs 7 --patience 7",
        0.915,
    ),
}


def section(folder: Path, names: tuple[str, ...] = tuple(RUNS)) -> list[str]:
    """Train, and return the lines of the report."""
    rows = []
    for name in names:
        options, asked = RUNS[name]
        with tempfile.TemporaryDirectory() as place:
            command = [sys.executable, "-c", "from gradwright.cli.main import main; main()", "train", str(folder)]
            started = time.perf_counter()
            done = subprocess.run(
                [*command, *shlex.split(options), "--out", f"{place}/run", "--json"],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            seconds = time.perf_counter() - started
        result = json.loads(done.stdout)
        accuracy = result["test"]["accuracy"]
        rows.append(
            [
                f"`gradwright train fashion-mnist/ {options}`",
                f"{result['parameters']:,}",
                f"{accuracy['value']:.1%} ({accuracy['low']:.1%} to {accuracy['high']:.1%})",
                f"{asked:.1%}",
                f"{seconds:,.0f}",
                said(accuracy["value"] >= asked),
            ]
        )
    heads = ("command", "parameters", "test accuracy, 95% interval", "asked", "s, whole process", "")
    return ["## Fashion-MNIST from the command line", "", *table(heads, rows, left=1)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    options = parser.parse_args()
    print("\n".join(section(options.folder, tuple(options.only))))


if __name__ == "__main__":
    main()
