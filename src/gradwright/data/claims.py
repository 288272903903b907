"""Claims of a file about itself that cannot be true."""

from __future__ import annotations

from gradwright.errors import DataError

__all__ = ["Torn", "expect", "not_whole"]


class Torn(Exception):
    """A claim that cannot be true."""


def expect(good: bool, why: str) -> None:
    """Refuse a claim."""
    if not good:
        raise Torn(why)


def not_whole(where: str, kind: str, error: Exception) -> DataError:
    """Return the error for a file of a kind, such as "Arrow"."""
    return DataError(
        f"cannot read {where}: it is no whole {kind} file ({error}). It may be cut short, damaged or another kind of "
        "file; save it again"
    )
