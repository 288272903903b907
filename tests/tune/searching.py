"""Small searches for the tests: iris, a hidden layer of 8, 3 epochs, no run and no baselines unless asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradwright.train import parse_config
from gradwright.tune import Linear, Log, Space
from gradwright.tune.plans import SearchSettings
from gradwright.tune.source import read_source
from gradwright.tune.tuning import SearchFolder, Searching, run_search
from gradwright.tune.work import Work

BASE = {"source": "iris", "hidden": [8], "epochs": 3, "dropout": 0.1, "seed": 3}
SPACE = {"lr": Log(1e-3, 1e-1), "weight_decay": Linear(0.0, 0.1)}


def config(**more: Any) -> Any:
    return parse_config({**BASE, **more})


def space(**more: Any) -> Space:
    return Space({**SPACE, **more})


def run(folder: Path, searching: Searching | None = None, base: Any = None, **settings: Any) -> dict[str, Any]:
    """Search in a folder, new or begun."""
    settings = {"trials": 4, "batch": 2, "refit": False, "baselines": False, **settings}
    if settings.get("strategy") in ("lr-sweep", "hyperband"):
        del settings["trials"]
    place = SearchFolder.resume(folder) if folder.exists() else SearchFolder(folder)
    varied = None if settings.get("strategy") == "lr-sweep" else space()
    with place:
        return run_search(base or config(), varied, place, SearchSettings(**settings), searching)


def work(base: Any = None, varied: Space | None = None) -> Work:
    """What does jobs, on the parts that `gradwright train` would have."""
    base = base or config()
    source = read_source(base)
    return Work(source, base, varied or space(), source.parts.train, source.parts.validation)


def job(course: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"id": 0, "course": course, "trials": [{"number": i, "parameters": p} for i, p in enumerate(parameters)]}
