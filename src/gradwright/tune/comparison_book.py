"""Every comparison on the same data, counted for good: who compares until something comes out, finds what is not there.

It lies beside the looks, as ``comparisons.jsonl`` in the folder of the runs, and stays when a study is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gradwright.errors import RunError
from gradwright.tune.study import append_line

__all__ = ["ComparisonBook"]


class ComparisonBook:
    """The comparisons of all studies in a folder.

    Parameters
    ----------
    folder : Path or str
        Where the runs lie.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = ComparisonBook(folder)
    ...     book.append("sha256:0", run="first", test="5x2cv", arms=["A", "B"])
    ...     book.append("sha256:0", run="second", test="mcnemar", arms=["A", "B", "C"])
    ...     book.count("sha256:0"), book.count("sha256:1")
    (4, 0)
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / "comparisons.jsonl"

    def append(self, data: str, *, run: str, test: str, arms: Sequence[str]) -> None:
        """Write a comparison down, before its result is known.

        Parameters
        ----------
        data : str
            The data set's fingerprint.
        run, test : str
            Which study, and by which test.
        arms : sequence of str
            All pairs of these are compared.

        Raises
        ------
        RunError
            The file cannot be written.
        """
        pairs = len(arms) * (len(arms) - 1) // 2
        when = datetime.now(UTC).isoformat(timespec="seconds")
        # the data first: it names what was compared on even where the line is torn
        append_line(self.path, {"data": data, "pairs": pairs, "run": run, "time": when, "test": test, "arms": [*arms]})

    def count(self, data: str) -> int:
        """Return how many pairs were compared on these data; a line that is torn or damaged counts as one.

        Raises
        ------
        RunError
            The file is there but cannot be read.
        """
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise RunError(f"cannot read the comparisons in {self.path}: {error.strerror or error}") from None
        return sum(_pairs(line) for line in lines if data.encode() in line)


def _pairs(line: bytes) -> int:
    try:
        pairs = json.loads(line)["pairs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 1
    return pairs if isinstance(pairs, int) and 0 < pairs < 10**6 else 1
