"""`gradwright train --seeds N`: the same configuration with several seeds at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from gradwright.train.config import Config
    from gradwright.tune.outcome import Outcome
    from gradwright.tune.study import StudyFolder

__all__ = ["run_seeds"]


def run_seeds(config: Config, seeds: int, out: Path | None, *, quiet: bool, as_json: bool) -> None:
    """Train, leave the study's folder, and print mean and spread."""
    from gradwright.cli.population import MembersProgress, finish, study_folder
    from gradwright.data import LookBook
    from gradwright.tune.seeds import train_seeds

    def study(folder: StudyFolder) -> Outcome:
        with MembersProgress(quiet) as progress:
            return train_seeds(
                config, seeds, book=LookBook(folder.final.parent), run=folder.final.name,
                on_epoch=progress.on_epoch, say=progress.say,
            )  # fmt: skip

    outcome = finish(study_folder(out, "seeds", config.source), study, _words, quiet=quiet, as_json=as_json)
    if any(row["score"] is None for row in outcome.result["per_seed"]):
        raise typer.Exit(1)


def _words(outcome: Outcome) -> list[str]:
    from gradwright.cli.population import table_lines
    from gradwright.train.assess import metric_name, show_figure
    from gradwright.tune.cross_validation import figure_words

    metric, result = outcome.record["metric"], outcome.result
    name = metric_name(metric)
    rows: list[tuple[str, str]] = [("mean of the seeds", figure_words(metric, _claim(result)))]
    rows += [(f"seed {row['seed']}", _shown(metric, row["score"])) for row in result["per_seed"][:20]]
    rows += [(b["name"], show_figure(metric, b["score"])) for b in result["baselines"]]
    head = f"Test {name}, {result['seeds']} seeds, {result['rows']:,} rows, look {result['looks']} at them:"
    validation = f"Validation {name}, mean of the seeds: {figure_words(metric, result['validation'])}"
    return [head, *table_lines(rows), validation, result["words"]]


def _claim(result: dict[str, Any]) -> dict[str, Any]:
    """Return the mean with its interval, corrected for the number of looks where there were several."""
    corrected = result["corrected"]
    return result if corrected is None else {**corrected, "mean": corrected["value"]}


def _shown(metric: str, score: float | None) -> str:
    from gradwright.train.assess import show_figure

    return "broke down" if score is None else show_figure(metric, score)
