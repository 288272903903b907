"""What came of a search's jobs, a file each: written whole before it counts, so no trial is lost or doubled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradwright.errors import RunError, StateError
from gradwright.train.folder import plain, write_json
from gradwright.train.saved import read_object

__all__ = ["JobBook"]


class JobBook:
    """The results of jobs, by their ids; and of one that was broken off, how its trials were laid out.

    Parameters
    ----------
    folder : Path
        Made when it is not there.

    Examples
    --------
    >>> import tempfile
    >>> job = {"id": 0, "course": {"name": "straight"}, "trials": [{"number": 0, "parameters": {"lr": 0.1}}]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = JobBook(Path(folder, "jobs"))
    ...     before = book.result(job)
    ...     book.put(job, {"trials": [], "curves": []})
    ...     before, book.result(job)
    (None, {'trials': [], 'curves': []})
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make {folder}: {error.strerror}") from None

    def result(self, job: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what came of a job; None when it was not done.

        Raises
        ------
        StateError
            When the job of this id was another one: the study is not what it was.
        """
        path = self._path(job)
        if not path.exists():
            return None
        kept = read_object(path)
        if kept.get("job") != _identity(job):
            raise StateError(
                f"{path}: it holds other trials than are to be run now; settings, space or version have changed since. "
                "Begin a new study"
            )
        result = kept.get("result")
        if not isinstance(result, dict) or not all(isinstance(result.get(k), list) for k in ("trials", "curves")):
            raise RunError(f"{path}: damaged; remove it, and its trials are run again")
        return result

    def put(self, job: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keep what came of a job."""
        write_json(self._path(job), {"job": _identity(job), "result": result})

    def layouts(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return how the trials of a job that was broken off were laid out, as far as that was chosen."""
        path = self._layouts(job)
        groups = read_object(path).get("groups") if path.exists() else None
        return groups if isinstance(groups, list) else []

    def put_layouts(self, job: Mapping[str, Any], groups: list[dict[str, Any]]) -> None:
        """Keep how the trials of a job are laid out: run again in another layout, their last bits might differ."""
        write_json(self._layouts(job), {"groups": groups})

    def _path(self, job: Mapping[str, Any]) -> Path:
        return self.folder / f"{int(job['id']):05}.json"

    def _layouts(self, job: Mapping[str, Any]) -> Path:
        return self.folder / f"{int(job['id']):05}-layouts.json"


def _identity(job: Mapping[str, Any]) -> Any:
    return plain({name: job[name] for name in ("id", "course", "trials")})
