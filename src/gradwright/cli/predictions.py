"""Predictions as CSV, block by block."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from gradwright.errors import RunError

__all__ = ["write_predictions"]


def write_predictions(run: Path, source: str, out: Path | None, quiet: bool) -> None:
    """Predict for raw rows and write a file, whole or not at all, or to standard output."""
    from gradwright.cli.console import safe
    from gradwright.engine.files import write_whole

    rows = [0]
    pieces = _pieces(run, source, quiet, rows)
    if out is None:
        for piece in pieces:
            text = piece.decode()
            sys.stdout.write(safe(text) if sys.stdout.isatty() else text)  # labels come from data
        sys.stdout.flush()
        return
    try:
        write_whole(out, pieces)
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror}") from None
    if not quiet:
        print(f"{rows[0]:,} predictions: {safe(str(out))}", file=sys.stderr)


def _pieces(run: Path, source: str, quiet: bool, rows: list[int]) -> Iterator[bytes]:
    """Give out the CSV text, and count its rows."""
    import polars as pl

    from gradwright.cli.console import safe
    from gradwright.train import load_run, predict_blocks

    for columns, notes in predict_blocks(load_run(run), source):
        for note in [] if quiet else notes:
            print(f"note: {safe(str(note))}", file=sys.stderr)
        buffer = io.BytesIO()
        pl.DataFrame(columns).write_csv(buffer, include_header=not rows[0])
        rows[0] += len(next(iter(columns.values())))
        yield buffer.getvalue()
