"""What the commands print: progress on standard error, results on standard output."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from gradwright.cli.sparkline import sparkline
from gradwright.train import Reporter, Trainer

__all__ = ["TerminalReporter", "safe"]

_CURVE = 2000  # steps whose loss is shown in the bar


def safe(text: str) -> str:
    """Return text with control characters shown instead of obeyed; what comes from data must not steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


class TerminalReporter(Reporter):
    """Show each stage in a line, and training as a bar with the time left.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._progress: Progress | None = None
        self._bar: Any = None
        self._steps = 1
        self._waiting: Any = None
        self._last = 0.0

    def on_stage_start(self, number: int, name: str) -> None:
        """Show that something is going on."""
        self._stop_waiting()
        if name != "train":
            self._waiting = self.console.status(f"{number} {name} …")
            self._waiting.start()

    def on_stage(self, number: int, name: str, words: str) -> None:
        """Print what came of a stage."""
        self._stop_waiting()
        self.console.print(Text.assemble((f"{number} {name:<9} ", "bold cyan"), safe(words)), soft_wrap=True)

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Open the progress bar."""
        self._steps = steps
        self._progress = Progress(
            TextColumn("[bold cyan]6 train[/]    "),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[curve]}"),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            transient=True,
        )
        self._progress.start()
        self._bar = self._progress.add_task("train", total=epochs, figures="compiling …", curve="")
        self._last = time.perf_counter()

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """Move the bar within the epoch."""
        if self._progress is not None:
            curve = sparkline(trainer.history.steps["loss"][-_CURVE:].tolist(), 20)
            self._progress.update(self._bar, completed=epoch - 1 + step / self._steps, curve=curve)

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """Move the bar and show the figures."""
        if self._progress is None:
            return
        figures = f"loss {row['train_loss']:.4f}"
        if "validation_loss" in row:
            figures += f", validation {row['validation_loss']:.4f}"
        if "validation_accuracy" in row:
            figures += f" ({row['validation_accuracy']:.1%})"
        self._progress.update(self._bar, completed=row["epoch"], figures=figures)
        if not self.console.is_terminal and time.perf_counter() - self._last > 2:
            # a log file gets a line now and then instead of a bar
            self._last = time.perf_counter()
            self.console.print(f"  epoch {row['epoch']}: {figures}", soft_wrap=True)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the progress bar."""
        self.close()

    def close(self) -> None:
        """Take everything that moves off the screen."""
        self._stop_waiting()
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
