"""What a search shows: trials done, the best so far, the time; and at its end what came out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gradwright.cli.console import safe
from gradwright.cli.words import figure_words
from gradwright.data.messages import plural
from gradwright.train.assess import metric_name, show_figure
from gradwright.tune.search import StudyReporter

__all__ = ["SearchProgress", "search_words"]

_LINES = 2.0  # seconds between lines where there is no terminal
_TOP = 5


class SearchProgress(StudyReporter):
    """Show a search as a bar of its trials' epochs; a log file gets a line now and then instead.

    Parameters
    ----------
    metric : callable
        From a trial to its score in words; set when the task is known.
    quiet : bool
        Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._progress: Progress | None = None
        self._bar: Any = None
        self._waiting: Any = None
        self._name, self._trials, self._ended, self._all = "search", 0, 0, 0
        self._epochs: dict[int, int] = {}
        self._best = ""
        self._last = time.perf_counter()
        self.metric = "accuracy"

    def on_words(self, words: str) -> None:
        """Print a line that stays."""
        self.console.print(safe(words), soft_wrap=True, markup=False)

    def on_data(self, metric: str, words: str) -> None:
        """Print what is searched on."""
        self.metric = metric
        self._line("data", words)

    def on_workers(self, words: str) -> None:
        """Print how workers share the search."""
        self._line("workers", words)

    def on_search(self, name: str, trials: int, epochs: int, done: int) -> None:
        """Open the bar."""
        self.close()
        self._name, self._trials, self._ended, self._all = name, trials, done, trials * epochs
        self._epochs, self._best = {}, ""
        if done:
            self._line(name, f"{done} of {trials} trials were done before")
        self._progress = Progress(
            TextColumn(f"[bold cyan]{name}[/]"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("trials"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[best]}"),
            TextColumn("{task.fields[now]}"),
            console=self.console,
            transient=True,
        )
        self._progress.start()
        self._bar = self._progress.add_task(name, total=trials, completed=done, best="", now="preparing …")
        self._last = time.perf_counter()

    def on_wait(self, words: str) -> None:
        """Show what goes on, in the bar or where there is none in a line that goes again."""
        if self._progress is not None:
            self._progress.update(self._bar, now=safe(words) + " …")
        elif self.console.is_terminal:
            if self._waiting is None:
                self._waiting = self.console.status("")
                self._waiting.start()
            self._waiting.update(safe(words) + " …")
        self._line_now_and_then(f"  {safe(words)} …")

    def on_epoch(self, number: int, row: Mapping[str, Any]) -> None:
        """Take an epoch down; it comes from another thread."""
        self._epochs[number] = int(row["epoch"])
        done = sum(self._epochs.values())
        now = f"{len(self._epochs)} in training, {plural(done, 'epoch')} done by them"
        if self._progress is not None:
            self._progress.update(self._bar, now=now)
        self._line_now_and_then(
            f"  {self._ended} of {self._trials} trials done, {now}{self._best and ', '}{self._best}"
        )

    def on_trials(self, trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any] | None) -> None:
        """Move the bar."""
        self._ended += len(trials)
        self._epochs = {}
        if best is not None:
            self._best = f"best {show_figure(self.metric, best['score'])} (trial {best['number']})"
        if self._progress is not None:
            self._progress.update(
                self._bar, total=max(self._trials, self._ended), completed=self._ended, best=self._best, now=""
            )

    def on_search_end(self) -> None:
        """Close the bar, and say what was done."""
        self.close()
        self._line(self._name, f"{plural(self._ended, 'trial')}{self._best and '; '}{self._best}")

    def close(self) -> None:
        """Take everything that moves off the screen."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _line_now_and_then(self, words: str) -> None:
        """Give a log file a line where a terminal has something that moves."""
        if not self.console.is_terminal and time.perf_counter() - self._last > _LINES:
            self._last = time.perf_counter()
            self.console.print(words, soft_wrap=True, markup=False)

    def _line(self, name: str, words: str) -> None:
        if self._progress is None:
            self.close()
        self.console.print(f"[bold cyan]{name:<11}[/]", end="")
        self.console.print(safe(words), soft_wrap=True, markup=False)


def search_words(result: Mapping[str, Any]) -> list[str]:
    """Return the last lines of a search: the best five, what choosing did, the test figure."""
    metric, trials = result["metric"], result["trials"]
    if result["best"] is None:
        problems = dict.fromkeys(t["problem"] for t in trials if t["problem"])
        return [f"None of {len(trials)} trials has a score.", *[f"  {words}" for words in list(problems)[:_TOP]]]
    lines = _best_lines(metric, trials, result["ranking"])
    failed = [t for t in trials if t["state"] == "failed"]
    if failed:
        lines.append(
            f"{len(failed)} of {len(trials)} trials failed; trial {failed[0]['number']}: {failed[0]['problem']}"
        )
    if result["ended"]:
        lines.append(f"The search ended early: {result['ended']}.")
    if result["optimism"]:
        lines += ["", result["optimism"]["words"]]
    if result["nested"]:
        lines.append(result["nested"]["words"])
    baselines = result["baselines"]
    if baselines:
        lines += ["", f"Baselines, {result['budget']['words']}:"]
        width = max(len(b["name"]) for b in baselines)
        for b in baselines:
            shown = "none" if b["validation"] is None else show_figure(metric, b["validation"])
            lines.append(f"  {b['name']:<{width}}  validation {shown}, best of {b['tried']}")
    if result["refit"]:
        test = result["refit"]["test"]
        figure = figure_words(metric, result["refit"].get("corrected") or test[metric])
        look = f"{test['rows']:,} rows, look {result['refit']['looks']} at them"
        lines += ["", f"Test {metric_name(metric)} of the winner, trained again as a run: {figure}, {look}"]
    return lines


def _best_lines(metric: str, trials: Sequence[Mapping[str, Any]], ranking: Sequence[int]) -> list[str]:
    from gradwright.tune.parameters import choice_text

    by_number = {t["number"]: t for t in trials}
    best = [by_number[n] for n in ranking[:_TOP]]
    names = list(dict.fromkeys(name for t in best for name in t["parameters"]))
    rows = [["trial", metric_name(metric), "loss", *names, "epochs"]]
    for t in best:
        values = [choice_text(_short(t["parameters"][n])) if n in t["parameters"] else "-" for n in names]
        loss = "-" if t["loss"] is None else f"{t['loss']:.4f}"
        rows.append([str(t["number"]), show_figure(metric, t["score"]), loss, *values, str(t["epochs"])])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    told = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [f"The best of {len(trials)} by validation {metric_name(metric)}:", *[f"  {line}" for line in told]]


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
