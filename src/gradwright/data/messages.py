"""How data appears in messages: quoted, cut short, with control characters escaped, and with its place named.

A data file is written by strangers. A cell that holds a terminal escape sequence must not clear the screen of
the person who reads the error about it, and a cell of ten megabytes must not fill it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["DataWarning", "Note", "PlaceOf", "closest", "listed", "plural", "shown"]

PlaceOf = Callable[[int], str]
"""A function from a row number to words that name the place, such as ``line 7 of 'houses.csv'``."""


class DataWarning(UserWarning):
    """Something in the data that was survived but must not pass in silence, such as an unseen category."""


@dataclass(frozen=True)
class Note:
    """One remark about data, in words, with the first place where it was seen.

    Attributes
    ----------
    message : str
        The whole remark, ready to print; what came from the data is quoted and escaped in it.
    column : str or None
        The column it is about.
    row : int or None
        The first row (from 0, in the features that were given) it is about.
    value : object
        The value found there.
    count : int
        How many rows it is about.

    Examples
    --------
    >>> str(Note("column 'colour': 'teal' was not seen in training", column="colour", row=3, value="teal"))
    "column 'colour': 'teal' was not seen in training"
    """

    message: str
    column: str | None = None
    row: int | None = None
    value: object = None
    count: int = 1

    def __str__(self) -> str:
        return self.message


def shown(value: object, limit: int = 60) -> str:
    r"""Quote a value for a message: escaped, and cut after `limit` characters.

    Examples
    --------
    >>> print(shown("a\x1b[2Jb"))
    'a\x1b[2Jb'
    >>> shown("x" * 100, limit=5)
    "'xxxxx…'"
    """
    if isinstance(value, str):
        return repr(value if len(value) <= limit else value[:limit] + "…")
    text = repr(value) if isinstance(value, bool | int | float | None) else repr(str(value)[: limit + 1])
    return text if len(text) <= limit + 3 else text[:limit] + "…"


def listed(values: Iterable[object], limit: int = 12) -> str:
    """Name some values: quoted, comma-separated, at most `limit` of them and then how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    values = list(values)
    text = ", ".join(shown(v) for v in values[:limit])
    return text if len(values) <= limit else f"{text} and {len(values) - limit} more"


def closest(name: str, names: Sequence[str]) -> str:
    """Say which of the names is meant by a misspelt one; empty when none is close.

    Examples
    --------
    >>> closest("speceis", ["width", "species"])
    "; did you mean 'species'?"
    >>> closest("zzz", ["width", "species"])
    ''
    """
    folded: dict[str, str] = {}
    for candidate in names:
        folded.setdefault(candidate.casefold()[:200], candidate)
    found = difflib.get_close_matches(name.casefold()[:200], list(folded), n=1, cutoff=0.6)
    return f"; did you mean {shown(folded[found[0]])}?" if found else ""


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(1200, "row"), plural(2, "class")
    ('1 row', '1,200 rows', '2 classes')
    """
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
