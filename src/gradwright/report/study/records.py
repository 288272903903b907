"""The records of one study, read from its folder: what is broken is left out and said, or refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import RunError
from gradwright.report.shapes import Place, anything, choice, listing, number, shaped, text, whole
from gradwright.report.text import clean, plural, short

__all__ = ["Curve", "Parameter", "StudyRecord", "Trial", "read_study"]

Record = Mapping[str, Any]
KINDS = ("tune", "cv", "seeds", "compare", "ablate")
STATES = ("complete", "pruned", "failed")
# A study of thousands of members stays below these; memory is not risked on a file that claims more.
_LARGEST = 256 * 2**20
_LONGEST = 8 * 2**20
_MOST = 100_000
_NAMED = 5  # broken lines that are named one by one


@dataclass(frozen=True)
class _Place(Place):
    """A place in a study's records."""

    def at(self, key: str | int) -> Place:
        return _Place(self.file, super().at(key).path)

    def wrong_in_words(self, expected: str, found: str) -> RunError:
        where = f"{self.file}, at {self.path}" if self.path else self.file
        return RunError(
            f"reading the study's records: {where}: expected {expected}, found {found}. The file was damaged, "
            "edited or written by another version; resume the study or run it again."
        )


@dataclass(frozen=True)
class Parameter:
    """What was searched of one parameter.

    Attributes
    ----------
    kind : str
        ``linear``, ``log``, ``integer`` or ``categorical``.
    low, high, step : float
        Bounds and step of a number; NaN where there is none.
    choices : tuple
        The values of a categorical one.
    when : Mapping of str to list
        The parameter exists only where these others have one of these values.
    """

    kind: str
    low: float = math.nan
    high: float = math.nan
    step: float = math.nan
    choices: tuple[Any, ...] = ()
    when: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One member of a study; numbers that are not there are NaN or None."""

    number: int
    parameters: Record
    state: str
    score: float = math.nan
    loss: float = math.nan
    epochs: int | None = None
    best_epoch: int | None = None
    seed: int | None = None
    fold: int | None = None
    repeat: int | None = None
    arm: str | None = None
    problem: str | None = None
    parent: int | None = None
    rung: int | None = None


@dataclass(frozen=True)
class Curve:
    """How one member went: columns of equal length, NaN where a value is missing."""

    number: int
    epochs: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class StudyRecord:
    """Everything that a study's report is made of.

    Attributes
    ----------
    name, kind, source : str
    task : Mapping
    metric : str
        What scores are, such as ``accuracy``.
    higher_is_better : bool
    config, space, strategy, environment : Mapping
        `space` holds a `Parameter` by its name.
    rows : object
        How many rows there were, a number or an object of them.
    started : str
    groups : sequence of Mapping
    trials : tuple of Trial
        By number.
    curves : Mapping of int to Curve
    result : Mapping
        Empty where the study is not finished.
    finished : bool
    notes : tuple of str
        What was left out while reading.
    """

    name: str
    kind: str
    source: str
    task: Record
    metric: str
    higher_is_better: bool
    config: Record
    space: Mapping[str, Parameter]
    strategy: Record
    rows: Any
    started: str
    environment: Record
    groups: Sequence[Record]
    trials: tuple[Trial, ...]
    curves: Mapping[int, Curve]
    result: Record
    finished: bool
    notes: tuple[str, ...]


def _mapping(value: Any, place: Place) -> Any:
    if not isinstance(value, dict):
        raise place.wrong("an object", value)
    return anything(value, place)


def _maybe_text(value: Any, place: Place) -> str | None:
    return None if value is None else text(value, place)


def _maybe_whole(value: Any, place: Place) -> int | None:
    return None if value is None else whole(value, place)


_parameter = shaped(
    {"kind": choice("linear", "log", "integer", "categorical")},
    {"low": number, "high": number, "step": number, "choices": listing(anything), "when": _mapping},
)


def _space(value: Any, place: Place) -> dict[str, Parameter]:
    if not isinstance(value, dict):
        raise place.wrong("an object", value)
    found = {}
    for name, spec in value.items():
        read = _parameter(spec, place.at(clean(name)))
        found[clean(name)] = Parameter(
            read["kind"],
            **{end: math.nan if read[end] is None else read[end] for end in ("low", "high", "step")},
            choices=tuple(read["choices"] or ()),
            when={k: v if isinstance(v, list) else [v] for k, v in (read["when"] or {}).items()},
        )
    return found


_study = shaped(
    {"kind": choice(*KINDS), "source": text, "metric": text, "direction": choice("maximize", "minimize")},
    {
        "task": _mapping,
        "config": _mapping,
        "space": _space,
        "strategy": _mapping,
        "rows": anything,
        "started": text,
        "environment": _mapping,
        "groups": listing(_mapping),
    },
)
_trial = shaped(
    {"number": whole, "state": choice(*STATES)},
    {
        "parameters": _mapping,
        "score": number,
        "loss": number,
        "problem": _maybe_text,
        "arm": _maybe_text,
        **dict.fromkeys(("epochs", "best_epoch", "seed", "fold", "repeat", "parent", "rung"), _maybe_whole),
    },
)


def read_study(folder: str | Path) -> StudyRecord:
    """Read the records of a study.

    Parameters
    ----------
    folder : str or Path
        The study's folder: ``study.json`` must be there and whole. Of ``trials.jsonl`` and ``curves.jsonl`` a
        broken line is left out and told in `StudyRecord.notes`; without ``result.json`` the study counts as
        unfinished.

    Returns
    -------
    StudyRecord

    Raises
    ------
    RunError
        The folder or ``study.json`` is missing, unreadable or not what the format promises.

    Examples
    --------
    >>> read_study("studies/that-never-was")
    Traceback (most recent call last):
        ...
    gradwright.errors.RunError: reading the study's records: there is no folder studies/that-never-was. ...
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(
            f"reading the study's records: there is no folder {clean(str(folder))}. "
            "Name a folder as `gradwright tune`, `cv`, `compare` or `ablate` leaves it."
        )
    content = _content(folder / "study.json")
    if content is None:
        raise RunError(
            f"reading the study's records: study.json is missing from {clean(str(folder))}; the report is made "
            "from it. The folder is no study's; run the study again, or bring the file back."
        )
    study = _study(_json(content, "study.json"), _Place("study.json"))
    notes: list[str] = []
    trials = {t.number: t for t in _lines(folder / "trials.jsonl", _as_trial, notes)}
    curves = {c.number: c for c in _lines(folder / "curves.jsonl", _as_curve, notes)}
    result = _result(folder / "result.json", notes)
    return StudyRecord(
        name=clean(folder.resolve().name),
        kind=study["kind"],
        source=study["source"],
        task=study["task"] or {},
        metric=study["metric"],
        higher_is_better=study["direction"] == "maximize",
        config=study["config"] or {},
        space=study["space"] or {},
        strategy=study["strategy"] or {},
        rows=study["rows"],
        started=study["started"] or "",
        environment=study["environment"] or {},
        groups=study["groups"] or [],
        trials=tuple(trials[n] for n in sorted(trials)),
        curves=curves,
        result=result or {},
        finished=result is not None,
        notes=tuple(notes),
    )


def _as_trial(value: Any, place: Place) -> Trial:
    read = _trial(value, place)
    for name in ("score", "loss"):
        read[name] = math.nan if read[name] is None else read[name]
    return Trial(**{**read, "parameters": read["parameters"] or {}})


def _as_curve(value: Any, place: Place) -> Curve:
    if not isinstance(value, dict):
        raise place.wrong("an object", value)
    read = shaped({"number": whole, "epoch": listing(number)})(value, place)
    columns = {}
    for name, values in value.items():
        if name.startswith(("train_", "validation_")) and values is not None:
            columns[clean(name)] = np.array(listing(number, length=len(read["epoch"]))(values, place.at(clean(name))))
    return Curve(read["number"], np.array(read["epoch"], dtype=np.float64), columns)


def _lines(path: Path, read: Callable[[Any, Place], Any], notes: list[str]) -> Iterator[Any]:
    """The lines that can be read; what is wrong with the others goes into the notes."""
    broken, kept = 0, 0
    seen: set[int] = set()
    twice = 0
    for i, line in _raw_lines(path, notes):
        try:
            item = read(_json(line.decode("utf-8-sig"), f"{path.name}, line {i}"), _Place(f"{path.name}, line {i}"))
        except (RunError, UnicodeDecodeError) as error:
            broken += 1
            if broken <= _NAMED:
                why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else _reason(str(error), path.name)
                notes.append(f"{path.name}, line {i} was left out: it {why}.")
            continue
        if kept == _MOST:
            notes.append(f"{path.name} holds more than {_MOST:,} lines; the ones from line {i} on were left out.")
            break
        kept += 1
        twice += item.number in seen
        seen.add(item.number)
        yield item
    if broken > _NAMED:
        notes.append(f"{path.name}: {plural(broken - _NAMED, 'more broken line')} were left out.")
    if twice:
        notes.append(f"{path.name}: {plural(twice, 'line')} repeat a number; the last line of a number counts.")


def _raw_lines(path: Path, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            left, i = _LARGEST, 0
            while line := file.readline(_LONGEST + 1):
                i, left = i + 1, left - len(line)
                whole_line = len(line) <= _LONGEST
                while not whole_line and line and not line.endswith(b"\n") and left > 0:
                    line = file.readline(_LONGEST)
                    left -= len(line)
                if left < 0:
                    notes.append(f"{path.name} holds more than {_LARGEST:,} bytes; from line {i} on it was not read.")
                    return
                if not whole_line:
                    notes.append(f"{path.name}, line {i} was left out: it is longer than {_LONGEST:,} bytes.")
                elif line.strip():
                    yield i, line
    except FileNotFoundError:
        notes.append(f"{path.name} is not there, so nothing of it can be shown.")
    except OSError as error:
        notes.append(f"{path.name} cannot be read: {error.strerror}.")


def _reason(message: str, file: str) -> str:
    """What is wrong with a line, out of an error that says more."""
    message = message.partition(": ")[2].partition(". The file was")[0]
    place, _, said = message.partition(": expected ")
    if said:
        at = place.partition(", at ")[2]
        return f"should have {said.partition(', found ')[0]}" + (f" at {short(at, 60)}" if at else "")
    return "is not JSON, as after a study that was broken off while writing" if file in message else short(message, 80)


def _result(path: Path, notes: list[str]) -> Record | None:
    try:
        content = _content(path)
        if content is None:
            return None
        read: Record = _mapping(_json(content, path.name), _Place(path.name))
        return read
    except RunError as error:
        notes.append(f"{path.name} was left out: it {_reason(str(error), path.name)}.")
        return None


def _content(path: Path) -> str | None:
    """The text of a file, or None where there is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _Place(path.name).wrong_in_words(f"at most {_LARGEST:,} bytes", f"{path.stat().st_size:,} of them")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise _Place(path.name).wrong_in_words("UTF-8 text", f"the byte {error.object[error.start]:#04x}") from error
    except OSError as error:
        raise RunError(
            f"reading the study's records: {path.name} cannot be read: {error.strerror}. Check its permissions and "
            "the disk."
        ) from error


def _json(content: str, file: str) -> Any:
    try:
        return json.loads(content)
    except RecursionError as error:
        raise _Place(file).wrong_in_words("JSON of sensible depth", short(clean(content), 40)) from error
    except ValueError as error:
        raise RunError(
            f"reading the study's records: {file} is not JSON: {clean(str(error))}. "
            "The file was cut short or edited; resume the study or run it again."
        ) from error
