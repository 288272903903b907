"""A journal of Optuna's in a file: written many lines at once, locked so that a killed process blocks nobody."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from gradwright.engine.json_text import parse_json
from gradwright.errors import RunError, StateError

__all__ = ["Journal", "mend"]

_LONGEST = 16 * 2**20  # bytes of a line
_BEGINS = b'{"op_code":'


class Journal(JournalFileBackend):
    """Optuna's journal file, which any Optuna opens; what is written inside :meth:`together` is one write.

    Parameters
    ----------
    path : Path
        Of the file, in a folder that is there; made when it is not.

    Raises
    ------
    RunError
        When it cannot be written, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.said = mend(path)
        self._own_lock = _Lock(path)
        super().__init__(str(path), lock_obj=self._own_lock)
        self._lines = 0  # that were read so far
        self._held: list[dict[str, Any]] | None = None
        self._failed = ""

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Keep what is written inside the block, and write it at its end at once; nobody else writes meanwhile."""
        if self._held is not None:
            yield
            return
        self._own_lock.acquire()
        try:
            for _ in super().read_logs(self._lines):
                self._lines += 1
            self._held = []
            try:
                yield
            finally:
                held, self._held = self._held, None
                if held:
                    self.append_logs(held)
        finally:
            self._own_lock.release()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        if self._failed:
            raise RunError(self._failed)
        if self._held is not None:
            self._held += json.loads(json.dumps(logs))  # as they will be read
            return
        self._own_lock.acquire()
        try:
            size = os.stat(self._path).st_size
            try:
                super().append_logs(logs)
            except OSError as error:
                # a part of a line would spoil the next one
                with contextlib.suppress(OSError):
                    os.truncate(self._path, size)
                self._failed = f"cannot write {self._path}: {error.strerror}; what was there before is kept"
                raise RunError(self._failed) from None
        finally:
            self._own_lock.release()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        number = log_number_from
        if self._held is None or number < self._lines:
            for log in super().read_logs(number):
                number += 1
                self._lines = max(self._lines, number)
                yield log
        if self._held is not None:
            yield from self._held[number - self._lines :]


class _Lock(JournalFileSymlinkLock):
    """Optuna's lock, a link beside the file, behind one of the system's that ends with its process.

    Whoever is killed inside Optuna's own lock leaves the link, and all others wait for half a minute. Here only who has
    the system's lock makes the link, in a spelling of its own, so one that is found can be taken away.
    """

    _OURS = "/././"

    def __init__(self, path: Path) -> None:
        # still a path to the file: Optuna looks at the file behind the link
        marked = f"{path.parent.resolve()}{self._OURS}{path.name}"
        super().__init__(marked)
        self._path, self._link = path, f"{marked}.lock"
        self._file: int | None = None
        self._depth = 0

    def acquire(self) -> bool:
        if self._depth == 0:
            try:
                self._hold()
                with contextlib.suppress(OSError):
                    if self._file is not None and self._OURS in os.readlink(self._link):
                        os.unlink(self._link)
                super().acquire()
            except OSError as error:
                self._let_go()
                raise RunError(f"cannot lock {self._path}: {error.strerror}") from None
            except BaseException:
                self._let_go()
                raise
        self._depth += 1
        return True

    def release(self) -> None:
        # also called by acquire() itself, for a link that another program has left
        if self._depth > 1:
            self._depth -= 1
            return
        try:
            with contextlib.suppress(RuntimeError):  # another program took it away after half a minute
                super().release()
        finally:
            if self._depth == 1:
                self._depth = 0
                self._let_go()

    def _hold(self) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        self._file = os.open(self._path, os.O_RDONLY)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: Optuna's must do
            self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def mend(path: Path) -> str:
    """Cut off the end of a journal that a killed process has left half written; return what was done, in words.

    Raises
    ------
    RunError
        When it is no journal: a link, no file, or a line that is none of Optuna's. Then it is left as it is.
    """
    if path.is_symlink():
        raise RunError(f"{path}: a link, which could lead to any file; put the journal itself in its place")
    if not path.exists():
        return ""
    if not path.is_file():
        raise RunError(f"{path}: no file; a journal of trials was expected")
    try:
        lock = _Lock(path)
        lock.acquire()
        try:
            whole, left = _read(path)
            if left:
                os.truncate(path, whole)
        finally:
            lock.release()
    except OSError as error:
        raise RunError(f"{path}: cannot be read and mended: {error.strerror}") from None
    if not left:
        return ""
    return (
        f"{path.name}: the last line was torn ({left:,} bytes from byte {whole:,} on), as when a process is killed "
        "while it writes; it was cut off, and what it said is done again"
    )


def _read(path: Path) -> tuple[int, int]:
    """Return how many bytes are whole lines, and how many are left; refuse what Optuna did not write."""
    whole = number = 0
    with path.open("rb") as file:
        for line in _lines(file):
            number += 1
            place = f"{path}: line {number} (byte {whole})"
            if len(line) > _LONGEST:
                raise RunError(f"{place}: longer than {_LONGEST:,} bytes; no journal of trials is")
            if not line.endswith(b"\n"):
                if not (line.startswith(_BEGINS) or _BEGINS.startswith(line)) and number == 1:
                    raise RunError(f"{place}: no journal of trials; it was left as it is")
                return whole, len(line)
            try:
                log = parse_json(line)
            except StateError as error:
                raise RunError(f"{place}: no line of a journal: {error}; it was left as it is") from None
            if not isinstance(log, dict) or type(log.get("op_code")) is not int or "worker_id" not in log:
                raise RunError(f"{place}: no line of a journal of trials; it was left as it is")
            whole += len(line)
    return whole, 0


def _lines(file: Any) -> Iterable[bytes]:
    while line := file.readline(_LONGEST + 1):
        yield line
