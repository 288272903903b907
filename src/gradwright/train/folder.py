"""A run's folder: written under another name, and there only when it is whole."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from gradwright.engine.files import sync_folder, write_whole
from gradwright.errors import NonFiniteError, RunError, TrainingInterrupted
from gradwright.train.processes import alive

__all__ = ["UNFINISHED", "RunFolder", "plain", "write_bytes", "write_json", "write_lines", "write_status", "write_text"]

#: How the name of a folder begins that is no run yet, before the name and the process that writes it.
UNFINISHED = ".unfinished-"


def plain(value: Any) -> Any:
    """Turn NumPy numbers into Python's, and numbers that JSON cannot hold (NaN, infinity) into None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value."""
    write_text(path, json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSON lines."""
    write_text(path, "".join(json.dumps(plain(r), allow_nan=False, ensure_ascii=False) + "\n" for r in rows))


def write_status(folder: Path, state: str, **more: Any) -> None:
    """Write ``status.json``: running, finished, interrupted or failed, by which process, and how far it is."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / "status.json", {"state": state, "pid": os.getpid(), **more, "time": now})


class RunFolder:
    """The folder of a run in the making: under another name until :meth:`publish`, or until the block is left well.

    When the ``with`` block is left by an exception, nothing stays behind; only a run that was published and has
    checkpoints to go on from stays, and its ``status.json`` says what became of it.

    Parameters
    ----------
    out : Path, optional
        Where the run shall be. It must not exist, or be an empty folder.
    name : str
        Without ``out``: the run's name under ``parent``, with date and time added.
    parent : Path
        Where runs are kept.
    """

    worth_keeping = "checkpoints/*"  # what there must be for a run that was broken off to stay
    published = False
    _resumed = False
    _new_parent = False  # whether the folder of the runs was made for this one
    _lock: int | None = None

    def __init__(self, out: Path | None = None, *, name: str = "run", parent: Path = Path("runs")) -> None:
        if out is None:
            word = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "run"
            stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
            self._named: Path | None = parent / f"{word[:60]}-{stamp}"
            out = self._free()
        elif out.exists() and not (out.is_dir() and not any(out.iterdir())):
            raise RunError(f"--out {out}: already there; runs are never overwritten. Name another folder.")
        else:
            self._named = None
        if out.exists() and out.resolve() == Path.cwd():
            raise RunError(f"--out {out}: the folder that this is run in cannot become a run; name one inside it")
        self.final = out
        self.path = out.parent / f"{UNFINISHED}{out.name}-{os.getpid()}"

    @classmethod
    def resume(cls, run: Path) -> RunFolder:
        """Return the folder of a run that was broken off; whatever happens now, it stays."""
        folder = cls.__new__(cls)
        folder.final = folder.path = run
        folder.published = folder._resumed = True
        return folder

    def __enter__(self) -> RunFolder:
        if self._resumed:
            self._hold()
            return self
        try:
            self._clean()
            self._new_parent = not self.final.parent.exists()
            self.path.mkdir(parents=True)
        except OSError as error:
            raise RunError(f"cannot make a run folder in {self.final.parent}: {error.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._leave(kind)
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def _leave(self, kind: type[BaseException] | None) -> None:
        if kind is None:
            self.publish()
            return
        status = self._status()
        hopeless = issubclass(kind, NonFiniteError) and not status.get("trained")
        if not self._resumed and (hopeless or not any(self.path.glob(self.worth_keeping))):
            shutil.rmtree(self.path, ignore_errors=True)
            if self._new_parent:
                with contextlib.suppress(OSError):  # somebody else's run may be there by now
                    self.final.parent.rmdir()
        elif status.get("state") == "running" and status.get("pid") == os.getpid():
            # what went wrong before training went on, or after all was written, has changed nothing here
            stopped = issubclass(kind, TrainingInterrupted | KeyboardInterrupt)
            far = {name: status[name] for name in ("epoch", "epochs", "step") if name in status}
            with contextlib.suppress(RunError):  # a full disk: the process is gone then, which tells as much
                write_status(self.path, "interrupted" if stopped else "failed", **far)

    def _status(self) -> dict[str, Any]:
        try:
            found = json.loads((self.path / "status.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _hold(self) -> None:
        """Keep other processes from going on with this run meanwhile; the system lets go when this one ends."""
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        self._lock = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise RunError(f"{self.path}: another process is training it; wait for its end, or stop it") from None

    def publish(self) -> Path:
        """Rename the folder into place and return where that is; a second time, do nothing."""
        if self.published:
            return self.path
        while True:
            try:
                os.rename(self.path, self.final)  # over an empty folder at most
                break
            except OSError as error:
                if self._named is None or not self.final.exists():
                    shutil.rmtree(self.path, ignore_errors=True)
                    raise RunError(f"cannot put the run at {self.final}: {error.strerror}") from None
                self.final = self._free()  # another run of this second was faster
        self.path, self.published = self.final, True
        self._hold()
        sync_folder(self.final.parent)
        return self.path

    def _free(self) -> Path:
        """Return the first name for the run that nobody has."""
        assert self._named is not None
        out, number = self._named, 1
        while out.exists():
            number += 1
            out = self._named.with_name(f"{self._named.name}-{number}")
        return out

    def _clean(self) -> None:
        """Remove what runs that were killed have left here: their process is gone."""
        if not self.final.parent.is_dir():
            return
        for left in self.final.parent.glob(f"{UNFINISHED}*"):
            pid = left.name.rsplit("-", 1)[-1]
            if pid.isdigit() and not alive(int(pid)):
                shutil.rmtree(left, ignore_errors=True)
