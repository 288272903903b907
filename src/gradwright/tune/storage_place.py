"""Where a study's trials are kept, a file or a database: opened, guarded, and held by the one process that writes."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradwright.errors import GradwrightError, MissingDependencyError, RunError, StateError
from gradwright.train.processes import alive
from gradwright.tune.storage_url import scrubbed, without_password

__all__ = ["StudyPlace"]

_WRITER = "gradwright:writer"  # an attribute of the study: which process writes


class StudyPlace:
    """A study of a name in one of Optuna's storages; one process at a time writes.

    Parameters
    ----------
    where : Path or str
        A file for Optuna's journal, or a database's address.
    name : str
        The study's.
    """

    def __init__(self, where: Path | str, name: str) -> None:
        self._url = str(where) if "://" in str(where) else None
        self.path = None if self._url is not None else Path(where)
        self.name = name
        self.shown = without_password(self._url) if self._url is not None else str(where)
        self.notes: list[str] = []
        self._token: str | None = None
        with self._guard("open"):
            self._storage = self._connect()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write what is noted inside the block at its end, at once, where that is possible: a journal."""
        from gradwright.tune.journal import Journal

        if isinstance(self._backend, Journal):
            with self._backend.together():  # and no guard: what goes wrong in the block is the caller's
                yield
        else:
            yield

    def close(self) -> None:
        """Let others go on with the study."""
        storage = getattr(self, "_storage", None)
        if storage is None:
            return
        if self._token is not None:
            with contextlib.suppress(GradwrightError), self._guard("write"):
                if self._attrs().get(_WRITER, {}).get("token") == self._token:
                    storage.set_study_user_attr(self._study(), _WRITER, {})
            self._token = None
        storage.remove_session()
        if self._url is not None:
            storage.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> Any:
        import optuna

        from gradwright.tune.journal import Journal

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if self._url is None:
            assert self.path is not None
            self._backend: Any = Journal(self.path)
            if self._backend.said:
                self.notes.append(self._backend.said)
            return optuna.storages.JournalStorage(self._backend)
        self._backend = None
        return optuna.storages.RDBStorage(self._url)

    def _study_id(self) -> int | None:
        try:
            return int(self._storage.get_study_id_from_name(self.name))
        except KeyError:
            return None

    def _study(self) -> int:
        found = self._study_id()
        if found is None:
            raise RunError(f"{self.shown}: study {self.name!r:.80} is no longer there")
        return found

    def _attrs(self) -> dict[str, Any]:
        return dict(self._storage.get_study_user_attrs(self._study()))

    def _there(self) -> str:
        names = [study.study_name for study in self._storage.get_all_studies()]
        return f"there are {', '.join(repr(n)[:80] for n in names[:8])}" if names else "there is none"

    def _begin_writing(self, *, take_over: bool) -> None:
        """Become the one process that writes; who was it before and lives is not pushed aside."""
        host = socket.gethostname()
        with self._guard("write"):
            other = self._attrs().get(_WRITER) or {}
            there = other.get("host") == host
            if other and there and alive(int(other.get("pid", 0)), since=float(other.get("time", 0.0))):
                raise RunError(f"{self.shown}: process {other['pid']} is at this study; wait for its end, or stop it")
            if other and not there and not take_over:
                raise RunError(
                    f"{self.shown}: process {other.get('pid')} on {str(other.get('host'))!r:.60} is at this study or "
                    "was killed; make sure that it has ended, then take the study over"
                )
            self._token = uuid.uuid4().hex
            writer = {"host": host, "pid": os.getpid(), "token": self._token, "time": time.time()}
            self._storage.set_study_user_attr(self._study(), _WRITER, writer)
            self._check_writer()

    def _check_writer(self) -> None:
        """Stop when another process has taken the study over."""
        if self._token is None:
            raise StateError(f"{self.shown}: opened for reading only")
        writer = self._attrs().get(_WRITER) or {}
        if writer.get("token") != self._token:
            raise RunError(f"{self.shown}: another process has taken this study over; nothing was written")

    @contextlib.contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        """Turn whatever a storage may raise into one kind of error, without the password of its address."""
        try:
            yield
        except GradwrightError:
            raise
        except ImportError as error:
            if self._url is None:
                raise
            raise MissingDependencyError(
                f"{self.shown}: no driver for this database is installed, such as psycopg2 for PostgreSQL "
                f"({scrubbed(str(error), self._url)[:200]})"
            ) from None
        except Exception as error:
            deepest = error
            while deepest.__cause__ is not None and isinstance(deepest.__cause__, Exception):
                deepest = deepest.__cause__
            words = scrubbed(f"{type(deepest).__name__}: {deepest}", self._url or "")
            raise RunError(f"{self.shown}: cannot {doing} this storage of trials: {words[:400]}") from None
