"""What commands that train many networks show meanwhile, and how their studies are left behind."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gradwright.cli.console import safe
from gradwright.data.messages import plural

if TYPE_CHECKING:
    from gradwright.tune.outcome import Outcome
    from gradwright.tune.study import StudyFolder

__all__ = ["MembersProgress", "finish", "study_folder", "table_lines"]

_NOTES = 5  # printed; every fold can have its own


class MembersProgress:
    """A bar of the epochs that all networks have trained together; a log file gets a line now and then instead.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._progress = Progress(
            TextColumn("[bold cyan]train[/]"),
            BarColumn(bar_width=24, pulse_style="cyan"),
            MofNCompleteColumn(),
            TextColumn("epochs of all networks"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}"),
            console=self.console,
            transient=True,
        )
        self._bar = self._progress.add_task("train", total=None, now="preparing …")
        self._epochs: dict[int, int] = {}
        self._last = time.perf_counter()

    def __enter__(self) -> MembersProgress:
        self._progress.start()
        if not self.console.is_terminal:
            self.console.print("  preparing; the first epochs wait for a program to be compiled …", soft_wrap=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_epoch(self, number: int, row: Mapping[str, Any]) -> None:
        """Take a member's epoch down; it comes from another thread."""
        self._epochs[number] = int(row["epoch"])
        done = sum(self._epochs.values())
        now = f"network {number}, epoch {row['epoch']}: validation loss {row.get('validation_loss') or 0:.4f}"
        self._progress.update(self._bar, completed=done, now=now)
        if not self.console.is_terminal and time.perf_counter() - self._last > 2:
            self._last = time.perf_counter()
            self.console.print(f"  {plural(done, 'epoch')} of all networks; {now}", soft_wrap=True)

    def say(self, words: str) -> None:
        """Show what goes on."""
        self._progress.update(self._bar, now=safe(words))
        if not self.console.is_terminal and time.perf_counter() - self._last > 2:
            self._last = time.perf_counter()
            self.console.print(f"  {safe(words)} …", soft_wrap=True, markup=False)

    def stage(self, name: str, words: str) -> None:
        """Print a line that stays."""
        self.console.print(f"[bold cyan]{name:<9}[/] ", end="")
        self.console.print(safe(words), soft_wrap=True, markup=False)


def table_lines(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return two columns, indented.

    Examples
    --------
    >>> table_lines([("mean", "1.0"), ("a", "2.0")])
    ['  mean  1.0', '  a     2.0']
    """
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {text}" for name, text in rows]


def finish(
    folder: StudyFolder, study: Callable[[StudyFolder], Outcome], words: Callable[[Outcome], list[str]], *,
    quiet: bool, as_json: bool,
) -> Outcome:  # fmt: skip
    """Run a study, write its records and its report, and print what came of it.

    Parameters
    ----------
    folder : StudyFolder
    study : callable
        Runs it.
    words : callable
        Lines to print of its outcome.
    """
    from gradwright.report.study import write_study_report
    from gradwright.train.folder import plain

    with folder:
        outcome = study(folder)
        outcome.write(folder.path)
    report = write_study_report(folder.final)  # it names the study by its folder
    if as_json:
        whole = {**outcome.result, "study": str(folder.final), "report": str(report)}
        print(json.dumps(plain(whole), allow_nan=False))
    elif not quiet:
        for line in words(outcome):
            print(safe(line))
        print(f"\nReport: {safe(str(report))}")
    notes = outcome.result.get("notes", [])
    for note in [] if quiet else notes[:_NOTES]:
        print(f"note: {safe(note)}", file=sys.stderr)
    if len(notes) > _NOTES and not quiet:
        print(f"note: and {len(notes) - _NOTES} more, in {safe(str(folder.final / 'result.json'))}", file=sys.stderr)
    return outcome


def study_folder(out: Path | None, kind: str, source: str) -> StudyFolder:
    """Return a folder for a study, by default under runs/."""
    from gradwright.tune.study import StudyFolder

    return StudyFolder(out, name=f"{kind}-{Path(source).stem or 'study'}")
