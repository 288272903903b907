"""`LookBook`: every look at a test part, by any run that lies in one folder, counted for good.

Whoever trains anew after each look, with another network or another seed, fits the test part by hand, and no single
run's ledger shows it. So each look is also written into ``looks.jsonl`` in the folder in which the runs lie, before it
is taken. It stays when a run is deleted. Another test part of the same data counts as far as rows are in common.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.messages import plural, shown
from gradwright.errors import RunError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows

__all__ = ["History", "LookBook", "PastLook", "TestPart", "corrected_claim", "part_of_numbers"]

_SAMPLE = 1024  # row numbers kept of a test part: all of a small one
_LONGEST = 1 << 20  # no line of ours is longer


@dataclass(frozen=True)
class TestPart:
    """Which rows a test part holds, small enough to be written down at each look.

    Attributes
    ----------
    data, fingerprint : str
        ``sha256:…`` of all the data, and of the test rows alone.
    rows : int
        How many there are.
    sample : tuple of int
        The row numbers in the source with the 1,024 smallest hashes: all of a smaller part.
    """

    __test__ = False  # the name is no test's

    data: str
    fingerprint: str
    rows: int
    sample: tuple[int, ...]

    @classmethod
    def of(cls, dataset: LabeledRows, rows: NDArray[np.int64]) -> TestPart:
        """Take the fingerprint of some rows; that is no look, since nothing can be learnt from it.

        Examples
        --------
        >>> from gradwright.data import read
        >>> part = TestPart.of(read("iris"), np.array([0, 60, 120]))
        >>> part.rows, sorted(part.sample), part == TestPart.of(read("iris"), np.array([0, 60, 120]))
        (3, [0, 60, 120], True)
        """
        taken = dataset.take(rows)
        numbers = taken.numbers if taken.numbers is not None else np.asarray(rows, np.int64)
        order = np.argsort(_hashed(numbers), kind="stable")[:_SAMPLE]
        print_ = fingerprint_of(taken.features, taken.target)
        return cls(dataset.fingerprint, print_, len(numbers), tuple(int(n) for n in numbers[order]))

    def share_in(self, other: TestPart) -> float:
        """The share of these rows that the other part holds too; estimated (to ±0.03) beyond 1,024 rows."""
        if self.fingerprint == other.fingerprint:
            return 1.0
        if self.data != other.data or not self.rows or not other.rows:
            return 0.0
        mine, theirs = (np.array(part.sample, np.int64) for part in (self, other))
        ends = [_hashed(n).max() for n, part in ((mine, self), (theirs, other)) if len(n) < part.rows]
        if ends:  # up to here both samples hold all that there is
            mine, theirs = (n[_hashed(n) <= min(ends)] for n in (mine, theirs))
        return float(np.isin(mine, theirs).mean()) if len(mine) else 0.0


def part_of_numbers(data: str, which: str, numbers: Iterable[NDArray[np.int64]]) -> TestPart:
    """Describe a test part by its row numbers alone, which come some at a time.

    Parameters
    ----------
    data : str
        The fingerprint of all the data.
    which : str
        Words that decide, together with the data, which rows it is; its fingerprint is theirs.
    numbers : iterable of int64 arrays
        The row numbers.

    Examples
    --------
    >>> part = part_of_numbers("sha256:0", "every third", [np.array([0, 3]), np.array([6])])
    >>> part.rows, sorted(part.sample)
    (3, [0, 3, 6])
    """
    rows, kept = 0, np.empty(0, np.int64)
    for some in numbers:
        rows += len(some)
        kept = np.concatenate([kept, some])
        kept = kept[np.argsort(_hashed(kept), kind="stable")[:_SAMPLE]]
    print_ = hashlib.sha256(f"gradwright part 1 {which}".encode()).hexdigest()
    return TestPart(data, f"sha256:{print_}", rows, tuple(int(n) for n in kept))


@dataclass(frozen=True)
class PastLook:
    """One look: by which run, when (UTC, ISO 8601), by which command and why, and the share of rows in common."""

    run: str
    time: str
    command: str
    reason: str
    share: float


@dataclass(frozen=True)
class History:
    """All looks at a test part, the first one first.

    Attributes
    ----------
    entries : tuple of PastLook
        Only those with rows in common.
    fingerprint : str
        The test part's.

    Examples
    --------
    >>> look = PastLook("digits-1", "2026-01-01T12:00:00+00:00", "train", "final evaluation", 1.0)
    >>> other = PastLook("digits-2", "2026-01-02T12:00:00+00:00", "train", "final evaluation", 0.15)
    >>> history = History((look, other), "sha256:…")
    >>> history.looks, round(history.level, 4)
    (2, 0.975)
    >>> print(history.words())
    looked at 2 times: by the run 'digits-1'; and by the run 'digits-2', with another test part of the same data \
(15% of the rows in common)
    """

    entries: tuple[PastLook, ...]
    fingerprint: str

    @property
    def looks(self) -> int:
        """How many there were."""
        return len(self.entries)

    @property
    def level(self) -> float:
        """The level of each interval at which all of them hold together with 95% (Bonferroni): 1 - 0.05/N."""
        return 1 - 0.05 / max(self.looks, 1)

    def words(self) -> str:
        """How often, and by which runs."""
        same = [look for look in self.entries if look.share == 1]
        said = [f"by {_runs(same)}"] if same else []
        others = [look for look in self.entries if look.share < 1]
        if others:
            low, high = min(look.share for look in others), max(look.share for look in others)
            share = _percent(low) if _percent(low) == _percent(high) else f"{_percent(low)} to {_percent(high)}"
            parts = "another test part" if len(others) == 1 else "other test parts"
            said.append(f"by {_runs(others)}, with {parts} of the same data ({share} of the rows in common)")
        times = "once" if self.looks == 1 else f"{self.looks} times"
        return f"looked at {times}: {'; and '.join(said)}" if self.entries else "never looked at"

    def finding(self) -> dict[str, str] | None:
        """A finding for `findings.json`; None where this was the only look."""
        if self.looks < 2:
            return None
        return {
            "severity": "warning",
            "title": f"The test part was looked at {self.looks} times",
            "detail": f"It was {self.words()}. The best of several looks is better than it will be on new data, so "
            f"the interval is given at a level of {self.level:.2%} instead of 95% (Bonferroni: 1 - 0.05/{self.looks}): "
            f"then all {self.looks} intervals hold together with 95%. Choose by validation, and keep new data for the "
            f"next look.",
        }

    def to_dict(self) -> dict[str, Any]:
        """``looks``, ``looked_by`` and ``test_fingerprint``, as `result.json` holds them."""
        return {"looks": self.looks, "looked_by": [vars(e) for e in self.entries], "test_fingerprint": self.fingerprint}


class LookBook:
    """The looks of all runs in a folder, in its ``looks.jsonl``.

    Each look is one line, written by a single append and brought to the disk, so that runs may look at the same time.

    Parameters
    ----------
    folder : Path or str
        Where the runs lie.

    Examples
    --------
    >>> import tempfile
    >>> from gradwright.data import read
    >>> iris = read("iris")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = LookBook(folder)
    ...     for run in ("first", "second"):
    ...         part = TestPart.of(iris, np.array([0, 60, 120]))
    ...         book.append(part, run=run, command="train", reason="final evaluation")
    ...     book.history(part).words()
    "looked at 2 times: by the runs 'first' and 'second'"
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / "looks.jsonl"
        self._read: tuple[Any, list[tuple[dict[str, Any] | None, TestPart | None, bytes]]] = (None, [])

    def append(self, part: TestPart, *, run: str, command: str, reason: str) -> None:
        """Write a look down, before it is taken.

        Raises
        ------
        RunError
            The file cannot be written; then nobody may look.
        """
        line = {
            "data": part.data,  # these two first: they name what was looked at even where the line is torn
            "test": part.fingerprint,
            "run": run,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "reason": reason,
            "rows": part.rows,
            "sample": list(part.sample),
        }
        text = (json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n").encode()
        try:
            new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    text = b"\n" + text  # after a torn line
                if os.write(descriptor, text) != len(text):
                    raise OSError(None, "only a part of the line could be written")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                _sync(self.path.parent)
        except OSError as error:
            raise RunError(
                f"cannot write the look into {shown(str(self.path), 200)}: {error.strerror or error}. The test part "
                f"stays sealed, because a look must be recorded before it is taken. Make the folder writable, or keep "
                f"the runs elsewhere"
            ) from None

    def history(self, part: TestPart | str) -> History:
        """Collect the looks at a test part, and at others of the same data as far as rows are in common.

        A line that is torn or damaged counts as a look if it names the test part or its data: somebody was about to
        look.

        Parameters
        ----------
        part : TestPart or str
            The part, or its fingerprint, if a look at it is in the book.

        Raises
        ------
        RunError
            The file is there but cannot be read.
        """
        lines = self._lines()
        if isinstance(part, str):
            known = next((was for _, was, _ in lines if was is not None and was.fingerprint == part), None)
            part = known or TestPart("", part, 0, ())
        entries = []
        for look, was, raw in lines:
            if was is not None and look is not None:
                share = part.share_in(was)
                if share > 0:
                    entries.append(PastLook(look["run"], look["time"], look["command"], look["reason"], share))
            elif part.fingerprint.encode() in raw or (part.data and part.data.encode() in raw):
                entries.append(PastLook("unknown", "", "unknown", "a look whose record was cut short", 1.0))
        return History(tuple(entries), part.fingerprint)

    def _lines(self) -> list[tuple[dict[str, Any] | None, TestPart | None, bytes]]:
        """Return the lines, each as a look, its part and itself; read anew when the file has grown."""
        found: list[tuple[dict[str, Any] | None, TestPart | None, bytes]] = []
        state: Any = None
        try:
            with self.path.open("rb") as file:
                now = os.fstat(file.fileno())
                state = now.st_ino, now.st_size, now.st_mtime_ns
                if state == self._read[0]:
                    return self._read[1]
                while line := file.readline(_LONGEST):
                    if line.strip():
                        found.append((*_parse(line), line))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise RunError(
                f"cannot read the looks in {shown(str(self.path), 200)}: {error.strerror or error}. Make the file "
                f"readable: without it nobody knows how often the test part was looked at"
            ) from None
        self._read = state, found
        return found


def corrected_claim(
    figure: dict[str, Any], rows: int, looks: int, *, scale: Literal["share", "positive", "any"] = "share"
) -> dict[str, Any] | None:
    """Widen a figure's 95% interval for the number of looks: to the level 1 - 0.05/N (Bonferroni).

    Wilson's interval of a share of the rows is computed anew. Any other is widened by the ratio of the normal
    quantiles, z_N / 1.96, on the scale on which its ends cannot leave the figure's range: the log-odds of a share, the
    logarithm of what is positive. That keeps the interval's own lopsidedness.

    Parameters
    ----------
    figure : dict
        ``value``, ``low``, ``high`` and ``method``, as `result.json` holds them.
    rows : int
        Test rows.
    looks : int
        N; with 1 nothing is to be corrected.
    scale : {"share", "positive", "any"}
        Within 0 and 1 as an accuracy, above 0 as an RMSE, or unbounded as R².

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high``, ``method`` and ``level``; None for one look, or where there is no interval.

    Examples
    --------
    >>> figure = {"value": 0.9, "low": 0.8256, "high": 0.9448, "method": "Wilson score, 95%"}
    >>> claim = corrected_claim(figure, rows=100, looks=5)
    >>> round(claim["low"], 3), round(claim["high"], 3), round(claim["level"], 4)
    (0.796, 0.954, 0.99)

    References
    ----------
    O. J. Dunn, Multiple comparisons among means (JASA 56, 1961): the inequality is Bonferroni's.
    """
    ends = [figure.get(name) for name in ("value", "low", "high")]
    known = [float(end) for end in ends if isinstance(end, int | float) and np.isfinite(end)]
    if looks < 2 or len(known) < 3:
        return None
    value, low, high = known
    level = 1 - 0.05 / looks
    z, usual = (NormalDist().inv_cdf((1 + at) / 2) for at in (level, 0.95))
    method = str(figure.get("method") or "").replace(", 95%", "")
    # Wilson's by its name, and of rows: that of tokens would be another.
    if method.startswith("Wilson") and np.allclose(_wilson(value, rows, usual), (low, high), atol=1e-4):
        low, high = _wilson(value, rows, z)
    else:
        low, high = (_away(value, end, z / usual, scale) for end in (low, high))
        method += ", widened"
    return {
        "value": value,
        "low": low,
        "high": high,
        "method": f"{method}; Bonferroni for {looks} looks, {level:.2%}",
        "level": level,
    }


def _wilson(value: float, rows: int, z: float) -> tuple[float, float]:
    middle = (value + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * math.sqrt(value * (1 - value) / rows + z**2 / (4 * rows**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _away(value: float, end: float, ratio: float, scale: str) -> float:
    """Move an end away from the value by a ratio, on a scale on which it cannot leave the figure's range."""
    if scale == "share" and 0 < value < 1 and 0 < end < 1:
        odds, far = math.log(value / (1 - value)), math.log(end / (1 - end))
        return 1 / (1 + math.exp(-(odds + ratio * (far - odds))))
    if scale == "positive" and value > 0 and end > 0:
        return value * (end / value) ** ratio
    moved = value + ratio * (end - value)
    return min(max(moved, 0.0), 1.0) if scale == "share" else moved


def _parse(line: bytes) -> tuple[dict[str, Any] | None, TestPart | None]:
    try:
        look = json.loads(line)
        texts = [look[name] for name in ("data", "test", "run", "time", "command", "reason")]
        numbers = [look["rows"], *look["sample"]]
        if not all(isinstance(text, str) for text in texts) or not all(type(n) is int and n >= 0 for n in numbers):
            return None, None
        if len(look["sample"]) > _SAMPLE or max(numbers) >= 2**62:
            return None, None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, None
    return look, TestPart(look["data"], look["test"], look["rows"], tuple(look["sample"]))


def _hashed(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """SplitMix64 of row numbers: the same rows come first in every part that holds them.

    Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
    """
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _runs(looks: list[PastLook]) -> str:
    names = [name for name in dict.fromkeys(look.run for look in looks) if name != "unknown"]
    lost = sum(look.run == "unknown" for look in looks)
    said = [shown(name) for name in names[:8]] + ([f"{plural(len(names) - 8, 'more run')}"] if len(names) > 8 else [])
    said += [f"{plural(lost, 'run')} whose record was cut short"] if lost else []
    joined = said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]
    return f"the run {joined}" if len(names) == 1 and not lost else f"the runs {joined}" if names else joined


def _percent(share: float) -> str:
    return "under 1%" if share < 0.005 else f"{share:.0%}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems do not do that for folders
        pass
    finally:
        os.close(descriptor)
