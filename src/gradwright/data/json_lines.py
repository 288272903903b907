"""JSON lines (``.jsonl``, ``.ndjson``): one flat object a line, a row each, faults named by their line.

Python's own parser reads them: it is strict, bounded in depth, and executes nothing. Keys need not stand in
every line (many programs leave out what is null); a key that some lines lack is noted with the first of them,
so that a misspelt one does not become a column unseen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.data.content import Content
from gradwright.data.messages import closest, plural, shown
from gradwright.data.text_file import read_lines
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_json_lines"]

_BLOCK = 50_000  # rows that become Polars columns at a time: bounds the memory of Python objects
_KINDS: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text", type(None): "null"}


def read_json_lines(path: Path) -> Content:
    r"""Read a file of JSON objects, one on each line.

    Parameters
    ----------
    path : Path
        UTF-8; blank lines are left out.

    Returns
    -------
    Content
        Booleans, numbers, or text; a column that holds both numbers and text is text, as in a CSV file.

    Raises
    ------
    DataError
        What `read_text` refuses; a line that is no JSON object; a key that stands twice in it; a list or
        object as a value; a column of both truth values and others.

    Notes
    -----
    ``NaN``, which Python writes although JSON has no such word, counts as missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.jsonl")
    ...     _ = path.write_text('{"x": 1, "y": "a"}\n\n{"y": "b", "x": 2.5}\n')
    ...     content = read_json_lines(path)
    >>> content.frame.rows(), content.lines.tolist()
    ([(1.0, 'a'), (2.5, 'b')], [1, 3])
    """
    import polars as pl

    where = shown(str(path), 200)
    texts = read_lines(path, 'lines such as {"x": 1.5, "label": "yes"}')
    numbers = np.array([i for i, text in enumerate(texts, 1) if text.strip()], np.int64)
    there: dict[str, int] = {}  # column to the number of lines that have it
    gap: dict[str, int] = {}  # column to the first line without it
    kinds: dict[str, dict[type, int]] = {}  # column to the types found in it, each with its first line
    parts: dict[str, list[pl.Series]] = {}
    for start in range(0, len(numbers), _BLOCK):
        block = [(int(n), _parsed(texts[n - 1], f"{where}, line {n}")) for n in numbers[start : start + _BLOCK]]
        for line, row in block:
            for name, value in row.items():
                if name not in there:
                    there[name] = 0
                    if line != numbers[0]:
                        gap[name] = int(numbers[0])
                there[name] += 1
                kinds.setdefault(name, {}).setdefault(type(value), line)
            if len(row) < len(there):
                for name in there.keys() - row.keys():
                    gap.setdefault(name, line)
        for name in there:
            before = [pl.Series(name, [None] * start)] if start and name not in parts else []
            parts.setdefault(name, before).append(_column(name, [row.get(name) for _, row in block]))
    if not there:
        raise DataError(f"cannot read {where}, line {numbers[0]}: its objects are empty; expected keys and values")
    _check_kinds(kinds, where)
    frame = pl.DataFrame([_joined(parts[name]) for name in there])
    notes = [
        f"key {shown(name)}: missing in {plural(len(numbers) - count, 'line')}, first in line {gap[name]}, and "
        f"counted as missing there{closest(name, [n for n in there if n != name]) if count == 1 else ''}"
        for name, count in there.items()
        if count < len(numbers)
    ]
    if len(numbers) < len(texts):
        notes.append(f"left out {plural(len(texts) - len(numbers), 'blank line')}")
    return Content(frame, numbers, notes)


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_constant)
    except json.JSONDecodeError as error:
        rest = text[error.pos : error.pos + 30]
        many = "; is this one JSON array over many lines? Write each of its objects on a line"
        raise DataError(
            f"cannot read {place}, character {error.pos + 1}: {error.msg}, found "
            f"{shown(rest) if rest else 'the end of the line'}. Expected one whole JSON object on each "
            f"line{many if text.lstrip()[0] in '[]' else ''}"
        ) from None
    except _TwiceError as error:
        raise DataError(
            f"cannot read {place}: the key {shown(error.args[0])} stands twice in it. Keep one of the two"
        ) from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else "a number has thousands of digits"
        raise DataError(f"cannot read {place}: {why}; expected one flat JSON object") from None
    if not isinstance(row, dict):
        raise DataError(
            f'cannot read {place}: expected a JSON object such as {{"x": 1.5}}, found {shown(text[:60])}. '
            "Write each row as an object with the columns' names as keys"
        )
    if "\\ud" in text.lower() and any(_is_torn(word) for item in row.items() for word in item):
        raise DataError(
            f"cannot read {place}: it holds half of a surrogate pair (\\ud800 to \\udfff), which is no character. "
            "Write both halves, or the character itself"
        )
    for name, value in row.items():
        if type(value) not in _KINDS:
            kind = "a list" if isinstance(value, list) else "an object"
            raise DataError(
                f"cannot read {place}, key {shown(name)}: expected a number, text, true, false or null, found {kind}. "
                "Flatten it: one key for each value"
            )
    return row


def _is_torn(word: object) -> bool:
    return isinstance(word, str) and any("\ud800" <= letter <= "\udfff" for letter in word)


class _TwiceError(Exception):
    """A key that stands twice."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return row


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)  # infinities are refused later, with line and column


def _column(name: str, values: list[Any]) -> pl.Series:
    """Values of one block as text if there is any text among them, else as numbers or truth values."""
    import polars as pl

    found = {type(value) for value in values} - {type(None)}
    if str in found:
        values = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pl.Series(name, values, pl.String)
    if found == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if bool in found:  # refused by `_check_kinds`
        return pl.Series(name, [None] * len(values))
    if found == {int} and all(v is None or -(2**63) <= v < 2**63 for v in values):
        return pl.Series(name, values, pl.Int64)
    return pl.Series(name, [None if v is None else _float(v) for v in values], pl.Float64)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of 400 digits
        return float("inf") if value > 0 else float("-inf")


def _check_kinds(kinds: dict[str, dict[type, int]], where: str) -> None:
    for name, found in kinds.items():
        others = {kind: line for kind, line in found.items() if kind not in (bool, type(None))}
        if bool in found and others:
            kind, line = next(iter(others.items()))
            raise DataError(
                f"cannot read {where}, column {shown(name)}: line {found[bool]} holds true or false and line {line} "
                f"{_KINDS[kind]}; expected one kind of value in all lines"
            )


def _joined(parts: list[pl.Series]) -> pl.Series:
    """The blocks of one column as one: text if any is text, else the wider kind of number."""
    import polars as pl

    from gradwright.data.columns import as_text

    found = {part.dtype for part in parts}
    if pl.String in found:
        kept = (pl.String, pl.Null)
        return pl.concat([part.cast(pl.String) if part.dtype in kept else as_text(part) for part in parts])
    kind = next((dtype for dtype in (pl.Float64, pl.Int64, pl.Boolean) if dtype in found), pl.Null)
    return pl.concat([part.cast(kind) for part in parts])
