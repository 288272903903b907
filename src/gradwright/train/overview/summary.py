"""One run in a line: what became of it, with which data, network and figures; a broken one is shown as such."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradwright.data import LookBook, corrected_claim
from gradwright.errors import GradwrightError, RunError
from gradwright.train.assess import scale_of
from gradwright.train.checkpoints.kept import found_in
from gradwright.train.folder import UNFINISHED
from gradwright.train.processes import training_process
from gradwright.train.saved import read_object

__all__ = ["RunSummary", "is_run", "list_runs", "read_summary"]

_RECORDS = ("status.json", "result.json", "config.json", "model.json", "metrics.jsonl")
_LONGEST = 64 * 2**20  # bytes of metrics.jsonl


@dataclass(frozen=True)
class RunSummary:
    """What a run's folder says about it; None where it says nothing.

    Attributes
    ----------
    name : str
        The folder's name.
    path : Path
        The folder.
    state : str
        "running", "finished", "interrupted" (asked to stop), "failed", "killed" (its process is gone without a word),
        "leftover" (it never came to train) or "damaged".
    resumable : bool
        Whether ``gradwright train --resume`` can go on with it.
    process : int or None
        Who trains it now.
    source, network, task, metric : str or None
        The data, the network in a word or two, the task, and the figure that counts.
    epoch, epochs : int or None
        How many are done, and how many were asked for.
    validation : float or None
        The figure on the validation part; of a run without a result, the best epoch's so far.
    test : mapping or None
        ``value``, ``low`` and ``high`` of the figure on the test part.
    looks : int or None
        How often the test part was looked at.
    time : str or None
        When it was last heard of.
    checkpoints : int
        How many there are.
    problem : str or None
        What is broken, or what became of the training.
    """

    name: str
    path: Path
    state: str
    resumable: bool = False
    process: int | None = None
    source: str | None = None
    network: str | None = None
    task: str | None = None
    metric: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    validation: float | None = None
    test: Mapping[str, float] | None = None
    looks: int | None = None
    time: str | None = None
    checkpoints: int = 0
    problem: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the settings, as JSON values."""
        return {**{k: v for k, v in asdict(self).items() if k != "config"}, "path": str(self.path)}

    def age(self, now: datetime | None = None) -> float | None:
        """Return the seconds since it was last heard of."""
        if self.time is None:
            return None
        return ((now or datetime.now(UTC)) - datetime.fromisoformat(self.time)).total_seconds()


def is_run(path: Path) -> bool:
    """Say whether a folder looks like a run's, whole or not."""
    return path.is_dir() and (path.name.startswith(UNFINISHED) or sum((path / name).exists() for name in _RECORDS) >= 2)


def list_runs(folder: Path) -> list[RunSummary]:
    """Return the runs in a folder, or the one that it is, the latest last.

    Raises
    ------
    RunError
        When there is no such folder.
    """
    if is_run(folder):
        return [read_summary(folder)]
    if not folder.exists() and folder == Path("runs"):
        return []  # none yet
    try:
        book = LookBook(folder.resolve())
        runs = [read_summary(path, book) for path in folder.iterdir() if is_run(path)]
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be read: {error.strerror}. Name a folder with runs in it, as `gradwright train` leaves "
            "them under runs/"
        ) from None
    return sorted(runs, key=lambda run: (run.time or "", run.name))


def read_summary(path: Path, book: LookBook | None = None) -> RunSummary:
    """Read what there is in a run's folder; nothing in it is believed, and nothing that is missing is an error.

    ``book`` holds the looks of all runs beside it; it is read when it is not given.
    """
    if path.name.startswith(UNFINISHED):
        heard = _changed(path)
        process = training_process({"state": "running", "pid": _number_at_end(path.name), "time": heard})
        return RunSummary(path.name, path, "leftover" if process is None else "running", process=process, time=heard)
    problems: list[str] = []
    status, result, config = (_read(path / f"{name}.json", problems) for name in ("status", "result", "config"))
    rows = _rows(path / "metrics.jsonl", problems)
    metric = _text(result.get("metric")) or ("accuracy" if any("validation_accuracy" in r for r in rows) else None)
    try:
        checkpoints = len(found_in(path / "checkpoints"))
    except OSError as error:
        checkpoints = 0
        problems.append(f"checkpoints: {error.strerror}")
    looks = _looks(book or LookBook(path.resolve().parent), result)
    process = training_process(status)
    said = status.get("state")
    if problems or not (status or result):
        state = "damaged"
        problems = problems or ["it has neither status.json nor result.json"]
    elif said == "running":
        state = "killed" if process is None else "running"
    elif said in ("interrupted", "failed"):
        state = said
    else:
        state = "finished" if result else "damaged"
        problems = [] if result else ["it has no result.json"]
    return RunSummary(
        name=path.name,
        path=path,
        state=state,
        resumable=state in ("killed", "interrupted", "failed") and checkpoints > 0,
        process=process,
        source=_text(config.get("source")),
        network=_network(config),
        task=_text(result.get("task")),
        metric=metric,
        epoch=_whole(result.get("epochs")) or _whole(status.get("epoch")) or len(rows) or None,
        epochs=_whole(config.get("epochs")),
        validation=_validation(result, rows, metric),
        test=_interval(result, metric, looks),
        looks=looks,
        time=_time(status.get("time")) or _changed(path),
        checkpoints=checkpoints,
        problem="; ".join(problems) or _text(result.get("problem")),
        config=config,
    )


def _number_at_end(name: str) -> int | None:
    digits = name.rsplit("-", 1)[-1]
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 12 else None


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    """Return an object; nothing where there is no file, and a problem where it is broken."""
    if not path.is_symlink() and not path.exists():
        return {}
    try:
        return read_object(path)
    except GradwrightError as error:
        problems.append(str(error))
        return {}


def _rows(path: Path, problems: list[str]) -> list[dict[str, Any]]:
    """Return the epochs' rows; the last one may be torn."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LONGEST:
            return []
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
        return []
    rows: list[dict[str, Any]] = []
    for line in lines[:-1]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            problems.append(f"{path.name}: line {len(rows) + 1} is not valid JSON")
            break
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _validation(result: Mapping[str, Any], rows: list[dict[str, Any]], metric: str | None) -> float | None:
    on_best = result.get("validation")
    if isinstance(on_best, dict):
        return _number(on_best.get(metric))
    losses = [(loss, i) for i, row in enumerate(rows) if (loss := _number(row.get("validation_loss"))) is not None]
    return _number(rows[min(losses)[1]].get(f"validation_{metric}")) if losses else None


def _looks(book: LookBook, result: Mapping[str, Any]) -> int | None:
    """Return how often the test part was looked at up to now, by any run in the folder."""
    said, seal = _whole(result.get("looks")), result.get("test_fingerprint")
    if not isinstance(seal, str):
        return said
    try:
        return max(said or 0, book.history(seal).looks)
    except RunError:
        return said


def _interval(result: Mapping[str, Any], metric: str | None, looks: int | None) -> dict[str, float] | None:
    """Return the test figure, its interval as wide as so many looks ask for."""
    test = result.get("test")
    figure = test.get(metric) if isinstance(test, dict) else None
    if not isinstance(figure, dict) or not isinstance(test, dict):
        return None
    rows = _whole(test.get("rows"))
    if rows and looks and looks > 1 and metric:
        figure = corrected_claim(figure, rows, looks, scale=scale_of(metric)) or figure
    found = {key: _number(figure.get(key)) for key in ("value", "low", "high")}
    return {key: value for key, value in found.items() if value is not None} if found["value"] is not None else None


def _network(config: Mapping[str, Any]) -> str | None:
    """Say which network: ``mlp 128,64``, ``resnet 8``."""
    name, hidden, depth = _text(config.get("network")), config.get("hidden"), _whole(config.get("depth"))
    if name is None:
        return None
    if name == "mlp" and isinstance(hidden, list):
        return f"mlp {','.join(str(_whole(h)) for h in hidden[:8])}" if hidden else "linear"
    return name if depth is None else f"{name} {depth}"


def _text(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if type(value) is int and abs(value) < 2**63 else None


def _number(value: Any) -> float | None:
    found = float(value) if type(value) is float or _whole(value) is not None else math.nan
    return found if math.isfinite(found) else None


def _time(value: Any) -> str | None:
    """Return a moment as UTC in ISO's form, however it was written."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None


def _changed(path: Path) -> str | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return None
