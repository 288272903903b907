"""`SealedTest`: the test part under seal; `Ledger`: the record of every look at it.

A test figure is honest once. Whoever looks, changes something and looks again is fitting the test part by
hand, so looks are counted, with time, command and reason, and the report shows the count. A ledger holds one run's
looks; a `LookBook` (looks.py) those of all runs in a folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gradwright.data.looks import History, LookBook, PastLook, TestPart
from gradwright.data.messages import plural, shown
from gradwright.errors import RunError

if TYPE_CHECKING:
    from gradwright.data.rows import LabeledRows
    from gradwright.data.streaming.streamed import Streamed

__all__ = ["Ledger", "Look", "SealedTest"]


@dataclass(frozen=True)
class Look:
    """One look at the test part: its number from 1, its time (UTC, ISO 8601), the command and the reason."""

    look: int
    time: str
    command: str
    reason: str


class Ledger:
    """All looks at a test part, in memory and, once bound to a file, in ``ledger.jsonl``.

    Parameters
    ----------
    path : Path, optional
        A file that does not exist yet, to bind to at once.

    Examples
    --------
    >>> ledger = Ledger()
    >>> ledger.append(command="train", reason="final evaluation").look
    1
    >>> len(ledger), ledger.looks[0].reason
    (1, 'final evaluation')
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self._looks: list[Look] = []
        self._path: Path | None = None
        if path is not None:
            self.bind(path)

    @property
    def looks(self) -> tuple[Look, ...]:
        """The looks so far, the first one first."""
        return tuple(self._looks)

    def __len__(self) -> int:
        return len(self._looks)

    def __iter__(self) -> Iterator[Look]:
        return iter(self._looks)

    def append(self, *, command: str, reason: str) -> Look:
        """Record a look, on disk first when bound.

        Raises
        ------
        RunError
            The file cannot be written; then nothing is recorded, and nobody may look.
        """
        look = Look(len(self._looks) + 1, datetime.now(UTC).isoformat(timespec="seconds"), command, reason)
        if self._path is not None:
            self._write(self._path, [look])
        self._looks.append(look)
        return look

    def bind(self, path: Path | str) -> None:
        """Write the looks so far to a new file, and all later ones to its end.

        Raises
        ------
        RunError
            The file exists already (read it with `Ledger.read`), or cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise RunError(
                f"cannot start a ledger at {shown(str(path), 200)}: the file exists, and looks are never "
                f"overwritten. Read it with Ledger.read"
            )
        self._write(path, self._looks)
        self._path = path

    def follow(self, path: Path | str) -> None:
        """Go on at another path, after the run's folder was renamed; the file must be there already."""
        path = Path(path)
        if not path.is_file():
            raise RunError(f"cannot follow the ledger to {shown(str(path), 200)}: no such file")
        self._path = path

    @classmethod
    def read(cls, path: Path | str) -> Ledger:
        """Read a ledger and go on writing to it.

        A last line that is cut short (the machine stopped while writing it) counts as a look, since a look
        was about to be taken.

        Raises
        ------
        RunError
            No such file, or a line that is no look; the message names the line.
        """
        path = Path(path)
        where = shown(str(path), 200)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RunError(f"cannot read the ledger {where}: {error.strerror or error}") from None
        ledger = cls()
        lines = data.split(b"\n")
        torn = lines.pop()
        for number, line in enumerate(lines, 1):
            ledger._looks.append(_parse(line, number, where))
        if torn:
            ledger._looks.append(Look(len(lines) + 1, "", "unknown", "a look whose record was cut short"))
            _replace(path, ledger._looks)
        ledger._path = path
        return ledger

    @staticmethod
    def _write(path: Path, looks: list[Look]) -> None:
        text = "".join(json.dumps(asdict(look), ensure_ascii=False) + "\n" for look in looks)
        try:
            with path.open("ab") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(
                f"cannot write the ledger {shown(str(path), 200)}: {error.strerror or error}. The test part "
                f"stays sealed, because a look must be recorded before it is taken"
            ) from None


def _replace(path: Path, looks: list[Look]) -> None:
    whole = path.with_name(path.name + ".part")
    whole.unlink(missing_ok=True)
    Ledger._write(whole, looks)
    os.replace(whole, path)


def _parse(line: bytes, number: int, where: str) -> Look:
    try:
        entry = json.loads(line)
        look = Look(entry["look"], entry["time"], entry["command"], entry["reason"])
        texts = (look.time, look.command, look.reason)
        if look.look != number or type(look.look) is not int or not all(isinstance(text, str) for text in texts):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RunError(
            f"cannot read the ledger {where}, line {number}: expected look {number} with time, command and "
            f"reason, found {shown(line.decode('utf-8', 'replace'), 80)}. The ledger was changed by hand or "
            f"is damaged; restore it, or train again"
        ) from None
    return look


class SealedTest:
    """The test part: its size is known, its content is not, until `open` has recorded a look.

    Parameters
    ----------
    dataset : LabeledRows
        The whole data set.
    rows : int64 array
        The test part's row numbers.
    ledger : Ledger, optional
        Where this run's looks are recorded; a new one without.
    book : LookBook, optional
        Where the looks of all runs are recorded, this one's too.
    run : str
        This run's name, for the book.

    Examples
    --------
    >>> from gradwright.data import infer_task, read, split
    >>> iris = read("iris")
    >>> sealed = SealedTest(iris, split(iris, infer_task(iris)).test)
    >>> sealed
    SealedTest(23 rows, sealed)
    >>> sealed.features
    Traceback (most recent call last):
    ...
    gradwright.errors.RunError: the test part is sealed, so its 'features' cannot be read. ...
    >>> test = sealed.open(reason="final evaluation", command="train")
    >>> test.rows, sealed.looks
    (23, 1)
    """

    __slots__ = ("_content", "_part", "_rows", "book", "ledger", "run")

    def __init__(
        self,
        dataset: LabeledRows,
        rows: NDArray[np.int64],
        *,
        ledger: Ledger | None = None,
        book: LookBook | None = None,
        run: str = "this run",
    ) -> None:
        self.ledger = ledger if ledger is not None else Ledger()
        self.book, self.run = book, run
        self._part = cache(lambda: TestPart.of(dataset, rows))
        self._rows = len(rows)
        self._content: Callable[[], Any] = lambda: dataset.take(rows)

    @classmethod
    def of_stream(
        cls,
        streamed: Streamed,
        fingerprint: str,
        *,
        ledger: Ledger | None = None,
        book: LookBook | None = None,
        run: str = "this run",
    ) -> SealedTest:
        """Seal the test part of a stream, whose `open` then returns the `StreamPart`.

        Parameters
        ----------
        streamed : Streamed
        fingerprint : str
            Of its files, as ``streamed.fingerprint()`` returned it.
        ledger, book, run
            As above.
        """
        sealed = cls.__new__(cls)
        sealed.ledger = ledger if ledger is not None else Ledger()
        sealed.book, sealed.run = book, run
        sealed._part = cache(lambda: streamed.test_part(fingerprint))
        sealed._rows = streamed.test.rows
        sealed._content = lambda: streamed.test
        return sealed

    def open(self, *, reason: str, command: str) -> Any:
        """Look at the test part, once it is in the ledger.

        Parameters
        ----------
        reason : str
            Why, such as ``final evaluation``.
        command : str
            By which command, such as ``train``.

        Returns
        -------
        LabeledRows
            The test rows: raw features and target; of a stream, its `StreamPart`.

        Raises
        ------
        RunError
            The ledger or the book cannot be written, or reason or command are empty.
        """
        if not reason.strip() or not command.strip():
            raise RunError("cannot open the test part without a reason and a command: both go into the ledger")
        if self.book is not None:
            self.book.append(self._part(), run=self.run, command=command, reason=reason)
        self.ledger.append(command=command, reason=reason)
        return self._content()

    @property
    def history(self) -> History:
        """All looks so far: by any run, where there is a book, or else by this one; asking is no look."""
        if self.book is not None:
            history = self.book.history(self._part())
            known = sum(entry.run == self.run and entry.share == 1 for entry in history.entries)
            # a run that was moved here brings looks that this folder's book does not know
            own = self.ledger.looks[: max(0, len(self.ledger) - known)]
            brought = tuple(PastLook(self.run, look.time, look.command, look.reason, 1.0) for look in own)
            return replace(history, entries=brought + history.entries)
        entries = (PastLook(self.run, look.time, look.command, look.reason, 1.0) for look in self.ledger)
        return History(tuple(entries), self._part().fingerprint)

    @property
    def looks(self) -> int:
        """How many looks there have been: by any run, where there is a book, or else by this one."""
        return len(self.ledger) if self.book is None else self.history.looks

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        state = "sealed" if not self.looks else f"{plural(self.looks, 'look')} so far"
        return f"SealedTest({plural(self._rows, 'row')}, {state})"

    def _refuse(self, name: str) -> NoReturn:
        raise RunError(
            f"the test part is sealed, so its {shown(name)} cannot be read. Choose and tune on the "
            f"validation part; at the end call open(reason=…, command=…), which records the look"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse(name)

    def __getitem__(self, index: object) -> NoReturn:
        self._refuse(f"row {index}")

    def __iter__(self) -> NoReturn:
        self._refuse("rows")

    def __reduce__(self) -> NoReturn:
        self._refuse("content (by pickling or copying)")
