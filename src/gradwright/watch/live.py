"""A run's records as they are now, for a page that asks again and again for what is new."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from gradwright.errors import RunError
from gradwright.view.text import clean
from gradwright.watch.follow import Follower
from gradwright.watch.thinning import ThinnedSteps, finite

__all__ = ["LiveRun"]

#: Largest status.json that is read.
_LARGEST = 1 << 20
_KINDS = ("gradient", "weight", "update")
#: Seconds without a word after which one looks whether the process is still there; it may be on another machine.
_QUIET = 20
_STATES = ("running", "finished", "interrupted", "failed")


class LiveRun:
    """What a run folder says so far; safe to ask from several threads.

    Parameters
    ----------
    folder : Path
        A run folder: with ``status.json``, or with ``metrics.jsonl`` of a run that has ended.

    Raises
    ------
    RunError
        The folder is not there, or is none of a run.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise RunError(
                f"watch: there is no folder {folder}; name a run folder, as `gradwright train` makes it under runs/"
            )
        if not any((folder / name).exists() for name in ("status.json", "metrics.jsonl", "steps.jsonl")):
            raise RunError(f"watch: {folder} is no run folder: it has neither status.json nor metrics.jsonl")
        self.folder = folder
        self.name = clean(folder.resolve().name)
        self._lock = threading.Lock()
        self._metrics = Follower(folder / "metrics.jsonl")
        self._steps = Follower(folder / "steps.jsonl")
        self._rows: list[dict[str, Any]] = []
        self._version = 0
        self._thinned = ThinnedSteps()

    def since(
        self, epochs: int = 0, epochs_version: int = -1, steps: int = 0, steps_version: int = -1
    ) -> dict[str, Any]:
        """Return what is new, as plain data.

        Parameters
        ----------
        epochs, steps : int >= 0
            How many epochs and step points the asker has.
        epochs_version, steps_version : int
            The versions under which it got them; under another version it has nothing that is still true.
        """
        with self._lock:
            self._follow()
            epochs = epochs if epochs_version == self._version and 0 <= epochs <= len(self._rows) else 0
            steps = steps if steps_version == self._thinned.version and 0 <= steps <= len(self._thinned) else 0
            steps = max(0, steps - 1)  # the last bucket may have grown
            status, ends = self._status(), self._thinned.epoch_ends
            return {
                "name": self.name,
                **status,
                "left": _seconds_left(status, self._rows),
                "epochs": {
                    "from": epochs,
                    "version": self._version,
                    "rows": [{**row, "step": ends.get(row["epoch"])} for row in self._rows[epochs:]],
                },
                "steps": {
                    "from": steps,
                    "version": self._thinned.version,
                    "width": self._thinned.width,
                    "points": self._thinned.points(steps),
                },
            }

    # --- reading ----------------------------------------------------------------------------------------------------
    def _follow(self) -> None:
        for row in self._metrics.read():
            if row is None:
                self._rows, self._version = [], self._version + 1
            elif (cleaned := _epoch_row(row)) is not None:
                if self._rows and cleaned["epoch"] <= self._rows[-1]["epoch"]:  # a resumed run says it again
                    self._rows = [r for r in self._rows if r["epoch"] < cleaned["epoch"]]
                    self._version += 1
                self._rows.append(cleaned)
        for row in self._steps.read():
            if row is None:
                self._thinned.clear()
            else:
                self._thinned.add(row)

    def _status(self) -> dict[str, Any]:
        """Return the state and how far it is; what status.json does not say is seen from the other files."""
        said = _json_object(self.folder / "status.json")
        state = said.get("state")
        if state not in _STATES:
            state = "finished" if (self.folder / "result.json").exists() else "running"
        pid, age = said.get("pid"), self._age()
        quiet = state == "running" and age > _QUIET
        gone = quiet and isinstance(pid, int) and not isinstance(pid, bool) and not _alive(pid)
        return {
            "state": state,
            "words": _words(state, gone, age),
            "done": self._rows[-1]["epoch"] if self._rows else 0,
            "planned": _whole(said.get("epochs"), None),
            "gone": gone,
        }

    def _age(self) -> float:
        """Return the seconds since anything was written."""
        times = []
        for name in ("status.json", "metrics.jsonl", "steps.jsonl"):
            try:
                times.append((self.folder / name).stat().st_mtime)
            except OSError:
                continue
        return max(0.0, time.time() - max(times)) if times else 0.0


def _epoch_row(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return the numbers of an epoch's line and its norms; None when it names no epoch."""
    epoch = row.get("epoch")
    if not isinstance(epoch, int) or isinstance(epoch, bool):
        return None
    cleaned: dict[str, Any] = {clean(name): finite(v) for name, v in row.items() if name not in ("epoch", "norms")}
    norms = row.get("norms")
    if isinstance(norms, dict):
        cleaned["norms"] = {
            kind: {clean(name): finite(v) for name, v in norms[kind].items()}
            for kind in _KINDS
            if isinstance(norms.get(kind), dict)
        }
    return {**cleaned, "epoch": epoch}


def _json_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _whole(value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else otherwise


def _alive(pid: int) -> bool:
    if os.name != "posix" or pid <= 0:  # elsewhere a signal of 0 is not only a question
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True


def _words(state: str, gone: bool, age: float) -> str:
    """Say how the run is, in a sentence."""
    if gone:
        return "Its process is not on this machine and has been silent: killed? gradwright train --resume goes on."
    if state == "running":
        return "Training." if age < 60 else f"Training, but nothing was written for {int(age // 60)} min."
    return {
        "finished": "Training has finished.",
        "interrupted": "Training was interrupted; gradwright train --resume goes on.",
        "failed": "Training has failed; its command says why.",
    }[state]


def _seconds_left(status: dict[str, Any], rows: list[dict[str, Any]]) -> float | None:
    """Return the time for all epochs that may come, by the median of the last; early stopping may end it sooner."""
    if status["state"] != "running" or status["gone"] or status["planned"] is None or not rows:
        return None
    recent = sorted(s for row in rows[-8:] if (s := row.get("seconds")) is not None and s >= 0)
    left = status["planned"] - rows[-1]["epoch"]
    return recent[len(recent) // 2] * left if recent and left >= 0 else None
