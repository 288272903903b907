"""Runs side by side: the settings in which they differ, their figures, and whether these can be compared at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradwright.errors import ConfigError, GradwrightError
from gradwright.train.overview.summary import RunSummary
from gradwright.train.saved import read_object

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """A table with a column a run.

    Attributes
    ----------
    runs : list of str
        Their names.
    settings : dict from str to list
        For each setting that differs, each run's value; None where it is not set.
    figures : dict from str to list
        For each figure, each run's.
    remarks : list of str
        Why figures cannot be compared.
    """

    runs: list[str]
    settings: dict[str, list[Any]]
    figures: dict[str, list[Any]]
    remarks: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def compare_runs(runs: Sequence[RunSummary]) -> Comparison:
    """Put runs side by side.

    Raises
    ------
    ConfigError
        When there are fewer than two.
    """
    if len(runs) < 2:
        raise ConfigError("runs --compare: name at least two runs")
    configs = [_flat(run.config) for run in runs]
    settings = {}
    for name in dict.fromkeys(name for config in configs for name in config):
        values = [config.get(name) for config in configs]
        if any(value != values[0] for value in values):
            settings[name] = values
    results = [_object(run.path / "result.json") for run in runs]
    parts: list[tuple[str, list[Any]]] = [
        ("state", [run.state for run in runs]),
        ("epochs", [run.epoch for run in runs]),
        ("best epoch", [_plain(result.get("best_epoch")) for result in results]),
        ("parameters", [_plain(result.get("parameters")) for result in results]),
        ("seconds", [_plain(_part(result, "seconds").get("total")) for result in results]),
        ("validation loss", [_plain(_part(result, "validation").get("loss")) for result in results]),
        *_by_metric("validation", runs, [run.validation for run in runs]),
        *_by_metric("test", runs, [None if run.test is None else dict(run.test) for run in runs]),
        ("looks", [run.looks for run in runs]),
    ]
    figures = {name: values for name, values in parts if any(value is not None for value in values)}
    return Comparison([run.name for run in runs], settings, figures, _remarks(runs))


def _by_metric(part: str, runs: Sequence[RunSummary], values: list[Any]) -> list[tuple[str, list[Any]]]:
    """Return a row for each metric, or numbers of different kinds would stand in one."""
    metrics = dict.fromkeys(run.metric for run in runs if run.metric)
    rows = [(m, [v if r.metric == m else None for r, v in zip(runs, values, strict=True)]) for m in metrics]
    return [(f"{part} {metric}", row) for metric, row in rows]


def _remarks(runs: Sequence[RunSummary]) -> list[str]:
    data = [_object(run.path / "data.json") for run in runs]
    remarks = []
    if len({str(record.get("fingerprint"))[:200] for record in data}) > 1:
        remarks.append("Not the same data: the figures are of different rows and cannot be compared.")
    elif any(_part(record, "split") != _part(data[0], "split") for record in data):
        remarks.append("Not the same split: the figures are of different rows; their difference is partly luck.")
    if any(run.metric != runs[0].metric for run in runs):
        remarks.append("Not the same metric.")
    return remarks


def _object(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except GradwrightError:
        return {}


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else None


def _flat(settings: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Name settings within settings with dots."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and depth < 10:
            found.update(_flat(value, f"{prefix}{name}.", depth + 1))
        else:
            found[f"{prefix}{name}"] = value
    return found
