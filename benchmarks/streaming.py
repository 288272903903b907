"""A Parquet file larger than the memory it is trained in: the peak of a child process that streams it, and its speed.

    python benchmarks/streaming.py [gigabytes] [compression]

The file, of random float32 columns that no compression shrinks, is made in a temporary folder and removed afterwards.
The child opens it with `data.stream`, which reads it once to fit the preparation, and trains a network on it for one
epoch with the trainer. Its peak is that of `resource.getrusage`: the interpreter, JAX, Polars and the compiler
included, and pages of mapped files, too.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asked import said, table

COLUMNS = 256
GROUP = 65_536  # rows that are made, and written, at once
BATCH = 256
LIMIT = 1.5  # GB


def write(path: Path, gigabytes: float, compression: str) -> int:
    """Write about so many gigabytes in pieces; return the number of rows."""
    import numpy as np
    import polars as pl
    from polars.io.plugins import register_io_source

    groups = max(1, round(gigabytes * 1e9 / (GROUP * COLUMNS * 4)))
    names = [f"x{i}" for i in range(COLUMNS)]
    rng = np.random.default_rng(0)
    weights = rng.normal(size=COLUMNS).astype(np.float32)

    def pieces(columns: Any, predicate: Any, rows: Any, size: Any) -> Iterator[pl.DataFrame]:
        for _ in range(groups):
            x = rng.random((COLUMNS, GROUP), dtype=np.float32)
            label = ((weights @ x) > weights.sum() / 2).astype(np.int64)
            yield pl.DataFrame({**dict(zip(names, x, strict=True)), "label": label})

    schema = {**dict.fromkeys(names, pl.Float32), "label": pl.Int64}
    made = register_io_source(pieces, schema=schema, is_pure=False)
    made.sink_parquet(path, compression=compression, row_group_size=GROUP, statistics=False)  # type: ignore[call-overload]
    return groups * GROUP


def train(path: Path) -> dict[str, float]:
    """Stream one epoch through a training; return seconds and the peak, in bytes."""
    started = time.perf_counter()
    import gradwright as gw
    from gradwright import data, nn, optim
    from gradwright.train import Trainer

    gw.manual_seed(0)
    opening = time.perf_counter()
    streamed = data.stream(path, target="label", batch_size=BATCH)
    opened = time.perf_counter()
    model = nn.Sequential(nn.Linear(COLUMNS, 64), nn.ReLU(), nn.Linear(64, 2))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=1e-3))
    history = trainer.fit(streamed.train, streamed.validation.arrays(), epochs=1)
    done = time.perf_counter()
    return {
        "start": opening - started,
        "open": opened - opening,
        "epoch": done - opened,
        "rows": streamed.rows,
        "trained": streamed.train.rows,
        "accuracy": history.rows[-1]["validation_accuracy"],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure(gigabytes: float, compression: str) -> dict[str, float]:
    """Make the file, train on it in a child; return what the child says, and the file's size."""
    with tempfile.TemporaryDirectory(prefix="gradwright-streaming-") as folder:
        path = Path(folder, "rows.parquet")
        write(path, gigabytes, compression)
        size = path.stat().st_size
        child = subprocess.run(
            [sys.executable, __file__, "--child", str(path)], check=True, stdout=subprocess.PIPE, text=True
        )
    found: dict[str, float] = json.loads(child.stdout)
    return {**found, "size": size}


def section(gigabytes: float = 4.0, compression: str = "uncompressed") -> list[str]:
    """Measure and return the lines of the report."""
    got = measure(gigabytes, compression)
    peak, rows = got["peak"] / 1e9, got["rows"]
    lines = [
        ("the file", f"{got['size'] / 1e9:.2f} GB, {rows:,.0f} rows of {COLUMNS} float32, {compression}", "", ""),
        ("peak memory of the process", f"{peak:.2f} GB", f"{LIMIT} GB", said(peak < LIMIT)),
        ("opening: the preparation is fitted", f"{got['open']:.1f} s, {rows / got['open']:,.0f} rows a second", "", ""),
        ("one epoch, compiling and validation included", f"{got['epoch']:.1f} s", "", ""),
        ("of which", f"{got['trained'] / got['epoch']:,.0f} rows a second", "", ""),
        ("accuracy on the validation part", f"{got['accuracy']:.3f}", "", ""),
    ]
    return ["## Training on a file larger than memory", "", *table(("what", "measured", "under", ""), lines)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(train(Path(sys.argv[2]))))
    else:
        gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
        compression = sys.argv[2] if len(sys.argv) > 2 else "uncompressed"
        print("\n".join(section(gigabytes, compression)))
