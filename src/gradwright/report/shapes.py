"""What shape a record must have: small checks that are put together to larger ones.

A check takes a value from a record and the place where it stands, and returns the value cleaned: text
without disguising characters, numbers as floats with NaN for null. What does not fit is a
`RunError` that names the file, the place in it, what was expected and what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gradwright.errors import RunError
from gradwright.report.text import clean, short

__all__ = [
    "Check",
    "Place",
    "anything",
    "choice",
    "flag",
    "listing",
    "maybe",
    "number",
    "shaped",
    "text",
    "whole",
]

# Deeper than any record of ours; an absurd file must not exhaust the stack.
_DEEPEST = 60


@dataclass(frozen=True)
class Place:
    """Where in which file a value stands."""

    file: str
    path: str = ""

    def at(self, key: str | int) -> Place:
        """Return the place of an item or a field of this one."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return Place(self.file, self.path + step)

    def wrong(self, expected: str, found: object) -> RunError:
        """Return the error that says what was expected here and which value was found."""
        return self.wrong_in_words(expected, "nothing" if found is None else short(clean(repr(found)), 60))

    def wrong_in_words(self, expected: str, found: str) -> RunError:
        """Return the error that says what was expected here and, in words, what was found."""
        where = f"{self.file}, at {self.path}" if self.path else self.file
        return RunError(
            f"reading the run's records: {where}: expected {expected}, found {found}. The file was damaged, "
            "edited or written by another version; train again to get a whole run folder."
        )


Check = Callable[[Any, Place], Any]


def text(value: Any, place: Place) -> str:
    """Text; numbers and truth values are taken as their text, because a class may be called 3."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool | int | float):
        return str(value)
    raise place.wrong("text", value)


def number(value: Any, place: Place) -> float:
    """A number; null stands for NaN, because JSON has none."""
    if value is None or value in ("NaN", "Infinity", "-Infinity"):
        return float(value or "nan")
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    raise place.wrong("a number", value)


def whole(value: Any, place: Place) -> int:
    """A whole number, zero or more."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    raise place.wrong("a whole number, zero or more", value)


def flag(value: Any, place: Place) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise place.wrong("true or false", value)


def choice(*options: str) -> Check:
    """One of a few words."""

    def check(value: Any, place: Place) -> str:
        if isinstance(value, str) and value in options:
            return value
        raise place.wrong("one of " + ", ".join(options), value)

    return check


def maybe(inner: Check) -> Check:
    """Null, or what `inner` takes."""
    return lambda value, place: None if value is None else inner(value, place)


def listing(inner: Check, *, length: int | None = None, at_least: int = 0) -> Check:
    """A list of such things."""

    def check(value: Any, place: Place) -> list[Any]:
        if not isinstance(value, list):
            raise place.wrong("a list", value)
        if length is not None and len(value) != length:
            raise place.wrong(f"a list of {length}", value)
        if len(value) < at_least:
            raise place.wrong(f"a list of at least {at_least}", value)
        return [inner(item, place.at(i)) for i, item in enumerate(value)]

    return check


def shaped(needed: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields; optional ones become None when they are absent, others are left out."""

    def check(value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise place.wrong("an object with " + ", ".join(needed), value)
        missing = [key for key in needed if key not in value]
        if missing:
            raise place.at(missing[0]).wrong("a value", None)
        result = {key: inner(value[key], place.at(key)) for key, inner in needed.items()}
        for key, inner in (optional or {}).items():
            result[key] = maybe(inner)(value.get(key), place.at(key))
        return result

    return check


def anything(value: Any, place: Place) -> Any:
    """Any JSON value, its text cleaned."""
    return _cleaned(value, place, 0)


def _cleaned(value: Any, place: Place, depth: int) -> Any:
    if depth > _DEEPEST:
        raise place.wrong_in_words(f"at most {_DEEPEST} levels", "deeper ones")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item, place, depth + 1) for item in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item, place, depth + 1) for key, item in value.items()}
    return value
