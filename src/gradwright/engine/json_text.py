"""JSON from strangers: bounded depth and memory, no name twice, one kind of error."""

from __future__ import annotations

import json
from typing import Any

from gradwright.errors import StateError

__all__ = ["parse_json"]

_LONGEST = 64 * 2**20  # bytes
_CONTAINERS = 2**21  # lists and objects: some seventy bytes of memory for each two bytes of text


def parse_json(text: bytes) -> Any:
    """Return the one JSON value of a text in UTF-8.

    Raises
    ------
    StateError
        When it is not JSON, too long or too deep, or an object has a name twice (readers disagree which one counts).

    Examples
    --------
    >>> parse_json(b'{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> parse_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
        ...
    gradwright.errors.StateError: not valid JSON: an object has the name 'a' twice
    """
    if len(text) > _LONGEST or text.count(b"[") + text.count(b"{") > _CONTAINERS:
        raise StateError(f"{len(text):,} bytes of JSON with more in them than a file of ours ever has")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise StateError(f"not valid JSON: {str(error)[:200]}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"an object has the name {twice[:80]!r} twice")
    return found
